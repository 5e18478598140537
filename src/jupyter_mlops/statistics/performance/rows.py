"""Rows of the log, made ready to be reckoned with: predictions, labels and probabilities, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from ...errors import InvalidUsage
from .. import losses, scores
from ..measured import Measured, unknown
from ..scores import Array, Classified, Floats, one_hot
from .classes import MISSING, NONE_OF_THEM, Class, classes_of, codes_of

Task = Literal["classifier", "regressor"]
CHANCE: Final = "chance."
"""Before the name of each class, in columns with the probabilities that the model gave."""
_SUM_OFF: Final = 1e-3  # of probabilities that were stored as float32
_MOST_CLASSES: Final = 20
NO_CHANCES: Final = "the log holds no probabilities"


@dataclass(frozen=True)
class Rows:
    """Rows of the log.

    Attributes
    ----------
    frame : DataFrame
        As it was given, without ids that came twice, in the order of time.
    task : {"classifier", "regressor"}
    classes : sequence
        Those of a classifier; empty else.
    predicted, truth : array of shape (n_rows,)
        Numbers of classes, with -1 for none of them and -2 for missing; or numbers, with NaN for missing.
    chances : array of float, of shape (n_rows, n_classes), optional
        NaN in rows whose probabilities are none.
    no_chances : str
        Why there are none.
    notes : sequence of str
        What was wrong with the rows.
    """

    frame: pd.DataFrame
    task: Task
    classes: Sequence[Class]
    predicted: Array
    truth: Array
    chances: Floats | None = None
    no_chances: str = NO_CHANCES
    notes: Sequence[str] = field(default_factory=tuple)

    @classmethod
    def of(cls, frame: pd.DataFrame, *, task: Task | None = None, classes: Sequence[Class] | None = None) -> Rows:
        """Read a frame of the log.

        Parameters
        ----------
        frame : DataFrame
            As ``ep.log()`` gives it: ``prediction``, or ``prediction_0`` … with probabilities; ``label``; ``id`` and
            ``time``; and the probabilities as ``chance.CLASS``, where they have been reckoned (see ``chances``).
        task, classes : optional
            By default what the labels and predictions look like.

        Raises
        ------
        InvalidUsage
            Where the frame has no predictions.
        """
        frame, notes = _once(frame)
        outputs = [name for name in frame.columns if str(name).startswith("prediction_")]
        if "prediction" not in frame.columns and not outputs:
            raise InvalidUsage(
                "The rows have no predictions.", "a frame as ep.log() gives it, with a column prediction"
            )
        labels = frame["label"] if "label" in frame.columns else pd.Series(np.nan, frame.index, dtype=object)
        if task is None:
            task = "classifier" if classes or outputs or _are_classes(frame["prediction"], labels) else "regressor"
        if task == "regressor":
            if "prediction" not in frame.columns:
                raise InvalidUsage(
                    f"The model gives {len(outputs)} numbers for each row, and a regressor is watched by one."
                )
            return _of_numbers(cls, frame, labels, notes)
        if classes is None:
            said = [] if "prediction" not in frame.columns else [frame["prediction"]]
            named = [str(name)[len(CHANCE) :] for name in frame.columns if str(name).startswith(CHANCE)]
            classes = classes_of(*said, named, named_only=named) if named else _classes(said, labels)
        chances, why = _chances(frame, classes, outputs)
        if chances is not None and (bad := int(np.isnan(chances[:, 0]).sum())):
            notes.append(f"{_count(bad, 'row')} without valid probabilities: they must be from 0 to 1, and sum to 1.")
            if bad == len(chances):
                chances, why = None, "no row has valid probabilities"
        if "prediction" in frame.columns:
            predicted = codes_of(frame["prediction"], classes)
        elif chances is not None:
            predicted = np.where(np.isnan(chances[:, 0]), MISSING, np.nan_to_num(chances).argmax(axis=1))
        else:
            predicted = np.full(len(frame), MISSING)
        truth = codes_of(labels, classes)
        strange = int((truth == NONE_OF_THEM).sum())
        if strange and strange < int((truth != MISSING).sum()):
            notes.append(f"{_count(strange, 'label')} of a class that the model doesn't know: it was wrong there.")
        return cls(frame, task, list(classes), predicted, truth, chances, why, tuple(notes))

    def __len__(self) -> int:
        return len(self.frame)

    @cached_property
    def labelled(self) -> Array:
        """Which rows have a prediction and a label that can be compared."""
        if self.task == "regressor":
            return np.isfinite(self.predicted) & np.isfinite(self.truth)
        return np.asarray((self.predicted != MISSING) & (self.truth != MISSING))

    @cached_property
    def unlike(self) -> str:
        """Why no label can be compared with a prediction though there are some; empty where they can."""
        if self.task == "classifier":
            there = self.truth[self.labelled]
            if len(there) and (there == NONE_OF_THEM).all():
                seen = ", ".join(repr(value) for value in classes_of(self.frame["label"])[:3])
                known = ", ".join(repr(value) for value in self.classes[:3])
                return f"the labels ({seen}) are none of the model's classes ({known}): label as the model answers"
        elif "label" in self.frame.columns and self.frame["label"].notna().any() and not np.isfinite(self.truth).any():
            return "the labels are no numbers, and the model predicts some"
        return ""

    def take(self, which: Array) -> Rows:
        """Take some of the rows, by their numbers or by truths."""
        chances = None if self.chances is None else self.chances[which]
        return replace(
            self,
            frame=self.frame.iloc[which],
            predicted=self.predicted[which],
            truth=self.truth[which],
            chances=chances,
        )

    def with_chances(self) -> Rows:
        """Take the rows with valid probabilities."""
        assert self.chances is not None
        valid = np.isfinite(self.chances[:, 0]) & (self.predicted != MISSING)
        return self if valid.all() else self.take(np.flatnonzero(valid))

    def classified(self) -> Classified:
        """Give the labelled rows as they are scored."""
        return Classified(one_hot(self.truth, len(self.classes)), self.predicted, self.chances)

    def losses(self) -> Floats:
        """How wrong the labelled rows are: 0 or 1 of classes, the absolute error of numbers."""
        rows = self.take(np.flatnonzero(self.labelled))
        if self.task == "regressor":
            return np.asarray(np.abs(rows.predicted - rows.truth))
        return np.asarray(rows.predicted != rows.truth, dtype=np.float64)


def metrics_of(task: Task) -> list[str]:
    """List the metrics of a task."""
    return list(losses.METRICS if task == "regressor" else scores.METRICS)


def score(rows: Rows, name: str) -> Measured:
    """Give a metric of the labelled rows, or why it can't be told."""
    if rows.unlike:
        return unknown(rows.unlike, int(rows.labelled.sum()))
    labelled = rows.take(np.flatnonzero(rows.labelled))
    if not len(labelled):
        return unknown(_nothing(rows))
    if rows.task == "regressor":
        return losses.score(labelled.truth, labelled.predicted, name)
    if scores.METRICS[name].of_chances:
        if labelled.chances is None:
            return unknown(labelled.no_chances, len(labelled))
        known = labelled.with_chances()
        if (known.truth == NONE_OF_THEM).any():
            known = known.take(np.flatnonzero(known.truth != NONE_OF_THEM))
        return scores.score(known.classified(), name)
    return scores.score(labelled.classified(), name)


