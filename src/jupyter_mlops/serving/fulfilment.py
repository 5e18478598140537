"""A wish and its fulfilment, as a kernel sees them: it is written down, and waited for until it is so or was refused."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from filelock import FileLock, Timeout

from .. import errors
from ..backend import audit, origin
from ..backend.processes import Process, nudge, spawn, stop, tail
from ..display.progress import Progress
from ..errors import Conflict, MlopsError, ProcessFailed, writing_to
from ..workspace import Workspace
from . import access, listing
from .files import EndpointFiles, Second, Standing, Wanted
from .results import Endpoint

LOCK_SECONDS = 90.0
MARGIN_SECONDS = 30.0  # of the front and the controller, beside those of the version
_STARTING = "starting endpoint"


def fulfil(
    workspace: Workspace,
    files: EndpointFiles,
    wanted: Wanted,
    before: Process | None,
    say: str | None,
    progress: Progress,
    second: Second | None = None,
) -> Endpoint:
    """Write what is wanted, and wait for it; what can't be is taken back. ``say`` is for the audit."""
    begin = time.perf_counter()
    name, number = files.folder.name, second.version if second else wanted.version
    wanted = wanted.model_copy(update={"stamp": uuid.uuid4().hex})
    earlier = files.wanted()
    files.want(wanted)
    if before:
        nudge(before)  # never one that starts: it would die of a signal that it does not know yet
    process = before or _start(workspace, files, wanted, name)
    try:
        patience = workspace.settings.endpoint(name).start_timeout + MARGIN_SECONDS
        _await(process, files, wanted, number, patience, progress)
        served = _details(wanted)
        process = Process(listing.KIND, name, process.pid, process.created, process.port, process.started, served)
        if say:
            note(workspace, wanted.model, "deploy", before, number, say)
        workspace.state.put(process)
    except BaseException:  # refused, or an interrupt: no endpoint without a word in the audit
        if before is None:
            stop(process, grace=1)
        elif earlier is not None:
            files.want(files.as_it_stands(earlier).model_copy(update={"stamp": uuid.uuid4().hex}))
            nudge(process)
        raise
    finally:
        if before is None:
            workspace.state.forget(Process(_STARTING, name, process.pid, process.created, 0, 0))
    seconds = time.perf_counter() - begin if say else None
    return listing.told(process, files, "serving", is_new=say is not None, seconds=seconds)


def _start(workspace: Workspace, files: EndpointFiles, wanted: Wanted, name: str) -> Process:
    """Start a controller, and write it down before it answers, so that it is found when this kernel is killed."""
    for kind in (_STARTING, listing.KIND):  # of a kernel that was killed meanwhile, and what hung when a controller was
        if left := workspace.state.get(kind, name):
            stop(left, grace=1)
    files.stand(Standing(state="starting"))
    with writing_to(files.log), files.log.open("a") as file:
        print(f"--- {wanted.ref} on port {wanted.port}, {time.strftime('%F %T')}", file=file)
    command = ["-m", "jupyter_mlops.serving.controller", "--root", str(workspace.root), "--endpoint", name]
    pid, created = spawn(command, files.log)
    process = Process(listing.KIND, name, pid, created, wanted.port, time.time(), _details(wanted))
    try:
        workspace.state.put(replace(process, kind=_STARTING))
    except BaseException:  # an interrupt right here: nobody else knows of it
        stop(process, grace=1)
        raise
    return process


def _details(wanted: Wanted) -> dict[str, Any]:
    host = access.reached_at(wanted.host)
    return {"model": wanted.model, "version": wanted.version, "alias": wanted.alias, "host": host}


def _await(
    process: Process, files: EndpointFiles, wanted: Wanted, number: int, patience: float, progress: Progress
) -> None:
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
        if waited > patience:
            raise ProcessFailed(
                f"The endpoint {process.name} did not answer within {patience:.0f} s. "
                f"Its last lines:\n{tail(files.log)}",
                f"read {files.log}",
            )
        progress.say(f"Starting endpoint {process.name} … {waited:.0f} s")
        time.sleep(0.02)
    if standing.refused:
        said = f"{wanted.model}/{number} is not served: {standing.refused}"
        raise errors.named(standing.kind)(said, standing.hint)


def _told(line: str) -> MlopsError | None:
    """Read the last line of a controller that could not start, ``refused: KIND: message → hint``."""
    start, _, rest = line.partition("refused: ")
    if start or not rest:
        return None
    name, _, said = rest.partition(": ")
    message, _, hint = said.partition(" → ")
    return errors.named(name)(message, hint or None)


def note(workspace: Workspace, model: str, action: str, before: Process | None, after: int | None, why: str) -> None:
    """Write into the audit of a model what becomes of its endpoint."""
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
def alone(files: EndpointFiles) -> Iterator[None]:
    """Keep two kernels from starting the same endpoint at once."""
    with writing_to(files.folder):
        files.folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(files.folder / "lock", timeout=LOCK_SECONDS):
            yield
    except Timeout:
        raise Conflict(f"Another kernel is starting the endpoint {files.folder.name}.", "%mlops endpoints") from None
