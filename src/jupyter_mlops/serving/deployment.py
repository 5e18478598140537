"""From a version to a running endpoint, as a kernel does it: write what is wanted, and wait until it is so."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import requests
from filelock import FileLock, Timeout

from .. import errors
from ..backend import audit, origin
from ..backend.probe import session_for
from ..backend.processes import Process, free_port, nudge, spawn, stop, tail
from ..display.progress import Progress
from ..entities import ModelRef, typed
from ..errors import Conflict, MlopsError, NotFound, ProcessFailed, nearest, writing_to
from ..workspace import Workspace
from .controller.following import fetch
from .files import EndpointFiles, Standing, Wanted, files_of
from .results import Endpoint, Undeployed

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

START_SECONDS = 90.0
DRAIN_SECONDS = 15.0
_KIND, _STARTING = "endpoint", "starting endpoint"


def deploy(workspace: Workspace, version: ModelVersion, ref: ModelRef, name: str, port: int) -> Endpoint:
    """Serve a version under a name, and follow its alias; the one that served before does until the new one answers.

    Raises
    ------
    UntrustedModel
        Where the model file is refused.
    ProcessFailed
        Where it does not come up; what served before goes on.
    """
    files = files_of(workspace.state.folder, name)
    number = int(version.version)
    with _alone(files), Progress() as progress:
        begin = time.perf_counter()
        before = _running(workspace, name)
        if before and port not in (0, before.port):
            raise Conflict(
                f"The endpoint {name} is on port {before.port}, and stays there.",
                f"%mlops undeploy {typed(name)}, then deploy it with --port {port}",
            )
        same = before and before.details == {"model": version.name, "version": number} and _answers(before)
        progress.say(f"Starting endpoint {name} …")
        with writing_to(workspace.state.folder):
            folder = fetch(workspace.mlflow, files, version.name, number)
        wanted = Wanted(
            model=version.name,
            alias=ref.alias,
            version=number,
            files=str(folder.relative_to(files.folder)),
            port=before.port if before else free_port(port),
            stamp=uuid.uuid4().hex,
        )
        earlier = files.wanted()
        files.want(wanted)
        if before:
            nudge(before)  # never one that starts: it would die of a signal that it does not know yet
        process = before or _start(workspace, files, wanted, name)
        try:
            _await(process, files, wanted, progress)
            served = process.details | {"model": version.name, "version": number}
            process = Process(_KIND, name, process.pid, process.created, process.port, process.started, served)
            if not same:
                _audit(workspace, version.name, "deploy", before, number, f"endpoint {name}, port {process.port}")
            workspace.state.put(process)
        except BaseException:  # refused, or an interrupt: no endpoint without a word in the audit
            if before is None:
                stop(process, grace=1)
            elif earlier is not None:
                files.want(earlier)
                nudge(process)
            raise
        finally:
            if before is None:
                workspace.state.forget(Process(_STARTING, name, process.pid, process.created, 0, 0))
        seconds = None if same else time.perf_counter() - begin
        return _endpoint(process, files, "serving", is_new=not same, seconds=seconds)


def endpoints(workspace: Workspace) -> list[Endpoint]:
    """List the endpoints with what they do right now."""
    return [
        _endpoint(process, files_of(workspace.state.folder, process.name), _state(workspace, process))
        for process in workspace.state.all(_KIND)
    ]


def find(workspace: Workspace, name: str) -> Endpoint:
    """Find an endpoint by its name.

    Raises
    ------
    NotFound
        Where there is none, with the nearest names.
    """
    process = _find(workspace, name)
    files = files_of(workspace.state.folder, name)
    return _endpoint(process, files, "serving" if process.alive else "stopped")


def undeploy(workspace: Workspace, name: str, *, dry_run: bool) -> Undeployed:
    """Stop an endpoint and forget it; its logs stay."""
    process = _find(workspace, name)
    if dry_run:
        return Undeployed(name, process.alive, dry_run=True)
    with _alone(files_of(workspace.state.folder, name)):
        process = _find(workspace, name)  # as it is now that nobody else deploys
        was_running = stop(process, grace=DRAIN_SECONDS)  # also where the server is away
        workspace.state.forget(process)
        with contextlib.suppress(NotFound):  # the model may have been deleted
            _audit(workspace, process.details["model"], "undeploy", process, None, f"endpoint {name}")
    return Undeployed(name, was_running)


def log_of(workspace: Workspace, name: str) -> Path:
    """Give the log of an endpoint, or of the project's MLflow server."""
    if name == "mlflow":
        from ..backend.server import log_file

        return log_file(workspace.state)
    path = files_of(workspace.state.folder, name).log
    if not path.exists():
        _find(workspace, name)
    return path


