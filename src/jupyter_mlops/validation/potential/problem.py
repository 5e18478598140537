"""What is to be learned: a target, the rows that it is learned from, and each feature in bins."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from ..checks import CantSay, NotApplicable
from ..column import Column
from ..data import Data
from ..quality.target import is_classes

FOLDS: Final = 5
_SAMPLE: Final = 20_000  # rows: a share that is explained is told to two digits, and its standard error is below 0.01
_FEW_ROWS: Final = 50
_FEW_OF_A_CLASS: Final = 2 * FOLDS
_MOST_CLASSES: Final = 100
_MOST_BINS: Final = 32  # even bins lose 1/32² of a number's variance
_MOST_CATEGORIES: Final = 100

Codes = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]
What = Literal["number", "category", "length"]


@dataclass(frozen=True)
class Feature:
    """A feature in bins: quantiles of numbers and times, categories, or quantiles of the length of text.

    Attributes
    ----------
    label : str
    what : {"number", "category", "length"}
    codes : array of int64, of shape (rows,)
        The bin of each row; what is missing has one of its own.
    bins : int
    """

    label: str
    what: What
    codes: Codes
    bins: int

    @property
    def told(self) -> str:
        """What it is called in a message."""
        return f"the length of {self.label}" if self.what == "length" else self.label


@dataclass(frozen=True)
class Problem:
    """A target, and the rows that it is learned from.

    Attributes
    ----------
    data : Data
    target : Column
    classes : tuple of str
        The classes; of a measure none.
    rows : array of int64
        Which rows of the frame: a sample where there are more than 20,000.
    wanted : array, of shape (rows, classes) or (rows, 1)
        A column of 0 and 1 for each class; of a measure its rank between 0 and 1, so that no far value decides.
    plain : array, of shape (rows,)
        The number of the class, or the measure as it is.
    folds : array of int64, of shape (rows,)
        Where each row is held out. Rows of a group share a fold.
    """

    data: Data
    target: Column
    classes: tuple[str, ...]
    rows: Codes
    wanted: Floats
    plain: Floats
    folds: Codes

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def of_rows(self) -> str:
        """Say in how many rows it was measured, where these are not all."""
        there = len(self.target.there)
        return "" if len(self) >= there else f" (measured in {len(self):,} of {there:,} rows)"

    def fewer(self, count: int) -> Problem:
        """Give the same in fewer rows, where there are more than so many."""
        if len(self) <= count:
            return self
        some = np.sort(np.random.default_rng(1).permutation(len(self))[:count])
        return replace(
            self, rows=self.rows[some], wanted=self.wanted[some], plain=self.plain[some], folds=self.folds[some]
        )

    @cached_property
    def columns(self) -> list[Column]:
        """The columns that may be learned from: not those that name a row, a group or a time."""
        data = self.data
        roles = {id(column) for column in (data.target, data.time, data.group, *data.key) if column is not None}
        named = Counter(column.label for column in data.columns)
        return [c for c in data.columns if id(c) not in roles and c.kind != "nothing" and named[c.label] == 1]

    @cached_property
    def features(self) -> list[Feature]:
        """The features in bins; those with one bin tell nothing, and are not among them."""
        found = (in_bins(column, self.rows) for column in self.columns)
        return [feature for feature in found if feature.bins > 1]

    @cached_property
    def powers(self) -> dict[str, float]:
        """How much of the target each feature tells by itself, the most telling first."""
        powers = {feature.label: self.explained(feature.codes, feature.bins) for feature in self.features}
        return dict(sorted(powers.items(), key=lambda item: -item[1]))

    def explained(self, codes: Codes, bins: int, wanted: Floats | None = None) -> float:
        """Say how much of the target bins tell in rows that were held out.

        The target is predicted by its mean in the bin over the other folds, drawn to the mean of all as far as bins
        differ by chance alone: the target encoding of Micci-Barreca (2001) with the empirical Bayes weight that
        scikit-learn's ``TargetEncoder`` takes too. What is told is 1 - squared error / squared error of the mean:
        R² of a measure's ranks, and of classes the Brier skill score (Brier, 1950; Murphy, 1973).

        Parameters
        ----------
        codes : array of int64, of shape (rows,)
        bins : int
        wanted : array, of shape (rows, outputs), optional
            What is predicted instead of the target.

        Returns
        -------
        float
            1 where it tells all, 0 where it tells nothing; chance alone gives about 0.
        """
        y = self.wanted if wanted is None else wanted
        places = self.folds * bins + codes
        size, outputs = FOLDS * bins, y.shape[1]
        held = np.bincount(places, minlength=size).reshape(FOLDS, bins, 1).astype(float)
        sums = np.stack([np.bincount(places, y[:, k], size).reshape(FOLDS, bins) for k in range(outputs)], axis=2)
        squares = np.bincount(self.folds, (y**2).sum(axis=1), FOLDS)
        count, total = held.sum(axis=0) - held, sums.sum(axis=0) - sums  # of the other folds
        rows = count.sum(axis=1)  # (folds, 1)
        mean = total.sum(axis=1) / np.maximum(rows, 1)
        means = total / np.maximum(count, 1)
        between = (count * (means - mean[:, None]) ** 2).sum(axis=(1, 2))
        all_of_it = squares.sum() - squares - (rows * mean**2).sum(axis=1)
        used = (count > 0).sum(axis=(1, 2))
        noise = np.maximum(all_of_it - between, 0) / np.maximum(rows[:, 0] - used, 1)
        signal = (
            np.maximum(between / np.maximum(used - 1, 1) - noise, 0) * np.maximum(used, 1) / np.maximum(rows[:, 0], 1)
        )
        weight = np.where(signal > 0, noise / np.maximum(signal, 1e-12), 1e12)[:, None, None]
        guess = (total + weight * mean[:, None]) / np.maximum(count + weight, 1e-12)
        guess = np.where(count > 0, guess, mean[:, None])
        error = squares.sum() - 2 * (guess * sums).sum() + (held * guess**2).sum()
        of_mean = squares.sum() - 2 * (mean[:, None] * sums).sum() + (held * mean[:, None] ** 2).sum()
        return float(1 - error / of_mean) if of_mean > 1e-12 else 0.0

    def by_chance(self, bins: int) -> float:
        """Say from which share explained on bins tell more than chance.

        That of bins which tell nothing has mean 0 and a standard deviation of about √(2 · bins) / rows; five of them.
        """
        return 5 * float(np.sqrt(2 * bins)) / max(1, len(self))


def problem(data: Data) -> Problem:
    """State the problem; ``data.once(problem)`` states it once.

    Raises
    ------
    NotApplicable
        Where there is no target, or none that can be learned.
    CantSay
        Where there are too few rows, or too many classes.
    """
    target = data.target
    if target is None:
        raise NotApplicable("There is no target: --target y.")
    if target.kind in ("nothing", "time"):
        raise NotApplicable(f"The target is {'missing' if target.kind == 'nothing' else 'a time'}.")
    chance = np.random.default_rng(0)
    rows = np.flatnonzero(~target.is_missing)
    _enough(rows)
    if len(rows) > _SAMPLE:
        rows = np.sort(chance.choice(rows, _SAMPLE, replace=False))
    names: tuple[str, ...] = ()
    if is_classes(target):
        cells = target.values.iloc[rows]
        plain, found = pd.factorize(cells.map(repr) if cells.dtype == object and target.kind == "mixed" else cells, sort=False)  # fmt: skip
        counts = np.bincount(plain, minlength=len(found))
        kept = np.flatnonzero(counts >= _FEW_OF_A_CLASS)
        if len(found) < 2:
            raise NotApplicable("The target has one value.")
        if len(kept) < 2 or len(kept) > _MOST_CLASSES:
            raise CantSay(f"{len(kept)} classes have {_FEW_OF_A_CLASS} rows or more; it takes 2 to {_MOST_CLASSES}.")
        place = np.full(len(found), -1)
        place[kept] = np.arange(len(kept))
        stay = place[plain] >= 0
        rows, plain, names = rows[stay], place[plain][stay].astype(float), tuple(str(found[k]) for k in kept)
        wanted = np.eye(len(names))[plain.astype(int)]
    else:
        plain = target.floats(rows)
        rows, plain = rows[np.isfinite(plain)], plain[np.isfinite(plain)]
        wanted = (rankdata(plain) / max(1, len(plain)))[:, None]
        if len(plain) and plain.min() == plain.max():
            raise NotApplicable("The target has one value.")
    _enough(rows)
    return Problem(data, target, names, rows, wanted, plain, _folds(data, rows, plain, chance))


def _enough(rows: Codes) -> None:
    if len(rows) < _FEW_ROWS:
        raise CantSay(f"There are {len(rows)} rows with a label; it takes {_FEW_ROWS}.")


def in_bins(column: Column, rows: Codes) -> Feature:
    """Put a column into bins, without a look at the target."""
    if column.kind in ("number", "truth", "time"):
        return _quantiles(column.label, "number", column.floats(rows))
    cells = _words(column, rows)
    codes, found = pd.factorize(cells)
    there = int((codes >= 0).sum())
    if column.kind == "text" and len(found) > max(_MOST_CATEGORIES, there / 2):
        lengths = np.array([len(word) for word in found], dtype=float)[codes]
        return _quantiles(column.label, "length", np.where(codes < 0, np.nan, lengths))
    if len(found) > _MOST_CATEGORIES:
        counts = np.bincount(codes[codes >= 0], minlength=len(found))
        frequent = np.argsort(-counts, kind="stable")[:_MOST_CATEGORIES]
        place = np.full(len(found), _MOST_CATEGORIES)
        place[frequent] = np.arange(_MOST_CATEGORIES)
        codes = np.where(codes < 0, -1, place[codes])
    return _feature(column.label, "category", codes)


def _words(column: Column, rows: Codes) -> Any:
    """Give cells so that they can be told apart: text as it is, other objects as they are written."""
    cells = column.values.iloc[rows]
    if cells.dtype != object:
        return cells
    gone = column.is_missing[rows]
    words = np.empty(len(cells), dtype=object)
    words[:] = [None if g else c if isinstance(c, str) else repr(c) for g, c in zip(gone, cells, strict=True)]
    return words


def _quantiles(label: str, what: What, values: Floats) -> Feature:
    there = values[~np.isnan(values)]
    if not len(there):
        return Feature(label, what, np.zeros(len(values), dtype=np.int64), 1)
    bins = int(np.clip(len(there) // 10, 4, _MOST_BINS))
    ordered = np.sort(there)
    edges = np.unique(ordered[np.linspace(0, len(ordered) - 1, bins + 1).astype(int)][1:])
    starts = np.flatnonzero(np.diff(ordered)) + 1
    if len(starts) < bins:  # few values: each is a bin
        edges = ordered[np.append(starts - 1, len(ordered) - 1)]
    codes = np.minimum(np.searchsorted(edges, values), len(edges) - 1)
    return _feature(label, what, np.where(np.isnan(values), -1, codes))


def _feature(label: str, what: What, codes: Codes) -> Feature:
    if codes.min(initial=0) < 0:
        codes = codes + 1
    return Feature(label, what, codes, int(codes.max(initial=0)) + 1)


def _folds(data: Data, rows: Codes, plain: Floats, chance: np.random.Generator) -> Codes:
    """Deal the rows out, so that each fold has its share of each class, or of small and large values."""
    if data.group is not None:
        codes, found = pd.factorize(_words(data.group, rows), use_na_sentinel=False)
        if len(found) < FOLDS:
            raise CantSay(f"There are {len(found)} groups; it takes {FOLDS}.")
        return np.asarray(chance.permutation(len(found)) % FOLDS)[codes]
    folds = np.empty(len(rows), dtype=np.int64)
    folds[np.lexsort((chance.random(len(rows)), plain))] = np.arange(len(rows)) % FOLDS
    return folds
