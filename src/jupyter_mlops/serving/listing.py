"""Which endpoints a project has on this machine, and how they are."""

from __future__ import annotations

from pathlib import Path

import requests

from ..backend.probe import session_here
from ..backend.processes import Process, orphans, tail
from ..entities import typed
from ..errors import NotFound, nearest
from ..workspace import Workspace
from .access import LOOPBACK
from .files import EndpointFiles, Standing, files_of
from .results import Endpoint

KIND = "endpoint"


def endpoints(workspace: Workspace) -> list[Endpoint]:
    """List the endpoints with what they do right now."""
    return [now(workspace, process) for process in workspace.state.all(KIND)]


def now(workspace: Workspace, process: Process) -> Endpoint:
    """Say of an endpoint what it does right now."""
    return told(process, files_of(workspace.state.folder, process.name), _state(workspace, process))


def find(workspace: Workspace, name: str) -> Endpoint:
    """Find an endpoint by its name.

    Raises
    ------
    NotFound
        Where there is none, with the nearest names.
    """
    process = process_of(workspace, name)
    files = files_of(workspace.state.folder, name)
    return told(process, files, "serving" if process.alive else "stopped")


def log_of(workspace: Workspace, name: str) -> Path:
    """Give the log of an endpoint, or of the project's MLflow server."""
    if name == "mlflow":
        from ..backend.server import log_file

        return log_file(workspace.state)
    path = files_of(workspace.state.folder, name).log
    if not path.exists():
        process_of(workspace, name)
    return path


def running(workspace: Workspace, name: str) -> Process | None:
    """Give the process of an endpoint; None where there is none, or it has ended."""
    process = workspace.state.get(KIND, name)
    return process if process and process.alive else None


def process_of(workspace: Workspace, name: str) -> Process:
    """Give the process of an endpoint, whether it runs or not.

    Raises
    ------
    NotFound
        Where there is none, with the nearest names.
    """
    process = workspace.state.get(KIND, name)
    if process is None:
        known = [process.name for process in workspace.state.all(KIND)]
        raise NotFound(
            f"There is no endpoint {name!r}.{nearest(name, known)}", f"%mlops deploy {typed(f'{name}@champion')}"
        )
    return process


def _state(workspace: Workspace, process: Process) -> str:
    if not process.alive:
        return "stopped"
    standing = files_of(workspace.state.folder, process.name).standing()
    if standing is not None and standing.state == "failed":
        return "failed"
    return "serving" if answers(process) else "not answering"


def answers(process: Process) -> bool:
    """Whether it is this endpoint that answers on its port."""
    try:
        answer = session_here().get(f"{process.url}/health", timeout=(1, 2))
        return answer.ok and process.alive and answer.json().get("endpoint") == process.name
    except (requests.RequestException, ValueError):
        return False


def told(
    process: Process, files: EndpointFiles, state: str, *, is_new: bool = False, seconds: float | None = None
) -> Endpoint:
    """Say of an endpoint what is known of it."""
    standing, wanted = files.standing() or Standing(state="stopped"), files.wanted()
    refused = standing.refused
    if refused and standing.refused_version:
        refused = f"{process.details['model']}/{standing.refused_version}: {refused}"
    return Endpoint(
        name=process.name,
        model=process.details["model"],
        version=standing.version or process.details["version"],
        url=process.url,
        pid=process.pid,
        port=process.port,
        started=process.started,
        state=state,
        follows=wanted.alias if wanted else None,
        host=wanted.host if wanted else LOOPBACK,
        auth=bool(wanted and wanted.key),
        key_file=str(files.key) if wanted and wanted.key and files.key.exists() else "",
        refused=refused,
        orphans=0 if state != "stopped" else len(orphans(process)),
        last_lines=tail(files.log, 5) if state == "failed" else "",
        auto=standing.auto,
        restarts=standing.restarts,
        canary=standing.canary,
        share=wanted.share if wanted and standing.canary else 0.0,
        shadow=standing.shadow,
        arms=tuple(standing.arms),
        is_new=is_new,
        seconds=seconds,
    )
