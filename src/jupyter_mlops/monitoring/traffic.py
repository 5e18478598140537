"""How much an endpoint was asked, beside what is usual: in the windows before, or at this time of earlier days and weeks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from .buckets import SHADOW, Buckets
from .readings import Level, Reading
from .seasons import PERIODS

_BEFORE: Final = 8  # windows
_LEAST: Final = (
    8  # windows that say what is usual: of 5 the spread is so unsure that chance alone is far out in 2 of 100
)
_FAR: Final = 5.0  # robust standard deviations
_MINOR, _MAJOR = 1.5, 2.0  # times as many as usual, or as few, that matter: our own choice


@dataclass(frozen=True)
class Traffic:
    """The rows of a window, and of those that say what is usual.

    Attributes
    ----------
    rows : int
        A shadow's are not counted: nobody has asked for them.
    before : sequence of int
        Those of the windows before, the newest first, up to the first that had any.
    seasons : sequence of sequence of int
        Those at the same time of earlier weeks, and of earlier days; only where it takes them.
    """

    rows: int
    before: Sequence[int]
    seasons: Sequence[Sequence[int]] = ()

    @classmethod
    def of(cls, buckets: Buckets, start: float, end: float) -> Traffic:
        """Count."""
        length = end - start
        before = [(start - number * length, end - number * length) for number in range(1, _BEFORE + 1)]
        found = cls(_rows(buckets, start, end), _counts(buckets, before))
        if found.reading().outcome == "pass":
            return found
        seasons = [_counts(buckets, one.before(start, end)) if length < one.length else [] for one in PERIODS]
        return replace(found, seasons=[
            counts for counts, one in zip(seasons, PERIODS, strict=True) if len(counts) >= one.least
        ])  # fmt: skip

    def reading(self) -> Reading:
        """Hold it against what is usual, as square roots: counts then spread evenly (Bartlett, 1936).

        How far is by the median and its absolute deviations, of at least what chance gives a count by itself (a half); and it
        must be enough to matter. Of counts that spread by a third and more from window to window, chance is major in about
        one window of a thousand.
        """
        value = float(self.rows)
        if len(self.before) < _LEAST and not self.seasons:
            why = f"{self.rows:,} rows; {len(self.before)} windows before are too few to say what is usual"
            return Reading("traffic", value, "none", "inconclusive", why)
        known = [self.before, *self.seasons] if len(self.before) >= _LEAST else self.seasons
        far, usual = min((_far(self.rows, counts), _usual(counts)) for counts in known)
        times = (max(self.rows, usual) + 0.5) / (min(self.rows, usual) + 0.5)
        level: Level = "none" if far < _FAR or times < _MINOR else "major" if far >= 2 * _FAR and times >= _MAJOR else "minor"  # fmt: skip
        why = f"{self.rows:,} rows, usual are {usual:,}"
        return Reading("traffic", value, level, "fail" if level != "none" else "pass", why)


def _rows(buckets: Buckets, start: float, end: float) -> int:
    return sum(count for who in buckets.who(start, end).values() for one, count in who.items() if one.arm != SHADOW)


def _counts(buckets: Buckets, spans: Iterable[tuple[float, float]]) -> list[int]:
    """Count windows, the newest first, up to the first one that had any rows."""
    counts = [_rows(buckets, *span) for span in spans]
    while counts and not counts[-1]:
        counts.pop()
    return counts


def _far(rows: int, counts: Sequence[int]) -> float:
    roots = sorted(math.sqrt(count) for count in counts)
    middle = roots[len(roots) // 2]
    spread = max(0.5, 1.4826 * sorted(abs(root - middle) for root in roots)[len(roots) // 2])
    return abs(math.sqrt(rows) - middle) / spread


def _usual(counts: Sequence[int]) -> int:
    return sorted(counts)[len(counts) // 2]
