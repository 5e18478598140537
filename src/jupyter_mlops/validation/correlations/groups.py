"""Groups of features that tell the same, and features that the others tell together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from scipy.cluster.hierarchy import fcluster, leaves_list, linkage
from scipy.spatial.distance import squareform

from ..catalogues import DATA
from ..checks import CantSay, NotApplicable
from ..column import Column
from ..data import Data
from ..findings import Finding, Plot
from ..potential.problem import in_bins
from ..quality.names import listed
from .measures import Floats, correlation_ratio, cramer, inflation, pearson, spearman, standardise

_ROWS: Final = 20_000  # the standard error of a correlation is below 0.01, of one of 0.9 below 0.002
_FEW_ROWS: Final = 50
_MOST_FEATURES: Final = 4_000
_ROWS_TO_A_NUMBER: Final = 3
_COPY: Final = 0.99999
_MOST_GROUPS: Final = 5
_MOST_SHOWN: Final = 40  # rows of the picture: of more features the strongest of neighbours
_MOST_BARS: Final = 12
_BLOCK: Final = 64

Rows = np.ndarray[Any, np.dtype[np.int64]]
Gaps = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Together:
    """How strongly each two features go together.

    Attributes
    ----------
    labels : tuple of str
    strengths : array of float32, of shape (features, features)
        Between 0 and 1: of two numbers the larger of Pearson's r and Spearman's rho without their signs, of two
        categories Cramér's V, of a number and a category the correlation ratio.
    numbers : array of int64
        The places of the numbers among the features.
    linear : array of float32, of shape (numbers, numbers)
        Pearson's r.
    rows : int
        In how many rows it was measured.
    note : str
        What was left out, for the message.
    """

    labels: tuple[str, ...]
    strengths: Floats
    numbers: np.ndarray[Any, np.dtype[np.int64]]
    linear: Floats
    rows: int
    note: str

    @cached_property
    def tree(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """How features come together into clusters, by the mean of their strengths."""
        distances = 1 - self.strengths
        np.fill_diagonal(distances, 0)
        return np.asarray(linkage(squareform(distances, checks=False), "average"))

    @cached_property
    def order(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """The features so that those of a cluster stand together."""
        return np.asarray(leaves_list(self.tree))

    def groups(self, strength: float) -> list[list[int]]:
        """Give the clusters of features that go together so strongly in the mean, the largest first.

        The first of each is the one that goes best with the others.
        """
        number = fcluster(self.tree, 1 - strength, "distance")
        found = []
        for cluster in np.flatnonzero(np.bincount(number) > 1):
            places = np.flatnonzero(number == cluster)
            within = self.strengths[np.ix_(places, places)].sum(axis=1)
            found.append([int(place) for place in places[np.argsort(-within, kind="stable")]])
        return sorted(found, key=lambda group: (-len(group), group[0]))

    def names(self, places: Iterable[int]) -> tuple[str, ...]:
        """Name features."""
        return tuple(self.labels[place] for place in places)


def together(data: Data) -> Together:
    """Measure how features go together; ``data.once(together)`` does so once.

    Raises
    ------
    NotApplicable
        Where there are fewer than two features.
    CantSay
        Where there are too few rows.
    """
    if len(data) < _FEW_ROWS:
        raise CantSay(f"There are {len(data)} rows; it takes {_FEW_ROWS}.")
    rows = np.arange(len(data))
    if len(rows) > _ROWS:
        rows = np.sort(np.random.default_rng(0).choice(rows, _ROWS, replace=False))
    named = Counter(column.label for column in data.columns)
    roles = {id(column) for column in (data.time, data.group, *data.key) if column is not None}
    columns = [column for column in data.features if id(column) not in roles and named[column.label] == 1]
    note = f" (measured in {len(rows):,} of {len(data):,} rows)" if len(rows) < len(data) else ""
    if len(columns) > _MOST_FEATURES:
        note += f" (among the first {_MOST_FEATURES:,} features)"
        columns = columns[:_MOST_FEATURES]
    numbers, table, gaps = _numbers(data, columns, rows)
    categories = [in_bins(c, rows) for c in columns if c.kind in ("text", "mixed")]
    categories = [feature for feature in categories if feature.what == "category" and feature.bins > 1]
    count = len(numbers) + len(categories)
    if count < 2:
        raise NotApplicable("There are fewer than two features.")
    linear = pearson(table, gaps)
    strengths = np.zeros((count, count), dtype=np.float32)
    split = len(numbers)
    strengths[:split, :split] = np.maximum(np.abs(linear), np.abs(spearman(table, gaps)))
    if categories:
        codes, bins = [feature.codes for feature in categories], [feature.bins for feature in categories]
        strengths[split:, split:] = cramer(codes, bins)
        strengths[split:, :split] = correlation_ratio(codes, bins, table)
        strengths[:split, split:] = strengths[split:, :split].T
    labels = (*(column.label for column in numbers), *(feature.label for feature in categories))
    return Together(labels, strengths, np.arange(split), linear, len(rows), note)


@DATA.check("DC001", "Copies of a feature", "A copy tells nothing new, costs memory, and splits the weight of what it copies.")  # fmt: skip
def copies(data: Data) -> Iterator[Finding]:
    """Look for features that are others, but for scale and sign."""
    found = data.once(together)
    groups = found.groups(_COPY)
    for group in groups[:_MOST_GROUPS]:
        names = found.names(group)
        yield Finding("warning", f"{listed(names)} are one feature, but for scale and sign{found.note}.", f"df.drop(columns={list(names[1:])!r})", names)  # fmt: skip
    if rest := [place for group in groups[_MOST_GROUPS:] for place in group]:
        names = found.names(rest)
        yield Finding("warning", f"So are {len(names):,} more, in {len(groups) - _MOST_GROUPS:,} groups.", "report['DC001'].findings[-1].columns", names)  # fmt: skip


@DATA.check("DC002", "Features that tell the same", "What is told by several features is weighed several times, and no longer told apart: importances are split among them.")  # fmt: skip
def redundant(data: Data) -> Iterator[Finding]:
    """Look for groups of features that go together closely, by hierarchical clustering."""
    found = data.once(together)
    groups = found.groups(data.limits.same)
    inside = sum(map(len, groups))
    most = _MOST_GROUPS if len(groups) > _MOST_GROUPS + 1 else len(groups)  # the last one is told, not counted
    for place, group in enumerate(groups[:most]):
        names = found.names(group)
        least = float(found.strengths[np.ix_(group, group)].min())
        yield Finding(
            "note",
            f"{len(names):,} features tell the same: {listed(names)}; each two correlate by {least:.2f} or more{found.note}.",
            f"keep {names[0]!r}, which stands for the others best, or a mean of them",
            names,
            {"least": round(least, 4)},
            _picture(found, f"{inside:,} of {len(found.labels):,} features, in {len(groups):,} groups") if not place else None,
        )  # fmt: skip
    if rest := [place for group in groups[most:] for place in group]:
        names = found.names(rest)
        yield Finding("note", f"{len(names):,} more are in {len(groups) - most:,} smaller groups{found.note}.", "report['DC002'].findings[-1].columns", names, {"groups": [found.names(group) for group in groups[most:]]})  # fmt: skip


@DATA.check("DC003", "Features that the others tell", "Where some features add up to another, the weights of a linear model are arbitrary: their variance is inflated.")  # fmt: skip
def collinear(data: Data) -> Iterator[Finding]:
    """Look at variance inflation, with one feature of each group that tells the same."""
    found = data.once(together)
    spare = {place for group in found.groups(data.limits.same) for place in group[1:]}
    kept = [int(place) for place in found.numbers if place not in spare and found.linear[place, place] > 0]
    if len(kept) < 2:
        raise NotApplicable("There are fewer than two numbers.")
    if found.rows < _ROWS_TO_A_NUMBER * len(kept):
        raise CantSay(f"{found.rows:,} rows are too few for {len(kept):,} numbers; it takes {_ROWS_TO_A_NUMBER} to one.")  # fmt: skip
    factors = inflation(found.linear[np.ix_(kept, kept)])
    order = np.argsort(-factors)
    high = [kept[place] for place in order if factors[place] > data.limits.inflation]
    if not high:
        return
    names, shown = found.names(high), order[:_MOST_BARS]
    told = ", ".join(f"{found.labels[kept[place]]} {_factor(factors[place])}" for place in order[: min(3, len(high))])
    yield Finding(
        "note",
        f"{len(high):,} of {len(kept):,} numbers are told by the others together, with variance inflation of {told}{found.note}.",
        "Ridge() in place of least squares; or leave out the highest, and look again",
        names,
        {found.labels[kept[place]]: round(float(factors[place]), 2) for place in order[: len(high)]},
        Plot("bars", found.names([kept[p] for p in shown]), [float(np.log10(max(1.0, factors[p]))) for p in shown], [n for n, p in enumerate(shown) if kept[p] in high], "variance inflation, powers of ten"),
    )  # fmt: skip


def _numbers(data: Data, columns: Sequence[Column], rows: Rows) -> tuple[list[Column], Floats, Gaps | None]:
    """Take the numbers standardised, one column after the other in memory, and where they are missing."""
    kept = [column for column in columns if column.kind in ("number", "truth", "time")]
    table = np.empty((len(rows), len(kept)), dtype=np.float32, order="F")
    gaps = np.zeros(table.shape, dtype=bool, order="F")  # takes no memory before it is written to
    any_gaps = False
    for place, values in enumerate(_floats(data, kept, rows)):
        if standardise(values.copy(), table[:, place]):
            any_gaps = True
            gaps[:, place] = np.isnan(values)
    return kept, table, gaps if any_gaps else None


def _floats(data: Data, columns: Sequence[Column], rows: Rows) -> Iterator[np.ndarray[Any, np.dtype[np.float64]]]:
    """Give columns as floats: of a wide frame many at a time, as a row of it is what lies together in memory."""
    places = {id(column): place for place, column in enumerate(data.columns)}
    for begin in range(0, len(columns), _BLOCK):
        some = columns[begin : begin + _BLOCK]
        plain = all(isinstance(column.values.dtype, np.dtype) and column.values.dtype.kind in "fiu" for column in some)
        if plain and len(rows) == len(data):
            block = data.frame.iloc[:, [places[id(column)] for column in some]].to_numpy(dtype=np.float64)
            for values in np.array(block.T, order="C"):  # a copy: the frame stays as it is
                if not np.isfinite(values).all():
                    values[~np.isfinite(values)] = np.nan
                yield values
        else:
            yield from (column.floats(rows) for column in some)


def _picture(found: Together, axis: str) -> Plot:
    """Draw strengths in the order of the clusters; of many features the strongest among neighbours."""
    matrix = found.strengths[np.ix_(found.order, found.order)]
    labels = found.names(found.order)
    if len(labels) > _MOST_SHOWN:
        starts = np.linspace(0, len(labels), _MOST_SHOWN, endpoint=False).astype(int)
        matrix = np.maximum.reduceat(np.maximum.reduceat(matrix, starts, axis=0), starts, axis=1)
        labels = ()
    return Plot("matrix", labels, [round(float(value), 2) for value in matrix.ravel()], (), axis)


def _factor(factor: float) -> str:
    return f"{factor:.0f}" if factor < 10_000 else "over 10,000"
