"""A picture of what came of what: boxes in columns from left to right, and lines between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from .plots import COLOURS, INK, blank

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDE, _HIGH, _GAP = 1.0, 0.74, 0.36  # of a box, and of the space between two columns
_DARK = "#1b1f24"
_LONGEST = 16  # characters that a box has room for
_SWEEPS = 6

Place = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A box: in which column, a name, a smaller line below it, and whether it is what was asked for."""

    column: int
    name: str
    detail: str = ""
    is_subject: bool = False


def draw(boxes: Mapping[str, Box], lines: Sequence[tuple[str, str]], titles: Sequence[str], more: str = "") -> Figure:
    """Draw boxes and the lines between them.

    Parameters
    ----------
    boxes : dict of str to Box
        By a name of their own; in a column the first is the uppermost, as far as the lines let it.
    lines : sequence of (str, str)
        From one box to another in a later column, or in the same.
    titles : sequence of str
        Of the columns; one without boxes is left out.
    more : str
        What to say below of what is not drawn.
    """
    used = sorted({box.column for box in boxes.values()})
    columns = {column: place for place, column in enumerate(used)}
    layers, paths = _routed({name: columns[box.column] for name, box in boxes.items()}, lines)
    places = _placed(layers, [step for path in paths for step in pairwise(path)])
    lowest = max(y for _, y in places.values())
    figure, axes = blank(1.52 * len(used) - 0.2, 0.46 * (lowest + 2 + 0.4 * bool(more)))
    for path in paths:
        _line(axes, [places[step] for step in path])
    for name, box in boxes.items():
        _box(axes, box, *places[name])
    for column, place in columns.items():
        x = place * (_WIDE + _GAP)
        axes.text(x, -0.8, titles[column], ha="center", va="center", fontsize=8, color=INK)
    if more:
        axes.text(-_WIDE / 2, lowest + 0.8, more, ha="left", va="center", fontsize=8, color=INK)
    axes.set_xlim(-_WIDE / 2 - 0.1, (len(used) - 1) * (_WIDE + _GAP) + _WIDE / 2 + 0.1)
    axes.set_ylim(lowest + 0.8 + 0.4 * bool(more), -1.2)
    return figure


def _routed(columns: Mapping[str, int], lines: Iterable[tuple[str, str]]) -> tuple[list[list[str]], list[list[str]]]:
    """Give each line that passes a column a place in it, so that it runs beside the boxes and not behind them."""
    layers: list[list[str]] = [[] for _ in range(max(columns.values()) + 1)]
    for name, column in columns.items():
        layers[column].append(name)
    paths = []
    for begin, end in lines:
        passed = [f"{begin} {column} {end}" for column in range(columns[begin] + 1, columns[end])]
        for column, step in enumerate(passed, start=columns[begin] + 1):
            layers[column].append(step)
        paths.append([begin, *passed, end])
    return layers, paths


def _placed(layers: Sequence[Sequence[str]], steps: Iterable[tuple[str, str]]) -> dict[str, Place]:
    """Find places where few lines cross and most are straight: each box as near as can be to those it is joined to.

    Sweeps over the columns, as Sugiyama, Tagawa and Toda (1981) have it: order by the mean of the
    neighbours, then the least squares that keep the order and the distance.
    """
    from sklearn.isotonic import isotonic_regression

    near = defaultdict(list)
    for begin, end in steps:
        near[begin].append(end)
        near[end].append(begin)
    listed = {name: float(place) for layer in layers for place, name in enumerate(layer)}
    heights: dict[str, float] = {}  # what has no place yet pulls at nobody
    for sweep in range(_SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            before = {name: heights.get(name, listed[name]) for name in layer}
            wanted = {
                name: _mean([heights[other] for other in near[name] if other in heights], before[name])
                for name in layer
            }
            order = sorted(layer, key=lambda name: (wanted[name], before[name]))
            spread = isotonic_regression([wanted[name] - place for place, name in enumerate(order)])
            heights |= {
                name: float(height) + place for place, (name, height) in enumerate(zip(order, spread, strict=True))
            }
    top = min(heights.values())
    return {
        name: (column * (_WIDE + _GAP), heights[name] - top) for column, layer in enumerate(layers) for name in layer
    }


def _mean(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default


def _line(axes: Axes, places: Sequence[Place]) -> None:
    """Draw a line from the right side of one box to the left side of another; within a column, around the right."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    if places[0][0] == places[-1][0]:
        (x, above), (_, below) = places[0], places[-1]
        side, out = x + _WIDE / 2, x + _WIDE / 2 + 0.6 * _GAP
        path = Path([(side, above), (out, above), (out, below), (side, below)], [1, 4, 4, 4])
        axes.add_patch(PathPatch(path, fill=False, edgecolor=INK, lw=1, alpha=0.7, ls="--"))
        return
    points: list[Place] = [(places[0][0] + _WIDE / 2, places[0][1])]
    codes = [Path.MOVETO]
    for number, (x, y) in enumerate(places[1:], start=1):
        is_last = number == len(places) - 1
        left, (at, height) = x - _WIDE / 2, points[-1]
        middle = (at + left) / 2
        points += [(middle, height), (middle, y), (left, y)]
        codes += [Path.CURVE4] * 3
        if not is_last:
            points.append((x + _WIDE / 2, y))
            codes.append(Path.LINETO)
    axes.add_patch(PathPatch(Path(points, codes), fill=False, edgecolor=INK, lw=1, alpha=0.7))


def _box(axes: Axes, box: Box, x: float, y: float) -> None:
    """Draw a box that brings its own light ground, so that its words are dark on it on any page."""
    from matplotlib.colors import to_rgb
    from matplotlib.patches import FancyBboxPatch

    colour = COLOURS[box.column % len(COLOURS)]
    ground = [1 - 0.22 * (1 - part) for part in to_rgb(colour)]
    # fmt: off
    axes.add_patch(FancyBboxPatch(
        (x - _WIDE / 2, y - _HIGH / 2), _WIDE, _HIGH, boxstyle="round,pad=0,rounding_size=0.07", fc=ground, ec=colour,
        lw=2.6 if box.is_subject else 1, zorder=2,
    ))
    # fmt: on
    weight = "bold" if box.is_subject else "normal"
    rows = [(box.name, 8.0, weight), *([(box.detail, 6.5, "normal")] if box.detail else [])]
    for place, (text, size, bold) in enumerate(rows):
        height = y + (place - (len(rows) - 1) / 2) * 0.29
        # fmt: off
        axes.text(
            x, height, _short(text, _LONGEST - 2 * box.is_subject), ha="center", va="center_baseline", fontsize=size, fontweight=bold, color=_DARK,
            parse_math=False,
        )
        # fmt: on


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
