"""How many rows are copies of others: by the least digests of rows, which tell how many distinct rows there are.

The estimate from the k least hashes (Bar-Yossef and others, 2002; Beyer and others, 2007): digests of distinct rows lie evenly between
0 and 2**64, so that the k-th least one says how dense they are. What is least of two pieces together is what is least of either.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import pandas as pd

MOST: Final = 1_024  # digests that are kept: the number of distinct rows is then known to 3 %, and exactly below


@dataclass(frozen=True)
class Repeats:
    """The least digests of rows.

    Attributes
    ----------
    digests : array of uint64, of shape (k,)
        Ascending, each once.
    rows : int
        All that have come.
    """

    digests: np.ndarray[Any, np.dtype[np.uint64]]
    rows: int

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Self | None:
        """Count the rows of a frame; None where they can't be told apart, as those that hold lists."""
        if (found := _digests(frame)) is None:
            return None
        return cls(np.unique(found)[:MOST], len(found))

    @classmethod
    def nothing(cls) -> Self:
        """Give what no row has been counted in."""
        return cls(np.empty(0, np.uint64), 0)

    def __add__(self, other: Repeats) -> Repeats:
        return Repeats(np.union1d(self.digests, other.digests)[:MOST], self.rows + other.rows)

    @property
    def distinct(self) -> float:
        """The share of rows that would be left without copies."""
        if not self.rows:
            return 1.0
        count = len(self.digests)
        there = count if count < MOST else (count - 1) * 2.0**64 / float(self.digests[-1])
        return min(1.0, there / self.rows)

    def packed(self) -> dict[str, Any]:
        """Give what JSON can hold."""
        return {"digests": base64.b64encode(self.digests.astype("<u8").tobytes()).decode(), "rows": self.rows}

    @classmethod
    def unpacked(cls, said: Mapping[str, Any]) -> Self:
        """Read what ``packed`` has given."""
        return cls(np.frombuffer(base64.b64decode(said["digests"]), "<u8").astype(np.uint64), int(said["rows"]))


def distinct(frame: pd.DataFrame) -> float | None:
    """Give the share of rows that would be left without copies; None where there are none, or they can't be told apart."""
    found = _digests(frame)
    return None if found is None or not len(found) else len(np.unique(found)) / len(found)


def _digests(frame: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.uint64]] | None:
    try:
        return np.asarray(pd.util.hash_pandas_object(frame, index=False), dtype=np.uint64)
    except (TypeError, ValueError):
        return None
