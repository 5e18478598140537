"""One column of a signature: which cells it takes, and what the estimator gets of them.

A column is checked as a whole, by the set of the Python types in it: that is exact (``True`` is no
number, ``2.0`` is a whole one), and costs one pass in C whatever the number of rows.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import math
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pandas as pd

from ...errors import InvalidUsage

WANTS: Final = {
    "b": "true or false",
    "i": "whole numbers",
    "u": "whole numbers that are not negative",
    "f": "numbers",
    "U": "strings",
    "S": "strings in base64",
    "M": "times in ISO 8601, without a zone",
}
_NULL: Final = type(None)
_NUMBERS: Final = frozenset({int, float})
_TIMES: Final = frozenset({str, pd.Timestamp, datetime.datetime, datetime.date})
_MOST_BITS: Final = 1000  # a float has a few more
_BYTES: Final = frozenset({str, bytes})  # JSON has no bytes, tensors do
_EXACT: Final = 2**53  # a float beyond it no longer says which whole number was meant
# pandas 3 holds text in a type of its own, pandas 2 as objects; models were trained on what pandas infers.
_TEXT: Final = pd.Series(["text"]).dtype


class RequestRefused(InvalidUsage):
    """A request that the model can't be asked.

    Parameters
    ----------
    code : str
        The reason as a word for programs, such as ``MISSING_COLUMN``.
    message : str
        The same for a person.
    column : str, optional
        The column at fault.
    """

    def __init__(self, code: str, message: str, column: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.column = column


@dataclass(frozen=True)
class Column:
    """One column of a signature; ``dtype`` is what the estimator gets, object for what is handed on."""

    name: str | int | float | None
    mlflow_type: str
    required: bool
    dtype: np.dtype[Any]

    def read(self, given: Sequence[Any] | np.ndarray[Any, Any], *, text: bool = False) -> Any:
        """Check all cells of the column and convert them.

        Returns
        -------
        array of shape (n_rows,)

        Raises
        ------
        RequestRefused
            ``WRONG_TYPE``, naming the column and the first row at fault.
        """
        if isinstance(given, np.ndarray) and given.dtype == self.dtype and given.dtype.kind in "biuf":
            return given.copy()  # what came in a request can't be written to, and some estimators work in place
        cells: Sequence[Any] = given.tolist() if isinstance(given, np.ndarray) else given
        if text:
            cells = [_from_text(cell, self.dtype.kind) for cell in cells]
        match self.dtype.kind:
            case "f":
                return self._floats(cells)
            case "i" | "u":
                return self._integers(cells)
            case "O":
                return _objects(cells)
        kinds = {"b": {bool}, "M": _TIMES, "S": _BYTES}.get(self.dtype.kind, {str})
        self._only(cells, kinds if self.required else kinds | {_NULL})
        match self.dtype.kind:
            case "b":
                return np.array(cells, dtype=object if None in cells else bool)
            case "M":
                return self._times(cells)
            case "S":
                return _objects([self._bytes(row, cell) for row, cell in enumerate(cells)])
        return pd.Series([math.nan if cell is None else cell for cell in cells], dtype=_TEXT).array

    def _floats(self, cells: Sequence[Any]) -> np.ndarray[Any, Any]:
        self._only(cells, _NUMBERS | {_NULL})  # null is NaN, which many models take
        try:
            wide = np.array(cells, dtype=np.float64)
        except OverflowError:
            raise self._wrong(cells, lambda cell: cell is not None and abs(cell) > 1e308) from None
        if self.dtype == wide.dtype:
            return wide
        with np.errstate(over="ignore"):
            narrow = wide.astype(self.dtype)
        if np.isinf(narrow).sum() > np.isinf(wide).sum():
            most = float(np.finfo(self.dtype).max)
            raise self._wrong(cells, lambda cell: cell is not None and most < abs(cell) < math.inf)
        return narrow

    def _integers(self, cells: Sequence[Any]) -> Any:
        kinds = self._only(cells, _NUMBERS if self.required else _NUMBERS | {_NULL})
        if _NULL in kinds:  # pandas' own type for it: beside NaN the numbers would become floats
            there = iter(self._integers([cell for cell in cells if cell is not None] or [0]))
            kind: Any = self.dtype.name.capitalize()  # int64 → Int64
            return pd.array([None if cell is None else int(next(there)) for cell in cells], dtype=kind)
        if float in kinds:  # 2.0 is whole: clients in JavaScript or of pandas write it so
            if not all(cell.is_integer() and abs(cell) <= _EXACT for cell in cells if type(cell) is float):
                raise self._wrong(cells, lambda c: type(c) is float and not (c.is_integer() and abs(c) <= _EXACT))
            cells = list(map(int, cells))
        limits = np.iinfo(self.dtype)
        if min(cells) < limits.min or max(cells) > limits.max:
            raise self._wrong(cells, lambda cell: not limits.min <= cell <= limits.max)
        return np.array(cells, dtype=self.dtype)

    def _times(self, cells: Sequence[Any]) -> np.ndarray[Any, Any]:
        try:
            times = pd.to_datetime(list(cells), format="ISO8601")
            nulls = sum(cell is None for cell in cells)
            if getattr(times, "tz", None) is None and np.count_nonzero(times.isna()) == nulls:  # "" and "NaT" are none
                return np.asarray(times.as_unit("ns"))
        except (ValueError, OverflowError):
            pass
        raise self._refused("at least one of them is something else")

    def _bytes(self, row: int, cell: str | bytes | None) -> bytes | None:
        try:
            return (
                cell
                if cell is None or isinstance(cell, bytes)
                else base64.b64decode("".join(cell.split()), validate=True)
            )
        except (binascii.Error, ValueError):
            raise self._refused(f"row {row} holds another string") from None

    def _only(self, cells: Sequence[Any], allowed: Set[type]) -> set[type]:
        kinds = set(map(type, cells))
        if kinds <= allowed:
            return kinds
        raise self._wrong(cells, lambda cell: type(cell) not in allowed)

    def _wrong(self, cells: Sequence[Any], bad: Callable[[Any], bool]) -> RequestRefused:
        row = next(row for row, cell in enumerate(cells) if bad(cell))
        return self._refused(f"row {row} holds {_describe(cells[row])}")

    def _refused(self, but: str) -> RequestRefused:
        where = "The tensor" if self.name is None else f"Column {quoted(self.name)}"
        wants = f"{where} wants {WANTS[self.dtype.kind]} ({self.mlflow_type})"
        return RequestRefused("WRONG_TYPE", f"{wants}, but {but}.", None if self.name is None else str(self.name))


def _objects(cells: Sequence[Any]) -> np.ndarray[Any, Any]:
    array = np.empty(len(cells), dtype=object)  # np.array() would turn lists in cells into dimensions
    array[:] = cells
    return array


def _from_text(cell: str, kind: str) -> Any:
    if cell == "":
        return None
    if kind == "b":
        return {"true": True, "false": False}.get(cell.lower(), cell)
    if kind not in "iuf" or "_" in cell:  # Python reads 1_000 as a number, nobody else does
        return cell
    for convert in (int, float):
        try:
            return convert(cell)
        except ValueError:
            continue
    return cell


def _describe(cell: object) -> str:
    # Never the repr of a list or an object: it may be nested a thousand deep.
    match cell:
        case None:
            return "null"
        case bool():
            return "true" if cell else "false"
        case int() if cell.bit_length() > _MOST_BITS:
            return "a number that is too large"
        case int() | float():
            return f"{cell:.17g}"
        case Decimal():
            return f"{cell:.17g}" if len(f"{cell:e}") < 60 else "a number that is too large"
        case str():
            return f"the string {quoted(cell)}"
    return "a list" if isinstance(cell, list | tuple) else "an object"


def quoted(name: object) -> str:
    """Quote a name for a message; a long one is cut."""
    text = str(name)
    return repr(text if len(text) <= 60 else f"{text[:59]}…")
