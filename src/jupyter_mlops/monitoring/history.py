"""The windows that were looked at, kept with MLflow: metrics and a small report on a run of the model's own.

A window is written down on this machine first, and sent from there: while the server is away nothing is lost, and each is sent
once, whoever looks. A look at any moment counts once for each piece of time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from filelock import FileLock, Timeout

from ..backend import experiments
from ..backend.adapter import Mlflow
from ..disk import write_whole
from ..entities import file_name
from ..errors import BackendUnreachable, NotWritable
from ..result import plain
from ..workspace import Workspace

if TYPE_CHECKING:
    from .watched import Look, Monitored

TAG: Final = "mlops.monitoring"
"""The tag of the run that an endpoint's windows of a model are kept with: the name of the endpoint."""
_SENT: Final = ".sent"
_AT_ONCE: Final = 200
_MOST_COLUMNS: Final = 50


def keep(workspace: Workspace, monitored: Monitored, now: float, *, is_last: bool) -> Monitored:
    """Keep what was seen; where the server is away it is sent with the next look.

    Of windows at multiples of their length, those that are over; of the last one (``is_last``) the first look in each
    piece of time.
    """
    from .place import folder_of

    folder = folder_of(workspace, monitored.endpoint) / "history"
    try:
        for look in monitored.looks:
            if look.version and (is_last or look.end <= now):
                _write(folder, look, monitored.endpoint)
        where = _send(workspace, folder, monitored.endpoint)
    except BackendUnreachable as error:
        waiting = len(list(folder.glob("*.json")))
        said = f"{waiting} windows are kept on this machine until the MLflow server is back: {error.message}"
        return replace(monitored, notes=(*monitored.notes, said))
    except NotWritable as error:
        return replace(monitored, notes=(*monitored.notes, f"Not kept: {error.message}"))
    return replace(monitored, history=where) if where else monitored


def experiment_of(workspace: Workspace) -> str:
    """Name the experiment of monitoring: apart from the user's own, where it would be in the way of ``last``."""
    return f"{workspace.settings.experiment} (monitoring)"


def _write(folder: Path, look: Look, endpoint: str) -> None:
    name = f"{round(look.end)}-{round(look.end - look.start)}-{file_name(look.model)}-{look.version}-{look.arm}"
    again = any((folder / f"{name}.json{sent}").exists() for sent in ("", _SENT))
    labelled = 0 if look.performance is None else look.performance.window.labelled
    if again and labelled:  # labels come late: what they say is kept once more
        name += f"-{labelled} labels"
    if (folder / f"{name}.json").exists() or (folder / f"{name}.json{_SENT}").exists():
        return
    performed = {one.name for one in look.performance.readings()} if look.performance is not None else set()
    readings = [one for one in look.readings if not again or one.name in performed]
    said = {
        "endpoint": endpoint,
        "start": look.start,
        "end": look.end,
        "model": look.model,
        "version": look.version,
        "arm": look.arm,
        "rows": look.rows,
        "outcome": look.outcome,
        "level": look.level,
        "labelled": labelled,
        "readings": [plain(reading) for reading in readings],
    }
    write_whole(folder / f"{name}.json", json.dumps(said))


def _send(workspace: Workspace, folder: Path, endpoint: str) -> str:
    waiting = sorted(folder.glob("*.json"), key=lambda file: int(file.name.partition("-")[0]))[:_AT_ONCE]
    if not waiting:
        return ""
    mlflow, where, runs = workspace.mlflow, "", dict[str, str]()
    try:
        with FileLock(folder / ".lock", timeout=0):
            for file in waiting:
                try:
                    said = json.loads(file.read_text())
                except (OSError, ValueError):  # taken by another monitor, or torn
                    continue
                model = said["model"]
                runs[model] = run_id = runs.get(model) or _run(workspace, mlflow, endpoint, model)
                _log(mlflow, run_id, said, file)
                file.replace(f"{file}{_SENT}")
                where = f"run:{run_id[:8]} of {experiment_of(workspace)!r}"
    except Timeout:
        pass  # another monitor sends them
    return where


def _run(workspace: Workspace, mlflow: Mlflow, endpoint: str, model: str) -> str:
    experiment = experiments.experiment_id(mlflow, experiment_of(workspace))
    assert experiment is not None
    mark = {TAG: endpoint, f"{TAG}.model": model}
    where = " AND ".join(f"tags.`{name}` {experiments.equals(value)}" for name, value in mark.items())
    for run in experiments.search(mlflow, experiment, where):
        if mark.items() <= run.data.tags.items():
            return str(run.info.run_id)
    tags = mark | {"mlflow.user": workspace.who.partition("@")[0]}
    run = mlflow.write("create_run", experiment, run_name=f"monitoring {model}", tags=tags)
    mlflow.write("set_terminated", run.info.run_id, "FINISHED")
    return str(run.info.run_id)


def _log(mlflow: Mlflow, run_id: str, said: dict[str, Any], file: Path) -> None:
    entities = experiments.entities()
    at, step = round(said["end"] * 1000), round(said["end"] / 60)
    metrics = [entities.Metric(name, value, at, step) for name, value in _metrics(said)]
    mlflow.write("log_batch", run_id, metrics=metrics)
    mlflow.write("log_artifact", run_id, str(file), "windows")


def _metrics(said: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Name the figures by version: MLflow draws each over time."""
    prefix = f"v{said['version']}"
    yield f"{prefix}/rows", float(said["rows"])
    of_columns = 0
    for reading in said["readings"]:
        name, value = reading["name"], reading["value"]
        is_of_column = ":" in name
        of_columns += is_of_column
        if value is None or (is_of_column and of_columns > _MOST_COLUMNS):
            continue
        name = name.replace(" (estimated)", ":estimated").replace(" ", "_")
        safe = "".join(sign if sign.isalnum() or sign in "_-. :/" else "_" for sign in name.replace(":", "/", 1))
        yield f"{prefix}/{safe[:200]}", float(value)
