"""Data that is out of date: a column that went on with the clock and stays behind, and rows that come again and again.

A column goes on with the clock where its newest value has come forward as far as time has, however far behind it is, and however often
it is renewed: with each row, or once a day. It is stale where nothing newer has come for three times as long as ever before. What
a column was like is what monitoring has seen of it, in a few numbers, and so costs no row twice.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

from ..disk import write_whole
from ..display import span
from ..errors import NotWritable
from ..statistics.profile import Profile
from ..statistics.sketches import Numbers
from .readings import Level, Reading

_UNITS: Final = (1.0, 1e3, 1e6, 1e9)  # in a second: seconds since 1970, milliseconds …
_DECADE: Final = 3_653 * 86_400.0
_DAYS: Final = 28  # whose longest waits are remembered
_LEAST: Final = 5  # renewals that say what is usual
_LONGER: Final = 3.0
_PACE: Final = 0.5  # of the time that has passed, which a newer value must have come forward
_FEW: Final = 50  # rows that say whether they are copies
_RULE_OF_THREE: Final = 3  # copies that n rows without one leave open, 95 % (Hanley and Lippman-Hand, 1983)
_COPIES: Final = 0.5  # more copies than in the reference, of all rows; our own choice, major from 0.8 on


@dataclass(frozen=True)
class Clock:
    """A column whose newest value may go on with time.

    Attributes
    ----------
    unit : float
        How many of its own are a second.
    first, last : (float, float)
        When a newer value came, in seconds since the epoch, and which, at the beginning and at the end.
    seen : float
        Up to when it has been looked at.
    renewed : int
        How often a newer one has come.
    waits : mapping of str to float
        The longest time between two, by day.
    """

    unit: float
    first: tuple[float, float]
    last: tuple[float, float]
    seen: float
    renewed: int = 0
    waits: Mapping[str, float] | None = None

    @classmethod
    def begin(cls, at: float, value: float, *, is_time: bool) -> Self | None:
        """Begin where a value may be a time; None where it can't be."""
        units = (1.0,) if is_time else tuple(unit for unit in _UNITS if abs(value / unit - at) < _DECADE)
        return cls(units[0], (at, value), (at, value), at) if units else None

    def after(self, at: float, value: float) -> Clock:
        """Take in the newest value of a piece that ends then."""
        if at <= self.seen:
            return self
        if value - self.last[1] < _PACE * self.unit * (
            at - self.last[0]
        ):  # it may come nearer to where it stands still
            return replace(self, seen=at)
        day = f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"
        waits = {**(self.waits or {})}
        waits[day] = max(waits.get(day, 0.0), at - self.last[0])
        kept = dict(sorted(waits.items())[-_DAYS:])
        return replace(self, last=(at, value), seen=at, renewed=self.renewed + 1, waits=kept)

    @property
    def goes_on(self) -> bool:
        """Whether it has come forward as time has."""
        passed = self.last[0] - self.first[0]
        if self.renewed < _LEAST or passed <= 0:
            return False
        return _PACE <= (self.last[1] - self.first[1]) / self.unit / passed <= 1 / _PACE

    def reading(self, name: str, piece: float) -> Reading:
        """Say whether it stays behind; pieces are so long."""
        wait, longest = self.seen - self.last[0], max((self.waits or {}).values(), default=0.0)
        far = wait / (_LONGER * longest + piece)
        level: Level = "major" if far >= 2 else "minor" if far >= 1 else "none"
        when = datetime.fromtimestamp(self.last[1] / self.unit, UTC)
        usual = f"newer ones came within {span(longest)}"
        why = f"nothing newer than {when:%Y-%m-%d %H:%M} UTC for {span(wait)}, and {usual}" if far >= 1 else usual
        value = self.seen - self.last[1] / self.unit
        return Reading(f"stale:{name}", value, level, "fail" if far >= 1 else "pass", why)


class Clocks:
    """The columns of what an endpoint is asked that go on with time.

    Parameters
    ----------
    folder : Path
        Where monitoring keeps what it has seen.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clocks.json"

    def readings(
        self, model: str, reference: Profile, pieces: Sequence[tuple[float, Profile]], piece: float
    ) -> Iterator[Reading]:
        """Take in what is new, and tell of each column that goes on with time.

        Parameters
        ----------
        model : str
        reference : Profile
        pieces : sequence of (float, Profile)
            Pieces of the log by when they end, in the order of time.
        piece : float
            How long they are.
        """
        known = self._read(model)
        for name, column in reference.columns.items():
            if column.hidden or column.role != "feature" or not isinstance(column.sketch, Numbers):
                continue
            clock = known.get(name)
            for at, window in pieces:
                sketch = window.columns[name].sketch
                if isinstance(sketch, Numbers) and math.isfinite(sketch.most):
                    value = sketch.most
                    clock = clock.after(at, value) if clock else Clock.begin(at, value, is_time=column.kind == "time")
            if clock is not None:
                known[name] = clock
                if clock.goes_on:
                    yield clock.reading(name, piece)
        self._write(model, known)

    def _read(self, model: str) -> dict[str, Clock]:
        try:
            said = json.loads(self._file.read_text())[model]
            return {name: Clock(**{**one, "first": tuple(one["first"]), "last": tuple(one["last"])}) for name, one in said.items()}  # fmt: skip
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def _write(self, model: str, clocks: Mapping[str, Clock]) -> None:
        if not clocks:
            return
        said = {}
        with contextlib.suppress(OSError, ValueError, TypeError):
            said = dict(json.loads(self._file.read_text()))
        said[model] = {name: asdict(clock) for name, clock in clocks.items()}
        with contextlib.suppress(NotWritable):  # it is seen again
            write_whole(self._file, json.dumps(said))


def repeated(reference: Profile, window: Profile) -> Iterator[Reading]:
    """Tell whether the rows of a window are copies of one another, far more than those of the reference.

    So many as a reference of n rows has, or leaves open, may n others have; of more rows chance makes copies in proportion.
    """
    if window.repeats is None or reference.distinct is None or not window.rows:
        return
    share, rows = 1 - window.repeats.distinct, window.rows
    told = f"{100 * share:.0f}% of {rows:,} rows are copies of others"
    known = reference.distinct_rows
    usual = min(1.0, (1 - reference.distinct + _RULE_OF_THREE / max(1, known)) * max(1.0, rows / max(1, known)))
    if rows < _FEW or usual > _COPIES:
        why = f"{rows:,} rows are too few" if rows < _FEW else f"{told}, and so may be those of the reference"
        yield Reading("repeats", share, "none", "inconclusive", why)
        return
    more = share - usual
    level: Level = "major" if more >= 0.8 else "minor" if more >= _COPIES else "none"
    why = f"{told}, and in the reference {100 * (1 - reference.distinct):.0f}%"
    yield Reading("repeats", share, level, "fail" if level != "none" else "pass", why)
