"""What a look comes to, one thing at a time: a rule, an alert and a history are built of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Outcome = Literal["pass", "fail", "inconclusive"]
Level = Literal["none", "minor", "major"]
LEVELS: Final[tuple[Level, ...]] = ("none", "minor", "major")


@dataclass(frozen=True)
class Reading:
    """One thing about one window.

    Attributes
    ----------
    name : str
        What of: ``drift`` of the worst column, ``drift:age``, ``missing:age``, ``schema``, ``traffic``, ``accuracy`` …
    value : float, optional
        Its figure; of drift the severity. None where there is none.
    level : {"none", "minor", "major"}
    outcome : {"pass", "fail", "inconclusive"}
    why : str
        What was seen, in words.
    start, end : float
        The window, in seconds since the epoch; ``end`` is exclusive.
    endpoint, model : str
    version : int
    low, high : float, optional
        Between what the figure lies in 95 of 100 cases, where it is one of a sample.
    """

    name: str
    value: float | None
    level: Level
    outcome: Outcome
    why: str
    start: float = 0.0
    end: float = 0.0
    endpoint: str = ""
    model: str = ""
    version: int = 0
    low: float | None = None
    high: float | None = None


def level_of(severity: float) -> Level:
    """Grade a severity, which is 1 at the least effect that matters: from a medium one on it is major (Cohen, 1988)."""
    return "major" if severity >= 2.5 else "minor" if severity >= 1 else "none"


def weight_of(importance: float | None, features: int) -> float:
    """Weigh a feature by what it is worth to the model: in full from half of an even share on, and where that is not known."""
    return 1.0 if importance is None else min(1.0, 2 * importance * features)


def worst(outcomes: list[Outcome]) -> Outcome:
    """Put outcomes together: one that fails is enough; one that can't be told leaves it open."""
    return "fail" if "fail" in outcomes else "inconclusive" if "inconclusive" in outcomes else "pass"
