"""How many rows are copies of others: by the rows whose digests are the least, which is a fair sample of all distinct ones.

Distinct sampling of Gibbons (2001) by the k least hashes: a row is in it or not by what it holds, however often it comes, so that
samples of pieces add to that of the whole, with exact counts.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import pandas as pd

MOST: Final = 256  # rows that are counted: their mean count is known to some percent


@dataclass(frozen=True)
class Repeats:
    """The rows with the least digests.

    Attributes
    ----------
    digests : array of uint64, of shape (k,)
        Ascending.
    counts : array of int, of shape (k,)
        How often each of them has come.
    """

    digests: np.ndarray[Any, np.dtype[np.uint64]]
    counts: np.ndarray[Any, np.dtype[np.int64]]

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Self | None:
        """Count the rows of a frame; None where they can't be told apart, as those that hold lists."""
        if (found := _digests(frame)) is None:
            return None
        digests, counts = np.unique(found, return_counts=True)
        return cls(digests[:MOST], counts[:MOST].astype(np.int64))

    @classmethod
    def nothing(cls) -> Self:
        """Give what no row has been counted in."""
        return cls(np.empty(0, np.uint64), np.empty(0, np.int64))

    def __add__(self, other: Repeats) -> Repeats:
        digests, places = np.unique(np.concatenate([self.digests, other.digests]), return_inverse=True)
        counts = np.bincount(places, np.concatenate([self.counts, other.counts]), len(digests)).astype(np.int64)
        return Repeats(digests[:MOST], counts[:MOST])

    @property
    def distinct(self) -> float:
        """The share of rows that would be left without copies."""
        return len(self.counts) / float(self.counts.sum()) if len(self.counts) else 1.0

    def packed(self) -> dict[str, str]:
        """Give what JSON can hold."""
        return {
            "digests": base64.b64encode(self.digests.astype("<u8").tobytes()).decode(),
            "counts": base64.b64encode(self.counts.astype("<i8").tobytes()).decode(),
        }

    @classmethod
    def unpacked(cls, said: Mapping[str, str]) -> Self:
        """Read what ``packed`` has given."""
        digests, counts = (np.frombuffer(base64.b64decode(said[name]), kind) for name, kind in (("digests", "<u8"), ("counts", "<i8")))  # fmt: skip
        return cls(digests.astype(np.uint64), counts.astype(np.int64))


def distinct(frame: pd.DataFrame) -> float | None:
    """Give the share of rows that would be left without copies; None where there are none, or they can't be told apart."""
    found = _digests(frame)
    return None if found is None or not len(found) else len(np.unique(found)) / len(found)


def _digests(frame: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.uint64]] | None:
    try:
        return np.asarray(pd.util.hash_pandas_object(frame, index=False), dtype=np.uint64)
    except (TypeError, ValueError):
        return None
