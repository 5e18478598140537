"""Silences: a rule rings, and nobody is told until some moment; it stays on record who wanted that, and why."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from ...errors import InvalidUsage, MlopsError, NotFound, nearest
from ...moments import moment
from ...registry import aliases
from ...workspace import Workspace
from .alert import Book, Silence
from .evaluating import LATE, SILENT
from .keeping import Keeper

ALL: Final = "all"
_LONGEST: Final = 30 * 86_400.0


def silence(
    workspace: Workspace, endpoints: Sequence[str], rule: str, until: str, reason: str, *, now: float | None = None, dry_run: bool = False
) -> Silence:  # fmt: skip
    """Silence a rule of some endpoints until a moment; ``now`` ends its silences.

    Raises
    ------
    InvalidUsage
        Where it has no end or no reason.
    NotFound
        Where no endpoint has such a rule.
    """
    now = time.time() if now is None else now
    end = until_when(until, now)
    if not reason.strip():
        raise InvalidUsage(
            "A silence takes a reason: others will want to know.", '--reason "the source is being mended"'
        )
    known = {ALL, *(name for endpoint in endpoints for name in rules_of(workspace, endpoint))}
    if rule not in known:
        raise NotFound(f"There is no rule {rule!r}.{nearest(rule, known)}", "--silence all")
    made = Silence(rule, end, now, reason.strip(), workspace.who)
    if dry_run:
        return made
    for endpoint in endpoints:
        if rule == ALL or rule in rules_of(workspace, endpoint):
            Keeper.of(workspace, endpoint).change(lambda book: _with(book, made))
    return made


def _with(book: Book, made: Silence) -> Book:
    """Add a silence; those of the same rule that are under way end here, and stay on record."""
    ended = tuple(
        replace(one, until=made.since) if one.rule == made.rule and one.until > made.since else one
        for one in book.silences
    )
    return replace(book, silences=(*ended, made))


def audit(workspace: Workspace, endpoints: Sequence[str], made: Silence) -> list[str]:
    """Write a silence into the audit of what the endpoints serve too; else say why it is not there."""
    until = f"{datetime.fromtimestamp(made.until, UTC):%Y-%m-%d %H:%M} UTC"
    try:
        for endpoint in endpoints:
            process = workspace.state.get("endpoint", endpoint)
            if process is not None and (made.rule == ALL or made.rule in rules_of(workspace, endpoint)):
                said = f"{made.rule} at {endpoint}, until {until}"
                aliases.record(workspace, process.details["model"], "silence", why=made.reason, evidence=said)
    except MlopsError as error:
        return [f"The silence is on record on this machine, and not in the audit: {error.message}"]
    return []


def until_when(text: str, now: float) -> float:
    """Read the end of a silence: ``2h`` from now, ``2026-11-30``, or ``now``.

    Raises
    ------
    InvalidUsage
        Where it is none, or past, or over 30 days away.
    """
    hint = "--until 2h, --until 2026-11-30T08:00, or --until now to end it"
    words = text.strip()
    if words == "now":
        return now
    found = moment(words, now)
    is_span = words[:1].isdigit() and words[-1:].isalpha() and "-" not in words
    end = None if found is None else 2 * now - found if is_span else found
    if end is None:
        raise InvalidUsage(f"{text!r} is no time that a silence could end at.", hint)
    if not now < end <= now + _LONGEST + 1:
        raise InvalidUsage(f"A silence ends within 30 days, and not in the past: {text!r} is neither.", hint)
    return end


def rules_of(workspace: Workspace, endpoint: str) -> list[str]:
    """Name the rules of an endpoint."""
    settings = workspace.settings.monitored(endpoint)
    found = [rule.name for rule in settings.rules]
    return [*found, *((SILENT, LATE) if settings.silent else ())]
