"""When it is an alarm: more than chance, over all columns together, and enough to matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import special, stats

from .measures import Apart

QUALITY: Final = 0.01  # of a hundred reports in which nothing has moved, one rings


@dataclass(frozen=True)
class Moved:
    """One side of a column, judged.

    Attributes
    ----------
    column : str
        Its name; of a correlation those of both, as ``age and income``.
    apart : Apart
    p : float
        Adjusted for all columns and sides that were looked at (Benjamini and Hochberg, 1995).
    limit : float
        What the effect must exceed.
    rings : bool
        Whether it is an alarm.
    """

    column: str
    apart: Apart
    p: float
    limit: float
    rings: bool

    @property
    def strength(self) -> float:
        """How many times the limit it has moved."""
        return self.apart.effect / self.limit


def judge(columns: Mapping[str, Sequence[Apart]], shift: float = 0.2, level: float = QUALITY) -> list[Moved]:
    """Judge all columns together; the strongest first.

    Parameters
    ----------
    columns : mapping of str to sequence of Apart
    shift : float
        The least shift that matters, in standard deviations of a normal distribution. The limits of the effects
        are what such a shift comes to: a Kolmogorov-Smirnov distance of 2Φ(shift / 2) - 1, and a V of
        shift / √(shift² + 4). 0.2 is a small effect of Cohen (1988). Of categories it is a V of 0.35 shift, at 0.2 that of
        7 points between two halves: so that 10 points, which people want to hear of, are found in a thousand rows.
        Of a correlation it is a change by as much as ``shift``; so it is major from a half on, a large correlation of Cohen's.
    level : float
        In which share of such reports one may ring though nothing has moved.
    """
    found = [(name, each) for name, sides in columns.items() for each in sides]
    if not found:
        return []
    adjusted = stats.false_discovery_control(np.clip([each.p for _, each in found], 0.0, 1.0))
    judged = [
        Moved(name, each, float(p), limit, bool(p <= level and each.effect > limit))
        for (name, each), p in zip(found, adjusted, strict=True)
        for limit in [limit_of(each, shift)]
    ]
    return sorted(judged, key=lambda moved: -moved.strength)


def limit_of(one: Apart, shift: float) -> float:
    """Give what an effect must exceed."""
    if one.side == "correlation":
        return shift
    if "ks" in one.figures:
        return float(2 * special.ndtr(shift / 2) - 1)
    if "psi" in one.figures:
        return 0.35 * shift
    return float(shift / np.sqrt(shift**2 + 4))
