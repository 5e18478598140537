"""What a column looks like, in a few kilobytes: counts on a grid that the reference has given.

A window is counted on the grid of its reference; counts on one grid add exactly, over batches, days and processes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
import pandas as pd

from .counting import MANY, Cells, Counts, Floats, Moments, at_cells, width

EDGES: Final = 1_023  # what is missed between two of them is at most a thousandth of the rows
CATEGORIES: Final = 500
_OFTEN: Final = 5  # rows of a category that is worth a place by itself; tests pool the rarer ones anyway


@dataclass(frozen=True)
class Numbers:
    """Numbers, or times as seconds.

    Attributes
    ----------
    edges : array of float, of shape (k,)
        Quantiles of the reference, ascending. A value that many rows share has a second edge below it, and next to
        it, so that it is counted by itself; so has the least one.
    counts : array of int, of shape (k + 1,)
        The rows up to each edge, from the one before; the last ones are above them all.
    missing, infinite : int
    least, most, mean : float
        NaN where there are no numbers.
    squares : float
        The sum of squared distances to the mean.
    below, above : float
        How far the rows beyond the grid lie out, summed up.
    """

    edges: Floats
    counts: Counts
    missing: int
    infinite: int
    least: float
    most: float
    mean: float
    squares: float
    below: float
    above: float

    @classmethod
    def learn(cls, values: Any, missing: int = 0, *, compact: bool = False) -> Self:
        """Take a reference: its quantiles become the grid.

        Parameters
        ----------
        values : array of float, of shape (rows,)
            NaN is missing.
        missing : int
            How many more are missing, where they have been left out.
        compact : bool
            Whether the edges are rounded to 4 bytes, where that leaves them apart: what is stored is half as large.
            The counts are of the rounded edges, and so exact.
        """
        ordered = np.sort(np.asarray(values, dtype=np.float64))
        edges = _grid(_finite(ordered))
        return cls._of(ordered, at_cells(_compact(edges)) if compact else edges, missing)

    def count(self, values: Any, missing: int = 0) -> Self:
        """Take a window, on the same grid."""
        given = np.asarray(values, dtype=np.float64)
        if len(given) >= MANY and self._cells is not None and (found := self._cells.count(given)) is not None:
            return self._made(self.edges, found.counts, missing + found.missing, found.infinite, found.moments)
        return self._of(np.sort(given), self.edges, missing)

    @cached_property
    def _cells(self) -> Cells | None:
        return Cells.of(self.edges)

    @classmethod
    def _of(cls, ordered: Floats, edges: Floats, missing: int) -> Self:
        gone = len(ordered) - int(np.searchsorted(ordered, np.nan))
        there = _finite(ordered)
        upto = np.searchsorted(there, edges, side="right")  # the other way takes six times as long
        counts = np.diff(np.concatenate([[0], upto, [len(there)]])).astype(np.int64)
        infinite = len(ordered) - gone - len(there)
        ends = (float(edges[0]), float(edges[-1])) if len(edges) else (-np.inf, np.inf)
        its = Moments.of(there, float(there[0]), float(there[-1]), *ends) if len(there) else Moments()
        return cls._made(edges, counts, missing + gone, infinite, its)

    @classmethod
    def _made(cls, edges: Floats, counts: Counts, missing: int, infinite: int, its: Moments) -> Self:
        return cls(
            edges, counts, missing, infinite, its.least, its.most, its.mean, its.squares, its.below, its.above
        )  # fmt: skip

    @property
    def moments(self) -> Moments:
        """What is summed up of its numbers."""
        return Moments(self.rows, self.least, self.most, self.mean, self.squares, self.below, self.above)

    @property
    def rows(self) -> int:
        """How many finite numbers there are."""
        return int(self.counts.sum())

    @property
    def deviation(self) -> float:
        """The standard deviation; 0 where there is none."""
        return float(np.sqrt(self.squares / self.rows)) if self.rows else 0.0

    @cached_property
    def upto(self) -> Floats:
        """The share of rows up to each edge."""
        return np.asarray(np.cumsum(self.counts)[:-1] / max(1, self.rows), dtype=np.float64)

    def quantile(self, part: float) -> float:
        """Give a quantile, exact but for what lies between two edges; NaN where it lies beyond the grid."""
        place = int(np.searchsorted(self.upto, part))
        if not self.rows or place == len(self.edges) or (place == 0 and self.upto[0] > part):
            return float("nan")
        low, high = self.edges[max(0, place - 1)], self.edges[place]
        if high - low <= width(self.edges):  # nothing but a value that many share
            return float(high)
        return float(np.interp(part, self.upto[place - 1 : place + 1], (low, high)))

    def emptied(self) -> Numbers:
        """Give the same grid, with nothing counted on it."""
        return self.count(np.empty(0))

    def closed(self) -> Numbers:
        """End the grid where the numbers do: nothing of a reference is beyond it, though its grid is of a sample."""
        if not self.rows or not (len(self.edges) and (self.counts[0] or self.counts[-1])):
            return self
        ends = _compact(np.array([np.nextafter(self.least, -np.inf), self.least, self.most]))[[0, -1]]
        low, high = ends[0] < self.edges[0], ends[1] > self.edges[-1]
        edges = np.concatenate([ends[:1] if low else [], self.edges, ends[1:] if high else []])
        counts = np.concatenate([[0] if low else [], self.counts, [0] if high else []]).astype(np.int64)
        return replace(self, edges=edges, counts=counts, below=0.0, above=0.0)

    def __add__(self, other: Numbers) -> Numbers:
        if self.edges is not other.edges and not np.array_equal(self.edges, other.edges):
            raise ValueError("they are counted on different grids")
        missing, infinite = self.missing + other.missing, self.infinite + other.infinite
        return self._made(self.edges, self.counts + other.counts, missing, infinite, self.moments + other.moments)

    def to_dict(self) -> dict[str, Any]:
        """Give what JSON can hold."""
        plain = {name: None if value != value else value for name, value in vars(self).items() if np.isscalar(value)}
        return {"kind": "numbers", "edges": self.edges.tolist(), "counts": self.counts.tolist(), **plain}


@dataclass(frozen=True)
class Words:
    """Categories and truths.

    Attributes
    ----------
    counts : mapping of str to int
        The rows of each category of the grid, in the reference the most frequent first.
    rest : int
        The rows of all others. Where the reference has none of them, those of a window are new.
    missing : int
    """

    counts: Mapping[str, int]
    rest: int
    missing: int

    @classmethod
    def learn(cls, counts: pd.Series[Any], missing: int = 0) -> Self:
        """Take a reference.

        Parameters
        ----------
        counts : Series of int
            The rows of each value, the most frequent first, as ``value_counts`` gives them.
        missing : int
        """
        rows = int(counts.sum())
        comes_again = len(counts) <= rows / 2  # else it is names and sentences: no categories, and nobody's to keep
        top = counts.iloc[:CATEGORIES]
        kept = _by_text(top if comes_again else top[top >= _OFTEN])
        return cls(kept, rows - sum(kept.values()), missing)

    def count(self, counts: pd.Series[Any], missing: int = 0) -> Self:
        """Take a window, on the same grid."""
        named = counts[_texts(counts.index).isin(list(self.counts))]
        found = _by_text(named)
        kept = {name: found.get(name, 0) for name in self.counts}
        return replace(self, counts=kept, rest=int(counts.sum()) - sum(kept.values()), missing=missing)

    def placed(self, found: Counts, rows: int, missing: int = 0) -> Self:
        """Take a window of so many rows, of which each category of the grid is counted.

        Parameters
        ----------
        found : array of int, of shape (categories,)
            In the order of ``counts``.
        rows, missing : int
        """
        kept = dict(zip(self.counts, found.tolist(), strict=True))
        return replace(self, counts=kept, rest=rows - missing - int(found.sum()), missing=missing)

    @property
    def rows(self) -> int:
        """How many cells are not missing."""
        return sum(self.counts.values()) + self.rest

    @cached_property
    def array(self) -> Counts:
        """The rows of each category, and of the rest."""
        return np.array([*self.counts.values(), self.rest], dtype=np.int64)

    def emptied(self) -> Words:
        """Give the same grid, with nothing counted on it."""
        return Words(dict.fromkeys(self.counts, 0), 0, 0)

    def __add__(self, other: Words) -> Words:
        if self.counts.keys() != other.counts.keys():
            raise ValueError("they are counted on different grids")
        total = {name: count + other.counts[name] for name, count in self.counts.items()}
        return Words(total, self.rest + other.rest, self.missing + other.missing)

    def to_dict(self) -> dict[str, Any]:
        """Give what JSON can hold."""
        return {"kind": "words", "counts": dict(self.counts), "rest": self.rest, "missing": self.missing}


Sketch = Numbers | Words


def read(stored: Mapping[str, Any]) -> Sketch:
    """Read what ``to_dict`` has given."""
    given: dict[str, Any] = {name: value for name, value in stored.items() if name != "kind"}
    if stored["kind"] == "words":
        return Words(**given)
    given = {name: float("nan") if value is None else value for name, value in given.items()}
    given["edges"] = np.array(given["edges"], dtype=np.float64)
    given["counts"] = np.array(given["counts"], dtype=np.int64)
    return Numbers(**given)


def _finite(ordered: Floats) -> Floats:
    """Cut infinities and NaN off an ordered array; NaN stand last."""
    return ordered[np.searchsorted(ordered, -np.inf, side="right") : np.searchsorted(ordered, np.inf)]


def _grid(ordered: Floats) -> Floats:
    """Choose edges: quantiles, and a second edge just below each value that several of them share."""
    rows = len(ordered)
    if not rows:
        return np.empty(0)
    some = ordered[np.linspace(0, rows - 1, min(EDGES, rows)).round().astype(np.int64)]
    values, times = np.unique(some, return_counts=True)
    alone = np.append(values[times > 1], values[0])
    return np.unique(np.concatenate([values, np.nextafter(alone, -np.inf)]))


def _compact(edges: Floats) -> Floats:
    """Round edges to 4 bytes, each up, and the one just below a shared value down: the value stays between the two."""
    with np.errstate(over="ignore"):
        small = edges.astype(np.float32)
    is_twin = np.append(np.nextafter(edges[:-1], np.inf) == edges[1:], False)[: len(edges)]
    infinite = np.float32(np.inf)
    up = np.where(small < edges, np.nextafter(small, infinite), small)
    down = np.where(small > edges, np.nextafter(small, -infinite), small)
    rounded = np.where(is_twin, down, up).astype(np.float64)
    return rounded if np.isfinite(rounded).all() and (np.diff(rounded) > 0).all() else edges


def _by_text(counts: pd.Series[Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, rows in zip(_texts(counts.index), counts.to_numpy(), strict=True):
        found[name] = found.get(name, 0) + int(rows)
    return found


def _texts(values: pd.Index[Any]) -> pd.Index[Any]:
    return values if values.dtype == "str" else pd.Index([str(value) for value in values], dtype=object)
