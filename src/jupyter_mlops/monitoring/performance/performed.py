"""One version in one window: how it performed, as readings that rules are about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from ...display import Card, View
from ...result import Result
from ...statistics.measured import Measured
from ...statistics.performance.reference import Reference
from ..readings import Outcome, Reading
from .concept import Watch
from .judging import judge, judge_calibration
from .kept import Window

ESTIMATED: Final = " (estimated)"
"""After the name of a metric that is an estimate: no label has been seen."""
TEST: Final = "%mlops validate model {ref} --data test --target y"


@dataclass(frozen=True, repr=False, eq=False)
class Performed(Result):
    """How a version performed in a window.

    Attributes
    ----------
    window : Window
    first : float
        When the first of its rows was asked for, in seconds since the epoch.
    reference : Reference, optional
        What it was like when it was made.
    why : str
        Why nothing is estimated, as far as the version is the reason.
    watch : Watch, optional
        Over its loss; of the last window alone.
    unwatched : str
        Why there is none.
    slices : mapping of (str, str) to Window
        By column and value, where that was asked for.
    """

    window: Window
    first: float
    reference: Reference | None = None
    why: str = ""
    watch: Watch | None = None
    unwatched: str = ""
    slices: Mapping[tuple[str, str], Window] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Give what JSON can hold."""
        its = self.reference
        beside = None if its is None else {"source": its.source, "rows": its.rows, "metrics": {name: each.to_dict() for name, each in its.metrics.items()}}  # fmt: skip
        slices = [{"column": column, "value": value, **its.to_dict()} for (column, value), its in self.slices.items()]
        return {"slices": slices, "window": self.window.to_dict(), "reference": beside, "concept_drift": self.watch.why if self.watch else self.unwatched}  # fmt: skip

    def view(self) -> View:
        """Draw its metrics."""
        from . import summary

        return Card("Performance", tables=[summary.table_of(self), *summary.slices_of(self)])

    def readings(self) -> Iterator[Reading]:
        """Give them, without the window that they are of."""
        window = self.window
        of = f"{window.labelled:,} of {window.predicted:,} predictions have a label"
        share = window.labelled / window.predicted if window.predicted else None
        yield Reading("labelled", share, "none", "pass" if window.labelled else "inconclusive", of)
        for name, its in window.metrics.items():
            level, outcome = judge(name, its, self.was(name), window.length)
            yield Reading(name, its.value, level, outcome, f"{self._told(name, its)}; {of}", low=its.low, high=its.high)
        for name in window.estimates or ({} if self.reference is not None and self.why == "" else window.metrics):
            its = window.estimates.get(name, Measured(why=self.why))
            level, outcome = judge(name, its, self.was(name), window.length)
            what = "estimated without labels" if its.conclusive else "no estimate"
            yield Reading(name + ESTIMATED, its.value, level, outcome, f"{what}: {self._told(name, its)}", low=its.low, high=its.high)  # fmt: skip
        if window.calibration is not None:
            gap = window.calibration.gap
            level, outcome = judge_calibration(gap, window.calibration.p)
            why = window.calibration.off.why if gap is None else f"probabilities are {gap:.3f} off, typically; {of}"
            yield Reading("calibration", gap, level, outcome, why or "too few labels")
        for name, its in window.business.items():
            known: Outcome = "pass" if its.conclusive else "inconclusive"
            yield Reading(name, its.value, "none", known, self._told(name, its), low=its.low, high=its.high)
        if self.watch is not None:
            seen = self.watch.detector.rows
            rings = self.watch.rings
            yield Reading("concept", float(rings) if seen else None, "major" if rings else "none", "fail" if rings else "pass" if seen else "inconclusive", self.watch.why if seen else "no label has come yet")  # fmt: skip
        elif self.unwatched:
            yield Reading("concept", None, "none", "inconclusive", self.unwatched)

    def was(self, name: str) -> Measured | None:
        """Give what a metric was on data that the model had not seen; what flatters is none of that."""
        if self.reference is None or self.reference.source == "train":
            return None
        return self.reference.metrics.get(name)

    def _told(self, name: str, its: Measured) -> str:
        was = self.was(name)
        before = f", and was {was.value:.4g} on the test data" if was is not None and was.value is not None and its.conclusive else ""  # fmt: skip
        return f"{told(its)}{before}"


def told(its: Measured) -> str:
    """Say a figure with its interval, or why there is none."""
    if its.value is None:
        return its.why or "there is none"
    between = "" if its.low is None or its.high is None else f" ({its.low:.4g} to {its.high:.4g})"
    return f"{its.value:.4g}{between}"


def span_of(start: float, end: float) -> tuple[datetime, datetime]:
    """Give a window's ends as times."""
    return datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC)
