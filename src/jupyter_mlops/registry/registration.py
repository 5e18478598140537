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
        Where the run has stored no model; nothing is made then.
    """
    mlflow = workspace.mlflow
    experiment = experiments.experiment_id(mlflow, workspace.settings.experiment, create=False)
    run = experiments.find_run(mlflow, experiment, ref)
    model_id = _model_id(run)
    known = _versions_so_far(mlflow, name)
    same = [v for v in known or () if v.source == f"models:/{model_id}" or v.model_id == model_id]
    if dry_run and not same:
        return planned(workspace, name, alias, _label(run))
    number = int(same[0].version) if same else _make_version(workspace, name, run, model_id, is_new=known is None)
    if not dry_run:
        if same:
            _note_if_unknown(workspace, name, number, run)
        if alias:
            _give(workspace, name, alias, number)
    return Registered(
        name, number, not same, alias, _label(run), mlflow.link(f"models/{name}/versions/{number}"), dry_run=dry_run
    )


def _make_version(workspace: Workspace, name: str, run: Run, model_id: str, *, is_new: bool) -> int:
    """Make a version and write it into the audit: both, or neither."""
    mlflow = workspace.mlflow
    version = None
    try:
        with contextlib.suppress(Conflict):  # another kernel has made the model meanwhile
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
        aliases.record(workspace, name, "register", after=int(version.version), evidence=f"run:{run.info.run_id[:8]}")
    except BaseException:
        if version is not None:
            mlflow.write("delete_model_version", name, version.version)
        if is_new and _versions_so_far(mlflow, name) == []:
            mlflow.write("delete_registered_model", name)
        raise
    return int(version.version)


def _versions_so_far(mlflow: Mlflow, name: str) -> list[ModelVersion] | None:
    """List the versions of a model; None where there is no such model."""
    try:
        versions.model(mlflow, name)
    except NotFound:
        return None
    return versions.versions(mlflow, name)


def _note_if_unknown(workspace: Workspace, name: str, number: int, run: Run) -> None:
    """Write the event of a version that was made by somebody else, or by a kernel that was stopped right then."""
    events = [stored.event for stored in audit.read(workspace.mlflow, name)]
    if not any(event.action == "register" and event.after == str(number) for event in events):
        aliases.record(workspace, name, "register", after=number, evidence=f"run:{run.info.run_id[:8]}, noted later")


def planned(workspace: Workspace, name: str, alias: str | None, run: str) -> Registered:
    """Say what would be registered."""
    known = _versions_so_far(workspace.mlflow, name) or []
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
    except BaseException:  # a run that was made for this alone, and without a model, would only be in the way of "last"
        mlflow.write("delete_run", run.info.run_id)
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


def _label(run: Run) -> str:
    return f"{run.info.run_name} (run:{run.info.run_id[:8]})"
