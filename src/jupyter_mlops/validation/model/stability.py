"""Would another seed, or other rows to train on, have made another model: it is fitted again, and its scores compared."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from ...display import figure
from ...frames import a_kind
from ..catalogues import MODEL
from ..checks import CantSay, NotApplicable
from ..findings import Finding, Plot
from .answers import Array, ask
from .scoring import Draws
from .subject import Model

_TIMES: Final = 5
_FIRST: Final = 1000  # rows of the first try, which tells how many can be afforded
_MOST_SCORED: Final = 10_000  # rows of test data that each is scored on
_RESAMPLES: Final = 300
_CHANCE: Final = 0.005  # of each of the two


@dataclass(frozen=True)
class Spread:
    """The scores of models that were fitted again, on the same rows of test data.

    Attributes
    ----------
    scores : array of shape (n_models,)
    error : float
        The standard error that the rows of the test data leave to one score.
    chance : float
        That they would lie so far apart were the models equally good.
    """

    scores: Array
    error: float
    chance: float

    @property
    def range(self) -> float:
        """How far the best is from the worst."""
        return float(np.ptp(self.scores))

    def __str__(self) -> str:
        return (
            f"{figure(float(self.scores.min()))} to {figure(float(self.scores.max()))} (standard deviation "
            f"{figure(float(self.scores.std(ddof=1)))}; the test data tells a score to ±{figure(self.error)})"
        )


@MODEL.check(
    "MV020",
    "Stable over seeds and folds",
    "A score that another seed would not give is luck, and the next training will not have it.",
)
def stable(model: Model) -> Iterator[Finding]:
    """Fit it again by other seeds, and on other parts of the training data, and score each on the test data."""
    refits = _Refits(model)
    for what, of_what, do, spread in (
        ("Other seeds", "the seed", "more trees or iterations, or the mean of several models (VotingClassifier)", refits.by_seeds()),
        ("Other folds of the training data", "the rows that it is trained on", "more training data, or more regularisation", refits.by_folds()),
    ):  # fmt: skip
        if spread is None or spread.range <= model.limits.refitted or spread.chance >= _CHANCE:
            continue
        its = model.scorer.of(model.answers, model.y)
        some = "" if refits.is_whole else f" Fitted on {len(refits.rows):,} of {len(refits.train):,} rows; on all of them it may be less."  # fmt: skip
        yield Finding(
            "warning" if refits.is_whole else "note",
            f"{what} give a {model.scorer.name} of {spread}; this model has {figure(its)}. It hangs on {of_what}.{some}", do,
            figures={"scores": spread.scores.tolist(), "error": spread.error, "chance": spread.chance, "rows": len(refits.rows)},
            plot=Plot("bars", ["this model", *(f"{number}" for number in range(1, len(spread.scores) + 1))], [its, *spread.scores.tolist()], (0,), model.scorer.name),
        )  # fmt: skip


class _Refits:
    """Fits clones of a model, on as many rows as the time set allows for all of them.

    Raises
    ------
    NotApplicable
        Where it can't be fitted again, or would take too long.
    CantSay
        Where it refuses the training data.
    """

    def __init__(self, model: Model) -> None:
        if model.train is None:
            raise NotApplicable("The training data is not given: --train.")
        estimator = getattr(model.candidate.estimator, "best_estimator_", model.candidate.estimator)
        if estimator is None:
            raise NotApplicable("It could not be loaded, and so not be fitted again.")
        if not (hasattr(estimator, "fit") and hasattr(estimator, "get_params")):
            raise NotApplicable(f"{a_kind(estimator)} can't be fitted again.")
        if lacking := model.candidate.lacks(model.train):
            raise CantSay(f"The training data lacks what {model.candidate.name} wants: {', '.join(lacking[:5])}.")
        self._model, self._estimator, self.train = model, estimator, model.train
        self._features = model.candidate.rows(model.inputs_of(model.train))
        self._target = model.target_of(model.train)
        chance = np.random.default_rng(0)
        rows = np.arange(len(model))
        self._tested = np.sort(chance.choice(rows, _MOST_SCORED, replace=False)) if len(rows) > _MOST_SCORED else rows
        self._asked = model.candidate.rows(model.inputs.iloc[self._tested])
        self._order = chance.permutation(len(self.train))
        self.rows = self._order[: self._affordable()]

    @property
    def is_whole(self) -> bool:
        """Whether all rows could be afforded."""
        return len(self.rows) == len(self.train)

    def by_seeds(self) -> Spread | None:
        """Fit it by several seeds; None where it has none, or they change nothing."""
        return self._spread([(seed, self.rows) for seed in range(1, _TIMES + 1)]) if self._seeds() else None

    def by_folds(self) -> Spread | None:
        """Fit it without each of some folds, by the seed that it has; None where that changes nothing."""
        folds = np.array_split(self.rows, _TIMES)
        return self._spread([(None, np.setdiff1d(self.rows, fold)) for fold in folds])

    def _affordable(self) -> int:
        """Reckon on how many rows it can be fitted so often, as if twice the rows took four times as long."""
        most, count = len(self.train), min(len(self.train), _FIRST)
        budget = self._model.limits.refit_seconds
        took = self._timed(count)
        times = 2 * _TIMES if self._seeds() else _TIMES
        if took * times > budget:
            raise NotApplicable(f"To fit it on {count:,} rows takes {took:.1f} s; for {times} times it is not given the time: refit_seconds in [validation.model].")  # fmt: skip
        while count < most and 4 * took * times <= budget:
            count = min(2 * count, most)
            took = self._timed(count)
        return count

    def _timed(self, count: int) -> float:
        begin = time.perf_counter()
        self._fitted(None, self._order[:count])
        return time.perf_counter() - begin

    def _seeds(self) -> list[str]:
        """Name the parameters that are seeds, those of parts too."""
        return [name for name in self._estimator.get_params() if name.rpartition("__")[2] == "random_state"]

    def _seeded(self, seed: int | None) -> dict[str, int]:
        """Set all seeds, or those that are left to chance."""
        before = self._estimator.get_params()
        return {name: seed or 0 for name in self._seeds() if seed is not None or before[name] is None}

    def _fitted(self, seed: int | None, rows: Array) -> Any:
        from sklearn.base import clone

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of one that has not quite converged, and of classes that are rare
                again = clone(self._estimator)
                again.set_params(**self._seeded(seed))
                part: Any = self._features.iloc[rows] if isinstance(self._features, pd.DataFrame) else self._features[rows]  # fmt: skip
                return again.fit(part, self._target[rows])
        except Exception as error:  # whatever a model makes of rows
            raise CantSay(f"{self._model.candidate.name} can't be fitted again: {' '.join(str(error).split())[:200]}") from None  # fmt: skip

    def _spread(self, ways: Sequence[tuple[int | None, Array]]) -> Spread | None:
        target = self._model.y[self._tested]
        answers = []
        for seed, rows in ways:
            fitted = self._fitted(seed, rows)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    answers.append(ask(fitted, self._asked, classifies=self._model.classifies))
            except Exception as error:  # of a model that was fitted on fewer rows
                raise CantSay(f"{self._model.candidate.name}, fitted again, refuses the rows: {' '.join(str(error).split())[:200]}") from None  # fmt: skip
        scores = np.array([self._model.scorer.of(each, target) for each in answers])
        if np.ptp(scores) == 0:
            return None
        self._model.need_rows()
        draws = Draws(len(target), min(self._model.limits.replicates, _RESAMPLES))
        off = np.array([self._model.scorer.resampled(each, target, draws) for each in answers])
        off = off[:, np.isfinite(off).all(axis=0)]
        if off.shape[1] < 100:
            raise CantSay("The score is not defined for many resamples: a class has too few rows.")
        return Spread(scores, float(off.std(axis=1).mean()), _chance(scores, off))


def _chance(scores: Array, resampled: Array) -> float:
    """Test whether scores differ: how often those of resamples move apart so far, that meet the same rows for all models."""
    off = resampled - resampled.mean(axis=1, keepdims=True)
    return float((1 + (off.var(axis=0) >= scores.var()).sum()) / (1 + off.shape[1]))
