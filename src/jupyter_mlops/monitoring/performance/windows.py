"""Performance over time: windows by when was predicted, however late the labels come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import numpy as np
import pandas as pd

from ...errors import InvalidUsage
from ...statistics.calibration import Reliability, reliability
from ...statistics.measured import Measured
from ...statistics.performance.reference import Reference
from ...statistics.performance.rows import Rows, metrics_of, score
from .business import Business
from .estimates import estimate, second_opinion
from .selection import unlike_the_rest

_MOST_WINDOWS: Final = 5_000
_MONDAY: Final = pd.Timestamp("1970-01-05", tz="UTC")
Every = str | int | pd.Timedelta


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


@dataclass(frozen=True)
class Change:
    """Another version has taken over."""

    time: datetime
    before: str
    after: str


@dataclass(frozen=True)
class Performance:
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


def over_time(
    frame: pd.DataFrame,
    reference: Reference | None = None,
    *,
    every: Every = "1D",
    metrics: Sequence[str] | None = None,
    business: Sequence[Business] = (),
) -> Performance:
    """Measure the performance in each window.

    Parameters
    ----------
    frame : DataFrame
        As ``ep.log()`` gives it; the probabilities as ``chance.CLASS`` where there are some.
    reference : Reference, optional
        Without one nothing is estimated.
    every : str, Timedelta or int
        The length of a window, from midnight UTC, of weeks from Monday: ``"1h"``, ``"1D"``, ``"7D"``; or a number of
        predictions.
    metrics : sequence of str, optional
        All of the task by default.
    business : sequence of Business
        Metrics of the user's own, of the labelled rows or of all, as they see fit.

    Raises
    ------
    InvalidUsage
        Where the frame has no times or no predictions, a window is no length, or there is no such metric.
    """
    if "time" not in frame.columns:
        raise InvalidUsage("The rows have no times.", "a frame as ep.log() gives it, with a column time")
    frame = frame.assign(time=pd.to_datetime(frame["time"], utc=True, errors="coerce"))
    task, classes = (None, None) if reference is None else (reference.task, reference.classes)
    rows = Rows.of(frame, task=task, classes=classes)
    names = list(metrics) if metrics is not None else metrics_of(rows.task)
    if unheard := [name for name in names if name not in metrics_of(rows.task)]:
        raise InvalidUsage(
            f"There is no metric {unheard[0]!r} of a {rows.task}. There are: {', '.join(metrics_of(rows.task))}."
        )
    windows = [_window(part, reference, span, names, business) for span, part in _cut(rows, every)]
    return Performance(windows, list(_changes(rows, windows)), reference, rows.notes)


def _window(
    rows: Rows,
    reference: Reference | None,
    span: tuple[datetime, datetime],
    names: Sequence[str],
    business: Sequence[Business],
) -> Window:
    known = rows.take(np.flatnonzero(rows.labelled))
    calibration = None
    if rows.task == "classifier" and known.chances is not None:
        calibration = reliability(known.with_chances().classified())
    return Window(
        *span,
        predicted=len(rows),
        labelled=len(known),
        versions=_versions(rows),
        metrics={name: score(rows, name) for name in names},
        estimates={} if reference is None else estimate(reference, rows, names),
        second={} if reference is None or not reference.corrections else second_opinion(reference, rows, names),
        business={each.name: each(rows.frame) for each in business},
        calibration=calibration,
        notes=[note for note in [unlike_the_rest(rows)] if note],
    )


def _versions(rows: Rows) -> dict[str, int]:
    if "version" not in rows.frame.columns:
        return {}
    counts = rows.frame["version"].value_counts()
    return {str(version): int(count) for version, count in counts.items()}


def _cut(rows: Rows, every: Every) -> Iterator[tuple[tuple[datetime, datetime], Rows]]:
    """Cut rows into windows; those without predictions are there too."""
    if not len(rows):
        return
    times = rows.frame["time"]
    if isinstance(every, int):
        if every < 1:
            raise InvalidUsage(f"A window takes 1 prediction or more, not {every}.")
        for begin in range(0, len(rows), every):
            part = rows.take(np.arange(begin, min(begin + every, len(rows))))
            ends = part.frame["time"]
            last = times.iloc[begin + every] if begin + every < len(rows) else ends.iloc[-1] + pd.Timedelta(1, "us")
            yield (ends.iloc[0].to_pydatetime(), last.to_pydatetime()), part
        return
    try:
        length = pd.Timedelta(every)
    except ValueError:
        raise InvalidUsage(f"{every!r} is no length of time.", "every='1h', '1D', or a number of predictions") from None
    if not length > pd.Timedelta(0):
        raise InvalidUsage(f"A window can't be {every} long.", "every='1h', '1D', or a number of predictions")
    last = times.iloc[-1]
    first = times.iloc[0] - (times.iloc[0] - _MONDAY) % length  # the same edges whatever the rows
    count = int((last - first) // length) + 1
    if count > _MOST_WINDOWS:
        raise InvalidUsage(f"{every} makes {count:,} windows, and {_MOST_WINDOWS:,} are the most.", f"every='{(last - first) / 100}', or a later --since")  # fmt: skip
    edges = [first + length * number for number in range(count + 1)]
    places = times.searchsorted(pd.DatetimeIndex(edges))
    for number in range(count):
        span = (edges[number].to_pydatetime(), edges[number + 1].to_pydatetime())
        yield span, rows.take(np.arange(places[number], places[number + 1]))


def _changes(rows: Rows, windows: Sequence[Window]) -> Iterator[Change]:
    """Find when another version took over: it has most of a window, and another one had most of the one before.

    The moment is where most rows before are of the one and most after of the other: a canary answers some before it.
    """
    if "version" not in rows.frame.columns:
        return
    times, versions = rows.frame["time"], rows.frame["version"].astype(str)
    before: Window | None = None
    standing = ""
    for window in windows:
        if not window.versions:
            continue
        now = max(window.versions, key=lambda version: window.versions[version])
        if before is not None and now != standing:
            both = slice(*times.searchsorted(pd.DatetimeIndex([before.begin, window.end])))
            its = versions.iloc[both].to_numpy()
            balance = np.r_[0, np.cumsum((its == standing).astype(int) - (its == now).astype(int))]
            place = min(len(its) - 1, int(np.argmax(balance)))
            yield Change(times.iloc[both].iloc[place].to_pydatetime(), standing, now)
        before, standing = window, now
