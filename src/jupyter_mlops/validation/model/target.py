"""The target of rows, as the model answers it: labels of its classes, or numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ...errors import InvalidUsage
from .answers import Array
from .candidate import Candidate


def numbers_of(column: pd.Series[Any], name: str, candidate: Candidate) -> Array:
    """Read a target of numbers.

    Raises
    ------
    InvalidUsage
        Where it holds something else, or infinite ones.
    """
    try:
        numbers = column.to_numpy(dtype=float)
    except (ValueError, TypeError):
        raise InvalidUsage(f"The target {name!r} holds no numbers, and {candidate.name} predicts some.") from None
    if not np.isfinite(numbers).all():
        raise InvalidUsage(f"The target {name!r} holds infinite numbers.", "leave those rows out")
    return numbers


def labels_of(column: pd.Series[Any], name: str, candidate: Candidate, *, hidden: bool) -> Array:
    """Read a target of labels, written as the model's classes are where it has some.

    Parameters
    ----------
    column : Series
    name : str
    candidate : Candidate
    hidden : bool
        Whether messages leave out its values.

    Raises
    ------
    InvalidUsage
        Where none of them is a class of the model, or they can't be told apart.
    """
    values = column.to_numpy(dtype=object)
    classes = getattr(candidate.estimator, "classes_", None)
    try:
        if isinstance(classes, np.ndarray):
            codes = _places(classes, values)
            if (codes >= 0).all():
                return np.asarray(classes[codes])
            if (codes < 0).all():
                seen = ", ".join(map(repr, pd.unique(column)[:3].tolist()))
                raise InvalidUsage(
                    f"The target {name!r} holds {'values that are not shown' if hidden else seen}, and {candidate.name} answers {', '.join(map(repr, classes[:3].tolist()))}.",
                    "write the target as the model was trained on it",
                )
        is_text = all(isinstance(value, str) for value in values)
        found = values.astype(str) if is_text else np.array(values.tolist())
        np.unique(found)
        set(found.tolist())  # lists and sets have no place among labels
    except (TypeError, ValueError):
        raise InvalidUsage(f"The target {name!r} holds what can't be told apart or put in order.") from None
    return found


def _places(classes: Array, values: Array) -> Array:
    """Find each value among the classes; True is 1, whichever of the two has it so."""
    if classes.dtype.kind in "biuf":
        values = np.array([int(each) if isinstance(each, bool | np.bool_) else each for each in values], dtype=object)
        classes = classes.astype(int) if classes.dtype.kind == "b" else classes
    return np.asarray(pd.Index(classes).get_indexer(pd.Index(values, dtype=object)))
