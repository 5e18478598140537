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

    def prepare(self, predictions: Any) -> Callable[[slice], bytes]:
        """Make them lists, and numbers text, once for all requests."""
        predictions = dense(predictions)
        if (numbers := _written(predictions)) is not None:
            return lambda rows: f'{{"predictions": [{", ".join(numbers[rows])}]}}'.encode()
        share = share_of(predictions)
        return lambda rows: write_answer(share(rows))

    def write(self, prepared: Callable[[slice], bytes], rows: slice) -> Reply:
        """Write one request's own."""
        return Reply(200, prepared(rows))


def _written(predictions: object) -> list[str] | None:
    """Write each of an array of numbers; None where it is something else, or one of them can't be written."""
    if not isinstance(predictions, np.ndarray) or predictions.ndim != 1 or predictions.dtype.kind not in "biuf":
        return None
    try:
        return _JSON_WRITER.encode(predictions.tolist())[1:-1].split(", ")
    except ValueError:
        return None


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
