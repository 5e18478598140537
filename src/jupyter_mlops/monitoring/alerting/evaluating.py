"""From windows to alerts: one opens where a rule is broken for long enough, and stays one until it has recovered.

Windows count once however often they are looked at: another window is one that begins where the last counted one ends. Where many are
looked at (``--since``) they are judged anew, for labels come late. What ended long ago is history and no alarm. A rule of windows of an
hour recovers by a window of at least an hour.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ...display import span
from ...rules import MonitorSettings, Rule
from ..watched import Monitored
from .alert import Alert, Book, Streak
from .judging import Verdict, judge

_DAY: Final = 86_400.0
_MONTH: Final = 30 * _DAY
SILENT, LATE = "silent", "late"


def after_a_look(book: Book, settings: MonitorSettings, monitored: Monitored, now: float, begun: float | None) -> Book:
    """Take a look into account.

    Parameters
    ----------
    book : Book
    settings : MonitorSettings
    monitored : Monitored
    now : float
    begun : float, optional
        When the endpoint was deployed.
    """
    length = monitored.window
    is_again = len({look.end for look in monitored.looks}) > 1
    if is_again:
        book = _rewound(book, round(length), monitored.looks[0].start)
    rang = {
        (rule, who): streak.about
        for key, streak in book.streaks.items()
        for rule, who, of in [_parts(key)]
        if of == round(length)
    }
    for verdict in judge(settings.rules, monitored, rang):
        if verdict.end > now - max(2 * length, _MONTH if verdict.rule.waits else _DAY):
            book = _take(book, verdict, monitored, now, is_again=is_again)
    answered = {look.name: look.end for look in monitored.looks if look.version and look.rows}
    book = replace(book, seen=book.seen | {name: max(end, book.seen.get(name, 0.0)) for name, end in answered.items()})
    book = _without_rule(book, settings.rules, now)
    book = _gone(book, length, now)
    book = silent(book, settings, monitored.endpoint, monitored.last or begun, now)
    book = late(book, settings, monitored.endpoint, now)
    return replace(book, looked=max(now, book.looked or 0.0))


def silent(book: Book, settings: MonitorSettings, endpoint: str, last: float | None, now: float) -> Book:
    """Ring where there was no prediction for too long."""
    allowed = settings.silence_allowed
    if allowed is None or last is None:
        return _end(book, SILENT, "", now) if allowed is None else book
    why = f"no prediction for {span(now - last)}"
    return _dead_man(book, SILENT, endpoint, last, now, allowed, why)


def late(book: Book, settings: MonitorSettings, endpoint: str, now: float, begun: float | None = None) -> Book:
    """Ring where nobody has looked for too long, or not at all since the endpoint has ``begun``."""
    allowed, looked = settings.silence_allowed, book.looked or begun
    if allowed is None or looked is None:
        return _end(book, LATE, "", now) if allowed is None else book
    why = f"nobody looked for {span(now - looked)}: what rings was not seen meanwhile"
    return _dead_man(book, LATE, endpoint, looked, now, allowed, why)


def _dead_man(book: Book, rule: str, endpoint: str, last: float, now: float, allowed: float, why: str) -> Book:
    known = book.open_of(rule, "the endpoint")
    if now - last <= allowed:
        return _end(book, rule, f"{'a prediction came' if rule == SILENT else 'looked at in time again'}", now)
    value = now - last
    if known is not None:
        return book.with_alert(replace(known, last=now, value=value, why=why))
    asked = f"at most {span(allowed)}"
    return book.with_alert(Alert(_id(), endpoint, "", 0, rule, asked, "major", value, why, last, now, now, now))


def _end(book: Book, rule: str, ending: str, now: float) -> Book:
    known = book.open_of(rule, "the endpoint")
    ended = ending or "the rule was taken out of mlops.toml"
    return book if known is None else book.with_alert(replace(known, recovered=now, ending=ended))


def _rewound(book: Book, length: int, start: float) -> Book:
    """Forget what was judged of windows of this length from a moment on."""
    streaks = {
        key: streak.before(start) if _parts(key)[2] == length else streak for key, streak in book.streaks.items()
    }
    return replace(book, streaks=streaks)


def _take(book: Book, verdict: Verdict, monitored: Monitored, now: float, *, is_again: bool) -> Book:
    """Count a window, and open or end the alert of its rule."""
    length = round(monitored.window)
    key = json.dumps([length, verdict.who, verdict.rule.name])
    streak = book.streaks.get(key, Streak())
    if verdict.end < streak.judged:  # an older window than what was judged already
        return book
    known = book.open_of(verdict.rule.name, verdict.who)
    if verdict.outcome == "open":  # it breaks no row of windows, and doesn't lengthen it
        return _with(book, key, replace(streak, judged=verdict.end)) if streak.ends else book
    if verdict.outcome == "kept":
        book = _with(book, key, Streak(judged=verdict.end))
        is_shorter = known is not None and verdict.end - verdict.start < known.end - known.start - 1
        if known is None or is_shorter or verdict.end < known.last:
            return book
        said = verdict.why or "as it should be"
        return book.with_alert(replace(known, recovered=now, ending=said, value=verdict.value))
    if verdict.start > streak.judged + length:  # nobody has seen what was between
        streak = Streak()
    ends = (*streak.ends, verdict.end) if verdict.start >= streak.end else streak.ends
    book = _with(book, key, Streak(ends, verdict.end, verdict.about))
    if known is not None:
        worse = now if (known.level, verdict.level) == ("minor", "major") else known.worse
        last = max(known.last, verdict.end)
        known = replace(known, last=last, value=verdict.value, why=verdict.why, about=verdict.about)
        level = "major" if "major" in (known.level, verdict.level) else verdict.level
        return book.with_alert(replace(known, level=level, worse=worse))
    if len(ends) < verdict.rule.windows or (is_again and _rang_then(book, verdict)):
        return book
    return book.with_alert(
        Alert(
            id=_id(),
            endpoint=monitored.endpoint,
            model=verdict.model,
            version=verdict.version,
            rule=verdict.rule.name,
            asked=str(verdict.rule),
            level=verdict.level,
            value=verdict.value,
            why=verdict.why,
            start=verdict.start,
            end=verdict.end,
            opened=now,
            last=verdict.end,
            about=verdict.about,
        )
    )


def _rang_then(book: Book, verdict: Verdict) -> bool:
    """Whether an alert that is over was of this window already."""
    return any(
        (one.rule, one.who) == (verdict.rule.name, verdict.who) and one.start < verdict.end and verdict.start < one.last
        for one in book.alerts
        if not one.is_open
    )


def _with(book: Book, key: str, streak: Streak) -> Book:
    return replace(book, streaks=book.streaks | {key: streak})


def _without_rule(book: Book, rules: Sequence[Rule], now: float) -> Book:
    """End the alerts whose rule is there no more."""
    names = {rule.name for rule in rules} | {SILENT, LATE}
    for alert in book.alerts:
        if alert.is_open and alert.rule not in names:
            book = book.with_alert(replace(alert, recovered=now, ending="the rule was taken out of mlops.toml"))
    return book


def _gone(book: Book, length: float, now: float) -> Book:
    """End the alerts of versions that answer no more, where others do: nobody would see them recover."""
    newest = max(book.seen.values(), default=0.0)
    for alert in book.alerts:
        if alert.is_open and alert.version and book.seen.get(alert.who, alert.last) < newest - 2 * length:
            book = book.with_alert(replace(alert, recovered=now, ending=f"{alert.who} does not answer any more"))
    return book


def _parts(key: str) -> tuple[str, str, int]:
    length, who, rule = json.loads(key)
    return rule, who, int(length)


def _id() -> str:
    return uuid.uuid4().hex[:12]
