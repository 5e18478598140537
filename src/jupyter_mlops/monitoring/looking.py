"""A look at an endpoint: the windows of its log, each version beside its own profile, and the canary beside the champion.

Who looks often is rung at by chance often. So chance has one report in a hundred a *day* to ring in, however many looks a day has:
each window may spend the part of that which its share of the day is, and a look at any moment that of the
piece of time that has come on since the last one (alpha spending, linear in time: Lan and DeMets, 1983; by Bonferroni it holds
whatever hangs on what).
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from ..errors import BackendUnreachable, InvalidUsage, NotFound
from ..moments import moment
from ..serving import listing
from ..serving.files import files_of
from ..statistics.alarms import QUALITY
from ..statistics.profile import Profile, added
from ..workspace import Workspace
from . import baseline, history, reading, slicing
from .buckets import CHAMPION, Buckets, Who, size_of, tidy, total
from .comparison import compare
from .performing import Performing
from .place import folder_of
from .results import DriftReport
from .seasons import Seasons
from .stale import Clocks, repeated
from .traffic import Traffic
from .watched import Look, Monitored

_DAY: Final = 86_400.0
_MOST_WINDOWS: Final = 500


def look(
    workspace: Workspace,
    endpoint: str,
    window: str,
    since: str | None,
    *,
    slices: Sequence[str] = (),
    now: float | None = None,
) -> Monitored:
    """Look at an endpoint.

    Parameters
    ----------
    workspace : Workspace
    endpoint : str
    window : str
        How long a window is: ``1h``.
    since : str, optional
        From when; by default only the last window.
    slices : sequence of str
        Columns by whose values the performance is measured too.
    now : float, optional
    """
    now = time.time() if now is None else now
    log = files_of(workspace.state.folder, endpoint).predictions
    if not log.exists():
        listing.find(workspace, endpoint)  # which says that there is none
    length = span_of(window, now)
    size = size_of(length)
    folder = folder_of(workspace, endpoint)
    buckets = Buckets(log, folder, size, now)
    seasons = Seasons(log, folder, buckets, now)
    spans = list(_windows(length, size, since, now))
    level = QUALITY * min(1.0, (length if since else size) / _DAY)
    references = baseline.Baselines(workspace, endpoint)
    kept_since = now - workspace.settings.endpoint(endpoint).log.days * _DAY
    performing = Performing(workspace, endpoint, log, folder, slices, kept_since)
    clocks = Clocks(folder, spans[0][0], size)
    looks: list[Look] = []
    for start, end in spans:
        is_last = (start, end) == spans[-1]
        seen = list(_looks(workspace, endpoint, buckets, seasons, references, start, end, level, clocks))
        seen = [_with_performance(one, performing, references, is_last=is_last) for one in seen]
        if is_last and slices:
            seen = [_with_slices(one, log, references, slices, workspace.settings.validation.data.shift, level) for one in seen]  # fmt: skip
        looks += seen
    tidy(folder, kept_since)
    found = Monitored(
        endpoint=endpoint,
        window=length,
        looks=tuple(looks),
        notes=(*references.notes, *performing.notes),
        read_rows=buckets.read_rows + seasons.read_rows,
        last=_last(log),
    )
    return history.keep(workspace, found, now, is_last=since is None)


def span_of(text: str, now: float) -> float:
    """Read how long a window is.

    Raises
    ------
    InvalidUsage
        Where it is none, or under a minute or over a year.
    """
    found = moment(text.strip(), now)
    length = now - found if found is not None and text.strip()[:1].isdigit() and text.strip()[-1:].isalpha() else 0.0
    if not 60 <= round(length) <= 366 * _DAY:
        raise InvalidUsage(f"{text!r} is no window: from 1min to a year.", "--window 1h, 30min, 1d or 7d")
    return float(round(length))


def _windows(length: float, size: int, since: str | None, now: float) -> Iterator[tuple[float, float]]:
    """Give the windows: the last one, up to now, or those since some moment, at whole multiples of their length."""
    end = math.ceil(now / size) * size
    if since is None:
        yield end - length, float(end)
        return
    begin = moment(since.strip(), now)
    if begin is None or begin >= now:
        raise InvalidUsage(f"{since!r} is no time in the past.", "--since 24h, yesterday or 2026-11-01")
    first = math.floor(begin / length)
    count = math.ceil(now / length) - first
    if count > _MOST_WINDOWS:
        raise InvalidUsage(f"These are {count:,} windows; {_MOST_WINDOWS} can be looked at.", "a longer --window, or a later --since")  # fmt: skip
    for place in range(first, first + count):
        yield place * length, min((place + 1) * length, float(end))


def _looks(
    workspace: Workspace,
    endpoint: str,
    buckets: Buckets,
    seasons: Seasons,
    references: baseline.Baselines,
    start: float,
    end: float,
    level: float,
    clocks: Clocks,
) -> Iterator[Look]:
    answered = total(buckets.who(start, end).values())
    if not answered:
        yield reading.nothing(endpoint, start, end)
        return
    traffic = Traffic.of(buckets, start, end)
    champions: dict[str, tuple[Profile, Profile, Who]] = {}
    for who in sorted(answered, key=lambda who: (who.arm != CHAMPION, -answered[who])):
        try:
            reference = references.of(who)
        except (NotFound, BackendUnreachable) as error:  # there may be labels, and traffic, all the same
            yield reading.without_profile(endpoint, who, answered[who], traffic, start, end, error)
            continue
        pieces = buckets.pieces(start, end, who, reference)
        window = added((piece for _, piece in pieces), reference)
        name = f"{who.model}/{who.version}"
        shift = workspace.settings.validation.data.shift
        columns = compare(reference, window, shift, level)
        columns = seasons.without(columns, reference, window, who, (start, end), shift, level)
        drift = DriftReport(f"the profile of {name}", endpoint, reference.rows, window.rows, columns, reference.notes)
        of_time = list(repeated(reference, window))
        if who.arm == CHAMPION:
            of_time += clocks.readings(who.model, pieces)
        beside = None
        if who.arm == CHAMPION and who.model not in champions:
            champions[who.model] = (reference, window, who)
        elif who.model in champions:
            beside = _beside(buckets, champions[who.model], who, start, end, shift, level)
        yield reading.of(endpoint, who, drift, beside, traffic, start, end, of_time)


def _with_performance(look: Look, performing: Performing, references: baseline.Baselines, *, is_last: bool) -> Look:
    if not look.version:
        return look
    who = Who(look.model, look.version, look.arm)
    try:
        profile = references.of(who)
    except (NotFound, BackendUnreachable):
        profile = None
    performed = performing.of(who, profile, look.start, look.end, look.rows, is_last=is_last)
    return reading.with_performance(look, performed)


def _with_slices(
    look: Look, log: Path, references: baseline.Baselines, slices: Sequence[str], shift: float, level: float
) -> Look:
    """Look at the champion by slices, where it has a profile; that they may be shown was seen to with the performance."""
    if look.arm != CHAMPION or look.drift is None:
        return look
    who = Who(look.model, look.version, look.arm)
    span = look.start, look.end
    found = slicing.drift_by_slices(log, who, references.of(who), span, slices, shift, level)
    return replace(look, slices=tuple(found))


def _beside(
    buckets: Buckets,
    champion: tuple[Profile, Profile, Who],
    who: Who,
    start: float,
    end: float,
    shift: float,
    level: float,
) -> DriftReport:
    """Hold what another version was asked and has answered against what the champion was and has, in the same time."""
    reference, first, its = champion
    second = buckets.window(start, end, who, reference)
    known = replace(first, importance=reference.importance)
    return DriftReport(
        f"{its.model}/{its.version} ({its.arm})",
        f"{who.model}/{who.version} ({who.arm})",
        first.rows,
        second.rows,
        compare(known, second, shift, level),
    )


def _last(log: Path) -> float | None:
    """Say when the newest row was asked for."""
    from ..serving.log import reader

    newest = reader.read(log, limit=1, columns=["time"])["time"].to_pylist()
    return newest[0].timestamp() if newest else None
