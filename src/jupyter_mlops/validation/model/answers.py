"""What a model has answered, as an estimator that is asked by the numbers of rows: any scorer of scikit-learn takes it."""

from __future__ import annotations

import warnings
from typing import Any, Final, cast

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, is_classifier, is_regressor
from sklearn.utils.metaestimators import available_if

Array = np.ndarray[Any, np.dtype[Any]]
_LARGEST: Final = 1e150


class Numbers(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """The numbers that a regressor predicts.

    Parameters
    ----------
    labels : array of shape (n_rows,)
    """

    def __init__(self, labels: Array) -> None:
        self.labels = labels
        self.labels_ = labels

    def predict(self, rows: Any) -> Array:
        """Give the answers to some rows, by their numbers."""
        return cast("Array", self.labels[_numbers(rows)])

    @property
    def right(self) -> None:
        """Nobody says of a number that it is right."""
        return


class Labels(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The labels that a classifier predicts, and its probabilities where it gives some.

    Parameters
    ----------
    labels : array of shape (n_rows,)
    classes : array of shape (n_classes,)
    chances : array of shape (n_rows, n_classes), optional
    scores : array of shape (n_rows,) or (n_rows, n_classes), optional
        What ``decision_function`` gives.
    """

    def __init__(
        self, labels: Array, classes: Array, chances: Array | None = None, scores: Array | None = None
    ) -> None:
        self.labels = labels
        self.classes = classes
        self.classes_ = classes
        self.chances = chances
        self.scores = scores

    def predict(self, rows: Any) -> Array:
        """Give the answers to some rows, by their numbers."""
        return cast("Array", self.labels[_numbers(rows)])

    @available_if(lambda self: self.chances is not None)  # type: ignore[untyped-decorator]
    def predict_proba(self, rows: Any) -> Array:
        """Give the probabilities of some rows, by their numbers."""
        return np.asarray(self.chances)[_numbers(rows)]

    @available_if(lambda self: self.scores is not None)  # type: ignore[untyped-decorator]
    def decision_function(self, rows: Any) -> Array:
        """Give the scores of some rows, by their numbers."""
        return np.asarray(self.scores)[_numbers(rows)]


Answers = Labels | Numbers


def kind_of(estimator: Any) -> bool | None:
    """Say whether an estimator classifies, or else predicts numbers; None of what does neither, or does not say.

    One that is not scikit-learn's, and knows of no tags, classifies where it has classes.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what it lacks to be one of scikit-learn's
            return True if is_classifier(estimator) else False if is_regressor(estimator) else None
    except Exception:  # without tags
        return True if np.ndim(getattr(estimator, "classes_", 0)) == 1 else None


def ask(estimator: Any, rows: Any, *, classifies: bool = False) -> Answers:
    """Ask an estimator once for all that scorers want to know.

    Parameters
    ----------
    estimator, rows : object
    classifies : bool
        Of one that does not say: whether it gives labels.

    Raises
    ------
    ValueError
        Where it answers what can't be reckoned with: too few, none, or no numbers.
    """
    if not kind_of(estimator) and not classifies:
        return Numbers(_finite(np.asarray(estimator.predict(rows), dtype=float).reshape(len(rows))))
    chances, scores = (
        np.asarray(getattr(estimator, method)(rows)) if hasattr(estimator, method) else None
        for method in ("predict_proba", "decision_function")
    )
    labels = np.asarray(estimator.predict(rows))
    labels = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if labels.shape != (len(rows),):
        raise ValueError(f"it answers {len(rows):,} rows in the shape {labels.shape}")
    if empty := int(pd.isna(labels).sum()):
        raise ValueError(f"it gives no label to {empty:,} rows")
    known = getattr(estimator, "classes_", None)
    if known is None:  # what it does not name can't be matched with its probabilities
        return Labels(labels, np.unique(labels))
    classes = np.asarray(known)
    if chances is not None and chances.shape != (len(rows), len(classes)):
        raise ValueError(f"its probabilities have the shape {chances.shape}, for {len(rows):,} rows and {len(classes)} classes")  # fmt: skip
    return Labels(labels, classes, None if chances is None else _finite(chances), scores)


def given(predictions: Any, target: Array, *, classifies: bool | None) -> Answers:
    """Take predictions that somebody has made: labels, numbers, or probabilities with a column for each class.

    Raises
    ------
    ValueError
        Where they are of another shape.
    """
    array = np.asarray(predictions)
    array = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if len(array) != len(target):
        raise ValueError(f"there are {len(array):,} predictions for {len(target):,} rows")
    if array.ndim == 2:
        named = getattr(predictions, "columns", None)
        classes = np.unique(target) if named is None or not set(named) >= set(target) else np.asarray(list(named))
        if array.shape[1] != len(classes):
            raise ValueError(f"they have {array.shape[1]} columns, and the target {len(classes)} classes")
        chances = _finite(array.astype(float))
        return Labels(classes[chances.argmax(axis=1)], classes, chances)
    if not classifies:
        return Numbers(_finite(array.astype(float)))
    classes = np.unique(np.concatenate([target, array.astype(target.dtype)]))
    is_chance = array.dtype.kind == "f" and len(np.unique(target)) == 2 and not np.isin(array, target).all()
    if is_chance and ((array >= 0) & (array <= 1)).all():  # of the second class, as predict_proba(X)[:, 1]
        classes = np.unique(target)
        return Labels(classes[(array > 0.5).astype(int)], classes, np.column_stack([1 - array, array]))
    return Labels(array.astype(target.dtype), classes)


def _finite(numbers: Array) -> Array:
    """Make sure that numbers are some, and that their squares are, too."""
    if numbers.size and not (numbers.min() > -_LARGEST and numbers.max() < _LARGEST):  # a missing one is neither
        odd = int((~(np.abs(numbers) < _LARGEST)).sum())
        raise ValueError(f"{odd:,} of its answers are missing, infinite or out of range")
    return numbers


def _numbers(rows: Any) -> Array:
    return np.asarray(rows).reshape(-1)
