"""Cells of requests and answers as columns of Arrow."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa

from . import types

_JSON_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY
_NUMBERS = frozenset({bool, int, float})


def column(cells: Any) -> pa.Array:
    """Turn a column of cells into Arrow's; what is neither number, text, truth, bytes nor time becomes JSON.

    Parameters
    ----------
    cells : array of shape (n_rows,), Series, pandas' own array, or list
    """
    if isinstance(cells, pd.Series):
        cells = cells.array
    if isinstance(cells, pd.api.extensions.ExtensionArray) and not isinstance(cells, pd.arrays.NumpyExtensionArray):
        return _of_pandas(cells)
    if not isinstance(cells, list):
        array = np.asarray(cells)
        if array.dtype.kind in "biufM":
            return _of_numpy(array)
        cells = array.tolist()
    return _of_objects(cells)


def numbers(array: np.ndarray[Any, Any], kind: pa.DataType | None = None) -> pa.Array:
    """Make numbers a column without looking at them, which costs a third of ``pa.array``; NaN stays NaN."""
    values = np.ascontiguousarray(array)
    return pa.Array.from_buffers(kind or _type_of(values.dtype), values.size, [None, pa.py_buffer(values)])


def block(array: np.ndarray[Any, Any]) -> pa.Array:
    """Make one stored column of numbers of shape (n_rows, n_columns)."""
    count, width = array.shape
    return pa.Array.from_buffers(_block_of(array.dtype, width), count, [None], children=[numbers(array)])


@lru_cache(maxsize=64)
def _type_of(dtype: np.dtype[Any]) -> pa.DataType:
    return pa.from_numpy_dtype(dtype)


@lru_cache(maxsize=64)
def _block_of(dtype: np.dtype[Any], width: int) -> pa.DataType:
    return pa.list_(_type_of(dtype), width)


def text(cells: Any) -> pa.Array:
    """Turn a column of text into Arrow's; what pandas knows as missing is null."""
    try:
        return pa.array(cells, pa.string(), from_pandas=True)
    except (pa.ArrowException, UnicodeError, TypeError):  # half a surrogate pair, which JSON can smuggle in
        return pa.array([None if is_missing(cell) else _sound(str(cell)) for cell in cells], pa.string())


def as_json(cells: Any) -> pa.Array:
    """Write each cell as JSON; a missing one is null."""
    return pa.array([None if is_missing(cell) else json_of(cell) for cell in cells], pa.string())


def nested(values: pa.Array, shape: tuple[int, ...]) -> pa.Array:
    """Give flat values the shape of an array: a list for each row, of lists where it has more dimensions."""
    for axis in range(len(shape) - 1, 0, -1):
        count = math.prod(shape[:axis])
        offsets = np.arange(count + 1, dtype=np.int32) * np.int32(shape[axis])
        values = pa.ListArray.from_arrays(pa.array(offsets), values)
    return values


def json_of(cell: object) -> str:
    """Write any cell as JSON, whatever a client or a model has put there."""
    try:
        return orjson.dumps(cell, default=_plain, option=_JSON_OPTIONS).decode()
    except (TypeError, ValueError, RecursionError):
        try:  # whole numbers beyond 64 bits, half surrogate pairs
            return json.dumps(cell, default=_plain)
        except (TypeError, ValueError, RecursionError):
            return json.dumps(f"{type(cell).__name__} that can't be written as JSON")


def is_missing(cell: object) -> bool:
    """Whether a cell is null, in any of the ways that Python, NumPy and pandas have."""
    return cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, float | np.floating) and cell != cell)


def _of_numpy(array: np.ndarray[Any, Any]) -> pa.Array:
    dtype = array.dtype
    if dtype.kind == "f" and dtype.itemsize not in (4, 8):
        array = array.astype(np.float32 if dtype.itemsize == 2 else np.float64)
    elif not dtype.isnative:
        array = array.astype(dtype.newbyteorder("="))
    if dtype.kind == "M":
        array = array.astype("datetime64[ns]")
    return pa.array(np.ascontiguousarray(array)) if dtype.kind in "bM" else numbers(array)


def _of_pandas(cells: Any) -> pa.Array:
    if isinstance(cells.dtype, pd.StringDtype):
        return text(cells)
    if cells.dtype.kind in "biuf":
        return pa.array(cells, from_pandas=True)
    return _of_objects([None if is_missing(cell) else cell for cell in cells.astype(object)])


def _of_objects(cells: Sequence[Any]) -> pa.Array:
    cells = [None if is_missing(cell) and not isinstance(cell, float) else _plain_scalar(cell) for cell in cells]
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds == {str}:
        return text(cells)
    if kinds == {bool} or (kinds and kinds <= {int, float}) or not kinds or kinds == {bytes}:
        try:
            return pa.array(cells, pa.float64() if kinds == {int, float} else None)
        except (pa.ArrowException, OverflowError):  # 2**70
            return as_json(cells)
    if kinds <= {pd.Timestamp, datetime.datetime}:
        try:
            return pa.array(cells)
        except pa.ArrowException:
            return as_json(cells)
    return as_json(cells)


def _plain_scalar(cell: Any) -> Any:
    return cell.item() if isinstance(cell, np.generic) else cell


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, bytes | bytearray):
        return types.text_of(bytes(value))
    return None if is_missing(value) else str(value)


def _sound(words: str) -> str:
    return words.encode("utf-8", "replace").decode()
