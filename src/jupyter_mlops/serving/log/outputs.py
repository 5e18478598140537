"""What models answer as columns of the log: ``prediction``, or one for each of several outputs."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from ...errors import InvalidUsage
from . import cells
from .inputs import unique
from .layout import Stored

NAME: Final = "prediction"
MOST_COLUMNS: Final = 256  # a row of more outputs, such as the terms of a text, is kept as one list


def columns(predictions: Any, count: int) -> list[Stored]:
    """Convert the predictions of a batch.

    Parameters
    ----------
    predictions : array, sparse matrix, DataFrame, Series or list
        Whatever ``predict`` or ``transform`` gives; a list of arrays of shape (n_rows, n_classes) is one output each.
    count : int
        How many rows were asked for.

    Raises
    ------
    InvalidUsage
        Where there is not one answer for each row.
    """
    if hasattr(predictions, "toarray"):
        predictions = predictions.toarray()
    if isinstance(predictions, pd.DataFrame):
        return _frame(predictions, count)
    if isinstance(predictions, list | tuple):
        if predictions and all(isinstance(part, np.ndarray) and part.ndim == 2 for part in predictions):
            return [
                ([f"{NAME}_{number}"], _array(part.squeeze(1) if part.shape[1] == 1 else part, count))
                for number, part in enumerate(predictions)
            ]
        _check(len(predictions), count)
        return [([NAME], cells.column(list(predictions)))]
    if isinstance(predictions, pd.Series | pd.api.extensions.ExtensionArray):
        _check(len(predictions), count)
        return [([NAME], cells.column(predictions))]
    array = np.atleast_1d(np.asarray(predictions))
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2 and 0 < array.shape[1] <= MOST_COLUMNS:
        _check(len(array), count)
        names = [f"{NAME}_{number}" for number in range(array.shape[1])]
        if array.dtype.kind in "iuf" and array.dtype.itemsize in (4, 8) and array.dtype.isnative:
            return [(names, cells.block(array))]
        return [([name], cells.column(array[:, number])) for number, name in enumerate(names)]
    return [([NAME], _array(array, count))]


def _frame(frame: pd.DataFrame, count: int) -> list[Stored]:
    _check(len(frame), count)
    if frame.shape[1] > MOST_COLUMNS:
        return [([NAME], _array(frame.to_numpy(), count))]
    names = [NAME] if frame.shape[1] == 1 else unique([f"{NAME}_{name}" for name in frame.columns])
    return [([name], cells.column(column)) for name, (_, column) in zip(names, frame.items(), strict=True)]


def _array(array: np.ndarray[Any, Any], count: int) -> pa.Array:
    _check(len(array), count)
    return cells.nested(cells.column(array.reshape(-1)), array.shape)


def _check(given: int, count: int) -> None:
    if given != count:
        raise InvalidUsage(f"The model gave {given} predictions for {count} rows: which is whose can't be told.")
