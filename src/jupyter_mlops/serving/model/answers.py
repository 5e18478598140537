"""Answers as MLflow's scoring server writes them: ``{"predictions": [...]}``."""

from __future__ import annotations

import base64
import datetime
import json
import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas as pd

from .replies import Reply, dense, share_of


class MlflowWriter:
    """Writes answers as MLflow's scoring server does."""

    kind = "mlflow"

    def prepare(self, predictions: Any) -> Callable[[slice], Any]:
        """Make them lists, once for all requests."""
        return share_of(dense(predictions))

    def write(self, prepared: Callable[[slice], Any], rows: slice) -> Reply:
        """Write one request's own."""
        return Reply(200, write_answer(prepared(rows)))


def write_answer(predictions: object) -> bytes:
    """Write predictions byte for byte as MLflow's scoring server does, but NaN as null: JSON knows no NaN."""
    predictions = dense(predictions)
    if isinstance(predictions, pd.Series):
        predictions = predictions.to_frame()
    if isinstance(predictions, pd.DataFrame):
        predictions = predictions.to_dict(orient="records")
    try:
        return _JSON_WRITER.encode({"predictions": predictions}).encode()
    except ValueError:
        return _JSON_WRITER.encode({"predictions": _without_nan(predictions)}).encode()


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(cell) for key, cell in value.items()}
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_without_nan(cell) for cell in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: Any) -> Any:
    """Turn what NumPy and pandas know and JSON does not into plain values, as MLflow's encoder does."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, bytes | bytearray):
        return base64.encodebytes(value).decode("ascii")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} can't be written as JSON")


# Python's own encoder, as MLflow has it: orjson leaves out the blanks, and writes 1e-9 where Python says 1e-09.
_JSON_WRITER: Final = json.JSONEncoder(default=_plain, allow_nan=False)