def _nothing(rows: Rows) -> str:
    """Say why no row has both a prediction and a label."""
    if not len(rows):
        return "there were no predictions"
    if "label" not in rows.frame.columns or rows.frame["label"].isna().all():
        return "no label has come yet"
    return rows.no_chances or "the rows with labels have no valid predictions"


def _of_numbers(cls: type[Rows], frame: pd.DataFrame, labels: pd.Series[Any], notes: list[str]) -> Rows:
    predicted, truth = (_numbers(column) for column in (frame["prediction"], labels))
    for what, column, given in (("prediction", predicted, frame["prediction"]), ("label", truth, labels)):
        if bad := int((given.notna().to_numpy(dtype=bool) & ~np.isfinite(column)).sum()):
            notes.append(f"{_count(bad, what)} that {'is' if bad == 1 else 'are'} no finite number: left out.")
    return cls(frame, "regressor", [], predicted, truth, None, "a regressor gives no probabilities", tuple(notes))


def _numbers(column: pd.Series[Any]) -> Floats:
    found = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isfinite(found), found, np.nan)


def _once(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Put rows in the order of time, and keep the last of those that have one id."""
    notes = []
    if "time" in frame.columns:
        if missing := int(frame["time"].isna().sum()):
            notes.append(f"{_count(missing, 'row')} without a time: left out.")
            frame = frame[frame["time"].notna()]
        if not frame["time"].is_monotonic_increasing:
            frame = frame.sort_values("time", kind="stable")
    if "id" in frame.columns:
        again = frame["id"].duplicated(keep="last") & frame["id"].notna()
        if count := int(again.sum()):
            notes.append(f"{_count(count, 'prediction')} of an id that comes again later: the last of each counts.")
            frame = frame[~again]
    return frame, notes


def _classes(said: Sequence[pd.Series[Any]], labels: pd.Series[Any]) -> list[Class]:
    """List the classes of predictions and labels; of predictions alone, where the two have nothing in common."""
    known = classes_of(*said)
    alike = not known or labels.isna().all() or (codes_of(labels.dropna(), known) >= 0).any()
    return classes_of(*said, labels) if alike else known


def _are_classes(predicted: pd.Series[Any], labels: pd.Series[Any]) -> bool:
    """Tell classes from numbers: text and truths are classes, and so are few whole numbers."""
    numbers = pd.to_numeric(predicted, errors="coerce").dropna()
    if predicted.dtype == bool or len(numbers) < predicted.notna().sum():
        return True
    both = pd.concat([numbers, pd.to_numeric(labels, errors="coerce").dropna()])
    return bool(len(both) and (both % 1 == 0).all() and both.nunique() <= _MOST_CLASSES)


def _chances(frame: pd.DataFrame, classes: Sequence[Class], outputs: Sequence[Any]) -> tuple[Floats | None, str]:
    """Find the probabilities, a column for each class; NaN in rows where they are none."""
    named = {str(name)[len(CHANCE) :]: name for name in frame.columns if str(name).startswith(CHANCE)}
    places = codes_of(list(named), classes) if named else np.empty(0, dtype=np.int64)
    if named and sorted(places) == list(range(len(classes))):
        columns = [list(named.values())[place] for place in np.argsort(places)]
    elif named:
        return (
            None,
            f"the probabilities are of {', '.join(map(repr, named))}, and the classes are {', '.join(map(repr, classes))}",
        )
    elif len(outputs) == len(classes) > 1:
        columns = list(outputs)
    elif outputs:
        return None, f"the model gives {len(outputs)} numbers for each row, and there are {len(classes)} classes"
    else:
        return None, NO_CHANCES
    found = np.column_stack(
        [pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan) for name in columns]
    )
    return valid(found), ""


def valid(chances: Floats) -> Floats:
    """Make rows NaN whose probabilities are none: not from 0 to 1, or not 1 in sum."""
    with np.errstate(invalid="ignore"):
        bad = ~((chances >= -_SUM_OFF).all(axis=1) & (np.abs(chances.sum(axis=1) - 1) <= _SUM_OFF))
    return np.where(bad[:, None], np.nan, np.clip(chances, 0, 1))


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
