"""Distributions before and after, drawn small."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .plots import COLOURS, INK, draw, legend

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..statistics.shapes import Shape

_LONGEST = 28
_FOUR = 1.65  # inches of each: four fit a card


def beside(shapes: Sequence[Shape], width: float = 2.2, height: float = 2.1) -> Figure:
    """Draw distributions next to one another: the reference as an area, what is now as a line or as bars before it.

    Parameters
    ----------
    shapes : sequence of Shape
    width, height : float
        Of each, in inches.
    """
    width = _FOUR if len(shapes) == 4 else width
    figure, found = draw(2.4 + width * len(shapes), height, panels=len(shapes))
    for axes, shape in zip(found, shapes, strict=True):
        _draw(axes, shape)
    if found:
        legend(found[0], loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, columnspacing=1.2)  # beside no bar
    return figure


def _draw(axes: Any, shape: Shape) -> None:
    if shape.is_histogram:
        axes.stairs(shape.before, shape.labels, fill=True, color=INK, alpha=0.45, label="reference")
        axes.stairs(shape.after, shape.labels, color=COLOURS[1], linewidth=1.5, label="now")
        axes.locator_params(axis="x", nbins=5)
    else:
        places = range(len(shape.labels))
        axes.bar([place - 0.2 for place in places], shape.before, 0.4, color=INK, alpha=0.45, label="reference")
        axes.bar([place + 0.2 for place in places], shape.after, 0.4, color=COLOURS[1], label="now")
        labels = [cut(label, 10) for label in shape.labels]
        is_short = all(len(label) < 4 for label in labels)
        axes.set_xticks(places, labels, **({} if is_short else {"rotation": 30, "ha": "right"}))
    for share, told, place, side in ((shape.below, "← {}", 0.02, "left"), (shape.above, "{} →", 0.98, "right")):
        if share >= 0.005:
            axes.annotate(told.format(f"{share:.0%}"), (place, 0.45), xycoords="axes fraction", color=COLOURS[1], ha=side, fontsize=9)  # fmt: skip
    axes.set_xlabel(cut(shape.axis))
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g}%")
    axes.locator_params(axis="y", nbins=4)


def cut(label: object, longest: int = _LONGEST) -> str:
    """Leave out the middle: names that begin alike mostly end in another way."""
    text, end = str(label), longest // 3
    return (text if len(text) <= longest else f"{text[: longest - 1 - end]}…{text[-end:]}").replace("$", r"\$")
