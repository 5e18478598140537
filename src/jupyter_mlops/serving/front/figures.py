"""What the front counts of each version that takes part, and how a shadow's answers compare."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

import orjson

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds: the upper bounds of the histogram of latencies; a last bucket holds what took longer."""
_LATEST = 2000
_TOLERANCE = 1e-9  # relative: other numbers of the same model on another machine differ by less


@dataclass
class Figures:
    """The figures of one version in one role, since the front was started.

    Attributes
    ----------
    answered, refused, failed : int
        Answers of 2xx, of 4xx, and of 5xx.
    codes : Counter
        All answers by their status.
    rows : int
        Rows that were predicted.
    buckets, total_seconds
        How many of the answers of 2xx took up to each bound, not more than the one before; how long all of them took.
    compared, agreed, dropped : int
        Of a shadow: how many answers were compared with the champion's, how many were the same, and how many requests
        it was not asked, because it was too slow.
    """

    answered: int = 0
    refused: int = 0
    failed: int = 0
    compared: int = 0
    agreed: int = 0
    dropped: int = 0
    rows: int = 0
    total_seconds: float = 0.0
    codes: Counter[int] = field(default_factory=Counter)
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=_LATEST))

    def count(self, status: int, seconds: float = 0.0, rows: int = 0) -> None:
        """Count an answer. This is done for each: objects of a library of metrics would take 4 µs in place of 0.4."""
        self.codes[status] += 1
        if status < 400:
            self.answered += 1
            self.rows += rows
            self.seconds.append(seconds)
            self.total_seconds += seconds
            self.buckets[bisect_left(BOUNDS, seconds)] += 1
        elif status < 500:
            self.refused += 1
        else:
            self.failed += 1

    def compare(self, champion: bytes, shadow: bytes) -> None:
        """Compare the bodies of two answers to the same request."""
        self.compared += 1
        self.agreed += champion == shadow or _same(_read(champion), _read(shadow))

    def told(self) -> dict[str, Any]:
        """Say them, with the latest latencies in milliseconds."""
        latest = sorted(self.seconds)
        return {
            "answered": self.answered,
            "refused": self.refused,
            "failed": self.failed,
            "compared": self.compared,
            "agreed": self.agreed,
            "dropped": self.dropped,
            "rows": self.rows,
            "p50_ms": _quantile(latest, 0.5),
            "p95_ms": _quantile(latest, 0.95),
            "p99_ms": _quantile(latest, 0.99),
        }


def _quantile(ordered: list[float], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000 if ordered else None


def _read(body: bytes) -> object:
    """Read what an answer says of the predictions; where it is more than JSON, its bytes say it."""
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    return said["outputs"] if isinstance(said, dict) and "outputs" in said else said  # v2 also names the version


def _same(one: object, other: object) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, float) and isinstance(other, int | float) and not isinstance(other, bool):
        return math.isclose(one, other, rel_tol=_TOLERANCE)
    return type(one) is type(other) and one == other
