"""Windows of performance, one after the other: values that are written down, read again, and drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Self

import pandas as pd

from ...display import Card, Cell, View
from ...errors import NotFound, nearest
from ...result import Result
from ...statistics.calibration import Reliability
from ...statistics.measured import Measured
from ...statistics.performance.reference import Reference

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Window:
    """What was predicted in some time, and how good it was as far as labels tell.

    Attributes
    ----------
    begin, end : datetime
        The end is no part of it.
    predicted, labelled : int
        How many predictions there were, and how many of them have a label by now.
    versions : mapping of str to int
        The predictions of each version.
    metrics : mapping of str to Measured
        By the labels that have come.
    estimates, second : mapping of str to Measured
        Without labels, of all predictions: estimates, and the second opinion.
    business : mapping of str to Measured
        Metrics of the user's own.
    calibration : Reliability, optional
        Of a classifier: whether its probabilities were what they say.
    notes : sequence of str
        What is to be known of the labels.
    """

    begin: datetime
    end: datetime
    predicted: int
    labelled: int
    versions: Mapping[str, int]
    metrics: Mapping[str, Measured]
    estimates: Mapping[str, Measured]
    second: Mapping[str, Measured]
    business: Mapping[str, Measured] = field(default_factory=dict)
    calibration: Reliability | None = None
    notes: Sequence[str] = ()

    @property
    def length(self) -> float:
        """How long it is, in seconds."""
        return (self.end - self.begin).total_seconds()

    def to_dict(self) -> dict[str, Any]:
        """Give what JSON can hold."""
        sides = {side: {name: its.to_dict() for name, its in getattr(self, side).items()} for side in _SIDES}
        return {
            "begin": self.begin.isoformat(),
            "end": self.end.isoformat(),
            "predicted": self.predicted,
            "labelled": self.labelled,
            "versions": dict(self.versions),
            **sides,
            "calibration": None if self.calibration is None else self.calibration.to_dict(),
            "notes": list(self.notes),
        }

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """Read what ``to_dict`` has given."""
        sides = {side: {name: Measured.read(its) for name, its in stored[side].items()} for side in _SIDES}
        calibration = stored["calibration"]
        return cls(
            datetime.fromisoformat(stored["begin"]),
            datetime.fromisoformat(stored["end"]),
            stored["predicted"],
            stored["labelled"],
            stored["versions"],
            **sides,
            calibration=None if calibration is None else Reliability.read(calibration),
            notes=stored["notes"],
        )


@dataclass(frozen=True)
class Change:
    """Another version has taken over."""

    time: datetime
    before: str
    after: str


@dataclass(frozen=True, repr=False, eq=False)
class Performance(Result):
    """How a model has done.

    Attributes
    ----------
    windows : sequence of Window
    changes : sequence of Change
    reference : Reference, optional
    notes : sequence of str
        What was wrong with the rows.
    """

    windows: Sequence[Window]
    changes: Sequence[Change] = ()
    reference: Reference | None = None
    notes: Sequence[str] = ()

    def frame(self) -> pd.DataFrame:
        """Give a row for each window, metric and source: labels, estimate, second opinion, business."""
        rows = [
            {
                "begin": window.begin,
                "end": window.end,
                "metric": name,
                "source": _SIDES[side],
                "value": its.value,
                "low": its.low,
                "high": its.high,
                "rows": its.rows,
                "why": its.why,
                "predicted": window.predicted,
                "labelled": window.labelled,
                "version": ", ".join(window.versions),
            }
            for window in self.windows
            for side in _SIDES
            for name, its in getattr(window, side).items()
        ]
        return pd.DataFrame(rows, columns=_COLUMNS)

    def view(self) -> View:
        """Draw the first metric, and say how much there is."""
        from ...display.plots import picture

        rows, known = (sum(getattr(window, name) for window in self.windows) for name in ("predicted", "labelled"))
        facts: list[tuple[str, Cell]] = [
            ("windows", len(self.windows)),
            ("labels", f"{known:,} of {rows:,} predictions have one"),
            *(("note", note) for note in self.notes),
        ]
        return Card("Performance", facts=facts, pictures=[picture(self.plot(), "performance over time")])

    def plot(self, metric: str | None = None) -> Figure:
        """Draw a metric over time, with where versions changed; by default the first one.

        Raises
        ------
        NotFound
            Where there is no such metric.
        """
        from .pictures import over_time as draw

        names = list(
            dict.fromkeys(name for window in self.windows for side in _SIDES for name in getattr(window, side))
        )
        if metric is None:
            metric = names[0] if names else "performance"
        elif metric not in names:
            raise NotFound(f"There is no metric {metric!r}.{nearest(metric, names)}", "report.performance.frame()")
        return draw(self, metric)

    def to_dict(self) -> dict[str, Any]:
        """Give what JSON can hold."""
        return {
            "windows": [window.to_dict() for window in self.windows],
            "changes": [
                {"time": each.time.isoformat(), "before": each.before, "after": each.after} for each in self.changes
            ],
            "notes": list(self.notes),
        }


_SIDES: Final = {"metrics": "labels", "estimates": "estimate", "second": "second opinion", "business": "business"}
_COLUMNS: Final = [
    "begin",
    "end",
    "metric",
    "source",
    "value",
    "low",
    "high",
    "rows",
    "why",
    "predicted",
    "labelled",
    "version",
]
