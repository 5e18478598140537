"""What comes back with the hour or the weekday is no drift.

A profile has seen nights and week-ends, but not which rows were of them: by itself a night looks like drift. So a column that rings
is looked at in two other ways: the same time of earlier weeks, or days, beside the window; and the whole last week, or day, beside
the profile. Only where both are as they should be is it the season. A drift that stays is in the whole, and goes on ringing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ..statistics.profile import Profile, added
from .buckets import CHAMPION, Buckets, Who, total
from .comparison import compare, in_order
from .results import Column

DAY: Final = 86_400.0


@dataclass(frozen=True)
class Period:
    """What repeats itself.

    Attributes
    ----------
    name : str
    length : float
        In seconds.
    times : int
        How many of them are looked back on.
    least : int
        How many say how much traffic is usual.
    """

    name: str
    length: float
    times: int
    least: int

    def before(self, start: float, end: float) -> Iterator[tuple[float, float]]:
        """Give the same time of earlier periods, the last one first: by this machine's clock, also where that has been changed."""
        for number in range(1, self.times + 1):
            back = number * self.length - (_offset(start) - _offset(start - number * self.length))
            yield start - back, end - back


def _offset(at: float) -> float:
    """Say how far this machine's clock was ahead of UTC, in seconds: people get up by it."""
    return float(time.localtime(at).tm_gmtoff)


PERIODS: Final = (Period("week", 7 * DAY, 4, 3), Period("day", DAY, 7, 5))
_WIDE: Final = 3600  # seconds: the pieces of a whole period


class Seasons:
    """The seasons of an endpoint's log.

    Parameters
    ----------
    log : Path
    folder : Path
        Where sketches are kept.
    buckets : Buckets
        The pieces of windows.
    now : float
    """

    def __init__(self, log: Path, folder: Path, buckets: Buckets, now: float) -> None:
        self._pieces = buckets
        self._wide = buckets if buckets.size == _WIDE else Buckets(log, folder, _WIDE, now)

    @property
    def read_rows(self) -> int:
        """How many rows had to be read for whole periods."""
        return 0 if self._wide is self._pieces else self._wide.read_rows

    def without(
        self,
        columns: tuple[Column, ...],
        reference: Profile,
        window: Profile,
        who: Who,
        span: tuple[float, float],
        shift: float,
        level: float,
    ) -> tuple[Column, ...]:
        """Let what comes back with the week or the day not ring.

        Parameters
        ----------
        columns : tuple of Column
            The window beside the profile.
        reference, window : Profile
        who : Who
            Who has answered in the window. Earlier versions of the model were asked in the same seasons.
        span : tuple of float
            The window's start and end.
        shift, level : float
            As for ``compare``.
        """
        for period in PERIODS:
            ringing = {one.name for one in columns if one.outcome == "fail" and math.isfinite(one.severity)}
            if not ringing or span[1] - span[0] >= period.length:
                continue
            same = added((self._seen(self._pieces, *then, who, reference) for then in period.before(*span)), reference)
            if same.rows < max(1, window.rows):  # too few to be held against
                continue
            known = replace(same, importance=reference.importance)
            beside = {one.name: one for one in compare(known, window, shift, level) if one.outcome != "fail"}
            if not ringing & beside.keys():
                continue
            whole = self._seen(self._wide, span[1] - period.length, span[1], who, reference)
            usual = {one.name for one in compare(reference, whole, shift, level) if one.outcome == "pass"}
            columns = tuple(
                _at_rest(one, beside[one.name], period) if one.name in ringing & beside.keys() & usual else one
                for one in columns
            )
        return in_order(columns)

    def _seen(self, buckets: Buckets, start: float, end: float, who: Who, reference: Profile) -> Profile:
        there = [one for one in total(buckets.who(start, end).values()) if one.model == who.model and one.arm in (CHAMPION, who.arm)]  # fmt: skip
        return added((buckets.window(start, end, one, reference) for one in there), reference)


def _at_rest(column: Column, beside: Column, period: Period) -> Column:
    """Take the outcome of the window beside its season: it may be that too few rows tell."""
    when = f"this time of earlier {period.name}s"
    told = f"as at {when}" if beside.ok else f"it may be as at {when} ({beside.why})"
    why = f"{told}, and the last {period.name} as a whole is as in the profile; by itself: {column.why}"
    sides = tuple(replace(side, rings=False) for side in column.sides)
    return replace(column, outcome=beside.outcome, level="none", severity=0.0, why=why, sides=sides)
