"""A metric over time: what the labels say with its interval, the estimate beside it, and where versions changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from ...display.plots import COLOURS, INK, blank, draw, legend
from ...statistics.calibration import Reliability
from ...statistics.measured import Measured
from .kept import Performance, Window

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_NAMED: Final = 8  # changes of version with a name; more are lines alone
_LONGEST: Final = 28
_MOST_BARS: Final = 60
_LABELS, _ESTIMATE, _SECOND = COLOURS[0], COLOURS[1], COLOURS[2]


def over_time(performance: Performance, metric: str) -> Figure:
    """Draw a metric: points with intervals are labels, a dashed line in a band is the estimate."""
    windows = performance.windows
    labels = _found(windows, "metrics", metric) or _found(windows, "business", metric)
    estimates = _found(windows, "estimates", metric)
    if not labels and not estimates:
        return _nothing(windows, metric)
    figure, (axes,) = draw(7.0, 2.9)
    if estimates:
        beside = 0.04 * _width(windows) if len(windows) == 1 else 0.0  # of one window both would be one point
        estimates = [(time + beside, its) for time, its in estimates]
        _band(axes, estimates, _ESTIMATE, "estimate, without labels", "--")
    if second := _found(windows, "second", metric):
        axes.plot(
            *_points(second),
            ":",
            color=_SECOND,
            lw=1.2,
            marker="." if len(second) == 1 else None,
            label="second opinion, an estimate too",
        )
    if labels:
        _bars(axes, labels) if len(labels) <= _MOST_BARS else _band(axes, labels, _LABELS, "by labels", "-")
    was = None if performance.reference is None else performance.reference.metrics.get(metric, Measured()).value
    if was is not None:
        axes.axhline(was, color=INK, lw=0.8, ls=(0, (1, 2)), label="reference")
    axes.set_ylabel(_cut(metric))
    axes.set_xlim(_when(windows[0]) - _width(windows) / 2, _when(windows[-1]) + _width(windows) / 2)
    _dates(axes)
    _changes(axes, performance)
    legend(axes, loc="upper left", bbox_to_anchor=(0, -0.16), ncols=4, columnspacing=1.2, handlelength=2.2)
    return figure


def labelled(performance: Performance) -> Figure:
    """Draw how many predictions there were in each window, and how many have a label by now."""
    windows = performance.windows
    if not windows:
        return _nothing(windows, "labels")
    figure, (axes,) = draw(7.0, 1.8)
    times, width = [_when(window) for window in windows], _width(windows) * 0.9
    axes.bar(times, [window.predicted for window in windows], width, color=INK, alpha=0.45, label="predicted")
    axes.bar(times, [window.labelled for window in windows], width, color=_LABELS, label="labelled by now")
    axes.set_ylabel("rows")
    _dates(axes)
    legend(axes, loc="upper left", bbox_to_anchor=(0, -0.24), ncols=2)
    return figure


def calibration(windows: Sequence[tuple[str, Reliability]]) -> Figure:
    """Draw reliability curves: what was said, and how often it was so; the first is the reference's."""
    curves = [(name, its) for name, its in windows if its.bins]
    if not curves:
        return _nothing([], "calibration", "no window has probabilities and enough labels")
    figure, (axes,) = draw(3.8, 3.4)
    axes.plot([0, 1], [0, 1], color=INK, lw=0.8, ls=(0, (1, 2)))
    for number, (name, its) in enumerate(curves[:_MOST_NAMED]):
        said, was, low, high = zip(*its.bins, strict=True)
        colour = INK if number == 0 and len(curves) > 1 else COLOURS[(number - (len(curves) > 1)) % len(COLOURS)]
        axes.fill_between(said, low, high, color=colour, alpha=0.18, linewidth=0)
        axes.plot(said, was, "o-", ms=3, lw=1.2, color=colour, label=_cut(name))
    axes.set_xlabel("probability that was given")
    axes.set_ylabel("how often it was so")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    legend(axes, loc="upper left", bbox_to_anchor=(0, -0.16), ncols=1)
    return figure


