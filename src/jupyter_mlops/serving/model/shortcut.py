"""A shorter way through scikit-learn for arrays, in the process of a model alone.

scikit-learn from 1.9 on asks narwhals three times for each step of a pipeline whether an array is a frame or a series,
and narwhals looks through its classes each time: of a scaler and a regression, two fifths of what they take. An array is
neither.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from types import ModuleType

import numpy as np


def for_arrays() -> None:
    """Let the question be answered at once where it is asked of an array; all else is asked as before."""
    with contextlib.suppress(ImportError):  # an older scikit-learn does without
        from narwhals.stable.v2 import dependencies

        for name in ("is_into_dataframe", "is_into_series"):
            _shorten(dependencies, name)


def _shorten(module: ModuleType, name: str) -> None:
    asked: Callable[[object], bool] = getattr(module, name)

    def shortened(thing: object) -> bool:
        return type(thing) is not np.ndarray and asked(thing)

    setattr(module, name, shortened)
