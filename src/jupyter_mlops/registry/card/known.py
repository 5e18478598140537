"""What is known of a version: from its run and the run's snapshot, the audit, and the endpoints of this project."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ... import secrets
from ...backend import artifacts, audit, versions
from ...backend.adapter import Mlflow
from ...backend.audit import Event
from ...backend.git import without_credentials
from ...backend.runs import data_of
from ...entities import DURATION, own_first
from ...errors import NotFound
from ...workspace import Workspace
from .. import gate, lineage
from ..lineage import ROLES
from ..served import served
from . import validated
from .validated import Validated

if TYPE_CHECKING:
    from mlflow.entities import Dataset, Run
    from mlflow.entities.model_registry import ModelVersion

Fact = tuple[str, str]

_SNAPSHOT = "snapshot/snapshot.json"
_PACKAGES = (
    "scikit-learn", "xgboost", "lightgbm", "torch", "tensorflow", "numpy", "scipy", "pandas", "polars", "skops",
)  # fmt: skip
_MOST_COLUMNS = 30
_MOST_PARAMS = 20


@dataclass(frozen=True)
class Data:
    """One data set of the run."""

    name: str
    role: str
    rows: int | None
    width: int | None
    digest: str
    source: str
    columns: tuple[tuple[str, str], ...]

    @property
    def shown(self) -> Sequence[tuple[str, str]]:
        """The columns that the card lists."""
        return self.columns[:_MOST_COLUMNS]

    @property
    def more(self) -> int:
        """How many it does not."""
        return len(self.columns) - len(self.shown)


@dataclass(frozen=True)
class Known:
    """Everything that a card tells and no person has to write; ``gaps`` says what is not known, and why."""

    facts: list[Fact]
    data: list[Data]
    metrics: list[tuple[str, float]]
    promotion: Event | None
    validated: Validated
    made: list[Fact]
    params: list[Fact]
    more_params: int
    hidden: list[str]
    lineage: list[tuple[int, str]]
    history: list[Event]
    gaps: list[str]
    has_run: bool

    @property
    def verdict(self) -> str:
        """What the gate said at the last promotion."""
        return self._gate[0] or "nothing is known of a gate"

    @property
    def checks(self) -> list[str]:
        """The bounds of the gate that the last promotion stood on, as the audit has them."""
        return self._gate[1]

    @property
    def is_advised(self) -> bool:
        """Whether it stands on approvals, too."""
        return any(check.startswith(f"{gate.APPROVALS} ") for check in self.checks)

    @property
    def _gate(self) -> tuple[str, list[str]]:
        return gate.read(self.promotion.evidence if self.promotion else "")


def gather(workspace: Workspace, version: ModelVersion) -> Known:
    """Ask the server, and this project's list of endpoints."""
    mlflow = workspace.mlflow
    number = str(version.version)
    run, gaps = _run(mlflow, version)
    manifest = _manifest(mlflow, run, gaps) if run else {}
    events = [stored.event for stored in audit.read(mlflow, version.name)]
    history = [event for event in events if number in (event.before, event.after) and event.action != "gate"]
    promotions = [event for event in history if event.action == "promote" and event.after == number]
    params = sorted(run.data.params.items()) if run else []
    return Known(
        facts=list(_facts(workspace, version, run, history)),
        data=[_data(dataset, ROLES.get(context, context)) for dataset, context in data_of(run)] if run else [],
        metrics=[(name, run.data.metrics[name]) for name in own_first(run.data.metrics) if name != DURATION]
        if run
        else [],
        promotion=promotions[-1] if promotions else None,
        validated=validated.of(mlflow, version, run),
        made=[(label, value) for label, value in _made(run, manifest) if value] if run else [],
        params=[(name, _unless_secret(name, value)) for name, value in params[:_MOST_PARAMS]],
        more_params=len(params[_MOST_PARAMS:]),
        lineage=list(lineage.of_versions(workspace, f"{version.name}/{number}", [version]).outline()),
        hidden=[_hidden(each) for each in _list(manifest, "hidden")],
        history=[replace(event, why=secrets.mask(event.why)[0]) for event in history],
        gaps=gaps,
        has_run=run is not None and run.info.lifecycle_stage == "active",
    )


def day(timestamp: float) -> str:
    """Write a time so that it is the same in every place and whenever the card is written: ``2026-11-24 12:43 UTC``."""
    return f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%d %H:%M} UTC"


def _run(mlflow: Mlflow, version: ModelVersion) -> tuple[Run | None, list[str]]:
    if not version.run_id:
        return None, ["It was registered without a run: its data, its metrics and how it was made are not known."]
    try:
        run = mlflow.read("get_run", version.run_id)
    except NotFound:
        gap = f"Its run (run:{version.run_id[:8]}) is gone: its data, its metrics and how it was made are not known."
        return None, [gap]
    if run.info.lifecycle_stage != "active":
        return run, [f"Its run (run:{version.run_id[:8]}) has been deleted; told is what the server still has of it."]
    return run, []


