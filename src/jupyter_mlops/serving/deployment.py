"""From a version to a running endpoint: fetch the files, start the process, wait until it answers."""

from __future__ import annotations

import contextlib
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import requests
from filelock import FileLock, Timeout

from ..backend import audit, models, origin
from ..backend.probe import session_for
from ..backend.processes import Process, await_ready, free_port, spawn, stop, tail
from ..display.progress import Progress
from ..entities import typed
from ..errors import (
    Conflict,
    InvalidUsage,
    MissingDependency,
    MlopsError,
    NotFound,
    ProcessFailed,
    UntrustedModel,
    nearest,
    writing_to,
)
from ..workspace import Workspace
from .results import Endpoint, Undeployed

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

START_SECONDS = 60.0
_KIND, _STARTING = "endpoint", "starting endpoint"


def deploy(workspace: Workspace, version: ModelVersion, name: str, port: int) -> Endpoint:
    """Serve a version under a name; the one that served before stays until the new one answers.

    Raises
    ------
    UntrustedModel
        Where the model file is refused.
    ProcessFailed
        Where the process does not come up; the old one goes on.
    """
    with _alone(workspace, name), Progress() as progress:
        before = workspace.state.get(_KIND, name)
        number = int(version.version)
        if (
            before
            and before.details == {"model": version.name, "version": number}
            and _answers(before)
            and port in (0, before.port)
        ):
            return _endpoint(before, "serving")
        if before and before.alive and port == before.port:
            raise Conflict(
                f"Port {port} is in use by {name} itself, which serves until the new version answers.",
                f"%mlops deploy {typed(f'{version.name}/{number}')}, which takes a free port",
            )
        port = free_port(port)
        begin = time.perf_counter()
        progress.say(f"Starting endpoint {name} …")
        with writing_to(workspace.state.folder):
            folder = _fetch(workspace, version, name)
        process = _start(workspace, version, name, folder, port, progress)
        try:
            _audit(workspace, version.name, "deploy", before, number, f"endpoint {name}, port {port}")
            workspace.state.put(process)
        except BaseException:  # no endpoint without a word in the audit
            stop(process, grace=1)
            raise
        finally:
            workspace.state.forget(_starting(process))
        if before:
            try:
                stop(before)
            except BaseException:  # an interrupt: nobody would know of it any more
                stop(before, grace=0)
                raise
        return _endpoint(process, "serving", is_new=True, seconds=time.perf_counter() - begin)


def endpoints(workspace: Workspace) -> list[Endpoint]:
    """List the endpoints with what they do right now."""
    return [_endpoint(process, _state(process)) for process in workspace.state.all(_KIND)]


def find(workspace: Workspace, name: str) -> Endpoint:
    """Find an endpoint by its name.

    Raises
    ------
    NotFound
        Where there is none, with the nearest names.
    """
    process = _find(workspace, name)
    return _endpoint(process, "serving" if process.alive else "stopped")


def undeploy(workspace: Workspace, name: str, *, dry_run: bool) -> Undeployed:
    """Stop an endpoint and forget it; its log stays."""
    process = _find(workspace, name)
    if dry_run:
        return Undeployed(name, process.alive, dry_run=True)
    with _alone(workspace, name):
        process = _find(workspace, name)  # as it is now that nobody else deploys
        was_running = stop(process)  # also where the server is away
        workspace.state.forget(process)
        with contextlib.suppress(NotFound):  # the model may have been deleted
            _audit(workspace, process.details["model"], "undeploy", process, None, f"endpoint {name}")
    return Undeployed(name, was_running)


def log_of(workspace: Workspace, name: str) -> Path:
    """Give the log of an endpoint, or of the project's MLflow server."""
    if name == "mlflow":
        from ..backend.server import log_file

        return log_file(workspace.state)
    path = workspace.state.folder / "endpoints" / endpoint_name(name) / "endpoint.log"
    if not path.exists():
        _find(workspace, name)
    return path


def endpoint_name(name: str) -> str:
    """Check the name of an endpoint: it is a folder and part of addresses."""
    if not re.fullmatch(r"[A-Za-z0-9_][\w .-]{0,99}", name):
        raise InvalidUsage(
            f"{name[:60]!r} can't be the name of an endpoint: letters, digits, - and _.", "--name tumour"
        )
    return name


