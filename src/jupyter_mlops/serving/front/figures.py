"""What the front counts of each version that takes part, and how a shadow's answers compare."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import orjson

_LATEST = 2000
_TOLERANCE = 1e-9  # relative: other numbers of the same model on another machine differ by less


@dataclass
class Figures:
    """The figures of one version in one role, since the front was started.

    Attributes
    ----------
    answered, refused, failed : int
        Answers of 2xx, of 4xx, and of 5xx.
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
    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=_LATEST))

    def count(self, status: int, seconds: float) -> None:
        """Count an answer."""
        if status < 400:
            self.answered += 1
            self.seconds.append(seconds)
        elif status < 500:
            self.refused += 1
        else:
            self.failed += 1

    def compare(self, champion: bytes, shadow: bytes) -> None:
        """Compare the bodies of two answers to the same request."""
        self.compared += 1
        self.agreed += champion == shadow or _same(orjson.loads(champion), orjson.loads(shadow))

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
            "p50_ms": _quantile(latest, 0.5),
            "p99_ms": _quantile(latest, 0.99),
        }


def _quantile(ordered: list[float], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000 if ordered else None


def _same(one: object, other: object) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, float) and isinstance(other, int | float) and not isinstance(other, bool):
        return math.isclose(one, other, rel_tol=_TOLERANCE)
    return type(one) is type(other) and one == other
