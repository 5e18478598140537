"""How a model performed when it was made, and what is needed to estimate how it performs later; some kilobytes of JSON."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Self

import numpy as np
import pandas as pd

from ...errors import InvalidUsage
from ..calibration import Calibration, cross_fitted, gap, reliability
from ..change import Detector
from ..measured import Measured
from ..scores import Floats
from ..trees import TREES, Trees
from .classes import Class, plain
from .expected import Expected
from .rows import CHANCE, Rows, Task, metrics_of, score

Source = Literal["test", "train", "labels"]
LEAST_ROWS: Final = 300
_LEAST_OF_CLASS: Final = 30
_MOST_GAP: Final = 0.05  # what calibrated probabilities may be off, typically
_MOST_CLASSES: Final = 10  # of which the second opinion is learned
FORMAT: Final = 1


@dataclass(frozen=True)
class Reference:
    """What a version was like when it was made.

    Attributes
    ----------
    task : {"classifier", "regressor"}
    classes : sequence
    rows : int
    source : {"test", "train", "labels"}
        What it was learned from: the training data flatters the model.
    metrics : mapping of str to Measured
    detector : Detector
        Where the watch over its loss begins.
    calibration : Calibration, optional
        Of a classifier with probabilities.
    corrections : sequence of Trees
        What the features tell of each class beyond its calibrated probability: the second opinion.
    expected : Expected, optional
        The errors of a regressor that its features let expect.
    untrusted : str
        Why no estimate is to be made of it; empty where one may.
    """

    task: Task
    classes: Sequence[Class]
    rows: int
    source: Source
    metrics: Mapping[str, Measured]
    detector: Detector
    calibration: Calibration | None = None
    reached: tuple[float, float] = (0.0, 1.0)
    reliability: Mapping[str, Any] = field(default_factory=dict)
    corrections: Sequence[Trees] = ()
    expected: Expected | None = None
    untrusted: str = ""

    @classmethod
    def learn(
        cls,
        truth: Any,
        predicted: Any,
        *,
        chances: Any = None,
        features: pd.DataFrame | None = None,
        classes: Sequence[Any] | None = None,
        task: Task | None = None,
        source: Source = "test",
        personal: Collection[str] = (),
    ) -> Self:
        """Take a reference.

        Parameters
        ----------
        truth, predicted : array-like of shape (n_rows,)
        chances : array-like of shape (n_rows, n_classes), optional
            As ``predict_proba`` gives them; of two classes those of the second will do.
        features : DataFrame, optional
            What the model was asked with. Without it there is no second opinion, and no estimate of a regressor.
        classes : sequence, optional
            ``classes_`` of the estimator, in the order of the probabilities.
        task : {"classifier", "regressor"}, optional
        source : {"test", "train", "labels"}
            Test data is better: a model is surer of what it was trained on.
        personal : collection of str
            Features that nothing is kept of.

        Raises
        ------
        InvalidUsage
            Where there are no rows, or not as many labels as predictions.
        """
        frame = _frame(truth, predicted, chances, classes)
        rows = Rows.of(frame, task=task, classes=None if classes is None else list(map(plain, classes)))
        if features is not None and len(features) != len(frame):
            raise InvalidUsage(f"There are {len(features):,} rows of features for {len(frame):,} predictions.")
        known = rows.take(np.flatnonzero(rows.labelled))
        if not len(known) or rows.unlike:
            raise InvalidUsage(
                f"There is no performance to remember: {rows.unlike or 'no row has a prediction and a label'}."
            )
        metrics = {name: score(known, name) for name in metrics_of(rows.task)}
        shared = (rows.task, rows.classes, len(known), source, metrics, Detector.of(known.losses()))
        its = None if features is None else _kept(features, personal).iloc[known.frame.index].reset_index(drop=True)
        if rows.task == "regressor":
            if its is None:
                return cls(*shared, untrusted="the profile was made without features")
            expected, why = Expected.learn(its, known.predicted, known.truth)
            return cls(*shared, expected=expected, untrusted=why)
        if known.chances is None:
            return cls(*shared, untrusted=known.no_chances)
        valid = known.with_chances()
        if its is not None and len(valid) < len(known):
            its = its[np.isfinite(known.chances[:, 0])].reset_index(drop=True)
        found: Self = _with_chances(cls, shared, valid, its)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Give what JSON can hold."""
        return {
            "format": FORMAT,
            "task": self.task,
            "classes": list(self.classes),
            "rows": self.rows,
            "source": self.source,
            "metrics": {name: its.to_dict() for name, its in self.metrics.items()},
            "detector": self.detector.to_dict(),
            "calibration": None if self.calibration is None else self.calibration.to_dict(),
            "reached": list(self.reached),
            "reliability": dict(self.reliability),
            "corrections": [its.to_dict() for its in self.corrections],
            "expected": None if self.expected is None else self.expected.to_dict(),
            "untrusted": self.untrusted,
        }

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """Read what ``to_dict`` has given.

        Raises
        ------
        InvalidUsage
            Where a later version of this package has written it.
        """
        if stored.get("format") != FORMAT:
            raise InvalidUsage(f"The profile of performance has format {stored.get('format')}, and format {FORMAT} is read here.", "pip install -U jupyter-mlops")  # fmt: skip
        calibration, expected = stored["calibration"], stored["expected"]
        return cls(
            task=stored["task"],
            classes=stored["classes"],
            rows=stored["rows"],
            source=stored["source"],
            metrics={name: Measured.read(its) for name, its in stored["metrics"].items()},
            detector=Detector.read(stored["detector"]),
            calibration=None if calibration is None else Calibration.read(calibration),
            reached=tuple(stored["reached"]),
            reliability=stored["reliability"],
            corrections=[Trees.read(its) for its in stored["corrections"]],
            expected=None if expected is None else Expected.read(expected),
            untrusted=stored["untrusted"],
        )


