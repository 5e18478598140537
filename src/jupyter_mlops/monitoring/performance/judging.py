"""Whether a metric is worse than it was on the test data: by more than chance, and by enough to matter."""

from __future__ import annotations

import math
from typing import Final

from scipy import special

from ...statistics.alarms import QUALITY
from ...statistics.measured import Measured
from ..buckets import size_of
from ..readings import Level, Outcome, level_of

_DAY: Final = 86_400.0
_METRICS: Final = 8  # of a classifier: chance has so many tries in each window
_LEAST: Final = (
    0.2  # a small effect of shares, as Cohen's h (1988); of errors about a fifth more, which is our own choice
)
_SHARES: Final = frozenset({"accuracy", "balanced_accuracy", "precision", "recall", "f1", "roc_auc"})
_ERRORS: Final = frozenset({"log_loss", "brier", "mae", "rmse"})
_MOST_GAP: Final = 0.05  # what probabilities may be off, typically; as for a reference
_BY_CHANCE: Final = 0.001


def sure(length: float) -> float:
    """Give the standard errors that a metric must be worse by: chance rings in one day of a hundred, over all windows and metrics.

    Each look has the part of it that a piece of the window is of a day (Bonferroni), as those of drift have: a window that goes on
    is looked at with each piece.
    """
    return float(-special.ndtri(QUALITY * min(1.0, size_of(length) / _DAY) / _METRICS))


def judge(name: str, now: Measured, was: Measured | None, length: float = 3_600.0) -> tuple[Level, Outcome]:
    """Hold a metric against what it was.

    Parameters
    ----------
    name : str
    now : Measured
    was : Measured, optional
        On data that the model had not seen; without it, and of metrics that have no worse side, nothing is judged.
    length : float
        Of the window, in seconds.
    """
    if now.value is None:
        return "none", "inconclusive"
    if was is None or was.value is None:
        return "none", "pass"
    error = math.hypot(now.error or 0.0, was.error or 0.0)
    if name in _SHARES:
        worse, far = was.value - now.value, _angle(was.value) - _angle(now.value)
    elif name in _ERRORS and was.value > 0 and now.value > 0:
        worse, far = now.value - was.value, math.log(now.value / was.value)
    else:
        return "none", "pass"
    level = level_of(far / _LEAST) if worse > sure(length) * error else "none"
    return level, "fail" if level != "none" else "pass"


def judge_calibration(gap: float | None, p: float | None) -> tuple[Level, Outcome]:
    """Say whether probabilities are still what they say."""
    if gap is None:
        return "none", "inconclusive"
    level: Level = "none" if gap <= _MOST_GAP or (p is not None and p > _BY_CHANCE) else "major" if gap > 2.5 * _MOST_GAP else "minor"  # fmt: skip
    return level, "fail" if level != "none" else "pass"


def _angle(share: float) -> float:
    return 2 * math.asin(math.sqrt(min(1.0, max(0.0, share))))
