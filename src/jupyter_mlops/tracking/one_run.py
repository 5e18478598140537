"""All that is known of one run, for a page of its own: without MLflow's client, and bounded however long its metrics are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ..backend import reports, runs, saying, versions
from ..backend.git import without_credentials
from ..entities import own_first
from ..errors import MlopsError
from ..workspace import Workspace
from .browsing import Named, Row, read, row_of

_MOST_METRICS: Final = 20  # whose history is read
_MOST_POINTS: Final = 500
_SNAPSHOT: Final = "snapshot"


@dataclass(frozen=True)
class History:
    """A metric over steps: ``[step, seconds since the epoch, value]``; of long ones some points, evenly spread."""

    points: list[list[float]]
    total: int


@dataclass(frozen=True)
class Code:
    """What made a run."""

    source: str | None = None
    commit: str | None = None
    notebook: str | None = None


@dataclass(frozen=True)
class Data:
    """What a run used, and as what."""

    name: str
    digest: str
    role: str
    rows: int | None = None
    columns: int | None = None


@dataclass(frozen=True)
class Whole(Row):
    """A run with all that is known of it."""

    experiment: Named
    url: str
    tags: dict[str, str]
    history: dict[str, History]
    data: list[Data]
    code: Code
    environment: dict[str, str] = field(default_factory=dict)
    reports: dict[str, str] = field(default_factory=dict)


def whole(workspace: Workspace, run_id: str) -> Whole:
    """Give all that is known of a run.

    Raises
    ------
    NotFound
        Where it is not there, or was deleted.
    """
    run, mlflow = read(workspace, run_id), workspace.mlflow
    row, manifest = row_of(run), _manifest(workspace, run_id)
    experiment = mlflow.read("get_experiment", run.info.experiment_id)
    made = versions.of_runs(mlflow, [run.info.run_id])
    environment = manifest.get("environment") or {}
    source = mlflow.text(run_id, f"{_SNAPSHOT}/cell.py") if manifest else None
    listed = {"python": environment.get("python"), "platform": environment.get("platform"), **(environment.get("packages") or {})}  # fmt: skip
    return Whole(
        **(vars(row) | {"models": [f"{version.name}/{version.version}" for version in made]}),
        experiment=Named(str(run.info.experiment_id), experiment.name),
        url=without_credentials(mlflow.uri) + f"/#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}",
        tags={name: value for name, value in run.data.tags.items() if not name.startswith("mlflow.")},
        history={name: _history(workspace, run_id, name) for name in own_first(run.data.metrics)[:_MOST_METRICS]},
        data=[_data(used, role) for used, role in runs.data_of(run)],
        code=Code(source, run.data.tags.get("mlflow.source.git.commit"), row.notebook),
        environment={str(name): str(value) for name, value in listed.items() if value},
        reports={
            kind: run.data.tags[reports.TAG + kind].partition(" ")[0]
            for kind in ("data", "model")
            if reports.TAG + kind in run.data.tags
        },
    )


def _history(workspace: Workspace, run_id: str, metric: str) -> History:
    """Read how a metric went: thinned by the server, where it can."""
    mlflow = workspace.mlflow
    try:
        path = "/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval"
        said = mlflow.rest("GET", path, run_ids=[run_id], metric_key=metric, max_results=_MOST_POINTS)
    except MlopsError:  # an older server, or one that shows no pages
        said = mlflow.rest("GET", "mlflow/metrics/get-history", run_id=run_id, metric_key=metric, max_results=_MOST_POINTS)  # fmt: skip
    points = [
        [float(each.get("step", 0)), int(each["timestamp"]) / 1000, saying.value(each)]
        for each in said.get("metrics") or ()
    ]
    return History(_thinned(points), len(points))


def _thinned(points: Sequence[list[float]]) -> list[list[float]]:
    step = max(1, -(-len(points) // _MOST_POINTS))
    return [*points[:-1:step], *points[-1:]]


def _manifest(workspace: Workspace, run_id: str) -> dict[str, Any]:
    text = workspace.mlflow.text(run_id, f"{_SNAPSHOT}/snapshot.json")
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _data(used: Any, role: str) -> Data:
    try:
        profile = json.loads(used.profile)
        rows = int(profile["num_rows"])
        return Data(
            str(used.name), str(used.digest), role, rows, round(profile["num_elements"] / rows) if rows else None
        )
    except (ValueError, TypeError, KeyError):
        return Data(str(used.name), str(used.digest), role)