def with_chance(features: pd.DataFrame, chances: Floats) -> pd.DataFrame:
    """Put the calibrated probabilities beside the features: both are what a correction is asked with."""
    named = {f"{CHANCE}{place}": chances[:, place] for place in range(1, chances.shape[1])}
    return features.reset_index(drop=True).assign(**named)


def _with_chances(cls: type[Any], shared: tuple[Any, ...], rows: Rows, features: pd.DataFrame | None) -> Any:
    """Learn the calibration, and hold it against rows that it has not seen."""
    classified = rows.classified()
    assert classified.chances is not None
    said, truth = classified.chances, classified.truth
    beside = {"reliability": reliability(classified).to_dict(), "reached": _range(said)}
    least = float(truth.sum(axis=0).min())
    if len(rows) < LEAST_ROWS or least < _LEAST_OF_CLASS:
        few = f"{len(rows):,} rows, and {least:.0f} of the rarest class, are too few to calibrate by; it takes {LEAST_ROWS} and {_LEAST_OF_CLASS}"
        return cls(*shared, untrusted=few, **beside)
    out = cross_fitted(said, truth)
    off = max(gap(out[:, one], truth[:, one]) for one in range(truth.shape[1]))
    calibration = Calibration.learn(said, truth)
    untrusted = (
        "" if off <= _MOST_GAP else f"calibrated probabilities are {off:.3f} off, typically, and {_MOST_GAP} would do"
    )
    corrections: list[Trees] = []
    if features is not None and len(rows.classes) <= _MOST_CLASSES:
        asked = with_chance(features, out)
        places = [1] if len(rows.classes) == 2 else range(len(rows.classes))
        corrections = [
            Trees.learn(asked, truth[:, one] - out[:, one], trees=max(12, TREES // len(places))) for one in places
        ]
    return cls(*shared, calibration=calibration, corrections=corrections, untrusted=untrusted, **beside)


def _kept(features: pd.DataFrame, personal: Collection[str]) -> pd.DataFrame:
    """Leave out what nothing is kept of, and a name that comes twice."""
    out = features.columns.duplicated() | features.columns.astype(str).isin([str(name) for name in personal])
    return features.loc[:, ~out].reset_index(drop=True)


def _range(said: Floats) -> tuple[float, float]:
    top = said.max(axis=1) if said.shape[1] > 2 else said[:, 1]
    return float(top.min()), float(top.max())


def _frame(truth: Any, predicted: Any, chances: Any, classes: Sequence[Any] | None) -> pd.DataFrame:
    truth, predicted = (np.asarray(pd.Series(column, dtype=object)) for column in (truth, predicted))
    if len(truth) != len(predicted):
        raise InvalidUsage(
            f"There are {len(truth):,} labels and {len(predicted):,} predictions: which is whose can't be told."
        )
    frame = pd.DataFrame({"prediction": predicted, "label": truth}).infer_objects()
    if chances is None:
        return frame
    given = np.asarray(chances, dtype=float)
    given = given.reshape(len(given), -1)
    if given.shape[1] == 1:
        given = np.hstack([1 - given, given])
    if len(given) != len(frame):
        raise InvalidUsage(f"There are {len(given):,} rows of probabilities for {len(frame):,} predictions.")
    names = classes if classes is not None else Rows.of(frame, task="classifier").classes
    if given.shape[1] != len(names):
        raise InvalidUsage(f"The probabilities have {given.shape[1]} columns, and there are {len(names)} classes.", "classes=model.classes_")  # fmt: skip
    return frame.assign(**{f"{CHANCE}{plain(name)}": given[:, place] for place, name in enumerate(names)})
