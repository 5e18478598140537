"""The simplest sensible model, and what it says of rows that it has not seen."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from ..checks import NotApplicable
from ..data import Data
from .problem import FOLDS, Floats, Problem, problem

_ROWS: Final = 5_000  # the standard error of an accuracy is below 0.01
_WIDE: Final = 100  # columns: of more, that many principal components


@dataclass(frozen=True)
class Baseline:
    """A logistic regression, or a ridge regression, and its predictions of held-out rows.

    Attributes
    ----------
    asked : Problem
    table : array, of shape (rows, features)
        Numbers, times and lengths of text, then the codes of categories.
    numbers : int
        How many of the features are numbers.
    """

    asked: Problem
    table: Floats
    numbers: int

    @cached_property
    def guess(self) -> Floats:
        """Its predictions: for each class a probability, or the measure; of shape (rows, classes or 1)."""
        return self.learned(1.0)

    @cached_property
    def wanted(self) -> Floats:
        """What it should have said."""
        return self.asked.wanted if self.asked.classes else self.asked.plain[:, None]

    @cached_property
    def errors(self) -> Floats:
        """The squared error of each row."""
        return _squared(self.guess - self.wanted)

    @cached_property
    def dummy_errors(self) -> Floats:
        """Those of a dummy that always says the mean, or the shares of the classes."""
        folds = self.asked.folds
        means = np.stack([self.wanted[folds != fold].mean(axis=0) for fold in range(FOLDS)])
        return _squared(means[folds] - self.wanted)

    def learned(self, part: float) -> Floats:
        """Predict each fold by a model that has learned from a part of the others.

        Parameters
        ----------
        part : float
            Above 0, up to 1.
        """
        asked = self.asked
        order = np.random.default_rng(2).random(len(asked))
        guess = np.zeros(self.wanted.shape)
        # So small a fit waits longer for threads than it works.
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore")  # constant columns, new categories: what a baseline takes as it comes
            for fold in range(FOLDS):
                held = asked.folds == fold
                rest = np.flatnonzero(~held)
                rest = rest[np.argsort(order[rest])][: max(2, round(part * len(rest)))]
                if asked.classes and len(np.unique(asked.plain[rest])) < 2:
                    guess[held] = asked.wanted[rest].mean(axis=0)
                    continue
                model = self._pipeline().fit(self.table[rest], asked.plain[rest])
                if asked.classes:
                    guess[np.ix_(held, model[-1].classes_.astype(int))] = model.predict_proba(self.table[held])
                else:
                    guess[held, 0] = model.predict(self.table[held])
        return guess

    def _pipeline(self) -> Any:
        numbers = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())
        categories = OneHotEncoder(max_categories=20, handle_unknown="infrequent_if_exist", sparse_output=False)
        width = self.table.shape[1]
        first = make_column_transformer(
            (numbers, np.arange(self.numbers)), (categories, np.arange(self.numbers, width))
        )
        last = LogisticRegression(max_iter=200) if self.asked.classes else Ridge()
        fewer = [PCA(_WIDE, svd_solver="randomized", random_state=0)] if self.numbers > 2 * _WIDE else []
        return make_pipeline(first, *fewer, last)


def baseline(data: Data) -> Baseline:
    """Prepare the baseline; ``data.once(baseline)`` prepares it once.

    Raises
    ------
    NotApplicable
        Where there is nothing that can be learned.
    CantSay
        Where there are too few rows.
    """
    asked = data.once(problem).fewer(_ROWS)
    kinds = {feature.label: feature for feature in asked.features}
    columns = [column for column in asked.columns if column.label in kinds]
    if not columns:
        raise NotApplicable("There are no features.")
    numbers = [c.floats(asked.rows) for c in columns if kinds[c.label].what == "number"]
    numbers += [feature.codes.astype(float) for feature in asked.features if feature.what == "length"]
    categories = [feature.codes.astype(float) for feature in asked.features if feature.what == "category"]
    return Baseline(asked, np.stack([*numbers, *categories], axis=1), len(numbers))


def _squared(errors: Floats) -> Floats:
    return np.asarray((errors**2).sum(axis=1))
