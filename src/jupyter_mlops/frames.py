"""Data on the way in: pandas, polars, pyarrow, arrays and lists become a pandas frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import InvalidUsage

if TYPE_CHECKING:
    import pandas as pd


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
    if isinstance(data, pd.Series):
        return data.to_frame()
    try:
        if hasattr(data, "__arrow_c_stream__"):
            import pyarrow as pa

            return pa.table(data).to_pandas()  # type: ignore[no-any-return]
        if isinstance(data, str | bytes):
            raise ValueError("it is text")
        return pd.DataFrame(data)
    except (ValueError, TypeError) as error:
        raise InvalidUsage(
            f"A {type(data).__name__} is no table: {error}.", "give a frame, or an array with rows and columns"
        ) from None
