"""A hash for each row: rows that are alike have equal ones."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
import pandas as pd

from .column import Column

Hashes = np.ndarray[Any, np.dtype[np.uint64]]
_THREADS: Final = 2
_LARGE: Final = 10_000  # rows from which on threads gain more than they cost


def hashes(columns: Sequence[Column], rows: int, begun: Hashes | None = None) -> Hashes:
    """Hash rows over columns; 64 bits, so that two of a million different rows share one in a table of ten million.

    Parameters
    ----------
    columns : sequence of Column
    rows : int
    begun : array of uint64, of shape (rows,), optional
        What other columns have given, to which these are added.

    Returns
    -------
    array of uint64, of shape (rows,)
    """
    total = np.zeros(rows, dtype=np.uint64) if begun is None else begun
    for place, hashed in enumerate(_hashed_ahead(columns, rows)):
        total = total * np.uint64(0x9E3779B97F4A7C15) + hashed + np.uint64(place)  # wraps, and is meant to
    return total


def _hashed_ahead(columns: Sequence[Column], rows: int) -> Iterator[Hashes]:
    """Hash two columns at a time, for numpy lets go of Python's lock; and no more, for each takes 8 bytes a row."""
    if rows < _LARGE:
        yield from map(_hashed, columns)
        return
    with ThreadPoolExecutor(_THREADS) as pool:
        for begin in range(0, len(columns), _THREADS):
            yield from pool.map(_hashed, columns[begin : begin + _THREADS])


def _hashed(column: Column) -> Hashes:
    values = column.values
    if values.dtype != object or set(map(type, values)) <= {str, type(None)}:
        with contextlib.suppress(UnicodeEncodeError):
            return pd.util.hash_array(_plain(values), categorize=True)
    written = [None if gone else repr(cell) for gone, cell in zip(column.is_missing, values, strict=True)]
    return pd.util.hash_array(np.array(written, dtype=object), categorize=True)


def _plain(values: pd.Series[Any]) -> Any:
    if isinstance(values.dtype, np.dtype):
        array = values.to_numpy()
        if array.dtype.kind == "f":
            array = np.where(np.isnan(array), np.nan, array + 0.0)  # one NaN, and no negative zero
        return array
    return values.array
