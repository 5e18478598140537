"""From a run to a version: once for each stored model, however often it is asked."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..backend import audit, experiments, models, versions
from ..backend.adapter import Mlflow
from ..entities import RunRef
from ..errors import Conflict, NotFound
from ..workspace import Workspace
from . import aliases
from .results import Registered, VersionRow

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion


def register(workspace: Workspace, name: str, ref: RunRef, alias: str | None, *, dry_run: bool) -> Registered:
    """Make the model of a run a version, or find the version that it already is.

    Raises
    ------
    NotFound
        Where the run has stored no model.
    """
    mlflow = workspace.mlflow
    experiment = experiments.experiment_id(mlflow, workspace.settings.experiment)
    run = experiments.find_run(mlflow, experiment, ref)
    model_id = _model_id(run)
    with contextlib.suppress(NotFound):
        for version in versions.versions(mlflow, versions.model(mlflow, name).name):
            if version.source == f"models:/{model_id}" or version.model_id == model_id:
                if not dry_run:
                    _note_if_unknown(workspace, name, int(version.version), run)
                if alias and not dry_run:
                    _give(workspace, name, alias, int(version.version))
                return _result(mlflow, name, int(version.version), run, alias, is_new=False)
    if dry_run:
        return planned(workspace, name, alias, f"{run.info.run_name} (run:{run.info.run_id[:8]})")
    with contextlib.suppress(Conflict):  # it is there already
        mlflow.write("create_registered_model", name)
    version = mlflow.write(
        "create_model_version",
        name,
        f"models:/{model_id}",
        run_id=run.info.run_id,
        model_id=model_id,
        tags={"mlops.user": workspace.who},
        await_creation_for=0,  # nothing is copied: the files are where the run has put them
    )
    number = int(version.version)
    try:
        aliases.record(workspace, name, "register", after=number, evidence=f"run:{run.info.run_id[:8]}")
    except BaseException:
        mlflow.write("delete_model_version", name, str(number))  # no version without a word in the audit
        raise
    if alias:
        _give(workspace, name, alias, number)
    return _result(mlflow, name, number, run, alias, is_new=True)


def _note_if_unknown(workspace: Workspace, name: str, number: int, run: Run) -> None:
    """Write the event of a version that was made by somebody else, or by a kernel that was stopped right then."""
    events = [stored.event for stored in audit.read(workspace.mlflow, name)]
    if not any(event.action == "register" and event.after == str(number) for event in events):
        aliases.record(workspace, name, "register", after=number, evidence=f"run:{run.info.run_id[:8]}, noted later")


def planned(workspace: Workspace, name: str, alias: str | None, run: str) -> Registered:
    """Say what would be registered."""
    known: list[ModelVersion] = []
    with contextlib.suppress(NotFound):
        known = versions.versions(workspace.mlflow, versions.model(workspace.mlflow, name).name)
    number = max((int(version.version) for version in known), default=0) + 1
    return Registered(name, number, True, alias, run, workspace.mlflow.link(f"models/{name}"), dry_run=True)


def run_of(workspace: Workspace, name: str, estimator: Any, fitted_on: Any) -> str:
    """Store a live estimator in a run of its own, and give the run."""
    mlflow = workspace.mlflow
    experiment = experiments.experiment_id(mlflow, workspace.settings.experiment)
    run = mlflow.write(
        "create_run", experiment, run_name=f"register {name}", tags={"mlflow.user": workspace.who.partition("@")[0]}
    )
    try:
        models.log_model(mlflow, run, estimator, fitted_on)
    except BaseException:
        mlflow.write("set_terminated", run.info.run_id, "FAILED")
        raise
    mlflow.write("set_terminated", run.info.run_id, "FINISHED")
    return f"run:{run.info.run_id}"


def row(mlflow: Mlflow, version: ModelVersion, alias_of: Mapping[str, str]) -> VersionRow:
    """Describe a version for the table."""
    names = tuple(alias for alias, number in alias_of.items() if int(number) == int(version.version))
    created = version.creation_timestamp / 1000
    return VersionRow(
        version.name, int(version.version), names, created, version.run_id or None, metrics(mlflow, version)
    )


def metrics(mlflow: Mlflow, version: ModelVersion) -> dict[str, float]:
    """Read the metrics of the version's run; none where the run is gone."""
    if not version.run_id:
        return {}
    try:
        return dict(mlflow.read("get_run", version.run_id).data.metrics)
    except NotFound:
        return {}


def _model_id(run: Run) -> str:
    outputs = run.outputs.model_outputs if run.outputs else []
    if not outputs:
        raise NotFound(
            f"The run {run.info.run_name} (run:{run.info.run_id[:8]}, {run.info.status.lower()}) has stored no model.",
            "fit an estimator in a %%mlops run cell, or register one: --model clf --data X_train",
        )
    return str(outputs[-1].model_id)


def _give(workspace: Workspace, name: str, alias: str, number: int) -> None:
    before = aliases.current(workspace, name, alias)
    if before != number:
        aliases.move(workspace, name, alias, before=before, after=number, action="alias", why="", evidence="")


def _result(mlflow: Mlflow, name: str, number: int, run: Run, alias: str | None, *, is_new: bool) -> Registered:
    label = f"{run.info.run_name} (run:{run.info.run_id[:8]})"
    return Registered(name, number, is_new, alias, label, mlflow.link(f"models/{name}/versions/{number}"))
