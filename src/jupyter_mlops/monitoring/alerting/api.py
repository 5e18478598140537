"""The command of alerts: what rang, and what was done about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...command import Endpoint, Rule, command
from ...errors import InvalidUsage
from ...workspace import Workspace

if TYPE_CHECKING:
    from .results import Alerts


@command(changes="silence")
def alerts(
    endpoint: Endpoint | None = None,
    *,
    silence: Rule | None = None,
    until: str | None = None,
    reason: str = "",
    dry_run: bool = False,
) -> Alerts:
    """List what has rung: when, why, where that was told, and what is over; and silence a rule for some time.

    It also sends what still waits to be sent, and rings where nobody has looked for longer than ``silent``: let a clock call it.

    Parameters
    ----------
    endpoint
        The name of the endpoint; by default all.
    silence
        A rule that is not told for some time, such as drift or accuracy, or all.
    until
        When the silence ends: 2h, 2026-11-30T08:00; now ends one that is under way.
    reason
        Why; it stays on record, with who.
    dry_run
        Only show what would be silenced, and send nothing.

    Returns
    -------
    Alerts
        With ``.ok`` (nothing rings), ``.ringing`` and ``.frame()``.

    Raises
    ------
    NotFound
        Where there is no such endpoint or rule.
    InvalidUsage
        Where a silence has no end or no reason.
    """
    if silence is not None and until is None:
        raise InvalidUsage("A silence has an end.", f"%mlops alerts --silence {silence} --until 2h --reason …")
    if silence is None and (until is not None or reason):
        raise InvalidUsage(
            "--until and --reason are of a silence.", "%mlops alerts --silence drift --until 2h --reason …"
        )
    from . import listing

    return listing.of(Workspace.here(), endpoint, silence, until or "", reason, dry_run=dry_run)
