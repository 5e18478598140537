"""Data as an estimator was fitted on them, kept when ``fit`` returns: the cell may change them afterwards."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from ..fingerprint import Fingerprint, fingerprint

_MOST_BYTES = 64_000_000  # what is larger is not copied: it is looked at right away, 1 s for 1 GB
_MOST_ROWS = 100


@dataclass(frozen=True)
class Kept:
    """Features or a target.

    Attributes
    ----------
    data : object
        As they were; where they are too large for a copy, as they are.
    seen : Fingerprint, optional
        Taken when ``fit`` returned, of data without a copy.
    some : object, optional
        Some of their rows, likewise.
    """

    data: Any
    seen: Fingerprint | None = None
    some: Any = None

    def fingerprint(self) -> Fingerprint:
        """Take the digest.

        Raises
        ------
        InvalidUsage
            Where they are no table, such as a generator or the name of a file.
        """
        return self.seen or fingerprint(self.data)

    def rows(self) -> Any:
        """Give up to 100 rows, spread evenly; None where there are none to be had."""
        return self.some if self.seen else some_rows(self.data)


def keep(data: Any) -> Kept | None:
    """Keep data as they are now."""
    if data is None:
        return None
    try:
        copied = _copy(data)
        return Kept(data, fingerprint(data), _owned(some_rows(data))) if copied is None else Kept(copied)
    except Exception:  # data of a kind that nobody has thought of: the fit was good, and the run goes on
        return Kept(data)


def some_rows(data: Any) -> Any:
    """Choose up to 100 rows, spread evenly; None where there are none to be had."""
    if isinstance(data, str | bytes | dict):
        return None
    rows = data.tocsr() if hasattr(data, "tocsr") else data
    try:
        count = rows.shape[0] if hasattr(rows, "shape") else len(rows)
        step = max(1, count // _MOST_ROWS)
        if not count:
            return None
        if hasattr(rows, "iloc"):
            return rows.iloc[::step][:_MOST_ROWS]
        if hasattr(rows, "combine_chunks"):  # Arrow's tables know no steps
            return rows.take(list(range(0, count, step))[:_MOST_ROWS])
        return rows[::step][:_MOST_ROWS]
    except Exception:  # it has no rows: a generator, a set, whatever has a length or a shape and is no table
        return None


def _copy(data: Any) -> Any:
    """Copy data as cheaply as can be; None where that would take too much memory."""
    if hasattr(data, "iloc") and _copies_on_write():
        return data.copy(deep=False)
    if hasattr(data, "__arrow_c_stream__") and not hasattr(data, "iloc"):
        return data.clone() if hasattr(data, "clone") else data  # polars shares what is the same; Arrow changes nothing
    if isinstance(data, list | tuple):
        return list(data)
    if hasattr(data, "copy") and hasattr(data, "shape"):
        return data.copy() if _bytes(data) <= _MOST_BYTES else None
    return data


def _owned(rows: Any) -> Any:
    """Cut rows loose from the data that they are a view of."""
    return rows.copy() if hasattr(rows, "copy") else rows


def _copies_on_write() -> bool:
    """Whether a shallow copy of pandas is safe from changes of the original: since pandas 3."""
    return int(sys.modules["pandas"].__version__.partition(".")[0]) >= 3


def _bytes(data: Any) -> int:
    if hasattr(data, "memory_usage"):  # pandas before 3
        used = data.memory_usage()
        return int(used if isinstance(used, int) else used.sum())
    own = getattr(data, "nbytes", None)
    return int(getattr(getattr(data, "data", None), "nbytes", 0) if own is None else own)  # sparse: its values
