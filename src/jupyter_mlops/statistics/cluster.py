"""Profiles of Dask frames: made by the workers, where the rows are, and added up here.

Counts on one grid add exactly, so a window is the same however it is cut up. The grid of a reference is of a sample, as
that of large files is, and all rows are counted on it.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

from ..errors import InvalidUsage, MissingDependency
from . import profiling
from .profile import Profile, added


def is_dask(data: Any) -> bool:
    """Whether it is a frame of Dask."""
    return (
        type(data).__module__.partition(".")[0] == "dask" and hasattr(data, "columns") and hasattr(data, "to_delayed")
    )


def learn(frame: Any, personal: Collection[str] = ()) -> Profile:
    """Take a reference.

    Parameters
    ----------
    frame : dask.dataframe.DataFrame
    personal : collection of str
        Columns of which no value may be kept.

    Raises
    ------
    MissingDependency
        Without the extra ``dask``.
    InvalidUsage
        Where Dask can't compute a part of it.
    """
    parts = frame.to_delayed()
    chosen = profiling.spread(len(parts))
    each = profiling.SAMPLE // len(chosen)
    sample = pd.concat(_on_workers(_head, [parts[place] for place in chosen], each))
    grid = profiling.learn(sample, personal)
    counted = count(grid, frame)
    return grid if counted.rows <= len(sample) else profiling.closed(grid, counted, len(sample))


def count(reference: Profile, frame: Any) -> Profile:
    """Take a window: counted on the grid of its reference.

    Parameters
    ----------
    reference : Profile
    frame : dask.dataframe.DataFrame

    Raises
    ------
    MissingDependency
        Without the extra ``dask``.
    InvalidUsage
        Where Dask can't compute a part of it.
    """
    counted = _on_workers(_count, frame.to_delayed(), reference.to_bytes())
    return added((Profile.of_bytes(stored, reference) for stored in counted), reference)


def _on_workers(function: Any, parts: Collection[Any], given: Any) -> tuple[Any, ...]:
    """Compute a function of each part on the cluster that is connected, or else on threads of this process."""
    try:
        dask: Any = import_module("dask")
        import_module("distributed")  # the cluster: without it all would be computed here
    except ImportError:
        raise MissingDependency("Frames of Dask need its cluster: %pip install 'jupyter-mlops[dask]'") from None
    shared = dask.delayed(given)
    try:
        return tuple(dask.compute(*(dask.delayed(function)(part, shared) for part in parts)))
    except Exception as error:  # of whatever reads the user's data, wherever it does
        said = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise InvalidUsage(f"Dask can't compute the frame: {said}.", "frame.compute()") from None


def _head(part: pd.DataFrame, rows: int) -> pd.DataFrame:
    return part.iloc[np.linspace(0, len(part) - 1, min(rows, len(part))).round().astype(np.int64)]


def _count(part: pd.DataFrame, stored: bytes) -> bytes:
    return profiling.count(_read(stored), part).to_bytes(grid=False)


@lru_cache(maxsize=4)
def _read(stored: bytes) -> Profile:
    """Read a reference once for all parts that a worker counts on it."""
    return Profile.of_bytes(stored)
