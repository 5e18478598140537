"""How numbers go together, pair by pair: Spearman's correlation by the ranks that the reference has given, in sums that add.

A value's rank is the share of the reference's rows below it, counting half of those that share its place on the grid (a ridit: Bross,
1958), in thousandths from -1,000 to 1,000. On the reference itself that is Spearman's correlation (1904), but for what lies between two
edges; a window's is of the same ranks, so that a column that has moved as a whole does not move its correlations by that alone. All
sums are whole numbers: windows add exactly.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np

from .counting import Counts, Floats
from .sketches import Numbers

MOST: Final = 32  # numbers that are paired: 496 pairs
SOME: Final = 4_096  # rows of a table that are looked at, evenly spaced: a correlation is then known to 0.03 (95 %)
OF_A_BATCH: Final = 512  # of one of many batches: there are more
_ONE: Final = 1_000
_LEAST_SPREAD: Final = 0.25
MOST_R: Final = 0.9999


@dataclass(frozen=True)
class Pairs:
    """Sums over the rows in which both numbers of a pair are there.

    Attributes
    ----------
    names : tuple of str
    rows : array of int, of shape (k, k)
        Those that the rows looked at stand for: of a large piece few are looked at, and each stands for many.
    doubled : array of int, of shape (k, k)
        The squares of for how many each row stands: by how much fewer rows the sums are worth (Kish, 1965).
    sums : array of int, of shape (k, k)
        At i, j: of the ranks of i, where j is there too.
    squares : array of int, of shape (k, k)
        Likewise.
    products : array of int, of shape (k, k)
    spread : array of float, of shape (k, k)
        The variance of Fisher's z, times the rows, as the reference has it: of a normal distribution it is 1.
    """

    names: tuple[str, ...]
    rows: Counts
    doubled: Counts
    sums: Counts
    squares: Counts
    products: Counts
    spread: Floats

    @classmethod
    def learn(cls, values: Mapping[str, Floats], sketches: Mapping[str, Numbers]) -> Self | None:
        """Take a reference; None where there are no two numbers.

        Parameters
        ----------
        values : mapping of str to array of float, of shape (rows,)
            NaN is missing. Of many columns those that go together most are kept.
        sketches : mapping of str to Numbers
            Of these columns.
        """
        names = [name for name in values if sketches[name].deviation]
        if len(names) < 2:
            return None
        scores, there = _scores([values[name] for name in names], [sketches[name] for name in names])
        whole = cls(tuple(names), *_sums(scores, there), _spread(scores, there))
        if len(names) <= MOST:
            return whole
        strength = np.abs(np.nan_to_num(whole.correlations - np.eye(len(names)))).max(axis=1)
        return whole.of([names[place] for place in np.sort(np.argsort(-strength, kind="stable")[:MOST])])

    def of(self, names: Sequence[str]) -> Self:
        """Keep some of the columns."""
        places = [place for place, name in enumerate(self.names) if name in set(names)]
        chosen = np.ix_(places, places)
        parts = {name: getattr(self, name)[chosen] for name in (*_SUMS, "spread")}
        return replace(self, names=tuple(self.names[place] for place in places), **parts)

    def count(self, values: Sequence[Floats], sketches: Sequence[Numbers], each: float = 1.0) -> Self:
        """Take a window; the columns in the order of ``names``, and their sketches in the reference.

        ``each`` says for how many rows one of these stands.
        """
        rows, doubled, sums, squares, products = _sums(*_scores(values, sketches), each)
        return replace(self, rows=rows, doubled=doubled, sums=sums, squares=squares, products=products)

    def emptied(self) -> Self:
        """Give the same columns, with nothing counted."""
        nothing = np.zeros_like(self.rows)
        return replace(self, rows=nothing, doubled=nothing, sums=nothing, squares=nothing, products=nothing)

    def __add__(self, other: Pairs) -> Self:
        if self.names != other.names:
            raise ValueError("they are counted on different grids")
        return replace(self, **{name: getattr(self, name) + getattr(other, name) for name in _SUMS})

    @property
    def correlations(self) -> Floats:
        """Spearman's correlation of each pair; NaN where one of them does not vary."""
        rows = np.maximum(self.rows, 1).astype(np.float64)
        means, squares = self.sums / rows, self.squares / rows
        variances = squares - means**2
        with np.errstate(divide="ignore", invalid="ignore"):
            found = (self.products / rows - means * means.T) / np.sqrt(variances * variances.T)
        found[(variances <= 0) | (variances.T <= 0)] = np.nan
        return np.asarray(np.clip(found, -1.0, 1.0), dtype=np.float64)

    @property
    def worth(self) -> Counts:
        """How many rows that are looked at alike the sums are worth."""
        return np.asarray(self.rows * (self.rows / np.maximum(self.doubled, 1)), dtype=np.int64)

    @property
    def most_rows(self) -> int:
        """What the sums of the pair are worth that has most rows."""
        return int((self.worth * (1 - np.eye(len(self.names), dtype=np.int64))).max(initial=0))

    def packed(self, *, grid: bool) -> dict[str, Any]:
        """Give what JSON can hold; without ``grid`` what is the reference's is left out."""
        if not grid:  # a piece, of which there are many: of what is the same both ways, one half
            half = np.triu_indices(len(self.names))
            return {
                name: _array(getattr(self, name)[half] if name in _MIRRORED else getattr(self, name)) for name in _SUMS
            }
        said: dict[str, Any] = {name: _array(getattr(self, name)) for name in _SUMS}
        spread = base64.b64encode(self.spread.astype("<f4").tobytes()).decode()
        return {**said, "names": list(self.names), "spread": spread}

    @classmethod
    def unpacked(cls, said: Mapping[str, Any], grid: Pairs | None) -> Self:
        """Read what ``packed`` has given; ``grid`` is the reference of what was packed without it."""
        names = tuple(said["names"]) if grid is None else grid.names
        shape = len(names), len(names)
        rows, doubled, sums, squares, products = (_square(_read(said[name], "<i8"), len(names)) for name in _SUMS)
        spread = grid.spread if grid is not None else _read(said["spread"], "<f4").astype(np.float64).reshape(shape)
        return cls(names, rows, doubled, sums, squares, products, spread)


