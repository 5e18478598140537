"""The small pictures of findings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

from ..display.distributions import beside, cut
from ..display.plots import COLOURS, INK, draw
from ..statistics.shapes import Shape
from .findings import Finding, Plot

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_NAMED = 40


def of_finding(finding: Finding) -> Figure:
    """Draw the plot of a finding: what it is about stands out."""
    plot = finding.plot
    assert plot is not None
    if plot.kind == "histogram":
        figure, (axes,) = draw(5.2, 1.9)
        edges = [float(edge) for edge in plot.labels]
        widths = [right - left for left, right in pairwise(edges)]
        axes.bar(edges[:-1], plot.values, widths, align="edge", color=COLOURS[0], linewidth=0)
        axes.set_yscale("symlog", linthresh=1)
        axes.set_ylim(0)
        axes.set_xlabel(cut(plot.axis))
        axes.set_ylabel("rows (log)")
        return figure
    if plot.kind == "matrix":
        return _matrix(plot)
    if plot.kind == "panels":
        return _panels(plot)
    figure, (axes,) = draw(5.2, 0.5 + 0.21 * len(plot.values))
    colours = [COLOURS[1] if place in plot.marked else INK for place in range(len(plot.values))]
    places = range(len(plot.values))  # by their labels, two that are cut to one would be one bar
    axes.barh(places, plot.values, color=colours, height=0.7)
    axes.set_yticks(places, [cut(label) for label in plot.labels])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.grid(axis="x", color=INK, alpha=0.2)
    axes.set_xlabel(plot.axis)
    return figure


def _matrix(plot: Plot) -> Figure:
    side = math.isqrt(len(plot.values))
    figure, (axes,) = draw(5.2, 4.2)
    rows = [plot.values[place * side : (place + 1) * side] for place in range(side)]
    image = axes.imshow(rows, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    axes.grid(visible=False)
    axes.set_xticks([])
    named = len(plot.labels) == side and side <= _MOST_NAMED
    axes.set_yticks(range(side) if named else [], [cut(label) for label in plot.labels] if named else [])
    axes.tick_params(labelsize=6 if side > 20 else 8, length=0)
    axes.set_xlabel(plot.axis)
    figure.colorbar(image, ax=axes, shrink=0.7).ax.tick_params(colors=INK, labelsize=7)
    return figure


def _panels(plot: Plot) -> Figure:
    return beside([Shape(panel.axis, panel.labels, panel.beside, panel.values) for panel in plot.panels])


def of_outcomes(counts: Mapping[str, int]) -> Figure:
    """Draw how many checks came to what."""
    order = [what for what in ("error", "warning", "note", "inconclusive", "ignored", "skipped", "pass") if counts.get(what)]  # fmt: skip
    figure, (axes,) = draw(5.2, 0.5 + 0.25 * len(order))
    axes.barh(order, [counts[what] for what in order], color=[COLOURS[1] if what == "error" else COLOURS[0] for what in order])  # fmt: skip
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("checks")
    return figure
