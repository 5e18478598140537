"""The alerts of one endpoint or of all, as they are now."""

from __future__ import annotations

import time

from ...errors import MlopsError
from ...workspace import Workspace
from . import silencing, watch
from .keeping import Keeper
from .results import Alerts, Told, sorted_of


def of(
    workspace: Workspace, endpoint: str | None, silence: str | None, until: str, reason: str, *, dry_run: bool
) -> Alerts:
    """List them, after a silence that is asked for has begun."""
    names = watch.endpoints(workspace) if endpoint is None else [watch.find(workspace, endpoint)]
    made, notes = None, []
    if silence is not None:
        made = silencing.silence(workspace, names, silence, until, reason, dry_run=dry_run)
        notes += [] if dry_run else silencing.audit(workspace, names, made)
    now = time.time()
    found: list[Told] = []
    silences = []
    for name in names:
        try:
            book = Keeper.of(workspace, name).read() if dry_run else watch.between(workspace, name)
        except MlopsError as error:
            notes.append(f"{name}: {error.message}")
            continue
        found += [Told(alert, book.silence_of(alert.rule, now)) for alert in book.alerts]
        silences += [one for one in book.silences if one.since <= now < one.until]
    kept = tuple(dict.fromkeys(silences))
    return Alerts(endpoint or "", sorted_of(found), kept, made, dry_run, tuple(notes))