_SUMS: Final = ("rows", "doubled", "sums", "squares", "products")
_MIRRORED: Final = ("rows", "doubled", "products")


def chosen(rows: int, most: int) -> Counts:
    """Choose the rows that are looked at: all, or one by chance of every so many; what comes round and round is not met in step."""
    step = max(1, -(-rows // most))
    places = np.arange(0, rows, step)
    return (
        places
        if step == 1
        else np.minimum(places + np.random.default_rng(rows).integers(0, step, len(places)), rows - 1)
    )


def _scores(values: Sequence[Floats], sketches: Sequence[Numbers]) -> tuple[Floats, Floats]:
    """Give the ranks of each column's values, of shape (k, rows), 0 where they are missing; and whether they are there."""
    scores = np.zeros((len(values), len(values[0]) if len(values) else 0))
    there = np.zeros_like(scores)
    for place, (given, sketch) in enumerate(zip(values, sketches, strict=True)):
        is_there = np.isfinite(given)
        known = given if is_there.all() else given[is_there]
        scores[place, is_there] = _ranks(sketch)[np.searchsorted(sketch.edges, known, side="left")]
        there[place] = is_there
    return scores, there


def _ranks(sketch: Numbers) -> Floats:
    """Give the middle rank of each place on the grid of a reference."""
    upto = np.concatenate([[0.0], sketch.upto, [1.0]])
    return np.asarray(np.round(_ONE * (upto[:-1] + upto[1:] - 1)), dtype=np.float64)


def _sums(scores: Floats, there: Floats, each: float = 1.0) -> tuple[Counts, Counts, Counts, Counts, Counts]:
    """Sum up, in the order of ``_SUMS``; rounded to whole numbers, so that they add exactly."""
    rows = _products(there, there)
    found = (_products(scores, there), _products(scores**2, there), _products(scores, scores))
    weighed = (rows * each, rows * each**2, *(sums * each for sums in found))
    count, doubled, sums, squares, products = (np.round(one).astype(np.int64) for one in weighed)
    return count, doubled, sums, squares, products


def _products(one: Floats, other: Floats) -> Floats:
    """Multiply rows with rows, and sum up; not by @, see ``counting.Moments``. Whole numbers stay exact up to 2**53."""
    return np.asarray(np.einsum("ir,jr->ij", one, other))


def _spread(scores: Floats, there: Floats) -> Floats:
    """Give the variance of each pair's Fisher's z, times the rows, by fourth moments (Steiger and Hakstian, 1982, eq. 3)."""
    rows = np.maximum(there.sum(axis=1, keepdims=True), 1)
    centred = (scores - scores.sum(axis=1, keepdims=True) / rows) * there
    deviations = np.sqrt((centred**2).sum(axis=1, keepdims=True) / rows)
    standard = centred / np.where(deviations > 0, deviations, 1)
    both = np.maximum(_products(there, there), 1)
    r, m22, m31 = (_products(standard**a, standard**b) / both for a, b in ((1, 1), (2, 2), (3, 1)))
    r = np.clip(r, -MOST_R, MOST_R)
    m4 = (standard**4).sum(axis=1) / rows[:, 0]
    variance = r**2 / 4 * (m4[:, None] + m4[None, :] + 2 * m22) - r * (m31 + m31.T) + m22
    return np.asarray(np.maximum(variance / (1 - r**2) ** 2, _LEAST_SPREAD), dtype=np.float64)


def _array(values: Counts) -> str:
    return base64.b64encode(values.astype("<i8").tobytes()).decode()


def _read(said: str, kind: str) -> np.ndarray[Any, Any]:
    return np.frombuffer(base64.b64decode(said), dtype=kind)


def _square(values: Counts, side: int) -> Counts:
    """Give a square of what was written in full, or of its upper half."""
    if len(values) == side * side:
        return values.reshape(side, side)
    found = np.zeros((side, side), dtype=np.int64)
    found[np.triu_indices(side)] = values
    return found + np.triu(found, 1).T
