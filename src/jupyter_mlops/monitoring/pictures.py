"""An endpoint over time: how far each window is from the profile, and how much there was to see; and pairs that have changed."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ..display.distributions import cut
from ..display.plots import COLOURS, INK, draw, flag, legend

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .results import Column
    from .watched import Look, Monitored

_TOP = 6.0
_PAIRS = 10


def over_time(monitored: Monitored) -> Figure:
    """Draw the severity of each version's worst column, window by window, with where versions change, and the rows."""
    figure, (drift, rows) = draw(9.0, 2.8, panels=2)
    answered = [look for look in monitored.looks if look.version]
    for place, (name, arm) in enumerate(dict.fromkeys((look.name, look.arm) for look in answered)):
        looks = [look for look in answered if (look.name, look.arm) == (name, arm)]
        label = cut(name if arm == "champion" else f"{name} ({arm})")
        colour = COLOURS[place % len(COLOURS)]
        times = [_time(look) for look in looks]
        drift.plot(times, [_height(look) for look in looks], color=colour, marker="o", markersize=3, linewidth=1, label=label)  # fmt: skip
        unsure = [look for look in looks if look.outcome == "inconclusive"]
        drift.plot([_time(look) for look in unsure], [0.0] * len(unsure), "x", color=INK, markersize=5)
        rows.plot(
            times, [look.rows for look in looks], color=colour, marker="o", markersize=3, linewidth=1, label=label
        )
    for level, limit in (("minor", 1.0), ("major", 2.5)):
        drift.axhline(limit, color=INK, linewidth=0.8, linestyle=":")
        drift.annotate(level, (1.0, limit), xycoords=("axes fraction", "data"), fontsize=7, color=INK, va="bottom", ha="right")  # fmt: skip
    for before, after in _changes(monitored):
        flag(drift, (_time(after), max(_height(after), _height(before))), cut(after.name, 16))
    drift.set_ylim(-0.2, _TOP + 0.3)
    drift.set_ylabel("severity of drift")
    rows.set_ylabel("rows")
    rows.set_ylim(0)
    begin, end = (datetime.fromtimestamp(at, UTC) for at in (monitored.looks[0].start, monitored.looks[-1].end))
    room = (end - begin) / 40
    for axes in (drift, rows):
        axes.set_xlim(begin - room, end + room)  # also where nobody has asked
        _dates(axes)
    if answered:
        legend(rows)
    return figure


def of_pairs(column: Column) -> Figure:
    """Draw the correlations that have changed most: as they were, as they are, and how sure that is."""
    shown = column.sides[:_PAIRS][::-1]
    figure, (axes,) = draw(7.0, 0.9 + 0.28 * len(shown))
    for place, each in enumerate(shown):
        was, now = (each.apart.figures[when] for when in ("before", "now"))
        low, high = each.apart.interval
        sign = 1 if now >= was else -1
        colour = COLOURS[1] if each.rings else INK
        axes.plot([was + sign * low, was + sign * high], [place, place], color=colour, linewidth=5, alpha=0.3, solid_capstyle="butt")  # fmt: skip
        axes.plot([was, now], [place, place], color=colour, linewidth=1)
        axes.plot([was], [place], "o", color=COLOURS[0], markersize=5, label="reference" if not place else None)
        axes.plot([now], [place], "D", color=colour, markersize=5)
    axes.plot([], [], "D", color=COLOURS[1], markersize=5, label="changed")
    axes.plot([], [], "D", color=INK, markersize=5, label="no more than by chance")
    axes.set_yticks(range(len(shown)), [cut(each.column, 34) for each in shown])
    axes.set_xlim(-1.05, 1.05)
    axes.set_ylim(-0.6, len(shown) - 0.4)
    axes.set_xlabel("Spearman's correlation")
    axes.grid(axis="y", visible=False)
    axes.axvline(0, color=INK, linewidth=0.6)
    legend(axes, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    return figure


def _changes(monitored: Monitored) -> list[tuple[Look, Look]]:
    firsts: dict[float, Look] = {}
    for look in monitored.looks:
        if look.version:
            firsts.setdefault(look.start, look)
    ordered = list(firsts.values())
    return [(one, two) for one, two in pairwise(ordered) if one.name != two.name]


def _height(look: Look) -> float:
    value = look.reading("drift").value
    return 0.0 if value is None else min(_TOP, value)


def _time(look: Look) -> Any:
    return datetime.fromtimestamp(look.end, UTC)


def _dates(axes: Any) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    # With more at the least, it finds no interval for some spans, and warns the user of that.
    locator = AutoDateLocator(minticks=2, maxticks=5)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.set_xlabel("UTC")
    axes.xaxis.get_offset_text().set_color(INK)
