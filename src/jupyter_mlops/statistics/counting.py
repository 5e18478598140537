"""How many of many numbers lie between edges: by a table of even cells, so that few of them have to be sorted."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
Counts = np.ndarray[Any, np.dtype[np.int64]]
_Truths = np.ndarray[Any, np.dtype[np.bool_]]

MANY: Final = 20_000  # numbers from which a table is quicker than sorting
CELLS: Final = 1 << 15
_MOST_SORTED: Final = 0.3
_TAIL: Final = 100  # a hundredth of the edges at each end is left to sorting: tails may go far out
_CHUNK: Final = 131_072  # numbers that stay in the cache of a core from one step to the next


def width(edges: Floats) -> float:
    """Give the width of even cells over the middle of a grid, a power of two; 0 where there can be none."""
    if len(edges) < 2:
        return 0.0
    with np.errstate(over="ignore"):
        middle = float(edges[-1 - len(edges) // _TAIL] - edges[len(edges) // _TAIL])
    exponent = math.frexp(middle / (CELLS - 4))[1] if 0 < middle < math.inf else 2_000
    return math.ldexp(1.0, exponent) if abs(exponent) < 1_000 else 0.0


def at_cells(edges: Floats) -> Floats:
    """Move edges to the ends of even cells, so that no number has to be looked at; not where that leaves fewer of them.

    They move by less than the width of a cell, a ten-thousandth of what the middle spans: up, and the one just below a
    value that many share down, so that this value has its cell by itself.

    Parameters
    ----------
    edges : array of float, of shape (k,)
        Each can be written in 4 bytes, and can so after.
    """
    with np.errstate(over="ignore"):
        small = edges.astype(np.float32)
    if not (wide := width(edges)) or not np.array_equal(small, edges):
        return edges
    is_lower = np.append(np.nextafter(small[:-1], np.float32(np.inf)) >= small[1:], False)
    with np.errstate(over="ignore"):
        ends = np.where(is_lower, np.floor(edges / wide), np.ceil(edges / wide)) * wide
        moved = np.unique(np.where(ends == ends.astype(np.float32), ends, edges))
    return moved if len(moved) >= len(edges) - is_lower.sum() else edges


@dataclass(frozen=True)
class Moments:
    """What is summed up of finite numbers; those of two parts add.

    Attributes
    ----------
    rows : int
    least, most, mean : float
        NaN where there are no numbers.
    squares : float
        The sum of squared distances to the mean.
    below, above : float
        How far the numbers beyond the ends of a grid lie out, summed up.
    """

    rows: int = 0
    least: float = math.nan
    most: float = math.nan
    mean: float = math.nan
    squares: float = 0.0
    below: float = 0.0
    above: float = 0.0

    @classmethod
    def of(cls, values: Floats, least: float, most: float, first: float, last: float, room: Floats | None = None) -> Self:  # fmt: skip
        """Sum up some numbers between ``least`` and ``most``; ``first`` and ``last`` are the ends of the grid.

        ``room`` is overwritten: it saves making an array.
        """
        mean = float(values.mean())
        apart = np.subtract(values, mean, out=room)
        squares = float(np.einsum("i,i", apart, apart))  # not by @: BLAS would start threads for it, and wait for them
        below = float((first - values[values < first]).sum()) if least < first else 0.0
        above = float((values[values > last] - last).sum()) if most > last else 0.0
        return cls(len(values), least, most, mean, squares, below, above)

    def __add__(self, other: Moments) -> Moments:
        """Put two parts together (Chan, Golub and LeVeque, 1983)."""
        if not (self.rows and other.rows):
            return self if self.rows else other
        rows, apart = self.rows + other.rows, other.mean - self.mean
        return Moments(
            rows,
            min(self.least, other.least),
            max(self.most, other.most),
            self.mean + apart * other.rows / rows,
            self.squares + other.squares + apart**2 * self.rows * other.rows / rows,
            self.below + other.below,
            self.above + other.above,
        )


class _Scratch(threading.local):
    """Each thread's room for what is made of a chunk on the way: new memory for every column takes a sixth of the time."""

    def __init__(self) -> None:
        self.floats: Floats = np.empty(_CHUNK)
        self.places: Counts = np.empty(_CHUNK, dtype=np.int64)


_scratch: Final = _Scratch()


class Counted(NamedTuple):
    """What ``Cells.count`` finds: the counts, of shape (k + 1,), the moments, and how many were no finite numbers."""

    counts: Counts
    moments: Moments
    missing: int
    infinite: int


