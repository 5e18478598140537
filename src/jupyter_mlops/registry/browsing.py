"""Models page by page, and the versions of one with what the gate says of each: for a face that looks often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from .. import signing
from ..backend import experiments, runs, versions
from ..backend.git import without_credentials
from ..entities import own_first
from ..workspace import Workspace
from .gate import judge
from .lineage import ROLES
from .served import served

_MOST: Final = 200  # versions of one model
_MOST_METRICS: Final = 50
_SHORT: Final = 300


@dataclass(frozen=True)
class ModelRow:
    """A registered model, as a list shows it."""

    name: str
    updated: float
    aliases: dict[str, int]
    latest: int | None
    description: str


@dataclass(frozen=True)
class ModelRows:
    """A page of models; ``next`` is the token of the page after."""

    models: list[ModelRow]
    next: str | None


@dataclass(frozen=True)
class Origin:
    """Where a version came from: its run (``run_id`` and ``name``), and the data of that."""

    run: dict[str, str] | None
    data: list[dict[str, str]]


@dataclass(frozen=True)
class Version:
    """A version; ``gate`` is what the bounds on metrics in mlops.toml come to, ``none`` where there are none."""

    version: int
    aliases: list[str]
    created: float
    run_id: str | None
    metrics: dict[str, float]
    gate: str
    reasons: str
    signed: bool
    endpoints: list[str]
    lineage: Origin


@dataclass(frozen=True)
class Model:
    """A registered model with its versions, newest first; ``more`` are not listed."""

    name: str
    updated: float
    aliases: dict[str, int]
    description: str
    url: str
    gate: dict[str, str]
    versions: list[Version]
    more: int


def list_models(workspace: Workspace, limit: int = 50, page: str | None = None, search: str = "") -> ModelRows:
    """List a page of models, those that have changed last first; ``search`` is a part of the name."""
    found = workspace.mlflow.read(
        "search_registered_models",
        filter_string=f"name ILIKE '%{experiments.like(search)}%'" if search else None,
        max_results=max(1, min(1000, limit)),
        order_by=["last_updated_timestamp DESC", "name ASC"],
        page_token=page,
    )
    return ModelRows([_model(each) for each in found], found.token)


def show(workspace: Workspace, name: str) -> Model:
    """Give a model with its versions.

    Raises
    ------
    NotFound
        Where there is no such model.
    """
    mlflow = workspace.mlflow
    registered = versions.model(mlflow, name)
    found = versions.versions(mlflow, name)
    shown = found[:_MOST]
    by_id = runs.by_ids(mlflow, [version.run_id for version in shown if version.run_id])
    living = {key: [one.name for one in listed if one.alive] for key, listed in served(workspace).items()}
    asked = workspace.settings.gate(name)
    row = _model(registered)
    return Model(
        name=row.name,
        updated=row.updated,
        aliases=row.aliases,
        description=str(registered.description or ""),
        url=f"{without_credentials(mlflow.uri)}/#/models/{quote(name, safe='')}",
        gate=dict(asked.bounds),
        versions=[
            _version(
                each, row.aliases, by_id.get(each.run_id or ""), asked.bounds, living.get((name, int(each.version)), [])
            )
            for each in shown
        ],
        more=len(found) - len(shown),
    )


def _model(found: Any) -> ModelRow:
    aliases = {alias: int(number) for alias, number in found.aliases.items()}
    numbers = [int(version.version) for version in found.latest_versions or ()]
    description = str(found.description or "")[:_SHORT]
    updated = (found.last_updated_timestamp or 0) / 1000
    return ModelRow(str(found.name), updated, aliases, max(numbers, default=None), description)


def _version(version: Any, alias_of: dict[str, int], run: Any, bounds: dict[str, str], endpoints: list[str]) -> Version:
    number = int(version.version)
    metrics: dict[str, float] = run.data.metrics if run else {}
    gate = judge(bounds, metrics) if bounds else None
    used = runs.data_of(run) if run else []
    return Version(
        version=number,
        aliases=sorted(alias for alias, at in alias_of.items() if at == number),
        created=version.creation_timestamp / 1000,
        run_id=version.run_id or None,
        metrics={name: metrics[name] for name in own_first(metrics)[:_MOST_METRICS]},
        gate=gate.outcome if gate else "none",
        reasons=gate.reasons if gate else "",
        signed=signing.SIGNATURE in version.tags,
        endpoints=endpoints,
        lineage=Origin(
            {"run_id": run.info.run_id, "name": str(run.info.run_name or "")} if run else None,
            [{"name": each.name, "digest": each.digest, "role": ROLES.get(role, role)} for each, role in used],
        ),
    )
