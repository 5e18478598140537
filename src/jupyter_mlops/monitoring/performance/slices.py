"""Performance by the values of a column: where a model is worse than its mean says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pandas as pd

from ...errors import InvalidUsage, nearest
from ...statistics.performance.reference import Reference
from ...statistics.performance.rows import Rows, metrics_of
from .estimates import INPUT
from .kept import Window
from .windows import window_of

_MOST: Final = 8
_PARTS: Final = 4
OTHERS: Final = "others"
MISSING: Final = "missing"


def by_slices(
    rows: Rows, reference: Reference | None, span: tuple[datetime, datetime], columns: Sequence[str]
) -> dict[tuple[str, str], Window]:
    """Measure the rows of each value of each column: of numbers the quarters, of the rest the most frequent ones.

    Raises
    ------
    InvalidUsage
        Where the log has no such input.
    """
    found = {}
    for column in columns:
        name = f"{INPUT}{column}"
        if name not in rows.frame.columns:
            known = [str(each)[len(INPUT) :] for each in rows.frame.columns if str(each).startswith(INPUT)]
            raise InvalidUsage(f"The log has no input {column!r}.{nearest(column, known)}", f"--slice {known[0]}" if known else "")  # fmt: skip
        for value, places in parts(rows.frame[name]):
            found[column, value] = window_of(rows.take(places), reference, span, metrics_of(rows.task))
    return found


def parts(values: pd.Series[Any]) -> Iterator[tuple[str, Any]]:
    """Give the numbers of the rows of each value."""
    missing = values.isna().to_numpy()
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values) and values.nunique() > _MOST:
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
        edges = np.unique(np.nanquantile(numbers, np.arange(1, _PARTS) / _PARTS))
        part = np.searchsorted(edges, numbers)  # NaN comes last, and is missing
        names = [f"to {edges[0]:.4g}", *(f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges)), f"from {edges[-1]:.4g}"]  # fmt: skip
        found = [(name, (part == place) & ~missing) for place, name in enumerate(names)]
    else:
        text = values.astype(str).to_numpy()
        most = values[~missing].astype(str).value_counts().index[:_MOST]
        found = [(str(name), (text == name) & ~missing) for name in most]
        found.append((OTHERS, ~np.isin(text, most) & ~missing))
    for name, which in [*found, (MISSING, missing)]:
        if which.any():
            yield name, np.flatnonzero(which)
