"""Performance over time: windows by when was predicted, however late the labels come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import numpy as np
import pandas as pd

from ...errors import InvalidUsage
from ...statistics.calibration import reliability
from ...statistics.performance.reference import Reference
from ...statistics.performance.rows import Rows, metrics_of, score
from .business import Business
from .estimates import estimate, second_opinion
from .kept import Change, Performance, Window
from .selection import unlike_the_rest

_MOST_WINDOWS: Final = 5_000
_MONDAY: Final = pd.Timestamp("1970-01-05", tz="UTC")
Every = str | int | pd.Timedelta


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
    windows = [window_of(part, reference, span, names, business) for span, part in _cut(rows, every)]
    return Performance(windows, list(_changes(rows, windows)), reference, rows.notes)


def window_of(
    rows: Rows,
    reference: Reference | None,
    span: tuple[datetime, datetime],
    names: Sequence[str],
    business: Sequence[Business] = (),
) -> Window:
    """Measure some rows that were predicted between two moments; see ``over_time``."""
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