def _start(workspace: Workspace, files: EndpointFiles, wanted: Wanted, name: str) -> Process:
    """Start a controller, and write it down before it answers, so that it is found when this kernel is killed."""
    left = workspace.state.get(_STARTING, name)
    if left:  # of a kernel that was killed while it started one
        stop(left, grace=1)
    files.stand(Standing(state="starting"))
    with writing_to(files.log), files.log.open("a") as file:
        print(f"--- {wanted.ref} on port {wanted.port}, {time.strftime('%F %T')}", file=file)
    command = ["-m", "jupyter_mlops.serving.controller.process", "--root", str(workspace.root), "--endpoint", name]
    pid, created = spawn(command, files.log)
    details = {"model": wanted.model, "version": wanted.version}
    workspace.state.put(Process(_STARTING, name, pid, created, wanted.port, time.time(), details))
    return Process(_KIND, name, pid, created, wanted.port, time.time(), details)


def _await(process: Process, files: EndpointFiles, wanted: Wanted, progress: Progress) -> None:
    """Wait until the controller is done with what is wanted.

    Raises
    ------
    MlopsError
        Why it is not served, in the words of who found out.
    """
    begin = time.monotonic()
    while (standing := files.standing()) is None or standing.stamp != wanted.stamp:
        waited = time.monotonic() - begin
        if not process.alive:
            raise _told(tail(files.log, 1)) or ProcessFailed(
                f"The endpoint {process.name} ended while it started. Its last lines:\n{tail(files.log)}",
                f"read {files.log}",
            )
        if waited > START_SECONDS:
            raise ProcessFailed(
                f"The endpoint {process.name} did not answer within {START_SECONDS:.0f} s. "
                f"Its last lines:\n{tail(files.log)}",
                f"read {files.log}",
            )
        progress.say(f"Starting endpoint {process.name} … {waited:.0f} s")
        time.sleep(0.02)
    if standing.refused:
        kind = _kind(standing.kind)
        raise kind(f"{wanted.model}/{wanted.version} is not served: {standing.refused}", standing.hint)


def _told(line: str) -> MlopsError | None:
    """Read the last line of a controller that could not start, ``refused: KIND: message → hint``."""
    start, _, rest = line.partition("refused: ")
    if start or not rest:
        return None
    name, _, said = rest.partition(": ")
    message, _, hint = said.partition(" → ")
    return _kind(name)(message, hint or None)


def _kind(name: str) -> type[MlopsError]:
    kind = getattr(errors, name, ProcessFailed)
    return kind if isinstance(kind, type) and issubclass(kind, MlopsError) else ProcessFailed


def _running(workspace: Workspace, name: str) -> Process | None:
    process = workspace.state.get(_KIND, name)
    return process if process and process.alive else None


def _find(workspace: Workspace, name: str) -> Process:
    process = workspace.state.get(_KIND, name)
    if process is None:
        known = [process.name for process in workspace.state.all(_KIND)]
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
    return "serving" if _answers(process) else "not answering"


def _answers(process: Process) -> bool:
    """Whether it is this endpoint that answers on its port."""
    try:
        answer = session_for(process.url).get(f"{process.url}/health", timeout=(1, 2))
        return answer.ok and process.alive and answer.json().get("endpoint") == process.name
    except (requests.RequestException, ValueError):
        return False


def _endpoint(
    process: Process, files: EndpointFiles, state: str, *, is_new: bool = False, seconds: float | None = None
) -> Endpoint:
    standing, wanted = files.standing() or Standing(state="stopped"), files.wanted()
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
        refused=standing.refused,
        restarts=standing.restarts,
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


@contextlib.contextmanager
def _alone(files: EndpointFiles) -> Iterator[None]:
    """Keep two kernels from starting the same endpoint at once."""
    with writing_to(files.folder):
        files.folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(files.folder / "lock", timeout=START_SECONDS):
            yield
    except Timeout:
        raise Conflict(f"Another kernel is starting the endpoint {files.folder.name}.", "%mlops endpoints") from None
