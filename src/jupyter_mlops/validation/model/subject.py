"""What the checks of models look at: a model, the rows that it is tried on, and what it is held against."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from ...errors import InvalidUsage, nearest
from ...frames import a_kind
from ...limits import ModelLimits, Threshold
from ..checks import CantSay, NotApplicable
from ..data import Data, counted
from ..privacy.words import kind_of as kind_of_name
from ..privacy.words import special_of
from ..provenance import Provenance
from ..quality.quoting import is_personal
from .answers import Answers, Array, Labels, given, kind_of
from .candidate import Candidate
from .scoring import Draws, Interval, Scorer, interval
from .target import labels_of, numbers_of

_MOST_CLASSES = 20


class Model:
    """A model on trial. What costs something is reckoned once, when it is first asked for.

    Parameters
    ----------
    candidate : Candidate
    frame : DataFrame
        The test data, target and all.
    target : str
        Its column with what is to be predicted; rows without it are left out.
    champion : Candidate, optional
        What it is to replace.
    train : DataFrame, optional
        What it was fitted on.
    predictions : array-like, optional
        What it answers to the test data; of a model that can't be loaded here it is all that is known.
    slices, groups : sequence of str
        Columns by whose values it is looked at: of any kind, and of people.
    scorers : sequence of (str, str or None)
        Names, with bounds; the first is the one that models are compared by.
    trained_on : sequence of str
        The digests of the data of its run.
    digest : str
        That of the test data.
    before : mapping, optional
        What its run says that it answered when it was fitted; see ``tracking.snapshot.answers``.
    made : Provenance, optional
        What its run tells of how it was made.
    marked : collection of str
        The columns that are known to be personal.

    Raises
    ------
    InvalidUsage
        Where a column is not there, the target holds nothing, or the model neither classifies nor predicts numbers.
    """

    def __init__(
        self,
        candidate: Candidate,
        frame: pd.DataFrame,
        target: str,
        *,
        limits: ModelLimits,
        champion: Candidate | None = None,
        train: pd.DataFrame | None = None,
        predictions: Any = None,
        slices: Sequence[str] = (),
        groups: Sequence[str] = (),
        scorers: Sequence[tuple[str, str | None]] = (),
        trained_on: Sequence[str] = (),
        digest: str = "",
        before: Mapping[str, Any] | None = None,
        made: Provenance | None = None,
        marked: Collection[str] = (),
    ) -> None:
        frame = _named(frame, "the test data")
        self.target_name = str(target)
        self._need("the test data", frame, self.target_name)
        kept = frame[self.target_name].notna().to_numpy(dtype=bool)
        if not kept.any():
            raise InvalidUsage(f"The target {target!r} holds nothing to compare with.", "--data takes rows with their answers")  # fmt: skip
        self.dropped = int((~kept).sum())
        self.candidate, self.limits = candidate, limits
        self.trained_on, self.digest, self.before = tuple(trained_on), digest, before
        self.made, self.marked = made, frozenset(marked)
        self.frame = frame[kept].reset_index(drop=True)
        self.slices = [self._need("the test data", self.frame, name) for name in slices]
        self.groups = [self._need("the test data", self.frame, name) for name in groups]
        self.train = None if train is None else _named(train, "the training data")
        if self.train is not None:
            self._need("the training data", self.train, self.target_name)
            self.train_places = np.flatnonzero(self.train[self.target_name].notna().to_numpy(dtype=bool))
            self.train = self.train.iloc[self.train_places].reset_index(drop=True)
        self._predictions = None if predictions is None else _rows_of(predictions, kept)
        self.y = self._target(self.frame)
        self.candidate = replace(candidate, classifies=self.classifies)
        self.champion = None if champion is None else replace(champion, classifies=self.classifies)
        names = list(scorers) or [("balanced_accuracy" if self.classifies else "r2", None)]
        self.scorer = Scorer(names[0][0])
        self.bounds = {name: Threshold.of(bound) for name, bound in limits.scores.items()} | {
            name: Threshold.of(bound) for name, bound in names if bound
        }
        for name in {**self.bounds, **dict(names)}:
            Scorer(name)  # says of one that isn't there, before anything is reckoned
        self.draws = Draws(len(self.frame), limits.replicates)

    def __len__(self) -> int:
        return len(self.frame)

    @cached_property
    def classifies(self) -> bool:
        """Whether it predicts labels; else it predicts numbers."""
        estimator = self.candidate.estimator
        if estimator is not None:
            if (said := kind_of(estimator)) is not None:
                return said
            if isinstance(estimator, BaseEstimator):
                raise InvalidUsage(f"{a_kind(estimator)} neither classifies nor predicts numbers: there is nothing to score.")  # fmt: skip
        column = self.frame[self.target_name]
        if self._predictions is not None and np.ndim(self._predictions) == 2 and np.shape(self._predictions)[1] > 1:
            return True
        return not pd.api.types.is_float_dtype(column) and (
            not pd.api.types.is_numeric_dtype(column) or column.nunique() <= _MOST_CLASSES
        )

    @property
    def features(self) -> list[str]:
        """The columns that the model is asked with."""
        if self.candidate.wants is not None:
            return [name for name in self.candidate.wants if name in self.frame.columns]
        return list(self.inputs.columns)

    @cached_property
    def inputs(self) -> pd.DataFrame:
        """The columns that it may be asked with: all but the target, and, where it wants fewer, the slices and groups."""
        return self.inputs_of(self.frame)

    def inputs_of(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Take them from other rows."""
        left = frame.drop(columns=self.target_name)
        width = self.candidate.width
        if self.candidate.wants is None and width is not None and left.shape[1] > width:
            left = left.drop(columns=[name for name in {*self.slices, *self.groups} if name in left.columns])
        return left

    @cached_property
    def answers(self) -> Answers:
        """What it answers to the test data."""
        if self.candidate.estimator is None and self.given is not None:
            return self.given
        return self.candidate.ask(self.inputs)

    @cached_property
    def given(self) -> Answers | None:
        """What somebody says that it answers."""
        if self._predictions is None:
            return None
        try:
            return given(self._predictions, self.y, classifies=self.classifies)
        except (ValueError, TypeError) as error:
            raise CantSay(f"The predictions don't fit: {error}.") from None

    @cached_property
    def champions_answers(self) -> Answers:
        """What the champion answers to the same rows."""
        if self.champion is None:
            raise NotApplicable("There is no champion to be better than; --against names one.")
        left = self.frame.drop(columns=self.target_name)
        return self.champion.ask(left if self.champion.wants is not None else self.inputs)

    @cached_property
    def resampled(self) -> Array:
        """The score of the model in each resample."""
        self.need_rows()
        return self.scorer.resampled(self.answers, self.y, self.draws)

    @cached_property
    def score(self) -> Interval:
        """Its score, with an interval."""
        value = self.scorer.of(self.answers, self.y)
        its = interval(value, self.resampled, self.draws, self.limits.confidence)
        return its if self.scorer.name.startswith("neg_") else replace(its, high=min(its.high, max(1.0, value)))

    def gain_over(self, other: Answers) -> Interval:
        """Say by how much it is better than another that has answered the same rows, with a paired interval.

        Raises
        ------
        CantSay
            Where there are too few rows for one, or the score is not defined.
        """
        self.need_rows()
        value = self.scorer.of(self.answers, self.y) - self.scorer.of(other, self.y)
        mine, its = self.resampled, self.scorer.resampled(other, self.y, self.draws)
        if len(mine) != len(its):  # one has been asked for each resample, and the other reckoned
            mine, its = mine[: len(its)], its[: len(mine)]
        return interval(value, mine - its, self.draws, self.limits.confidence)

    def need_rows(self) -> None:
        """Make sure that there are enough rows for an interval.

        Raises
        ------
        CantSay
        """
        if len(self) < self.limits.least_rows:
            raise CantSay(
                f"The test data has {counted(len(self), 'row', 'rows')}, and an interval takes {self.limits.least_rows}."
            )

    @cached_property
    def losses(self) -> Array:
        """How wrong it is in each row: 0 or 1 of labels, the absolute error of numbers."""
        if self.classifies:
            return np.asarray(self.answers.labels != self.y, dtype=float)
        return np.asarray(np.abs(np.asarray(self.answers.labels, dtype=float) - self.y))

    @cached_property
    def chance(self) -> Array:
        """What it thinks of each row: the probability of the second of two classes, or the number predicted."""
        return chance_of(self.answers)

    def unknown_labels(self) -> list[str]:
        """List the values of the target that the model can't answer."""
        if not isinstance(self.answers, Labels):
            return []
        known = set(self.answers.classes.tolist())
        return sorted({str(value) for value in np.unique(self.y).tolist() if value not in known})

    def withholds(self, name: str, *, is_asked: bool) -> bool:
        """Whether the values of a column are not told, as it is of people: marked, or found to be.

        Parts by a special category that somebody has asked about, such as sex or religion, are told: fairness is of them.
        """
        if name in self.marked:
            return True
        column = self._data.by_label[name]
        if is_asked and special_of(name) is not None and kind_of_name(name) is None:
            return False
        return is_personal(self._data, column)

    @cached_property
    def _data(self) -> Data:
        return Data(self.frame, marked=self.marked)

    def target_of(self, frame: pd.DataFrame) -> Array:
        """Read the target of other rows as that of the test data is."""
        return self._target(frame)

    def _target(self, frame: pd.DataFrame) -> Array:
        name = self.target_name
        if not self.classifies:
            return numbers_of(frame[name], name, self.candidate)
        return labels_of(frame[name], name, self.candidate, hidden=name in self.marked)

    @staticmethod
    def _need(what: str, frame: pd.DataFrame, name: str) -> str:
        name = str(name)
        if name not in frame.columns:
            raise InvalidUsage(f"There is no column {name!r} in {what}.{nearest(name, list(frame.columns))}")
        return name


