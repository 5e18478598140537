"""From a run to a version: once for each stored model, however often it is asked."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ..backend import audit, experiments, models, versions
from ..backend.adapter import Mlflow
from ..backend.events import MADE
from ..entities import CHALLENGER, CHAMPION, ModelRef, RunRef
from ..errors import Conflict, InvalidUsage, NotFound
from ..workspace import Workspace
from . import aliases, outside, seals
from .results import Registered

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion


def register(
    workspace: Workspace, name: str, ref: RunRef, alias: str | None, *, sign: bool = False, dry_run: bool
) -> Registered:
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
    known = versions_so_far(mlflow, name)
    same = [v for v in known or () if v.source == f"models:/{model_id}" or v.model_id == model_id]
    if dry_run and not same:
        return planned(workspace, name, alias, label(run))
    evidence = f"run:{run.info.run_id[:8]}"
    if same:
        number = int(same[0].version)
    else:
        seal: Callable[[int], None] = partial(seals.sign, workspace, name) if sign else lambda number: None
        number = make_version(
            workspace,
            name,
            run,
            model_id,
            action="register",
            evidence=evidence,
            is_new=known is None,
            before_it_is_told=seal,
        )
    if not dry_run:
        if same and sign:
            seals.sign(workspace, name, number)
        if same:
            note_if_unknown(workspace, name, number, "register", evidence)
        if alias:
            give(workspace, name, alias, number)
    return Registered(
        name,
        number,
        not same,
        alias,
        label(run),
        mlflow.link(f"models/{name}/versions/{number}"),
        dry_run=dry_run,
        is_signed=sign,
    )


def make_version(
    workspace: Workspace,
    name: str,
    run: Run,
    model_id: str,
    *,
    action: str,
    evidence: str,
    is_new: bool,
    tags: Mapping[str, str] | None = None,
    before_it_is_told: Callable[[int], None] = lambda number: None,
) -> int:
    """Make a version and write it into the audit: both, or neither.

    Parameters
    ----------
    workspace : Workspace
    name : str
    run : mlflow.entities.Run
    model_id : str
        The logged model that it is.
    action, evidence : str
        What the audit is told.
    is_new : bool
        There is no such model yet.
    tags : dict, optional
        More tags of the version.
    before_it_is_told : callable, optional
        What else must be done for it, by its number; if that fails, there is no version.
    """
    mlflow = workspace.mlflow
    version = None
    outside.notice(workspace, name)  # a model of that name may have been deleted: what is told of it is not of this
    try:
        with contextlib.suppress(Conflict):  # another kernel has made the model meanwhile
            mlflow.write("create_registered_model", name)
        version = mlflow.write(
            "create_model_version",
            name,
            f"models:/{model_id}",
            run_id=run.info.run_id,
            model_id=model_id,
            tags={"mlops.user": workspace.who, **seals.tags(mlflow, model_id), **(tags or {})},
            await_creation_for=0,  # nothing is copied: the files are where the run has put them
        )
        number = int(version.version)
        before_it_is_told(number)
        aliases.record(workspace, name, action, after=number, evidence=evidence)
    except BaseException:
        if version is not None:
            mlflow.write("delete_model_version", name, version.version)
        if is_new and versions_so_far(mlflow, name) == []:
            mlflow.write("delete_registered_model", name)
        raise
    return number


def versions_so_far(mlflow: Mlflow, name: str) -> list[ModelVersion] | None:
    """List the versions of a model; None where there is no such model."""
    try:
        versions.model(mlflow, name)
    except NotFound:
        return None
    return versions.versions(mlflow, name)


def next_number(known: Sequence[ModelVersion] | None) -> int:
    """Say which number the next version will have; MLflow never gives one twice while the newest is there."""
    return max((int(version.version) for version in known or ()), default=0) + 1


def note_if_unknown(workspace: Workspace, name: str, number: int, action: str, evidence: str) -> None:
    """Write the event of a version that was made by somebody else, or by a kernel that was stopped right then."""
    events = [stored.event for stored in audit.read(workspace.mlflow, name)]
    if not any(event.action in MADE and event.after == str(number) for event in events):
        aliases.record(workspace, name, action, after=number, evidence=f"{evidence}, noted later")


def planned(workspace: Workspace, name: str, alias: str | None, run: str) -> Registered:
    """Say what would be registered."""
    number = next_number(versions_so_far(workspace.mlflow, name))
    return Registered(name, number, True, alias, run, workspace.mlflow.link(f"models/{name}"), dry_run=True)


def run_of(workspace: Workspace, name: str, estimator: Any, fitted_on: Any) -> str:
    """Store a live estimator in a run of its own, and give the run."""
    mlflow = workspace.mlflow
    experiment = experiments.experiment_id(mlflow, workspace.settings.experiment)
    run = mlflow.write(
        "create_run", experiment, run_name=f"register {name}", tags={"mlflow.user": workspace.who.partition("@")[0]}
    )
    try:
        models.log_model(mlflow, run, estimator, fitted_on, workspace.settings.privacy.personal)
    except BaseException:  # a run that was made for this alone, and without a model, would only be in the way of "last"
        mlflow.write("delete_run", run.info.run_id)
        raise
    mlflow.write("set_terminated", run.info.run_id, "FINISHED")
    return f"run:{run.info.run_id}"


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


def check_alias(alias: str | None, line: str) -> None:
    """Check an alias that a version is to get as it is made; ``line`` is the command that asks.

    Raises
    ------
    InvalidUsage
        Where it is none, or is champion.
    """
    if alias is None:
        return
    if alias.lower() == CHAMPION:
        raise InvalidUsage("Only promote makes a champion: it asks the gate.", f"%mlops {line} --alias {CHALLENGER}")
    ModelRef.of(f"model@{alias}")


def give(workspace: Workspace, name: str, alias: str, number: int) -> None:
    """Let an alias point at a version, if it doesn't."""
    before = aliases.current(workspace, name, alias)
    if before != number:
        aliases.move(workspace, name, alias, before=before, after=number, action="alias", why="", evidence="")


def label(run: Run) -> str:
    """Name a run as results do."""
    return f"{run.info.run_name} (run:{run.info.run_id[:8]})"
