"""From a version to what is wanted of an endpoint; and an endpoint's end."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from ..backend import webhooks
from ..backend.processes import Process, free_port, stop
from ..display.progress import Progress
from ..entities import ModelRef, typed
from ..errors import Conflict, InvalidUsage, MlopsError, NotFound, writing_to
from ..workspace import Workspace
from . import access, listing
from .controller.following import fetch, webhook_name
from .files import EndpointFiles, Second, Wanted, files_of
from .fulfilment import alone, fulfil, note
from .results import Endpoint, Undeployed

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

DRAIN_SECONDS = 15.0
MOST_WORKERS = 64


def deploy(
    workspace: Workspace,
    version: ModelVersion,
    ref: ModelRef,
    name: str,
    port: int = 0,
    workers: int | None = None,
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
    files = files_of(workspace.state.folder, name)
    with alone(files), Progress() as progress:
        before = check(workspace, name, port, workers)
        earlier = files.wanted()
        host, key = where_to_listen(workspace, files, host, auth=auth)
        if auth or workspace.settings.endpoint(name).auth:
            key = access.key_to_ask_for(files, key)
        progress.say(f"Starting endpoint {name} …")
        number, folder = int(version.version), _fetch(workspace, files, version)
        wanted = Wanted(
            model=version.name,
            alias=ref.alias,
            version=number,
            files=folder,
            host=host,
            port=before.port if before else free_port(port),
            workers=workers or (earlier.workers if before and earlier else 1),
            key=key,
        )
        same = before and before.details.get("version") == number and before.details["model"] == version.name
        same = same and earlier is not None and earlier.key == key
        is_news = not (same and before and listing.answers(before))
        try:
            endpoint = fulfil(workspace, files, wanted, before, _where(wanted, name) if is_news else None, progress)
        except Conflict:
            if before or port or _is_free(wanted.port):
                raise
            wanted = wanted.model_copy(update={"port": free_port()})  # somebody has taken the port in the meantime
            endpoint = fulfil(workspace, files, wanted, before, _where(wanted, name), progress)
        gone = earlier.seconds if before and earlier else {}
        return replace(endpoint, dropped=", ".join(f"{role} {second.version}" for role, second in gone.items()))


def _where(wanted: Wanted, name: str) -> str:
    beyond = f" of {wanted.host}" * (not access.is_loopback(wanted.host))
    return f"endpoint {name}, port {wanted.port}" + beyond + ", with a key" * bool(wanted.key)


def _is_free(port: int) -> bool:
    try:
        return bool(free_port(port))
    except Conflict:
        return False


def check(workspace: Workspace, name: str, port: int, workers: int | None) -> Process | None:
    """Make sure that an endpoint can be what is asked for, and give the process of the one that is there.

    Raises
    ------
    InvalidUsage, Conflict
    """
    if workers is not None and not 1 <= workers <= MOST_WORKERS:
        raise InvalidUsage(f"--workers must be 1 to {MOST_WORKERS}, not {workers}.", "--workers 2")
    before = listing.running(workspace, name)
    if before and port not in (0, before.port):
        raise Conflict(
            f"The endpoint {name} is on port {before.port}, and stays there.",
            f"%mlops undeploy {typed(name)}, then deploy it with --port {port}",
        )
    if not before:
        free_port(port)
    return before


def where_to_listen(workspace: Workspace, files: EndpointFiles, host: str | None, *, auth: bool) -> tuple[str, str]:
    """Say where an endpoint is to listen, and which key it asks for so far; both stay, until it is undeployed.

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
    if not (key or auth or workspace.settings.endpoint(name).auth or access.is_loopback(host)):
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
    with alone(files), Progress() as progress:
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
        standing = files.standing()
        if standing is not None and standing.version == int(version.version):
            raise InvalidUsage(
                f"{version.name}/{version.version} is what the endpoint {name} serves already.",
                f"%mlops models {typed(version.name)}, for another version",
            )
        progress.say(f"Starting {ref} …")
        folder = _fetch(workspace, files, version)
        second = Second(alias=ref.alias, version=int(version.version), files=folder, auto=auto)
        update = {"shadow": second} if share is None else {"canary": second, "share": share}
        wanted = files.as_it_stands(wanted).model_copy(update=update)
        what = "shadow" if share is None else f"canary {share:.0%}"
        say = f"endpoint {name}, {what}{', --auto' if auto else ''}"
        return fulfil(workspace, files, wanted, before, say, progress, second=second)


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
    with alone(files_of(workspace.state.folder, name)):
        process = listing.process_of(workspace, name)  # as it is now that nobody else deploys
        was_running = stop(process, grace=DRAIN_SECONDS)  # also where the server is away
        workspace.state.forget(process)
        files_of(workspace.state.folder, name).key.unlink(missing_ok=True)
        if not was_running:  # one that was killed could not do it
            with contextlib.suppress(MlopsError):
                webhooks.remove(workspace.mlflow, webhook_name(files_of(workspace.state.folder, name)))
        with contextlib.suppress(NotFound):  # the model may have been deleted
            note(workspace, process.details["model"], "undeploy", process, None, f"endpoint {name}")
    return Undeployed(name, was_running)


def _fetch(workspace: Workspace, files: EndpointFiles, version: ModelVersion) -> str:
    with writing_to(workspace.state.folder):
        folder = fetch(workspace.mlflow, files, version)
    return str(folder.relative_to(files.folder))
