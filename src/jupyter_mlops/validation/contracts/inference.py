"""From data to a contract: types, gaps, keys, categories, and ranges with room on both sides."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandas.api import types

from ...errors import InvalidUsage
from ..column import Column, has_half_a_pair
from ..data import Data
from ..quality.columns import is_prose, names_rows
from ..quality.quoting import is_personal
from ..quality.values import role_of

_FEW_ROWS: Final = 30  # below it no range and no list of categories is believed
_INT64: Final = 2**63


def infer(data: Data) -> pa.DataFrameSchema:
    """Write down what data is, so that other data can be held to it.

    Of columns with personal data, marked or found, no value goes into it.

    Raises
    ------
    InvalidUsage
        Where two columns have one name, or there are none.
    """
    if not data.columns:
        raise InvalidUsage(f"{data.name} has no columns: there is nothing to agree on.")
    if len(data.by_label) < len(data.columns):
        labels = [column.label for column in data.columns]
        twice = next(label for label in labels if labels.count(label) > 1)
        raise InvalidUsage(f"{data.name} has {labels.count(twice)} columns {twice!r}: a contract can't tell them apart.", "give each a name of its own")  # fmt: skip
    together = [column.label for column in data.key] if len(data.key) > 1 else None
    return pa.DataFrameSchema({column.label: _column(data, column) for column in data.columns}, unique=together)


def _column(data: Data, column: Column) -> pa.Column:
    names = [column] == data.key or names_rows(column, data.limits)
    checks = [] if names or len(column.there) < _FEW_ROWS or is_personal(data, column) else _checks(data, column)
    return pa.Column(dtype_of(column), checks, nullable=bool(column.missing) or not len(column), unique=names)


def dtype_of(column: Column) -> str | None:
    """Name the type in a contract: what the column holds, however pandas keeps it; none of what has no simple type."""
    dtype, is_missing = column.values.dtype, bool(column.missing)
    if column.kind == "number":
        has_fractions = not types.is_integer_dtype(dtype) and not _are_ints(column)
        return "float64" if has_fractions or not _fit(column) else "Int64" if is_missing else "int64"
    if column.kind == "time":
        return f"datetime64[ns, {dtype.tz}]" if isinstance(dtype, pd.DatetimeTZDtype) else "datetime64[ns]"
    return {"truth": "boolean" if is_missing else "bool", "text": "str"}.get(column.kind)


def _are_ints(column: Column) -> bool:
    there = column.there
    if isinstance(there.dtype, pd.CategoricalDtype):
        return types.is_integer_dtype(there.dtype.categories.dtype)
    return there.dtype == object and all(isinstance(value, int) for value in there)


def _fit(column: Column) -> bool:
    return not len(column.numbers) or bool(np.abs(column.numbers).max() < _INT64)


def _checks(data: Data, column: Column) -> list[pa.Check]:
    if column.kind == "number" and len(column.numbers) == len(column.there):  # with infinities it has no range
        return _range(column)
    if column.kind == "text" and _are_categories(data, column):
        return [pa.Check.isin(sorted(map(str, column.counts.index)))]
    return []


def _are_categories(data: Data, column: Column) -> bool:
    limits = data.limits
    if column.has_more_than(limits.categories) or is_prose(column):
        return False
    comes_again = len(column.there) >= limits.repeats * column.distinct
    return comes_again and not any(map(has_half_a_pair, column.there.unique()))


def _range(column: Column) -> list[pa.Check]:
    """Give the range of a column's role; else the one seen and as much again on both sides, that keeps its sign."""
    low, high = float(column.numbers.min()), float(column.numbers.max())
    if low == high:
        return []
    if (role := role_of(column)) is not None and role.low <= low and high <= role.high:
        bottom, top = role.low, role.high
    else:
        room = high - low
        bottom = 0.0 if 0 <= low <= room else low - room
        top = 0.0 if -room <= high <= 0 else high + room
    bottom, top = (_round(bottom, math.floor), _round(top, math.ceil))
    if math.isinf(top):
        return [pa.Check.ge(bottom)]
    return [pa.Check.in_range(bottom, top)]


def _round(value: float, to: Any) -> float | int:
    """Round outwards to two digits: a contract is read by people."""
    if value == 0 or math.isinf(value):
        return 0 if value == 0 else value
    digits = 1 - math.floor(math.log10(abs(value)))
    if digits > 300:
        return value
    rounded = to(value * 10.0**digits) / 10.0**digits if digits > 0 else to(value / 10.0**-digits) * 10.0**-digits
    return int(rounded) if float(rounded).is_integer() and abs(rounded) < 1e15 else float(rounded)
