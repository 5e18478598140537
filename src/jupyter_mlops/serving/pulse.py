"""How many requests an endpoint answers a second, as seen by who looks at it again and again."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final

_POINTS: Final = 30
_LEAST: Final = 1.0  # seconds between two looks that count: the figures of an endpoint are written each second


class Pulse:
    """What looks at one endpoint have counted.

    The figures of an endpoint begin anew where its front is started again: then, too, they are less than before.
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque(maxlen=_POINTS + 1)

    def see(self, total: int, now: float | None = None) -> None:
        """Note how many requests there have been."""
        now = time.time() if now is None else now
        if not self._seen or now - self._seen[-1][0] >= _LEAST:
            self._seen.append((now, total))

    @property
    def series(self) -> list[list[float]]:
        """Give pairs of a moment and the requests a second up to it, the oldest first: 30 of them at the most."""
        return [
            [then, max(0, total - before) / (then - since)]
            for (since, before), (then, total) in itertools.pairwise(self._seen)
        ]

    @property
    def rate(self) -> float | None:
        """Give the requests a second between the last two looks; None before there were two."""
        series = self.series
        return series[-1][1] if series else None


def asked(arms: Sequence[Mapping[str, Any]]) -> int:
    """Count the requests that the versions of an endpoint have had; a shadow is asked the same once more."""
    return sum(arm["answered"] + arm["refused"] + arm["failed"] for arm in arms if arm["role"] != "shadow")


def errors(arms: Sequence[Mapping[str, Any]]) -> float | None:
    """Give the share of requests that were answered with an error; None where there was none yet."""
    total = asked(arms)
    return sum(arm["refused"] + arm["failed"] for arm in arms if arm["role"] != "shadow") / total if total else None
