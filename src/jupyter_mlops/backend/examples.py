"""Input examples with nobody in them: what is marked as personal has a stand-in of its type."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any


def without_people(example: Any, personal: Collection[str], ask: Callable[[Any], object] | None) -> Any:
    """Put stand-ins in place of personal columns.

    Parameters
    ----------
    example : DataFrame or array of shape (n_rows, n_features)
        An array has no names, and stays as it is.
    personal : collection of str
    ask : callable, optional
        Asks the model; what it does not take is no example, such as a category that it does not know.

    Returns
    -------
    DataFrame, array or None
        None where the model does not take stand-ins: it has no example then.
    """
    columns = [name for name in getattr(example, "columns", ()) if str(name) in personal]
    if not columns:
        return example
    masked = example.copy()
    for name in columns:
        masked[name] = _stand_in(masked[name])
    try:
        if ask is not None:
            ask(masked)
    except Exception:  # whatever the model makes of values that are not its own
        return None
    return masked


def _stand_in(values: Any) -> Any:
    import pandas as pd

    kind = values.dtype
    if isinstance(kind, pd.CategoricalDtype):
        return values.where(False)  # any of its categories may be somebody's
    if pd.api.types.is_bool_dtype(kind):
        return pd.Series(False, index=values.index, dtype=kind)
    if pd.api.types.is_numeric_dtype(kind):
        return pd.Series(0, index=values.index).astype(kind)
    if pd.api.types.is_datetime64_any_dtype(kind):
        return pd.Series(pd.Timestamp(0, tz=getattr(kind, "tz", None)), index=values.index).astype(kind)
    return pd.Series("personal", index=values.index, dtype=kind)
