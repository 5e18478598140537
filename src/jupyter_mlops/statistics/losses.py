"""What predicted numbers are worth: each metric with its standard error, by the influence of each row (Hampel, 1974)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from .measured import Kind, Measured, measured, unknown
from .scores import LEAST_ROWS

Floats = np.ndarray[Any, np.dtype[np.float64]]
_Reckoned = tuple[float, Floats]


def score(truth: Floats, predicted: Floats, name: str, *, least: int = LEAST_ROWS) -> Measured:
    """Give a metric of a regressor with its interval.

    Parameters
    ----------
    truth, predicted : array of float, of shape (n_rows,)
        Finite.
    name : str
        One of ``METRICS``.
    least : int
        Rows below which nothing is said.
    """
    rows = len(truth)
    if rows < least:
        return unknown(f"{rows:,} rows; {least} are needed", rows)
    function, kind = METRICS[name]
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        value, influence = function(truth, predicted)
        error = float(np.sqrt(np.mean(influence**2) / (rows - 1)))
    return measured(value, error, rows, kind)


def _mae(truth: Floats, predicted: Floats) -> _Reckoned:
    each = np.abs(truth - predicted)
    return float(each.mean()), each - each.mean()


def _rmse(truth: Floats, predicted: Floats) -> _Reckoned:
    each = (truth - predicted) ** 2
    value = float(np.sqrt(each.mean()))
    return value, (each - each.mean()) / (2 * value) if value else each


def _r2(truth: Floats, predicted: Floats) -> _Reckoned:
    square, off = (truth - predicted) ** 2, (truth - truth.mean()) ** 2
    value = float(1 - square.mean() / off.mean())
    return value, ((1 - value) * off - square) / off.mean()


def _bias(truth: Floats, predicted: Floats) -> _Reckoned:
    each = predicted - truth
    return float(each.mean()), each - each.mean()


METRICS: Final[dict[str, tuple[Callable[[Floats, Floats], _Reckoned], Kind]]] = {
    "mae": (_mae, "positive"),
    "rmse": (_rmse, "positive"),
    "r2": (_r2, "any"),
    "bias": (_bias, "any"),
}
"""Of regressors, by name; the bias is by how much predictions are too high."""
