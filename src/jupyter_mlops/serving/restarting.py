"""Start again what was deployed and does not serve: after the machine was started anew, or its controller was killed."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace

from ..backend.processes import Process
from ..display.progress import Progress
from ..entities import CHAMPION, ModelRef, typed
from ..errors import MlopsError, NotFound
from ..workspace import Workspace
from . import listing
from .files import files_of
from .fulfilment import alone, fulfil, note
from .results import Endpoint


def restart(workspace: Workspace, rows: Sequence[Endpoint], *, dry_run: bool) -> list[Endpoint]:
    """Start those again that have stopped or failed; one that does not come up says why, and holds up no other."""
    return [_restart(workspace, row, dry_run=dry_run) if row.state in ("stopped", "failed") else row for row in rows]


def _restart(workspace: Workspace, row: Endpoint, *, dry_run: bool) -> Endpoint:
    if dry_run:
        return replace(row, state="planned")
    process = listing.process_of(workspace, row.name)
    try:
        return _start_again(workspace, process)
    except MlopsError as error:
        return replace(listing.now(workspace, process), refused=str(error))


def _start_again(workspace: Workspace, process: Process) -> Endpoint:
    """Start an endpoint on its port, with what it served last.

    Raises
    ------
    NotFound
        Where nobody knows any more what it was to do.
    MlopsError
        Why it does not come up.
    """
    name = process.name
    files = files_of(workspace.state.folder, name)
    with alone(files), Progress() as progress:
        wanted, before = files.wanted(), listing.running(workspace, name)
        if wanted is None:
            champion = ModelRef(process.details["model"], alias=CHAMPION)
            raise NotFound(f"What the endpoint {name} was to do is lost.", f"%mlops deploy {typed(champion)}")
        progress.say(f"Starting endpoint {name} …")
        endpoint = fulfil(workspace, files, files.as_it_stands(wanted), before, None, progress)
        with contextlib.suppress(MlopsError):  # it serves what it has served before, and that is in the audit
            say = f"endpoint {name}, started again on port {wanted.port}"
            note(workspace, wanted.model, "deploy", None, endpoint.version, say)
    return endpoint