def chance_of(answers: Answers) -> Array:
    """Give one number for each row; of more than two classes that of the label that it gives."""
    if not isinstance(answers, Labels):
        return np.asarray(answers.labels, dtype=float)
    if answers.chances is not None:
        return np.asarray(answers.chances[:, 1] if answers.chances.shape[1] == 2 else answers.chances.max(axis=1))
    return np.asarray(np.searchsorted(np.sort(answers.classes), answers.labels), dtype=float)


def _named(frame: pd.DataFrame, what: str) -> pd.DataFrame:
    """Give columns their names as text; each must be there once."""
    labels = [str(label) for label in frame.columns]
    if twice := next((label for label in labels if labels.count(label) > 1), None):
        raise InvalidUsage(f"There are several columns {twice!r} in {what}.", "give each a name of its own")
    return frame.set_axis(labels, axis=1)


def _rows_of(predictions: Any, kept: Array) -> Any:
    """Leave out the predictions of rows without a target."""
    array: Any = predictions if hasattr(predictions, "iloc") else np.asarray(predictions)
    if len(array) != len(kept):
        raise InvalidUsage(f"There are {len(array):,} predictions for {len(kept):,} rows of data.", "--predictions takes one for each row of --data")  # fmt: skip
    return array.loc[kept] if hasattr(array, "iloc") else array[kept]
