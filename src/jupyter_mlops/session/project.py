"""Begin a project, look at it, and stop what it runs."""

from __future__ import annotations

import sys
from pathlib import Path

import tomlkit

from .. import config
from ..backend import experiments, probe, server, versions
from ..backend.processes import stop as stop_process
from ..errors import BackendUnreachable, need_space, writing_to
from ..workspace import Workspace, find
from .results import Setting, Status, Stopped, running


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
    if dry_run:
        return _plan(workspace, asked)
    need_space(root)
    _ = workspace.state  # says in one line where the folder can't be written
    _write(workspace.configuration.path, asked)
    return status(Workspace(root), began=True, start=True)


def _write(path: Path, asked: dict[str, str]) -> None:
    document = tomlkit.parse(path.read_text()) if path.exists() else tomlkit.document()
    if path.exists() and all(document.get(key) == value for key, value in asked.items()):
        return
    document.update(asked)
    with writing_to(path):
        path.write_text(tomlkit.dumps(document))


def _plan(workspace: Workspace, asked: dict[str, str]) -> Status:
    """Say what ``init`` would do, and leave no trace."""
    uri = asked.get("tracking_uri") or workspace.settings.tracking_uri
    return Status(
        root=str(workspace.root),
        experiment=asked.get("experiment", workspace.settings.experiment),
        server=f"would use {uri}" if uri else "would start the project's own MLflow server",
        url=uri or "",
        is_up=True,
        runs=0,
        models=0,
        endpoints=0,
        settings=(),
        next="%mlops init",
        began=True,
    )


def status(workspace: Workspace, *, began: bool, start: bool) -> Status:
    """Look at the project; with ``start`` the server is started where it isn't running."""
    settings = workspace.settings
    process = workspace.state.get("server", "mlflow")
    was_running = bool(process and process.alive)
    if start:
        uri = workspace.mlflow.uri
        process = workspace.state.get("server", "mlflow")
        if "IPython" in sys.modules:  # somebody reads the card now
            server.import_early()
    else:
        uri = settings.tracking_uri or (process.url if process and process.alive else "")
    version, problem = "", "not running: it starts when it is needed"
    if uri:
        try:
            version = probe.check(uri)
        except BackendUnreachable as error:
            if start:
                raise
            problem = error.message
    if settings.tracking_uri or process is None or not version:
        described = f"MLflow {version}" if version else problem
    else:
        verb = "reusing the project's own" if was_running else "the project's own"
        described = f"{verb}: MLflow {version} on {running(process.pid, process.port, process.started)}"
    # Counting takes mlflow's client, whose import takes seconds: a card that begins a project does without.
    runs, models = _counts(workspace) if version and not began else (0, 0)
    endpoints = sum(process.alive for process in workspace.state.all("endpoint"))
    shown = tuple(
        Setting(name, _written(getattr(settings, name)), source)
        for name, source in workspace.configuration.sources.items()
    )
    return Status(
        root=str(workspace.root),
        experiment=settings.experiment,
        server=described,
        url=uri,
        is_up=bool(version) or (not uri and not start),
        runs=runs,
        models=models,
        endpoints=endpoints,
        settings=shown,
        next="%mlops status" if began and was_running else _next(runs, models, endpoints),
        began=began,
    )


def stop(workspace: Workspace, *, everything: bool, dry_run: bool) -> Stopped:
    """Stop the processes of the project: the server, and with ``everything`` the endpoints."""
    names, left = [], []
    for process in reversed(workspace.state.all()):
        label = f"{process.kind} {process.name}"
        if process.kind != "server" and not everything:
            left += [label] if process.alive else []
            continue
        names += [label] if process.alive else []
        if not dry_run:
            stop_process(process)
            if process.kind != "server":  # the server's port is kept, so that links stay good
                workspace.state.forget(process)
    return Stopped(tuple(names), tuple(left), dry_run)


def _counts(workspace: Workspace) -> tuple[int, int]:
    mlflow = workspace.mlflow
    experiment = experiments.experiment_id(mlflow, workspace.settings.experiment, create=False)
    return len(experiments.search(mlflow, experiment)), len(versions.models(mlflow))


def _written(value: object) -> str:
    """Write a setting for people."""
    if isinstance(value, dict):
        return "; ".join(
            f"{name}: {', '.join(f'{metric} {bound}' for metric, bound in gate.items())}"
            for name, gate in value.items()
        )
    return "" if value is None else str(value)


def _next(runs: int, models: int, endpoints: int) -> str:
    """Say what a newcomer would do now."""
    if not runs:
        return "%%mlops run NAME, and the cell that fits a model"
    if not models:
        return "%mlops register NAME --run last"
    return "%mlops endpoints" if endpoints else "%mlops models"
