"""Begin a project, look at it, and stop what it runs."""

from __future__ import annotations

import sys
from pathlib import Path

import tomlkit

from .. import config
from ..backend import audit, experiments, guard, origin, probe, server, versions
from ..backend.processes import Process
from ..backend.processes import stop as stop_process
from ..disk import write_whole
from ..errors import BackendUnreachable, InvalidUsage, MlopsError, need_space
from ..workspace import Workspace, find
from .results import Counts, Setting, Status, Stopped, running


def begin(experiment: str | None, tracking_uri: str | None, *, dry_run: bool) -> Status:
    """Make the folder a project, or take the one that it is in.

    Only what was asked for is written to ``mlops.toml``, and only where it differs; comments stay.

    Raises
    ------
    InvalidUsage
        Where a value is not valid; nothing is changed then.
    NotWritable
        Where the folder can't be written, or its disk is full.
    """
    root = find(Path.cwd()) or Path.cwd()
    asked = {
        key: value for key, value in (("experiment", experiment), ("tracking_uri", tracking_uri)) if value is not None
    }
    workspace = Workspace(root)
    config.check(asked)
    for key in asked:
        source = workspace.configuration.sources[key]
        if source not in ("default", config.FILE_NAME):  # it would win over what is written
            raise InvalidUsage(
                f"{key} is set by the environment variable {source}.", f"import os; del os.environ[{source!r}]"
            )
    if dry_run:
        return _plan(workspace, asked)
    need_space(root)
    if uri := asked.get("tracking_uri") or workspace.settings.tracking_uri:
        probe.check(uri)  # before anything is written
    else:
        server.need_plain_path(root)
    _ = workspace.state  # says in one line where the folder can't be written
    _write(workspace.configuration.path, asked)
    return _began(Workspace(root))


def _began(workspace: Workspace) -> Status:
    """Start or find the server, and describe the project without mlflow's client: its import takes seconds."""
    before = workspace.state.get("server", "mlflow")
    reused = bool(before and before.alive)
    uri = workspace.mlflow.uri
    if "IPython" in sys.modules:  # somebody reads the card now
        server.import_early()
    next_step = "%mlops status" if reused else _next(Counts(0, 0, 0))
    described = _describe(workspace, probe.check(uri), "reusing the project's own" if reused else "the project's own")
    held = _guard(workspace) if workspace.settings.guard.enabled else ""
    return Status(str(workspace.root), workspace.settings.experiment, described, uri, True, next_step, guard=held)


def _write(path: Path, asked: dict[str, str]) -> None:
    document = tomlkit.parse(path.read_text(encoding="utf-8")) if path.exists() else tomlkit.document()
    if path.exists() and all(document.get(key) == value for key, value in asked.items()):
        return
    document.update(asked)
    write_whole(path, tomlkit.dumps(document))


def _plan(workspace: Workspace, asked: dict[str, str]) -> Status:
    """Say what ``init`` would do, and leave no trace."""
    uri = asked.get("tracking_uri") or workspace.settings.tracking_uri
    experiment = asked.get("experiment", workspace.settings.experiment)
    described = f"would use {uri}" if uri else "would start the project's own MLflow server"
    return Status(str(workspace.root), experiment, described, uri or "", True, "%mlops init")


def status(workspace: Workspace) -> Status:
    """Look at the project as it is; nothing is started."""
    settings = workspace.settings
    process = workspace.state.get("server", "mlflow")
    uri = settings.tracking_uri or (process.url if process and process.alive else "")
    described, is_up = "not running: it starts when it is needed", True
    if uri:
        try:
            described = _describe(workspace, probe.check(uri), "the project's own")
        except BackendUnreachable as error:
            described, is_up = error.message, False
    there = _count(workspace) if uri and is_up else None
    shown = tuple(
        Setting(name, _written(getattr(settings, name)), source)
        for name, source in workspace.configuration.sources.items()
    )
    next_step = _next(there) if there else "%mlops runs" if is_up else "%mlops doctor"
    held = _guard(workspace) if uri and is_up else ""
    return Status(str(workspace.root), settings.experiment, described, uri, is_up, next_step, there, shown, held)


def stop(workspace: Workspace, *, everything: bool, dry_run: bool) -> Stopped:
    """Stop the processes of the project: the server, and with ``everything`` the endpoints."""
    names, left, untold = [], [], []
    # The server goes last: it takes the words of the audit.
    for process in sorted(workspace.state.all(), key=lambda process: process.kind == "server"):
        label = f"{process.kind} {process.name}"
        if process.kind != "server" and not everything:
            left += [label] if process.alive else []
            continue
        names += [label] if process.alive else []
        if not dry_run:
            stop_process(process)
            if process.kind != "server":  # the server's port is kept, so that links stay good
                workspace.state.forget(process)
            if process.kind == "endpoint" and not _told(workspace, process):
                untold.append(process.name)
    return Stopped(tuple(names), tuple(left), dry_run, tuple(untold))


def _told(workspace: Workspace, process: Process) -> bool:
    """Tell the audit of the model that an endpoint is gone, where the server runs; none is started for it."""
    own = workspace.state.get("server", "mlflow")
    if not workspace.settings.tracking_uri and not (own and own.alive):
        return False
    try:
        audit.append(
            workspace.mlflow,
            str(process.details.get("model", "")),
            "undeploy",
            who=workspace.who,
            where=str(origin.here(workspace.root)),
            before=str(process.details.get("version", "")),
            why="stop --all",
            evidence=f"endpoint {process.name}",
        )
    except MlopsError:
        return False
    return True


def _describe(workspace: Workspace, version: str, whose: str) -> str:
    process = workspace.state.get("server", "mlflow")
    if workspace.settings.tracking_uri or process is None:
        return f"MLflow {version}"
    return f"{whose}: MLflow {version} on {running(process.pid, process.port, process.started)}"


def _guard(workspace: Workspace) -> str:
    """Say whether the server holds the gates itself, and where it should and does not, what makes it."""
    found = guard.of(workspace.mlflow)
    if found:
        return str(found)
    if not workspace.settings.guard.enabled:
        return "off: the gates are advisory for other clients"
    if workspace.settings.tracking_uri:
        return f"off, although mlops.toml asks for it: mlflow server --app-name {guard.APP} where it is started"
    return "off, although mlops.toml asks for it: %mlops stop, then %mlops init"


def _count(workspace: Workspace) -> Counts:
    mlflow = workspace.mlflow
    experiment = experiments.experiment_id(mlflow, workspace.settings.experiment, create=False)
    endpoints = sum(process.alive for process in workspace.state.all("endpoint"))
    return Counts(len(experiments.search(mlflow, experiment)), len(versions.models(mlflow)), endpoints)


def _written(value: object) -> str:
    """Write a setting for people."""
    if isinstance(value, dict):
        return "; ".join(f"{name}: {gate}" for name, gate in value.items())
    return "" if value is None else str(value)


def _next(there: Counts) -> str:
    """Say what a newcomer would do now."""
    if not there.runs:
        return "%%mlops run NAME, and the cell that fits a model"
    if not there.models:
        return "%mlops register NAME --run last"
    return "%mlops endpoints" if there.endpoints else "%mlops models"