def _found(windows: Sequence[Window], side: str, metric: str) -> list[tuple[float, Any]]:
    every = [(_when(window), getattr(window, side).get(metric)) for window in windows]
    return [(time, its) for time, its in every if its is not None and its.value is not None]


def _points(found: Sequence[tuple[float, Any]]) -> tuple[list[float], list[float]]:
    return [time for time, _ in found], [its.value for _, its in found]


def _bars(axes: Axes, found: Sequence[tuple[float, Any]]) -> None:
    """Draw points with intervals; a figure of the user's own may have none."""
    times, values = _points(found)
    sides = [
        [abs(its.value - (its.value if end is None else end)) for _, its in found for end in [getattr(its, side)]]
        for side in ("low", "high")
    ]
    axes.errorbar(times, values, sides, fmt="o-" if len(found) > 1 else "o", ms=4, lw=1, elinewidth=0.8, color=_LABELS, capsize=2, label="by labels", zorder=3)  # fmt: skip


def _band(axes: Axes, found: Sequence[tuple[float, Any]], colour: str, label: str, style: str) -> None:
    times, values = _points(found)
    low, high = ([its.value if end is None else end for _, its in found for end in [getattr(its, side)]] for side in ("low", "high"))  # fmt: skip
    if len(found) == 1:  # a band of one is no area
        axes.errorbar(
            times,
            values,
            [[values[0] - low[0]], [high[0] - values[0]]],
            fmt="s",
            ms=4,
            lw=1,
            color=colour,
            capsize=2,
            label=label,
        )
        return
    axes.fill_between(times, low, high, color=colour, alpha=0.18, linewidth=0)
    axes.plot(times, values, style, lw=1.2, color=colour, label=label)


def _changes(axes: Axes, performance: Performance) -> None:
    from matplotlib.dates import date2num

    named = len(performance.changes) <= _MOST_NAMED
    for change in performance.changes:
        at = float(date2num(change.time))  # type: ignore[no-untyped-call]
        axes.axvline(at, color=INK, lw=0.8, ls="-.")
        if named:
            axes.annotate(f" version {_cut(change.after, 12)}", (at, 1.0), xycoords=axes.get_xaxis_transform(), ha="left", va="bottom", fontsize=8, color=INK)  # fmt: skip


def _dates(axes: Axes) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    # With more at the least, it finds no interval for some spans, and warns the user of that.
    locator = AutoDateLocator(minticks=2, maxticks=8)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.xaxis.get_offset_text().set(color=INK, fontsize=8)


def _when(window: Window) -> float:
    """Place a window at its middle."""
    from matplotlib.dates import date2num

    return float(date2num(window.begin) + date2num(window.end)) / 2  # type: ignore[no-untyped-call]


def _width(windows: Sequence[Window]) -> float:
    return max(1e-6, min((window.end - window.begin).total_seconds() for window in windows) / 86_400)


def _nothing(windows: Sequence[Window], metric: str, why: str = "") -> Figure:
    """Say why there is nothing to draw."""
    told = next(
        (
            its.why
            for window in reversed(windows)
            for its in [window.metrics.get(metric)]
            if its is not None and its.why
        ),
        "",
    )
    figure, axes = blank(7.0, 0.7)
    axes.text(
        0.01, 0.5, f"{_cut(metric)}: {why or told or 'there were no predictions'}.", va="center", fontsize=9, color=INK
    )
    return figure


def _cut(text: object, longest: int = _LONGEST) -> str:
    """Leave out the middle: names that begin alike mostly end in another way."""
    name, end = str(text), longest // 3
    return (name if len(name) <= longest else f"{name[: longest - 1 - end]}…{name[-end:]}").replace("$", r"\$")
