"""Figures that look like the cards: legible on light and dark pages, without a window or a global state."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from .views import Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Apart for people who don't tell red from green (Okabe and Ito, 2008), and not too light or dark for either page.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f")
INK = "#808080"  # the one grey that is read on white and on black


def draw(width: float = 7.0, height: float = 3.0, panels: int = 1) -> tuple[Figure, list[Any]]:
    """Begin a figure.

    Parameters
    ----------
    width, height : float
        In inches.
    panels : int
        How many axes side by side.

    Returns
    -------
    Figure, list of Axes
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    figure.patch.set_alpha(0)
    found = [figure.add_subplot(1, panels, number + 1) for number in range(panels)]
    for axes in found:
        axes.patch.set_alpha(0)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(INK)
        axes.tick_params(colors=INK, labelsize=8)
        for text in (axes.xaxis.label, axes.yaxis.label, axes.title):
            text.set_color(INK)
            text.set_fontsize(9)
        axes.grid(axis="y", color=INK, alpha=0.2)
        axes.set_axisbelow(True)
    return figure, found


def blank(width: float, height: float) -> tuple[Figure, Axes]:
    """Begin a figure without axes, for boxes and words; down is more."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=110)
    figure.patch.set_alpha(0)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    return figure, axes


def legend(axes: Any, **named: Any) -> None:
    """Add a legend in the colours of the page."""
    drawn = axes.legend(frameon=False, fontsize=8, labelcolor=INK, **named)
    drawn.get_title().set(color=INK, fontsize=8)


def picture(figure: Figure, alt: str) -> Picture:
    """Draw a figure as it is shown in a card."""
    file = io.BytesIO()
    figure.savefig(file, format="png", transparent=True)
    return Picture(file.getvalue(), alt)


def flag(axes: Axes, at: tuple[float, float], text: str) -> None:
    """Write a word above the picture, with a thin pole down to a point: no line of the picture crosses it."""
    pole = {"arrowstyle": "-", "color": INK, "lw": 0.6, "ls": ":", "shrinkA": 0, "shrinkB": 0, "relpos": (0.5, 0)}
    axes.annotate(text, at, xytext=(at[0], 1.01), textcoords=axes.get_xaxis_transform(), ha="center", va="bottom", fontsize=8,
                  color=INK, arrowprops=pole)  # fmt: skip


def whole_numbers(axes: Axes) -> None:
    """Mark the horizontal axis at whole numbers only: there is no version 1.5."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
