"""How many of many numbers lie between edges: by a table of even cells, so that few of them have to be sorted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
Counts = np.ndarray[Any, np.dtype[np.int64]]

MANY: Final = 20_000  # numbers from which a table is quicker than sorting
_CELLS: Final = 1 << 16
_MOST_SORTED: Final = 0.3
_TAIL: Final = 50  # a fiftieth of the edges at each end is left to sorting: tails may go far out


@dataclass(frozen=True)
class Cells:
    """Even cells over the middle of a grid.

    Where a number lies is a monotone function of it, and of an edge too: a number in a cell before that of an edge is
    less than the edge, one in a cell behind it greater. So cells without an edge are counted as a whole, exactly; numbers in
    a cell with one are sorted.

    Attributes
    ----------
    edges : array of float, of shape (k,)
    start, scale : float
    upto : array of int, of shape (cells,)
        How many edges lie before each cell.
    has_edge : array of bool, of shape (cells,)
    """

    edges: Floats
    start: float
    scale: float
    upto: Counts
    has_edge: np.ndarray[Any, np.dtype[np.bool_]]

    @classmethod
    def of(cls, edges: Floats) -> Self | None:
        """Lay cells over a grid; None where it is too small or too narrow for any."""
        if len(edges) < 2 * _TAIL:
            return None
        start, end = float(edges[len(edges) // _TAIL]), float(edges[-1 - len(edges) // _TAIL])
        with np.errstate(all="ignore"):
            scale = float((_CELLS - 2) / np.float64(end - start))
        if not np.isfinite(scale) or scale <= 0:
            return None
        places = _places(edges, start, scale)
        has_edge = np.zeros(_CELLS, dtype=bool)
        has_edge[places] = True
        has_edge[[0, -1]] = True
        return cls(edges, start, scale, np.searchsorted(places, np.arange(_CELLS)).astype(np.int64), has_edge)

    def count(self, values: Floats) -> Counts | None:
        """Count finite numbers up to each edge from the one before, and above the last; None where sorting is quicker."""
        places = _places(values, self.start, self.scale)
        in_cells = np.bincount(places, minlength=_CELLS)
        if in_cells[self.has_edge].sum() > _MOST_SORTED * len(values):
            return None
        whole = np.where(self.has_edge, 0, in_cells)
        counts = np.bincount(self.upto, weights=whole, minlength=len(self.edges) + 1).astype(np.int64)
        some = np.sort(values[self.has_edge[places]])
        below = np.searchsorted(some, self.edges, side="right")
        return counts + np.diff(np.concatenate([[0], below, [len(some)]]))


def _places(values: Floats, start: float, scale: float) -> np.ndarray[Any, np.dtype[np.int32]]:
    with np.errstate(over="ignore"):
        places = (values - start) * scale
    np.clip(places, -1.0, _CELLS - 2.0, out=places)
    return (places + 1.0).astype(np.int32)
