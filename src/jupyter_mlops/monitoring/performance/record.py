"""What estimates were worth: each window's, against the labels that came later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from ...statistics.measured import Measured
from .kept import Performance, Window

_LEAST_WINDOWS: Final = 5
_LEAST_HELD: Final = 0.7  # of the intervals of 95 in 100; fewer, and the estimate is not what it says
_NORMAL: Final = 1.96
Side = Literal["estimates", "second"]


@dataclass(frozen=True)
class Record:
    """How often and how far an estimate was off.

    Attributes
    ----------
    metric : str
    windows : int
        Those with an estimate and enough labels.
    off : float, optional
        The mean absolute error of the estimate.
    unchanged : float, optional
        That of supposing that nothing has changed since the reference.
    high : float, optional
        By how much it was too high, on the mean.
    held : float, optional
        The share of windows in which the estimate's interval, and what the missing labels leave open, held the truth.
    """

    metric: str
    windows: int
    off: float | None = None
    unchanged: float | None = None
    high: float | None = None
    held: float | None = None

    @property
    def ok(self) -> bool | None:
        """Whether the estimate has been what it says; None where too few labels tell."""
        if self.windows < _LEAST_WINDOWS or self.held is None or self.off is None:
            return None
        return self.held >= _LEAST_HELD

    @property
    def why(self) -> str:
        """Say it in words."""
        if self.off is None:
            return f"No window has an estimate of {self.metric} and enough labels yet."
        beside = "" if self.unchanged is None else f"; to suppose that nothing had changed was {self.unchanged:.4f} off"
        often = f"its interval held in {round((self.held or 0) * self.windows)} of {self.windows}"
        return f"Over {self.windows} windows the estimate of {self.metric} was {self.off:.4f} off{beside}; {often}."


def record(performance: Performance, metric: str, side: Side = "estimates") -> Record:
    """Hold the estimates of a metric against its labels, window by window."""
    pairs = [pair for window in performance.windows if (pair := _pair(window, metric, side))]
    if not pairs:
        return Record(metric, 0)
    off = np.array([guess - true for guess, true, _ in pairs])
    was = None if performance.reference is None else performance.reference.metrics.get(metric, Measured()).value
    unchanged = None if was is None else float(np.mean([abs(was - true) for _, true, _ in pairs]))
    held = float(np.mean([abs(guess - true) <= _NORMAL * error for guess, true, error in pairs]))
    return Record(metric, len(pairs), float(np.abs(off).mean()), unchanged, float(off.mean()), held)


def _pair(window: Window, metric: str, side: Side) -> tuple[float, float, float] | None:
    """Give the estimate, the truth, and the standard error of their difference: labels that are missing add to it."""
    sides: Sequence[Measured | None] = [getattr(window, side).get(metric), window.metrics.get(metric)]
    guess, true = sides
    if guess is None or true is None or guess.value is None or true.value is None:
        return None
    missing = max(0.0, 1 - true.rows / max(1, guess.rows))  # of a whole window nothing is left open
    return guess.value, true.value, float(np.hypot(guess.error or 0.0, (true.error or 0.0) * np.sqrt(missing)))
