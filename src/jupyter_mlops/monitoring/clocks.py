"""A column that goes on with the clock: how long newer values are waited for, and how long that usually is.

What is usual is by quantiles, so that one incident does not become it: of the longest wait of each day, and at this hour of earlier
weeks, for sources that rest at night and at the week-end. Waiting is only while somebody looks: the time in which the monitor was
away, or nobody asked, is neither waited nor learnt.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from statistics import median_high
from typing import Any, Final, Self

from ..display import span
from .readings import Level, Reading

AHEAD: Final = 14 * 3600.0  # seconds: a clock of another time zone; what is later is of the future
_WEEK: Final = 7 * 86_400.0
_DAYS: Final = 28  # whose longest waits are remembered
_WEEKS: Final = 4  # likewise of each hour of the week
_SURE: Final = 9  # days that have been seen, a week and the week-end it may have begun with: before, it may be a rest
_LEAST: Final = 5  # renewals that say what is usual
_USUAL: Final = 0.75  # of the days have no longer wait: the others are week-ends and incidents
_LONGER, _LONGER_THAN_THEN = 3.0, 1.5  # times the usual wait, and that at this hour of earlier weeks; our own choice
_PACE: Final = 0.5  # of the time that has passed, which a newer value must have come forward


@dataclass(frozen=True)
class Clock:
    """A column whose newest value may go on with time. All in seconds since the epoch, or in seconds.

    Attributes
    ----------
    first, last : (float, float)
        When a newer value came, and which, at the beginning and at the end.
    seen : float
        Up to when it has been looked at.
    waited : float
        For how long nothing newer has come, while somebody looked.
    renewed : int
        How often a newer one has come.
    ahead : bool
        Whether the last value was later than the clock, as those of a clock of another time zone are, again and again.
    days : int
        How many days have been seen.
    waits : mapping of str to float
        The longest wait that was over on a day.
    hours : mapping of str to sequence of (int, float)
        By the hour of the week: how long had been waited by then, in which week.
    """

    first: tuple[float, float]
    last: tuple[float, float]
    seen: float
    waited: float
    renewed: int = 0
    ahead: bool = False
    days: int = 1
    waits: Mapping[str, float] = field(default_factory=dict)
    hours: Mapping[str, Sequence[tuple[int, float]]] = field(default_factory=dict)

    @classmethod
    def begin(cls, at: float, value: float) -> Self:
        """Begin with the newest value of the first piece."""
        return cls((at, value), (at, value), at, 0.0)

    def after(self, at: float, value: float, start: float) -> Clock:
        """Take in the newest value of a piece that ends then, in a look that begins at ``start``: before it, nobody may have looked."""
        if at <= self.seen:
            return self
        waited = self.waited + at - max(self.seen, min(start, at))
        is_new_day = _day(at) != _day(self.seen)
        seen = replace(self, seen=at, waited=waited, days=self.days + is_new_day, ahead=value > at)
        # One value ahead of the clock may be anybody's mistake; and it may come nearer to where it stands still.
        if (value > at and not self.ahead) or value - self.last[1] < _PACE * (at - self.last[0]):
            return seen._remembered(at, waited)
        waits = {**self.waits, _day(at): max(self.waits.get(_day(at), 0.0), waited)}
        kept = dict(sorted(waits.items())[-_DAYS:])
        found = replace(seen, last=(at, value), waited=0.0, renewed=self.renewed + 1, waits=kept)
        return found._remembered(at, waited)

    def _remembered(self, at: float, waited: float) -> Clock:
        """Keep the longest wait of this hour of the week."""
        hour, week = _hour(at), int(at // _WEEK)
        known = dict(self.hours.get(hour, ()))
        known[week] = max(known.get(week, 0.0), float(round(waited)))
        return replace(self, hours={**self.hours, hour: tuple(sorted(known.items())[-_WEEKS:])})

    @property
    def goes_on(self) -> bool:
        """Whether it has come forward as time has."""
        passed = self.last[0] - self.first[0]
        if self.renewed < _LEAST or passed <= 0:
            return False
        return _PACE <= (self.last[1] - self.first[1]) / passed <= 1 / _PACE

    @property
    def usual(self) -> float:
        """The longest wait of a day that is no exception."""
        waits = sorted(self.waits.values())
        return waits[int(_USUAL * (len(waits) - 1))] if waits else 0.0

    @property
    def usual_now(self) -> float:
        """How long had been waited at this hour of earlier weeks."""
        now = int(self.seen // _WEEK)
        before = [waited for week, waited in self.hours.get(_hour(self.seen), ()) if week < now]
        return median_high(before) if before else 0.0

    def reading(self, name: str, piece: float, left_out: int = 0) -> Reading:
        """Say whether it stays behind; pieces are so long, and so many values of the future were left out."""
        far = self.waited / (max(_LONGER * self.usual, _LONGER_THAN_THEN * self.usual_now) + piece)
        level: Level = "none" if far < 1 else "minor" if far < 2 or self.days <= _SURE else "major"
        when = datetime.fromtimestamp(self.last[1], UTC)
        why = f"newer ones came within {span(self.usual)}"
        if far >= 1:
            why = f"nothing newer than {when:%Y-%m-%d %H:%M} UTC for {span(self.waited)}, and {why}"
        if left_out:
            why += f"; {left_out:,} {'values' if left_out > 1 else 'value'} of the future left out"
        return Reading(f"stale:{name}", self.seen - self.last[1], level, "fail" if far >= 1 else "pass", why)

    def to_dict(self) -> dict[str, Any]:
        """Give what JSON can hold."""
        return asdict(self)

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> Self:
        """Read what ``to_dict`` has given."""
        hours = {hour: tuple((int(week), float(waited)) for week, waited in its) for hour, its in said["hours"].items()}
        return cls(**{**said, "first": tuple(said["first"]), "last": tuple(said["last"]), "hours": hours})


def _day(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"


def _hour(at: float) -> str:
    """Give the hour of the week, by this machine's clock: people get up by it."""
    there = time.localtime(at)
    return str(there.tm_wday * 24 + there.tm_hour)
