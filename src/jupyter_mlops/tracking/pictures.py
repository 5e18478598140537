"""The picture of a comparison: bars for a few runs, and a line for each across all metrics for many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

from ..display import plots
from ..entities import smaller_is_better

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_BARS = 6  # more runs than that are lines across all metrics
_MOST_NAMED = 16
_STYLES = ("-", "--", ":", "-.")  # with seven colours, 28 runs are told apart

Values = tuple[str, Mapping[str, float]]
"""What a run is called, and its metrics."""


def compared(names: Sequence[str], runs: Sequence[Values]) -> Figure:
    """Draw some metrics of some runs."""
    if not names:
        figure, axes = plots.blank(6.0, 0.7)
        axes.text(0, 0.5, "No metric that at least two of them have.", va="center", fontsize=9, color=plots.INK)
        return figure
    if len(runs) <= _MOST_BARS:
        return _bars(names, runs)
    return _lines(names, runs) if len(names) > 1 else _bar_each(names[0], runs[:_MOST_NAMED])


def _bars(names: Sequence[str], runs: Sequence[Values]) -> Figure:
    """Draw bars from left to right: so names of metrics have room, however long they are."""
    figure, [axes] = plots.draw(height=0.9 + len(names) * (0.16 * len(runs) + 0.14))
    height = 0.8 / len(runs)
    for number, (label, metrics) in enumerate(runs):
        places = [place + (number - (len(runs) - 1) / 2) * height for place in range(len(names))]
        values = [metrics.get(name, float("nan")) for name in names]
        axes.barh(places, values, height * 0.92, label=label, color=plots.COLOURS[number % len(plots.COLOURS)])
    axes.set_yticks(range(len(names)), [name if len(name) < 32 else f"{name[:30]}…" for name in names])
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color=plots.INK, alpha=0.2)
    _cut_off(axes, [value for _, metrics in runs for name in names if (value := metrics.get(name)) is not None])
    plots.legend(axes, loc="lower left", bbox_to_anchor=(0, 1), ncols=2 if len(runs) > 1 else 1)
    return figure


def _bar_each(name: str, runs: Sequence[Values]) -> Figure:
    """Draw one metric of many runs: a bar for each run, with its name beside it."""
    figure, [axes] = plots.draw(height=0.9 + 0.22 * len(runs))
    best = _best(name, runs)
    colours = [plots.COLOURS[2] if label == best else plots.COLOURS[0] for label, _ in runs]
    values = [metrics.get(name, float("nan")) for _, metrics in runs]
    axes.barh(range(len(runs)), values, 0.8, color=colours)
    axes.set_yticks(range(len(runs)), [label if len(label) < 32 else f"{label[:30]}…" for label, _ in runs])
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    _cut_off(axes, values)
    axes.set_xlabel(f"{name} {axes.get_xlabel()}".strip())
    return figure


def _cut_off(axes: Any, values: Sequence[float]) -> None:
    """Let bars of scores near 1 begin further on, and say so: the differences would not be seen from 0."""
    there = [value for value in values if value == value]
    if there and min(there) > 0.5 and max(there) <= 1:
        axes.set_xlim(max(0, min(there) - 0.6 * (max(there) - min(there)) - 0.02), None)
        axes.set_xlabel("(cut off on the left)")


def _lines(names: Sequence[str], runs: Sequence[Values]) -> Figure:
    """Draw parallel coordinates: each metric on a scale of its own, from its least to its greatest."""
    figure, [axes] = plots.draw(height=3.2 + 0.1 * max(0, min(len(runs), _MOST_NAMED) - 10))
    ranges = {name: _range([metrics.get(name) for _, metrics in runs]) for name in names}
    first = names[0]
    best = _best(first, runs)
    looks = zip(cycle(plots.COLOURS), (style for style in cycle(_STYLES) for _ in plots.COLOURS), strict=False)
    for number, ((label, metrics), (colour, style)) in enumerate(zip(runs, looks, strict=False)):
        heights = [_scaled(metrics.get(name), *ranges[name]) for name in names]
        is_best = label == best
        named = f"{label}, best {first}" if is_best else label
        # fmt: off
        axes.plot(
            range(len(names)), heights, style, marker="o", ms=4, lw=2.6 if is_best else 1.2, zorder=3 if is_best else 2,
            color=colour, label=named if number < _MOST_NAMED or is_best else None,
        )
        # fmt: on
    axes.set_xticks(range(len(names)), [_axis(name, *ranges[name]) for name in names])
    axes.set_yticks([])
    more = f"and {len(runs) - _MOST_NAMED} more" if len(runs) > _MOST_NAMED else None
    plots.legend(axes, title=more, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def _best(name: str, runs: Sequence[Values]) -> str | None:
    """Say which run has the best value; none where all have the same."""
    values = {label: value for label, metrics in runs if (value := metrics.get(name)) is not None and value == value}
    if len(set(values.values())) < 2:
        return None
    return (min if smaller_is_better(name) else max)(values, key=lambda label: values[label])


def _axis(name: str, least: float, most: float) -> str:
    """Name a metric under its scale, in lines that don't run into those beside it."""
    short = name if len(name) < 16 else "\n".join((name[:15], name[15:29] + ("…" if len(name) > 29 else "")))
    return f"{short}\n{least:.3g} – {most:.3g}" if most > least else f"{short}\nall {least:.3g}"


def _range(values: Sequence[float | None]) -> tuple[float, float]:
    there = [value for value in values if value is not None and value == value]
    return (min(there), max(there)) if there else (0.0, 1.0)


def _scaled(value: float | None, least: float, most: float) -> Any:
    if value is None:
        return float("nan")
    return (value - least) / (most - least) if most > least else 0.5
