"""Scores and their intervals: any scorer of scikit-learn, and a bootstrap in which two models meet the same rows."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from scipy import stats
from sklearn.metrics import get_scorer, get_scorer_names

from ...display import figure
from ...errors import InvalidUsage, nearest
from ..checks import CantSay
from .answers import Answers, Array, Labels

_MOST_ROWS: Final = 10_000  # of a resample; the interval is scaled by the root of what is left out
_MOST_SCORED: Final = 300  # resamples of a scorer that has to be asked for each
_CELLS: Final = 2_000_000  # that are drawn at once
_MOST_UNDEFINED: Final = 0.1

Parts = tuple[Array, Callable[[Array], Array]]
"""Some columns by row, and how a score follows from their means."""


@dataclass(frozen=True)
class Interval:
    """A value, and between what the rows at hand leave it."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{figure(self.value)} ({figure(self.low)} to {figure(self.high)})"


class Scorer:
    """One scorer, by its name; more is better, as scikit-learn has it.

    Raises
    ------
    InvalidUsage
        Where there is none of that name.
    """

    def __init__(self, name: str) -> None:
        try:
            self._function = get_scorer(name)
        except ValueError:
            raise InvalidUsage(
                f"scikit-learn has no scorer {name!r}.{nearest(name, get_scorer_names())}", "--scorer roc_auc"
            ) from None
        self.name = name

    def of(self, answers: Answers, target: Array, rows: Array | None = None) -> float:
        """Score the answers, to all rows or to some.

        Raises
        ------
        CantSay
            Where it is not defined for them.
        """
        value = self._score(answers, target, np.arange(len(target)) if rows is None else rows)
        if not math.isfinite(value):
            raise CantSay(f"{self.name} is not defined for this data.")
        return value

    def resampled(self, answers: Answers, target: Array, draws: Draws) -> Array:
        """Score the answers to each resample."""
        parted = _PARTS.get(self.name)
        parts = None if parted is None else parted(answers, target)
        if parts is not None:
            columns, score = parts
            with np.errstate(invalid="ignore", divide="ignore"):
                means = [columns[block].mean(axis=1) for block in draws.blocks(columns.shape[1])]
                return np.asarray(score(np.concatenate(means)))
        if (ranked := _ranked(self.name, answers, target)) is not None:
            return np.concatenate([ranked(block) for block in draws.blocks(4)])
        some = draws.fewer(_MOST_SCORED)
        return np.array([self._score(answers, target, rows) for block in some.blocks(1) for rows in block])

    def _score(self, answers: Answers, target: Array, rows: Array) -> float:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of classes that a resample does not have
                return float(self._function(answers, rows.reshape(-1, 1), target[rows]))
        except (ValueError, TypeError, AttributeError) as error:
            raise CantSay(f"{self.name} can't be computed: {' '.join(str(error).split())[:150]}") from None