def _fetch(workspace: Workspace, version: ModelVersion, name: str) -> Path:
    """Get the model's files, whole or not at all."""
    target = _folder(workspace, name) / str(version.version)
    part = target.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.rmtree(target, ignore_errors=True)
    models.download(workspace.mlflow, version, part).replace(target)
    shutil.rmtree(part, ignore_errors=True)
    return target


def _start(
    workspace: Workspace, version: ModelVersion, name: str, folder: Path, port: int, progress: Progress
) -> Process:
    log = folder.parent / "endpoint.log"
    # fmt: off
    command = [
        "-m", "jupyter_mlops.serving.worker",
        "--endpoint", name, "--folder", str(folder), "--model", version.name, "--version", str(version.version),
        "--host", "127.0.0.1", "--port", str(port),
    ]
    # fmt: on
    left = workspace.state.get(_STARTING, name)
    if left:  # of a kernel that was killed while it started one
        stop(left, grace=1)
    with writing_to(log), log.open("a") as file:
        print(f"--- {version.name}/{version.version} on port {port}, {time.strftime('%F %T')}", file=file)
    pid, created = spawn(command, log)
    details = {"model": version.name, "version": int(version.version)}
    process = Process(_KIND, name, pid, created, port, time.time(), details)
    try:
        workspace.state.put(_starting(process))
        await_ready(
            process,
            lambda: _answers(process),
            log,
            timeout=START_SECONDS,
            tick=lambda waited: progress.say(f"Starting endpoint {name} … {waited:.0f} s"),
        )
    except ProcessFailed:
        stop(process, grace=1)
        workspace.state.forget(_starting(process))
        refusal = _refusal(f"{version.name}/{version.version}", tail(log, 1))
        if refusal is None:
            raise
        raise refusal from None
    except BaseException:  # an interrupt too must leave no process behind
        stop(process, grace=1)
        workspace.state.forget(_starting(process))
        raise
    return process


def _starting(process: Process) -> Process:
    """Write down a process that does not answer yet, so that it is found when this kernel is killed."""
    return replace(process, kind=_STARTING)


def _refusal(what: str, line: str) -> MlopsError | None:
    """Read the last line of a process that would not serve, ``refused: KIND: message → hint``."""
    match = re.fullmatch(r"refused: (\w+): (.*?)(?: → (.*))?", line)
    if match is None:
        return None
    kind = {cls.__name__: cls for cls in (UntrustedModel, InvalidUsage, Conflict, MissingDependency)}.get(
        match[1], ProcessFailed
    )
    return kind(f"{what} is not served: {match[2]}", match[3])


def _find(workspace: Workspace, name: str) -> Process:
    process = workspace.state.get(_KIND, name)
    if process is None:
        known = [process.name for process in workspace.state.all(_KIND)]
        raise NotFound(
            f"There is no endpoint {name!r}.{nearest(name, known)}", f"%mlops deploy {typed(f'{name}@champion')}"
        )
    return process


def _state(process: Process) -> str:
    return "stopped" if not process.alive else "serving" if _answers(process) else "not answering"


def _answers(process: Process) -> bool:
    """Whether it is this endpoint that answers on its port."""
    try:
        answer = session_for(process.url).get(f"{process.url}/health", timeout=(1, 2))
        return answer.ok and process.alive and answer.json().get("endpoint") == process.name
    except (requests.RequestException, ValueError):
        return False


def _endpoint(process: Process, state: str, *, is_new: bool = False, seconds: float | None = None) -> Endpoint:
    return Endpoint(
        name=process.name,
        model=process.details["model"],
        version=process.details["version"],
        url=process.url,
        pid=process.pid,
        port=process.port,
        started=process.started,
        state=state,
        is_new=is_new,
        seconds=seconds,
    )


def _audit(workspace: Workspace, model: str, action: str, before: Process | None, after: int | None, why: str) -> None:
    served = before.details["version"] if before and before.details["model"] == model else ""
    audit.append(
        workspace.mlflow,
        model,
        action,
        who=workspace.who,
        where=str(origin.here(workspace.root)),
        before=str(served),
        after="" if after is None else str(after),
        evidence=why,
    )


def _folder(workspace: Workspace, name: str) -> Path:
    folder = workspace.state.folder / "endpoints" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def _alone(workspace: Workspace, name: str) -> Iterator[None]:
    """Keep two kernels from starting the same endpoint at once."""
    try:
        with FileLock(_folder(workspace, name) / "lock", timeout=START_SECONDS):
            yield
    except Timeout:
        raise Conflict(f"Another kernel is starting the endpoint {name}.", "%mlops endpoints") from None
