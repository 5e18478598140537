"""What answers are worth: each metric with its standard error, from labels or from what they are likely to be.

A label is a row of chances here: 1 for its class where it is known, and calibrated probabilities where it is not yet.
So the truth and its estimate are one reckoning. With the figure comes what each row adds to its error, its influence
(Hampel, 1974): by it the error follows at once, with no resampling; for the area under the ROC curve it is DeLong's
(DeLong, DeLong and Clarke-Pearson, 1988).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from .measured import Kind, Measured, measured, unknown

Array = np.ndarray[Any, np.dtype[Any]]
Floats = np.ndarray[Any, np.dtype[np.float64]]

LEAST_ROWS: Final = 30  # an interval of fewer says nothing
_LEAST_OF_CLASS: Final = 5  # rows of a class, below which what hangs on it alone is chance
_Reckoned = tuple[float, Floats, float]
"""A value; by row and class, what it adds if the row is of the class; and the rows that it hangs on."""


class Undefined(Exception):
    """A metric is not defined for these rows; the reason."""


@dataclass(frozen=True)
class Classified:
    """What a classifier has answered, and what was true.

    Attributes
    ----------
    truth : array of float, of shape (n_rows, n_classes)
        The chances of each class; a row of zeros is of a class that the model doesn't know.
    predicted : array of int, of shape (n_rows,)
        The number of the class that was answered; -1 is none of them.
    chances : array of float, of shape (n_rows, n_classes), optional
        The probabilities that the model gave.
    weights : array of float, of shape (n_rows,), optional
        How much each row counts; their mean is 1.
    estimated : bool
        Whether the truth is what is likely, and not what was seen.
    """

    truth: Floats
    predicted: Array
    chances: Floats | None = None
    weights: Floats | None = None
    estimated: bool = False

    def __len__(self) -> int:
        return len(self.predicted)

    @cached_property
    def weight(self) -> Floats:
        """How much each row counts."""
        return np.ones(len(self)) if self.weights is None else self.weights

    @cached_property
    def answered(self) -> Floats:
        """The answers as the truth is: 1 for the class."""
        return one_hot(self.predicted, self.truth.shape[1])

    @cached_property
    def true_share(self) -> Floats:
        """The share of each class, in truth."""
        return np.asarray(self._mean(self.truth))

    @cached_property
    def answered_share(self) -> Floats:
        """The share of each class among the answers."""
        return np.asarray(self._mean(self.answered))

    @cached_property
    def right(self) -> Floats:
        """The share of rows that are answered with a class, and are of it."""
        return np.asarray(self._mean(self.truth * self.answered))

    def _mean(self, columns: Floats) -> Any:
        return (self.weight @ columns) / len(self)

    def need_chances(self) -> Floats:
        """Give the probabilities, or say that there are none."""
        if self.chances is None:
            raise Undefined("there are no probabilities")
        return self.chances

    def need_classes(self, classes: Array) -> None:
        """Make sure that classes have rows enough."""
        rows = self.true_share[classes] * len(self)
        if (rows < _LEAST_OF_CLASS).any() and not self.estimated:
            raise Undefined(f"a class has {round(float(rows.min()))} of the labels; {_LEAST_OF_CLASS} of each are needed")  # fmt: skip


def one_hot(codes: Array, classes: int) -> Floats:
    """Write classes as rows of chances; -1 is a row of zeros."""
    rows = np.zeros((len(codes), classes))
    known = np.flatnonzero(codes >= 0)
    rows[known, codes[known]] = 1.0
    return rows


def score(
    rows: Classified, name: str, *, least: int = LEAST_ROWS, more: Callable[[Floats], float] | None = None
) -> Measured:
    """Give a metric of a classifier with its interval.

    Parameters
    ----------
    name : str
        One of ``METRICS``.
    least : int
        Rows below which nothing is said.
    more : callable, optional
        Gives, of the influence of each row and class, a standard error that comes on top of that of the rows: of what
        the truth is guessed by.
    """
    metric = METRICS[name]
    if len(rows) < least:
        return unknown(f"{len(rows):,} rows; {least} are needed", len(rows), estimated=rows.estimated)
    try:
        value, influence, support = metric.function(rows)
    except Undefined as reason:
        return unknown(str(reason), len(rows), estimated=rows.estimated)
    error = float(np.hypot(_error(rows, influence), 0.0 if more is None else more(influence)))
    return measured(value, error, len(rows), metric.kind, support=support * len(rows), estimated=rows.estimated)


def _error(rows: Classified, influence: Floats) -> float:
    """Give the standard error: of drawing rows, or, where the truth is a guess, of what their labels will be."""
    mean = (rows.truth * influence).sum(axis=1)
    square = (rows.truth * influence**2).sum(axis=1)
    spread = square - mean**2 if rows.estimated else square
    unlike = 1 - rows.truth.sum(axis=1)  # of no known class
    if unlike.any():
        spread = spread + unlike * influence.min(axis=1) ** 2
    return float(np.sqrt(max(0.0, float(rows.weight**2 @ spread))) / len(rows))


def _accuracy(rows: Classified) -> _Reckoned:
    value = float(rows.right.sum())
    return value, rows.answered - value, 1.0


def _precision(rows: Classified, one: int) -> _Reckoned:
    said = float(rows.answered_share[one])
    if said * len(rows) < 1:
        raise Undefined("a class is never answered")
    value = float(rows.right[one]) / said
    here = rows.answered[:, [one]]
    influence = here * (_is(rows, one) - value) / said
    return value, influence, said


def _recall(rows: Classified, one: int) -> _Reckoned:
    rows.need_classes(np.array([one]))
    there = float(rows.true_share[one])
    value = float(rows.right[one]) / there
    return value, _is(rows, one) * (rows.answered[:, [one]] - value) / there, there


def _f1(rows: Classified, one: int) -> _Reckoned:
    both = float(rows.answered_share[one] + rows.true_share[one])
    if both * len(rows) < 1:
        raise Undefined("a class is neither answered nor true of any row")
    value = 2 * float(rows.right[one]) / both
    said, true = rows.answered[:, [one]], _is(rows, one)
    return value, (2 * said * true - value * (said + true)) / both, both / 2


def _auc(rows: Classified, one: int) -> _Reckoned:
    said = rows.need_chances()[:, one]
    rows.need_classes(np.array([one]))
    weight = rows.weight / len(rows)
    first, second = weight * rows.truth[:, one], weight * (1 - rows.truth[:, one])
    if min(first.sum(), second.sum()) * len(rows) < _LEAST_OF_CLASS:
        raise Undefined("all are of one class")
    order = np.argsort(said, kind="stable")
    begins = np.flatnonzero(np.r_[True, np.diff(said[order]) != 0])  # those that are equal count half
    which = np.empty(len(rows), dtype=np.int64)
    which[order] = np.repeat(np.arange(len(begins)), np.diff(np.r_[begins, len(rows)]))
    below = [np.cumsum(tied) - tied / 2 for tied in (np.add.reduceat(part[order], begins) for part in (first, second))]
    has_one, has_not = first.sum(), second.sum()
    among_others = below[1][which] / has_not
    value = float(first @ among_others / has_one)
    influence = np.repeat(((1 - below[0][which] / has_one - value) / has_not)[:, None], rows.truth.shape[1], axis=1)
    influence[:, one] = (among_others - value) / has_one
    return value, influence, float(min(has_one, has_not))


def _log_loss(rows: Classified) -> _Reckoned:
    chances = np.clip(rows.need_chances(), np.finfo(float).eps, 1)  # as scikit-learn has it
    each = -np.log(chances / chances.sum(axis=1, keepdims=True))
    return _mean_of(rows, each)


def _brier(rows: Classified) -> _Reckoned:
    chances = rows.need_chances()
    classes = chances.shape[1]
    each = (chances**2).sum(axis=1, keepdims=True) - 2 * chances + 1
    return _mean_of(rows, each / 2 if classes == 2 else each)


def _mean_of(rows: Classified, each: Floats) -> _Reckoned:
    value = float(rows.weight @ (rows.truth * each).sum(axis=1)) / len(rows)
    return value, each - value, 1.0


def _is(rows: Classified, one: int) -> Floats:
    """By class: whether a row of it is of this one."""
    return np.eye(rows.truth.shape[1])[[one]]


def _of_classes(one: Callable[[Classified, int], _Reckoned]) -> Callable[[Classified], _Reckoned]:
    """Take the second of two classes, as scikit-learn does, or the mean of several that occur."""

    def of(rows: Classified) -> _Reckoned:
        if rows.truth.shape[1] == 2:
            return one(rows, 1)
        return _mean(one, rows)

    return of


def _mean(one: Callable[[Classified, int], _Reckoned], rows: Classified) -> _Reckoned:
    occur = np.flatnonzero(rows.true_share * len(rows) > 1e-9)
    if len(occur) < 2:
        raise Undefined("all are of one class")
    found = [one(rows, int(place)) for place in occur]
    value = float(np.mean([value for value, _, _ in found]))
    influence = sum(influence for _, influence, _ in found) / len(found)
    return value, np.asarray(influence), min(support for _, _, support in found)


@dataclass(frozen=True)
class Metric:
    """How a metric is reckoned, and what values it takes."""

    function: Callable[[Classified], _Reckoned]
    kind: Kind = "share"
    of_chances: bool = False


METRICS: Final = {
    "accuracy": Metric(_accuracy),
    "balanced_accuracy": Metric(lambda rows: _mean(_recall, rows)),
    "precision": Metric(_of_classes(_precision)),
    "recall": Metric(_of_classes(_recall)),
    "f1": Metric(_of_classes(_f1)),
    "roc_auc": Metric(_of_classes(_auc), of_chances=True),
    "log_loss": Metric(_log_loss, "positive", of_chances=True),
    "brier": Metric(_brier, "positive", of_chances=True),
}
"""Of classifiers, by name: of two classes those of the second, of more the mean over all, each counting the same."""