@dataclass(frozen=True)
class Draws:
    """The same resamples for whoever asks: numbers of rows, with replacement."""

    rows: int
    replicates: int
    seed: int = 0

    def blocks(self, width: int) -> Any:
        """Give them some at once, as arrays of shape (n_resamples, n_drawn)."""
        chance = np.random.default_rng(self.seed)
        size = min(self.rows, _MOST_ROWS)
        at_once = max(1, _CELLS // (size * width))
        for begin in range(0, self.replicates, at_once):
            # Drawn one by one, so that the order does not hang on how many are at once.
            many = min(at_once, self.replicates - begin)
            yield np.stack([chance.integers(0, self.rows, size) for _ in range(many)])

    def fewer(self, most: int) -> Draws:
        """Give the first of them."""
        return Draws(self.rows, min(self.replicates, most), self.seed)

    @cached_property
    def shrink(self) -> float:
        """By how much an interval of all rows is narrower than one of a resample."""
        return math.sqrt(min(self.rows, _MOST_ROWS) / self.rows)


def interval(value: float, resampled: Array, draws: Draws, confidence: float) -> Interval:
    """Make an interval of resamples: by their quantiles, or by their spread, whichever is wider.

    Quantiles alone are too narrow for few rows, and for models that differ in few of them.

    Raises
    ------
    CantSay
        Where the score is not defined for too many of them.
    """
    kept = resampled[np.isfinite(resampled)]
    if len(kept) < (1 - _MOST_UNDEFINED) * len(resampled):
        raise CantSay("The score is not defined for many resamples: a class has too few rows.")
    off = (kept - kept.mean()) * draws.shrink
    tail = (1 - confidence) / 2
    half = float(stats.t.ppf(1 - tail, max(draws.rows - 1, 1)) * off.std(ddof=1))
    low, high = np.quantile(off, [tail, 1 - tail])
    return Interval(value, value + min(float(low), -half), value + max(float(high), half))


def _codes(answers: Labels, target: Array) -> Array | None:
    """Give the classes of the target their numbers as the columns of the probabilities are; None where one is not among them."""
    order = np.argsort(answers.classes)
    places = np.searchsorted(answers.classes, target, sorter=order).clip(max=len(order) - 1)
    codes = order[places]
    return codes if (answers.classes[codes] == target).all() else None


def _accuracy(answers: Answers, target: Array) -> Parts:
    return (answers.labels == target).astype(float)[:, None], lambda means: means[:, 0]


def _balanced(answers: Answers, target: Array) -> Parts | None:
    classes = np.unique(target)
    if len(classes) > 20:
        return None
    of_class = target[:, None] == classes
    right = of_class & (answers.labels == target)[:, None]
    count = len(classes)

    def score(means: Array) -> Array:
        return np.asarray(np.nanmean(means[:, :count] / means[:, count:], axis=1))

    return np.hstack([right, of_class]).astype(float), score


def _log_loss(answers: Answers, target: Array) -> Parts | None:
    if not isinstance(answers, Labels) or answers.chances is None or (codes := _codes(answers, target)) is None:
        return None
    chances = answers.chances / answers.chances.sum(axis=1, keepdims=True)
    chances = np.clip(chances, np.finfo(chances.dtype).eps, 1)
    return np.log(chances[np.arange(len(target)), codes])[:, None], lambda means: means[:, 0]


def _squares(answers: Answers, target: Array) -> Array:
    return np.asarray((answers.labels - target) ** 2, dtype=float)


def _r2(answers: Answers, target: Array) -> Parts:
    centred = target - target.mean()  # else the difference of two large numbers

    def score(means: Array) -> Array:
        return np.asarray(1 - means[:, 0] / (means[:, 2] - means[:, 1] ** 2))

    return np.column_stack([_squares(answers, target), centred, centred**2]), score


def _ranked(name: str, answers: Answers, target: Array) -> Callable[[Array], Array] | None:
    """Give what reckons the area under the ROC curve of resamples: they are counted, not sorted, as one order is that of all."""
    if name != "roc_auc" or not isinstance(answers, Labels) or len(answers.classes) != 2:
        return None
    if (codes := _codes(answers, target)) is None:
        return None
    if answers.scores is not None:  # as the scorer has it
        said = answers.scores.reshape(-1)
    elif answers.chances is not None:
        said = answers.chances[:, 1]
    else:
        return None
    order = np.argsort(said, kind="stable")
    place = np.empty(len(order), dtype=int)
    place[order] = np.arange(len(order))
    is_second = codes[order] == 1
    begins = np.flatnonzero(np.r_[True, np.diff(said[order]) != 0])  # those that are equal count half

    def areas(block: Array) -> Array:
        counts = np.zeros((len(block), len(order)))
        for row, drawn in zip(counts, place[block], strict=True):
            row += np.bincount(drawn, minlength=len(order))
        second, first = (np.add.reduceat(counts * part, begins, axis=1) for part in (is_second, ~is_second))
        below = np.cumsum(first, axis=1) - first / 2
        with np.errstate(invalid="ignore"):
            return np.asarray((below * second).sum(axis=1) / (first.sum(axis=1) * second.sum(axis=1)))

    return areas


# What follows from means is resampled some hundred times faster than a scorer is asked.
_PARTS: Final[dict[str, Callable[[Answers, Array], Parts | None]]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced,
    "neg_log_loss": _log_loss,
    "r2": _r2,
    "neg_mean_squared_error": lambda a, y: (-_squares(a, y)[:, None], lambda means: means[:, 0]),
    "neg_root_mean_squared_error": lambda a, y: (_squares(a, y)[:, None], lambda means: -np.sqrt(means[:, 0])),
    "neg_mean_absolute_error": lambda a, y: (-np.abs(a.labels - y)[:, None], lambda means: means[:, 0]),
}
