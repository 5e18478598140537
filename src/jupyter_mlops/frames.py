"""Data on the way in: pandas, polars, pyarrow, arrays and lists become a pandas frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import InvalidUsage

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def as_frame(data: Any) -> pd.DataFrame:
    """Read a table.

    Parameters
    ----------
    data : DataFrame, Series, anything with the Arrow PyCapsule interface, or array-like of at most two dimensions
        A series is one column.

    Raises
    ------
    InvalidUsage
        Where it is no table.
    """
    import pandas as pd

    if isinstance(data, pd.DataFrame):
        return data
    if data is None:
        raise InvalidUsage("There is no data: it is None.", "did what made it forget to return it?")
    if hasattr(data, "collect") and not hasattr(data, "__arrow_c_stream__"):  # polars' LazyFrame, and the like
        raise InvalidUsage(f"A {type(data).__name__} is no table yet.", "df.collect()")
    if isinstance(data, pd.Series):
        return data.to_frame()
    try:
        if hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
            return _as_table(data).to_pandas()  # type: ignore[no-any-return]
        if isinstance(data, str | bytes):
            raise ValueError("it is text")
        return pd.DataFrame(data)
    except (ValueError, TypeError) as error:
        raise InvalidUsage(
            f"A {type(data).__name__} is no table: {error}.", "give a frame, or an array with rows and columns"
        ) from None


def _as_table(data: Any) -> pa.Table:
    """Read what has the Arrow PyCapsule interface; a single column gets the name that it has, or ``0`` as pandas gives."""
    import pyarrow as pa

    if hasattr(data, "to_frame"):  # a series of polars
        data = data.to_frame()
    if isinstance(data, pa.Array | pa.ChunkedArray):
        return pa.table({"0": data})
    return pa.table(data)
