"""The correlations of a window beside those of its reference: one entry of a report, whose sides are the pairs.

What a model answers hangs on how its features go together, also where each of them by itself is as it was: rows of a join that were
put together wrongly, a sensor that follows another one no more.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Final

from ..statistics.alarms import Moved, judge
from ..statistics.correlations import apart, rows_needed
from ..statistics.profile import Profile
from ..statistics.sketches import Numbers
from .readings import level_of, weight_of
from .results import Column

NAME: Final = "correlations"
PAIRED: Final = 0.2  # of the level at which a report may ring by chance; the columns by themselves have the rest
_TOLD: Final = 3
_AND: Final = " and "


def together_of(reference: Profile, window: Profile, shift: float, level: float) -> Column:
    """Judge all pairs of numbers together.

    Severe is what has changed between features that the model uses, both of them: where it does not look at one, nothing that it answers
    hangs on the two together.

    Parameters
    ----------
    reference, window : Profile
        Both with pairs.
    shift : float
        By how much a correlation must have changed to matter.
    level : float
        How often chance may ring.
    """
    assert reference.pairs is not None
    assert window.pairs is not None
    sketches = {
        name: (before, after)
        for name in reference.pairs.names
        for before, after in [(reference.columns[name].sketch, window.columns[name].sketch)]
        if isinstance(before, Numbers) and isinstance(after, Numbers)
    }
    found = apart(reference.pairs, window.pairs, sketches, level)
    weights = {_named(*pair): _weight(reference, *pair) for pair in found}
    judged = judge({_named(*pair): [each] for pair, each in found.items()}, shift, level)
    judged.sort(key=lambda each: (not each.rings, -each.strength * weights[each.column]))
    ringing = [each for each in judged if each.rings]
    severity = ringing[0].strength * weights[ringing[0].column] if ringing else 0.0
    graded = level_of(severity)
    needed = rows_needed(math.comb(len(reference.pairs.names), 2), level)
    most = reference.pairs.most_rows, window.pairs.most_rows
    is_few = most[0] * most[1] < needed * sum(most)
    return Column(
        name=name_in(reference),
        role="pairs",
        kind="correlations",
        level=graded,
        outcome="fail" if graded != "none" else "inconclusive" if is_few else "pass",
        why=_why(ringing, severity) if ringing else _calm(len(judged), most, needed),
        severity=severity,
        importance=None,
        sides=tuple(judged),
    )


def name_in(reference: Profile) -> str:
    """Name the entry otherwise than any column."""
    name = NAME
    while name in reference.columns:
        name += " of pairs"
    return name


def _named(*pair: str) -> str:
    """Name a pair as no other one is named: a column that has "and" in its own name stands in quotes."""
    return _AND.join(json.dumps(name, ensure_ascii=False) if _AND in f" {name} " else name for name in pair)


def _weight(reference: Profile, one: str, two: str) -> float:
    return min(weight_of(reference.importance.get(name), len(reference.importance)) for name in (one, two))


def _why(ringing: Sequence[Moved], severity: float) -> str:
    told = []
    for each in ringing[:_TOLD]:
        (low, high), figures = each.apart.interval, each.apart.figures
        told.append(
            f"{each.column}: correlation {figures['before']:.2f} → {figures['now']:.2f} (by {low:.2f} to {high:.2f})"
        )
    more = len(ringing) - _TOLD
    text = ", ".join(told) + (f", and {more} more pair{'s' if more > 1 else ''}" if more > 0 else "")
    return text if level_of(severity) != "none" else f"{text}; the model hardly uses one of the two"


def _calm(judged: int, most: tuple[int, int], needed: float) -> str:
    if judged:
        return f"as in the reference, {judged:,} pair{'s' if judged > 1 else ''}"
    before, after = most
    if before <= needed:
        return f"the reference has too few rows ({before:,}) to show even a large change"
    enough = math.ceil(needed * before / (before - needed))
    if after < enough:
        return f"{after:,} rows with both numbers are too few: it takes {enough:,} to show a large change"
    return "no two numbers vary enough to tell"