@dataclass(frozen=True)
class Cells:
    """Even cells over the middle of a grid.

    A number v lies in the cell ⌈v / width⌉. The width is a power of two, so that this is exact: a cell holds all numbers
    above its lower end and up to its upper one. Cells without an edge, or with one at their upper end, are
    counted as a whole; the numbers of others are held against their edges.

    Attributes
    ----------
    edges : array of float, of shape (k,)
    scale : float
        One by the width.
    first : float
        The number of the first cell.
    places : array of int, of shape (k,)
        In which cell an edge lies.
    before : array of int, of shape (cells,)
        How many edges lie in the cells before.
    is_open : array of bool, of shape (cells,)
        Whether its numbers have to be looked at.
    opened : array of int
        Which ones those are.
    is_crowded : array of bool, of shape (cells,)
        Whether there are more than two edges in it.
    """

    edges: Floats
    scale: float
    first: float
    places: Counts
    before: Counts
    is_open: _Truths
    opened: Counts
    is_crowded: _Truths

    @classmethod
    def of(cls, edges: Floats) -> Self | None:
        """Lay cells over a grid; None where it is too small or too narrow for any."""
        if not (wide := width(edges)):
            return None
        scale = 1 / wide
        middle = edges[len(edges) // _TAIL] / 2 + edges[-1 - len(edges) // _TAIL] / 2
        first = math.ceil(middle * scale) - CELLS / 2
        places = np.empty(len(edges), dtype=np.int64)
        if abs(first) > 2**52:  # so far out that numbers are as far apart as the cells
            return None
        _place(edges, scale, first, places)
        is_inner = (np.floor(edges * scale) != edges * scale) | (places == 0) | (places == CELLS - 1)
        is_open = np.zeros(CELLS, dtype=bool)
        is_open[places[is_inner]] = True
        is_open[[0, -1]] = True
        in_cell = np.bincount(places, minlength=CELLS)
        return cls(
            edges, scale, first, places, np.cumsum(in_cell) - in_cell, is_open, np.flatnonzero(is_open), in_cell > 2
        )

    def count(self, values: Floats) -> Counted | None:
        """Count numbers up to each edge from the one before, and above the last; None where sorting is quicker.

        All that is asked of a number is asked while it is in the cache of a core: reading a million of them once more
        takes as long as half of what is done here.
        """
        within = np.zeros(CELLS, dtype=np.int64)  # of cells that count as a whole
        counts = np.zeros(len(self.edges) + 1, dtype=np.int64)
        ends: list[Floats] = []
        found = Moments()
        missing = infinite = 0
        for start in range(0, len(values), _CHUNK):
            part = values[start : start + _CHUNK]
            least, most = float(part.min()), float(part.max())
            if not (math.isfinite(least) and math.isfinite(most)):  # NaN comes out as either
                missing += int(np.isnan(part).sum())
                infinite += int(np.isinf(part).sum())
                part = part[np.isfinite(part)]
                if not len(part):
                    continue
                least, most = float(part.min()), float(part.max())
            room, places = _scratch.floats[: len(part)], _scratch.places[: len(part)]
            _place(part, self.scale, self.first, places, room)
            in_cells = np.bincount(places, minlength=CELLS)
            if in_cells[self.is_crowded].sum() > _MOST_SORTED * len(part):
                return None
            found += Moments.of(part, least, most, self.edges[0], self.edges[-1], room)
            if in_cells[self.opened[1:-1]].any():
                mask = self.is_open.take(places)
                counts += self._held_against_edges(part[mask], places[mask])
            elif in_cells[0] or in_cells[-1]:
                ends.append(part[(places == 0) | (places == CELLS - 1)])
            in_cells[self.opened] = 0
            within += in_cells
        if ends:  # few: sorting them all at once is quickest
            counts += _sorted_in(np.concatenate(ends), self.edges)
        upto = np.cumsum(within)[self.places]  # at the end of the cell that an edge lies in
        counts += np.diff(np.concatenate([[0], upto, [within.sum()]]))
        return Counted(counts, found, missing, infinite)

    def _held_against_edges(self, values: Floats, places: Counts) -> Counts:
        is_crowded = self.is_crowded.take(places)
        alone, place = (values, places) if not is_crowded.any() else (values[~is_crowded], places[~is_crowded])
        padded = np.append(self.edges, [np.inf, np.inf])
        before = self.before.take(place)
        between = before + (alone > padded.take(before)) + (alone > padded.take(before + 1))
        counted = np.bincount(between, minlength=len(self.edges) + 1)
        return np.asarray(counted + _sorted_in(values[is_crowded], self.edges), dtype=np.int64)


def _sorted_in(values: Floats, edges: Floats) -> Counts:
    """Count by sorting."""
    below = np.searchsorted(np.sort(values), edges, side="right")
    return np.diff(np.concatenate([[0], below, [len(values)]])).astype(np.int64)


def _place(values: Floats, scale: float, first: float, found: Counts, room: Floats | None = None) -> None:
    """Give the cells of some numbers; those beyond the cells lie in the first and the last one."""
    with np.errstate(over="ignore"):
        cells = np.multiply(values, scale, out=room)
    np.ceil(cells, out=cells)
    np.clip(cells, first, first + (CELLS - 1), out=cells)
    cells -= first
    np.copyto(found, cells, casting="unsafe")