def _manifest(mlflow: Mlflow, run: Run, gaps: list[str]) -> dict[str, Any]:
    """Read the facts of the run's snapshot; where there is none, say so."""
    text = artifacts.read_text(mlflow, run.info.run_id, _SNAPSHOT)
    with contextlib.suppress(ValueError):
        manifest = json.loads(text or "")
        if isinstance(manifest, dict):
            return manifest
    told = "has no snapshot" if text is None else "has a snapshot that can't be read"
    gaps.append(f"Its run {told}: packages, seeds and hidden state are not known.")
    return {}


def _facts(workspace: Workspace, version: ModelVersion, run: Run | None, history: Sequence[Event]) -> Iterator[Fact]:
    registered = next((event for event in history if event.action in ("register", "import")), None)
    by = registered.who if registered else version.tags.get("mlops.user") or version.user_id or "somebody"
    aliases = versions.model(workspace.mlflow, version.name).aliases
    mine = [f"@{alias}" for alias, number in sorted(aliases.items()) if str(number) == str(version.version)]
    endpoints = served(workspace).get((version.name, int(version.version)), ())
    serving = [f"{process.name} on {socket.gethostname()}" for process in endpoints if process.alive]
    yield "Version", f"{version.name}/{version.version}"
    yield "Aliases", ", ".join(mine) or "none"
    yield "Registered", f"{day(version.creation_timestamp / 1000)} by {by}"
    yield "Run", f"{run.info.run_name} (run:{run.info.run_id[:8]}), {run.info.status.lower()}" if run else "not known"
    yield "Estimator", estimator(workspace.mlflow, version, run) or "not known"
    yield "Served", ", ".join(serving) or "not by this project"


def estimator(mlflow: Mlflow, version: ModelVersion, run: Run | None) -> str | None:
    """Name the class of the model: as it was stored, else as autologging has noted it."""
    with contextlib.suppress(NotFound):
        source = str(version.source)
        if source.startswith("models:/m-"):
            logged = mlflow.read("get_logged_model", source.removeprefix("models:/"))
            if found := logged.tags.get("mlops.class"):
                return str(found)
    return run.data.tags.get("estimator_name") if run else None


def _data(dataset: Dataset, role: str) -> Data:
    schema, profile = _json(dataset.schema), _json(dataset.profile)
    columns = tuple((str(each.get("name", "")), str(each.get("type", ""))) for each in _list(schema, "mlflow_colspec"))
    rows, cells = profile.get("num_rows"), profile.get("num_elements")
    width = round(cells / rows) if rows and cells else len(columns) or None
    return Data(dataset.name, role, rows, width, dataset.digest, _source(dataset), columns)


def _source(dataset: Dataset) -> str:
    """Say where data came from: an address without its password, else the notebook or program that had it."""
    source = _json(dataset.source)
    place = source.get("url") or source.get("uri") or source.get("path")
    if place:
        return without_credentials(str(place)).partition("?")[0]  # what follows may be a key
    tags = source.get("tags")
    return str(tags.get("mlflow.source.name", "")) if isinstance(tags, dict) else str(dataset.source_type or "")


def _made(run: Run, manifest: Mapping[str, Any]) -> Iterator[Fact]:
    """Tell how it was made; what the snapshot does not say, by the tags of the run."""
    tags = run.data.tags
    git, environment = _dict(manifest, "git"), _dict(manifest, "environment")
    packages = _dict(environment, "packages")
    seconds = _dict(manifest, "resources").get("seconds")
    yield "By", tags.get("mlflow.user", "")
    yield "Notebook or program", manifest.get("notebook") or tags.get("mlflow.source.name", "")
    yield "Commit", git.get("commit") or tags.get("mlflow.source.git.commit", "")
    yield "Branch", git.get("branch") or tags.get("mlflow.source.git.branch", "")
    if git.get("commit"):
        yield "Uncommitted changes", "yes, kept with the run" if tags.get("mlops.uncommitted") else "no"
    yield "Python", environment.get("python", "")
    yield "Platform", environment.get("platform", "")
    yield "Packages", _main(packages)
    yield "Seeds", ", ".join(map(str, _list(manifest, "seeds")))
    yield "Took", f"{seconds:.1f} s" if isinstance(seconds, int | float) else ""
    yield "Logged with", f"jupyter-mlops {manifest['jupyter_mlops']}" if "jupyter_mlops" in manifest else ""


def _unless_secret(name: str, value: str) -> str:
    """Leave out a value that should not have been logged: a card is read by more people than a run."""
    return "***" if secrets.mask(f"{name} = {value!r}")[1] else value


def _main(packages: Mapping[str, Any]) -> str:
    """Name the packages that matter most to what a model answers."""
    named = ", ".join(f"{name} {packages[name]}" for name in _PACKAGES if name in packages)
    return f"{named} (of {len(packages)} installed)" if packages else ""


def _hidden(found: Any) -> str:
    names = ", ".join(map(str, _list(found, "names")))
    return f"{names} from In [{found.get('number')}], {found.get('why')}" if isinstance(found, dict) else str(found)


def _json(text: str | None) -> dict[str, Any]:
    """Read what other programs have written; what is no JSON object says nothing."""
    try:
        found = json.loads(text or "")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _dict(within: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = within.get(name)
    return found if isinstance(found, dict) else {}


def _list(within: Any, name: str) -> list[Any]:
    found = within.get(name) if isinstance(within, dict) else None
    return found if isinstance(found, list) else []
