"""Concept drift: the loss of labelled rows has grown. Each label is looked at once, in the order in which they come.

No estimate can see it: the inputs may be what they always were, and what they mean has changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd

from ...statistics.change import PATIENCE, Detector
from ...statistics.performance.reference import Reference
from ...statistics.performance.rows import Rows


@dataclass(frozen=True)
class Watch:
    """A watch over the loss of one version; its state is a few numbers, which JSON holds.

    Attributes
    ----------
    detector : Detector
    times : mapping of int to str
        When was predicted what may turn out to be where it began.
    """

    detector: Detector
    times: Mapping[int, str] = field(default_factory=dict)
    task: str = "classifier"

    @classmethod
    def begin(cls, reference: Reference, *, tolerance: float = 0.0, patience: int = PATIENCE) -> Self:
        """Begin at the reference of a version.

        Parameters
        ----------
        reference : Reference
        tolerance : float
            By how much the loss may grow before it matters: a share of wrong answers, or in the unit of the target.
        patience : int
            Labels until a false alarm, on the mean.
        """
        return cls(reference.detector.asked(tolerance, patience), task=reference.task)

    def after(self, frame: pd.DataFrame, reference: Reference) -> Self:
        """Take in the labels that have come since, each once: ``labels.since`` says which ones those are.

        Parameters
        ----------
        frame : DataFrame
            As ``ep.log()`` gives it, of one version: with ``id``, ``time``, ``prediction``, ``label`` and ``labelled``.
        reference : Reference
            For the task and its classes.
        """
        new = _labelled(frame)
        if not len(new):
            return self
        rows = Rows.of(new, task=reference.task, classes=reference.classes)
        known = rows.take(np.flatnonzero(rows.labelled))
        order = np.lexsort((known.frame["time"].to_numpy(), known.frame["labelled"].to_numpy()))
        known = known.take(order)
        detector = self.detector if rows.unlike else self.detector.after(known.losses())
        begun = {*detector.begun, *([] if detector.since is None else [detector.since])}
        first = self.detector.rows
        times = {row: _iso(known.frame["time"].iloc[row - first]) for row in begun if first <= row < first + len(known)}
        kept = {row: time for row, time in self.times.items() if row in begun}
        return type(self)(detector, kept | times, self.task)

    @property
    def rings(self) -> bool:
        """Whether the loss has grown."""
        return self.detector.rings

    @property
    def since(self) -> str | None:
        """When was predicted what it seems to have begun with; None where it hasn't."""
        return None if self.detector.since is None else self.times.get(self.detector.since)

    @property
    def why(self) -> str:
        """Say it in words."""
        its = self.detector
        if its.rang is None or its.since is None:
            return f"{its.rows:,} labels have come, and the loss is not seen to have grown beyond {its.limit * its.most:.4g}."
        what = "wrong answers" if self.task == "classifier" else "the mean absolute error"
        was, now = (
            f"{100 * mean:.1f}%" if self.task == "classifier" else f"{mean:.4g}"
            for mean in (its.mean, its.grown or 0.0)
        )
        begun = f" of {self.since[:16].replace('T', ' ')}" if self.since else ""
        return f"Since the predictions{begun}, {what} went from {was} to {now}: seen after {its.rang - its.since:,} labels."

    def to_dict(self) -> dict[str, Any]:
        """Give what JSON can hold."""
        times = {str(row): time for row, time in self.times.items()}
        return {
            "detector": self.detector.to_dict(),
            "times": times,
            "task": self.task,
        }

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """Read what ``to_dict`` has given."""
        times = {int(row): time for row, time in stored["times"].items()}
        return cls(Detector.read(stored["detector"]), times, stored["task"])


def _labelled(frame: pd.DataFrame) -> pd.DataFrame:
    if not {"label", "labelled", "time"} <= {*frame.columns}:
        return frame.iloc[:0]
    return frame[frame["label"].notna() & frame["labelled"].notna() & frame["time"].notna()]


def _iso(time: Any) -> str:
    return str(pd.Timestamp(time).isoformat())
