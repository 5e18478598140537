"""Start again what was deployed and does not serve: after the machine was started anew, or its controller was killed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..errors import MlopsError
from ..workspace import Workspace
from . import deployment, listing
from .results import Endpoint


def restart(workspace: Workspace, rows: Sequence[Endpoint], *, dry_run: bool) -> list[Endpoint]:
    """Start those again that have stopped or failed; one that does not come up says why, and holds up no other."""
    return [_restart(workspace, row, dry_run=dry_run) if row.state in ("stopped", "failed") else row for row in rows]


def _restart(workspace: Workspace, row: Endpoint, *, dry_run: bool) -> Endpoint:
    if dry_run:
        return replace(row, state="planned")
    process = listing.process_of(workspace, row.name)
    try:
        return deployment.restart(workspace, process)
    except MlopsError as error:
        return replace(listing.now(workspace, process), refused=str(error))
