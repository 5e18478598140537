"""One column of data: what it holds, and what checks ask of it, each found once."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from pandas.api import types

Kind = Literal["number", "truth", "text", "time", "mixed", "nothing"]
_KINDS: dict[str, Kind] = {
    "string": "text",
    "boolean": "truth",
    "integer": "number",
    "floating": "number",
    "mixed-integer-float": "number",
    "decimal": "number",
    "datetime64": "time",
    "datetime": "time",
    "date": "time",
    "empty": "nothing",
}
_SAMPLE = 10_000
_HASHABLE = (str, int, float, bool, bytes, type(None))


class Column:
    """One column.

    Parameters
    ----------
    label : str
        Its name as text; names need be neither text nor unique.
    values : Series
    """

    def __init__(self, label: str, values: pd.Series[Any]) -> None:
        self.label = label
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def kind(self) -> Kind:
        """What it holds: by its type, and where that says nothing, by its values."""
        values = self.values
        dtype = values.dtype
        if isinstance(dtype, pd.CategoricalDtype):
            return Column(self.label, pd.Series(dtype.categories)).kind if len(dtype.categories) else "nothing"
        if self.missing == len(values):
            return "nothing"
        if isinstance(dtype, pd.StringDtype):
            return "text"
        if types.is_bool_dtype(dtype):
            return "truth"
        if types.is_numeric_dtype(dtype):
            return "mixed" if types.is_complex_dtype(dtype) else "number"
        if types.is_datetime64_any_dtype(dtype) or isinstance(dtype, pd.PeriodDtype):
            return "time"
        return _KINDS.get(types.infer_dtype(values, skipna=True), "mixed")

    @cached_property
    def zones(self) -> tuple[str, ...]:
        """The time zones of its times; ``""`` for those without one."""
        dtype = self.values.dtype
        if self.kind != "time":
            return ()
        if not types.is_object_dtype(dtype):
            return (str(getattr(dtype, "tz", None) or ""),)
        return tuple(sorted({str(getattr(cell, "tzinfo", None) or "") for cell in self.there}))

    @cached_property
    def is_missing(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which cells are missing, in any of pandas' ways."""
        return np.asarray(self.values.isna(), dtype=bool)

    @cached_property
    def missing(self) -> int:
        """How many cells are missing."""
        return int(self.is_missing.sum())

    @cached_property
    def there(self) -> pd.Series[Any]:
        """The cells that are not missing; numbers may be infinite."""
        return self.values[~self.is_missing] if self.missing else self.values

    @cached_property
    def numbers(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The finite numbers in it; of other columns nothing."""
        if self.kind not in ("number", "truth"):
            return np.empty(0)
        values = self.there
        if isinstance(values.dtype, pd.CategoricalDtype):
            values = values.astype(values.dtype.categories.dtype)
        found = np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))
        finite = np.isfinite(found)
        return found if finite.all() else found[finite]

    def raw(self, rows: np.ndarray[Any, np.dtype[np.int64]] | None = None) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Give numbers, truths and times as floats, row for row: NaN for what is missing; infinite ones as they are."""
        values = self.values if rows is None else self.values.iloc[rows]
        if self.kind == "time":
            return _seconds(values)
        if isinstance(values.dtype, pd.CategoricalDtype):
            values = values.astype(object)
        return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))

    def floats(self, rows: np.ndarray[Any, np.dtype[np.int64]] | None = None) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Give the same with NaN for what is infinite, too."""
        found = self.raw(rows)
        finite = np.isfinite(found)
        return found if finite.all() else np.where(finite, found, np.nan)

    @cached_property
    def counts(self) -> pd.Series[int]:
        """How often each value is there, the most frequent first; lists and the like by their text."""
        return self.comparable.value_counts()

    @cached_property
    def comparable(self) -> pd.Series[Any]:
        """The cells that are there, so that they can be counted and compared."""
        values = self.there
        if values.dtype != object:
            return values
        kinds = set(map(type, values))
        if kinds == {str}:
            return values.map(_sound) if any(map(has_half_a_pair, values)) else values
        return values if kinds <= {*_HASHABLE} else values.map(lambda c: c if isinstance(c, _HASHABLE) else repr(c))

    @cached_property
    def distinct(self) -> int:
        """How many values it has."""
        return len(self.counts)

    def has_more_than(self, count: int) -> bool:
        """Whether it has more values than so many; of numbers that is seen in a few rows, without counting them all."""
        if "counts" not in self.__dict__ and self._some.nunique() > count:
            return True
        return self.distinct > count

    def may_be_mostly_one(self, part: float) -> bool:
        """Whether one value may have this share of the cells: where a sample has far less of any, none has."""
        some = self._some
        return len(some) < _SAMPLE or int(some.value_counts().iloc[0]) > (part - 0.05) * len(some)

    @cached_property
    def _some(self) -> pd.Series[Any]:
        """Cells from everywhere, as comparable ones."""
        values = self.comparable
        return (
            values if len(values) <= _SAMPLE else values.iloc[:: len(values) // _SAMPLE].sample(_SAMPLE, random_state=0)
        )


def has_half_a_pair(text: str) -> bool:
    """Whether a text holds half a surrogate pair, which JSON can smuggle in and no file can keep."""
    return not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text)


def _seconds(values: pd.Series[Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Give times as seconds since 1970, in any of the ways in which pandas keeps them."""
    if isinstance(values.dtype, pd.PeriodDtype):
        values = values.dt.to_timestamp()
    if not types.is_datetime64_any_dtype(values.dtype):
        values = pd.to_datetime(values.astype(object), utc=True, errors="coerce")
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.tz_convert(None)
    times = values.to_numpy(dtype="datetime64[us]")
    return np.where(np.isnat(times), np.nan, times.astype(np.int64) / 1e6)


def _sound(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
