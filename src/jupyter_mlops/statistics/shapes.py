"""The shapes of two distributions beside one another, out of their sketches: what a small picture draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from .counting import Counts, Floats, width
from .sketches import Numbers, Sketch, Words
from .telling import category, shown

_BARS, _BINS = 8, 24
_YEAR: Final = 365.25 * 86_400


@dataclass(frozen=True)
class Shape:
    """Shares of rows, before and after.

    Attributes
    ----------
    axis : str
        What it is of.
    labels : sequence
        Names of categories; of numbers the edges of bins, one more than the shares.
    before, after : sequence of float
    below, above : float
        The shares after that lie out of the picture, on either side.
    """

    axis: str
    labels: Sequence[Any]
    before: Sequence[float]
    after: Sequence[float]
    below: float = 0.0
    above: float = 0.0

    @property
    def is_histogram(self) -> bool:
        """Whether it is of numbers."""
        return len(self.labels) > len(self.after)


def shape(name: str, before: Sketch, after: Sketch, *, is_time: bool = False, hidden: bool = False) -> Shape:
    """Draw up two sketches on one grid."""
    if isinstance(before, Words):
        assert isinstance(after, Words)
        order = np.argsort(-before.array - after.array * before.rows / max(1, after.rows))[:_BARS]
        order = order[(before.array + after.array)[order] > 0]
        known = [*before.counts, "others"]
        labels = [category(known[place], hidden) for place in order]
        shares = [(each.array / max(1, each.rows))[order].tolist() for each in (before, after)]
        return Shape(name, labels, *shares)
    assert isinstance(after, Numbers)
    if not is_time and len(own := _own_places(before)):
        return _of_values(name, before, after, own)
    bins = _bins(before, after)
    was, now = (_upto(each, bins) for each in (before, after))
    return Shape(
        f"{name} (year)" if is_time else name,
        (bins / _YEAR + 1970 if is_time else bins).tolist(),
        np.diff(was).tolist(),
        np.diff(now).tolist(),
        below=float(now[0]),
        above=float(1 - now[-1]) if after.rows else 0.0,
    )


def _own_places(numbers: Numbers) -> Counts:
    """Find the places on a grid of the few values that a reference consists of, as labels and counts do; else none."""
    edges = numbers.edges
    near = np.maximum(
        width(edges), 1e-6 * np.abs(edges[1:]) + 1e-30
    )  # edges are moved to the ends of cells, and rounded to 4 bytes
    own = np.flatnonzero(np.diff(edges) <= near) + 1
    is_all = len(own) <= _BARS and numbers.rows and numbers.counts[own].sum() == numbers.rows
    return own if is_all else own[:0]


def _of_values(name: str, before: Numbers, after: Numbers, own: Counts) -> Shape:
    """Draw up numbers that are a few values only: each is a bar."""
    shares = [(each.counts[own] / max(1, each.rows)).tolist() for each in (before, after)]
    labels = [shown(value) for value in before.edges[own]]
    if others := after.rows - int(after.counts[own].sum()):
        return Shape(name, [*labels, "others"], [*shares[0], 0.0], [*shares[1], others / after.rows])
    return Shape(name, labels, *shares)


def _bins(before: Numbers, after: Numbers) -> Floats:
    """Choose bins from where the reference has nearly all of its rows, with some room for what has moved."""
    edges = before.edges
    if not len(edges):
        return np.linspace(0.0, 1.0, _BINS + 1)
    low, high = float(np.fmin(before.least, after.least)), float(np.fmax(before.most, after.most))
    inner = [edges[min(len(edges) - 1, int(np.searchsorted(before.upto, part)))] for part in (0.005, 0.995)]
    room = (inner[1] - inner[0]) or abs(inner[0]) or 1.0
    low, high = max(low, inner[0] - room), min(high, inner[1] + room)
    return np.asarray(np.linspace(low, high if high > low else low + 1.0, _BINS + 1))


def _upto(numbers: Numbers, bins: Floats) -> Floats:
    """Give the share of rows up to each end of a bin; between two edges they are taken as spread evenly, as are those beyond them."""
    if not numbers.rows:
        return np.zeros(len(bins))
    places = np.concatenate([[numbers.least], numbers.edges, [numbers.most]])
    upto = np.concatenate([[0.0], numbers.upto, [1.0]])
    inside = (places >= numbers.least) & (places <= numbers.most)
    inside[[0, -1]] = True
    order = np.argsort(places[inside], kind="stable")
    found = np.interp(bins, places[inside][order], np.sort(upto[inside]), left=0.0, right=1.0)
    if bins[0] <= numbers.least:  # rows that lie there are in the first bin, and not before it
        found[0] = 0.0
    return np.asarray(found, dtype=np.float64)
