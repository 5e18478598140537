"""How the correlations of a window differ from those of its reference, pair by pair."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Final

import numpy as np
from scipy import special

from .measures import Apart
from .pairs import MOST_R, Pairs
from .sketches import Numbers

_LEAST: Final = (
    20  # rows expected in which both differ from their most frequent values: else a few rows are the correlation
)
_LARGE: Final = 0.5  # a large correlation (Cohen, 1988): rows that do not show such a change say nothing
_NORMAL: Final = float(special.ndtri(0.975))


def apart(
    before: Pairs, after: Pairs, sketches: Mapping[str, tuple[Numbers, Numbers]], level: float
) -> dict[tuple[str, str], Apart]:
    """Compare the correlations of a window with those of its reference, pair by pair; those that can be told.

    The test is of two correlations by Fisher's z (1921). Its variance is no normal distribution's but that which the reference has: by
    its fourth moments (Steiger and Hakstian, 1982). The effect is the change of the correlation, without what chance gives it.

    Parameters
    ----------
    before, after : Pairs
    sketches : mapping of str to (Numbers, Numbers)
        Of each column, in the reference and in the window.
    level : float
        In which share of such reports chance may ring: says how many rows it takes.
    """
    was, now = before.correlations, after.correlations
    worth = before.worth, after.worth
    varied = [[_varied(sketches[name][side]) for name in before.names] for side in (0, 1)]
    pairs = list(combinations(range(len(before.names)), 2))
    needed = rows_needed(len(pairs), level)
    found: dict[tuple[str, str], Apart] = {}
    for one, two in pairs:
        sizes = int(worth[0][one, two]), int(worth[1][one, two])
        few = min(rows * side[one] * side[two] for rows, side in zip(sizes, varied, strict=True))
        is_known = np.isfinite(was[one, two]) and np.isfinite(now[one, two])
        if few < _LEAST or sizes[0] * sizes[1] / sum(sizes) < needed or not is_known:
            continue
        spread = float(before.spread[one, two])
        found[before.names[one], before.names[two]] = _apart(float(was[one, two]), float(now[one, two]), sizes, spread)
    return found


def rows_needed(pairs: int, level: float) -> float:
    """Say how many rows two samples must be worth together to show a large change as often as not."""
    sure = -float(special.ndtri(level / 2 / max(1, pairs)))
    return float((sure / np.arctanh(_LARGE)) ** 2)


def _apart(was: float, now: float, sizes: tuple[int, int], spread: float) -> Apart:
    errors = np.sqrt([spread / (rows - 3) for rows in sizes])
    error = np.hypot(*errors)
    one, other = (np.arctanh(np.clip(r, -MOST_R, MOST_R)) for r in (was, now))
    p = float(2 * special.ndtr(-abs(one - other) / error))
    # On the scale of the correlations themselves; each sample has a part by its own, and chance by that of the reference.
    chance = error * (1 - was**2)
    margin = float(np.hypot(*(errors * (1 - np.array([was, now]) ** 2))))
    effect = float(np.sqrt(max(0.0, (was - now) ** 2 - max(chance, margin) ** 2)))
    interval = max(0.0, effect - _NORMAL * margin), min(2.0, effect + _NORMAL * margin)
    return Apart("correlation", effect, (float(interval[0]), float(interval[1])), p, {"before": was, "now": now})


def _varied(sketch: Numbers) -> float:
    """Give the share of rows that differ from the most frequent value."""
    return 1 - float(sketch.counts.max(initial=0)) / max(1, sketch.rows)
