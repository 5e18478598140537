"""From a version to a running endpoint, as a kernel does it: write what is wanted, and wait until it is so."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from .. import errors
from ..backend import audit, origin, webhooks
from ..backend.processes import Process, free_port, nudge, spawn, stop, tail
from ..display.progress import Progress
from ..entities import CHAMPION, ModelRef, typed
from ..errors import Conflict, InvalidUsage, MlopsError, NotFound, ProcessFailed, writing_to
from ..workspace import Workspace
from . import access, listing
from .controller.following import fetch, webhook_name
from .files import EndpointFiles, Second, Standing, Wanted, files_of
from .results import Endpoint, Undeployed

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

LOCK_SECONDS = 90.0
MARGIN_SECONDS = 30.0  # of the front and the controller, beside those of the version
DRAIN_SECONDS = 15.0
MOST_WORKERS = 64
_STARTING = "starting endpoint"


def deploy(
    workspace: Workspace,
    version: ModelVersion,
    ref: ModelRef,
    name: str,
    port: int = 0,
    workers: int = 1,
    host: str | None = None,
    auth: bool = False,
) -> Endpoint:
    """Serve a version under a name, and follow its alias; the one that served before does until the new one answers.

    Raises
    ------
    UntrustedModel
        Where the model file is refused.
    ProcessFailed
        Where it does not come up; what served before goes on.
    """
    if not 1 <= workers <= MOST_WORKERS:
        raise InvalidUsage(f"--workers must be 1 to {MOST_WORKERS}, not {workers}.", "--workers 2")
    files = files_of(workspace.state.folder, name)
    with _alone(files), Progress() as progress:
        before = listing.running(workspace, name)
        if before and port not in (0, before.port):
            raise Conflict(
                f"The endpoint {name} is on port {before.port}, and stays there.",
                f"%mlops undeploy {typed(name)}, then deploy it with --port {port}",
            )
        host, key = _access(workspace, files, host, auth=auth)
        progress.say(f"Starting endpoint {name} …")
        number, folder = int(version.version), _fetch(workspace, files, version)
        wanted = Wanted(
            model=version.name,
            alias=ref.alias,
            version=number,
            files=folder,
            host=host,
            port=before.port if before else free_port(port),
            workers=workers,
            key=key,
        )
        earlier = files.wanted()
        same = before and before.details.get("version") == number and before.details["model"] == version.name
        same = same and earlier is not None and earlier.key == key
        where = f"port {wanted.port}" + f" of {host}" * (not access.is_loopback(host)) + ", with a key" * bool(key)
        say = None if same and before and listing.answers(before) else f"endpoint {name}, {where}"
        return _fulfil(workspace, files, wanted, before, say, progress)


def _access(workspace: Workspace, files: EndpointFiles, host: str | None, *, auth: bool) -> tuple[str, str]:
    """Say where an endpoint listens and which key it asks for; what it does already stays, until it is undeployed.

    Raises
    ------
    InvalidUsage
        Where others could reach it, and it asks for no key.
    Conflict
        Where it runs, and listens elsewhere.
    """
    name = files.folder.name
    earlier = files.wanted() if workspace.state.get(listing.KIND, name) else None
    if earlier and host not in (None, earlier.host) and listing.running(workspace, name):
        raise Conflict(
            f"The endpoint {name} listens on {earlier.host}, and stays there.",
            f"%mlops undeploy {typed(name)}, then deploy it with --host {host}",
        )
    host, key = host or (earlier.host if earlier else access.LOOPBACK), earlier.key if earlier else ""
    if auth or workspace.settings.endpoint(name).auth:
        key = access.key_to_ask_for(files, key)
    if not key and not access.is_loopback(host):
        raise InvalidUsage(
            f"Who can reach {host} could ask the endpoint: it must ask for a key.", f"--host {host} --auth"
        )
    return host, key


def beside(
    workspace: Workspace, version: ModelVersion, ref: ModelRef, name: str, share: float | None, *, auto: bool
) -> Endpoint:
    """Let a version stand beside the one that an endpoint serves: as a canary with a share, else as a shadow.

    With ``auto`` it is promoted or taken away by the rules of ``mlops.toml``.

    Raises
    ------
    NotFound
        Where there is no such endpoint, or it has stopped.
    InvalidUsage
        Where its clients could not ask it, or there is no alias that a promotion could move.
    """
    files = files_of(workspace.state.folder, name)
    with _alone(files), Progress() as progress:
        before, wanted = listing.running(workspace, name), files.wanted()
        if before is None or wanted is None or wanted.model != version.name:
            raise NotFound(
                f"No endpoint {name!r} serves {version.name}.", f"%mlops deploy {typed(f'{version.name}@champion')}"
            )
        if auto and wanted.alias is None:
            raise InvalidUsage(
                f"The endpoint {name} stays at {wanted.ref}: with --auto it must follow an alias that can be promoted to.",
                f"%mlops deploy {typed(f'{version.name}@champion')} first",
            )
        progress.say(f"Starting {ref} …")
        folder = _fetch(workspace, files, version)
        second = Second(alias=ref.alias, version=int(version.version), files=folder, auto=auto)
        update = {"shadow": second} if share is None else {"canary": second, "share": share}
        wanted = files.as_it_stands(wanted).model_copy(update=update)
        what = "shadow" if share is None else f"canary {share:.0%}"
        say = f"endpoint {name}, {what}{', --auto' if auto else ''}"
        return _fulfil(workspace, files, wanted, before, say, progress, second=second)


def _fulfil(
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
            _audit(workspace, wanted.model, "deploy", before, number, say)
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


def restart(workspace: Workspace, process: Process) -> Endpoint:
    """Start an endpoint again that has ended or was given up, on its port and with what it served last.

    Raises
    ------
    NotFound
        Where nobody knows any more what it was to do.
    MlopsError
        Why it does not come up.
    """
    name = process.name
    files = files_of(workspace.state.folder, name)
    with _alone(files), Progress() as progress:
        wanted, before = files.wanted(), listing.running(workspace, name)
        if wanted is None:
            champion = ModelRef(process.details["model"], alias=CHAMPION)
            raise NotFound(f"What the endpoint {name} was to do is lost.", f"%mlops deploy {typed(champion)}")
        progress.say(f"Starting endpoint {name} …")
        endpoint = _fulfil(workspace, files, files.as_it_stands(wanted), before, None, progress)
        with contextlib.suppress(MlopsError):  # it serves what it has served before, and that is in the audit
            say = f"endpoint {name}, started again on port {wanted.port}"
            _audit(workspace, wanted.model, "deploy", None, endpoint.version, say)
    return endpoint


def share(text: str) -> float:
    """Read ``10%`` or ``0.1``.

    Raises
    ------
    InvalidUsage
        Where it is no share between 0 and 1.
    """
    try:
        number = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        number = -1.0
    if not 0 < number < 1:
        raise InvalidUsage(f"{text!r} is no share of the requests.", "--canary 10%")
    return number


def undeploy(workspace: Workspace, name: str, *, dry_run: bool) -> Undeployed:
    """Stop an endpoint and forget it; its logs stay."""
    process = listing.process_of(workspace, name)
    if dry_run:
        return Undeployed(name, process.alive, dry_run=True)
    with _alone(files_of(workspace.state.folder, name)):
        process = listing.process_of(workspace, name)  # as it is now that nobody else deploys
        was_running = stop(process, grace=DRAIN_SECONDS)  # also where the server is away
        workspace.state.forget(process)
        files_of(workspace.state.folder, name).key.unlink(missing_ok=True)
        with contextlib.suppress(NotFound):  # the model may have been deleted
            _audit(workspace, process.details["model"], "undeploy", process, None, f"endpoint {name}")
        if not was_running:  # one that was killed could not do it
            with contextlib.suppress(MlopsError):
                webhooks.remove(workspace.mlflow, webhook_name(files_of(workspace.state.folder, name)))
    return Undeployed(name, was_running)


def _fetch(workspace: Workspace, files: EndpointFiles, version: ModelVersion) -> str:
    with writing_to(workspace.state.folder):
        folder = fetch(workspace.mlflow, files, version)
    return str(folder.relative_to(files.folder))


def _start(workspace: Workspace, files: EndpointFiles, wanted: Wanted, name: str) -> Process:
    """Start a controller, and write it down before it answers, so that it is found when this kernel is killed."""
    for kind in (_STARTING, listing.KIND):  # of a kernel that was killed meanwhile, and what hung when a controller was
        if left := workspace.state.get(kind, name):
            stop(left, grace=1)
    files.stand(Standing(state="starting"))
    with writing_to(files.log), files.log.open("a") as file:
        print(f"--- {wanted.ref} on port {wanted.port}, {time.strftime('%F %T')}", file=file)
    command = ["-m", "jupyter_mlops.serving.controller.process", "--root", str(workspace.root), "--endpoint", name]
    pid, created = spawn(command, files.log)
    details = _details(wanted)
    workspace.state.put(Process(_STARTING, name, pid, created, wanted.port, time.time(), details))
    return Process(listing.KIND, name, pid, created, wanted.port, time.time(), details)


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
        with FileLock(files.folder / "lock", timeout=LOCK_SECONDS):
            yield
    except Timeout:
        raise Conflict(f"Another kernel is starting the endpoint {files.folder.name}.", "%mlops endpoints") from None
