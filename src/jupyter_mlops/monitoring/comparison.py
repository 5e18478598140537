"""A window held against its reference: each column judged, all of them together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from ..statistics import telling
from ..statistics.alarms import QUALITY, Moved, judge
from ..statistics.measures import Apart, apart, stuck, unseen
from ..statistics.profile import Known, Profile
from ..statistics.sketches import Numbers, Words
from .readings import Level, Outcome, level_of, weight_of
from .results import Column
from .together import PAIRED, together_of

FEW: Final = 20
_LARGE: Final = 0.8  # standard deviations: the large effect of Cohen (1988); fewer rows than show that say nothing
_PROBLEMS: Final = ("missing", "infinite", "unseen", "stuck")


def compare(reference: Profile, window: Profile, shift: float = 0.2, level: float = QUALITY) -> tuple[Column, ...]:
    """Judge the columns of a window, the most severe first.

    Parameters
    ----------
    reference : Profile
    window : Profile
        Counted on its grid.
    shift : float
        The least shift that matters, in standard deviations.
    level : float
        How often such a report may ring though nothing has moved.

    Returns
    -------
    tuple of Column
    """
    level, left = _shares(reference, window, level)
    sides = {
        name: _sides(known, window.columns[name])
        for name, known in reference.columns.items()
        if _is_there(name, window) and known.cells
    }
    judged = sorted(judge(sides, shift, level), key=lambda moved: moved.column)
    by_column = {name: list(found) for name, found in groupby(judged, key=lambda moved: moved.column)}
    needed = rows_needed(sum(map(len, sides.values())), level, reference.rows)
    found = [_column(reference, window, name, by_column.get(name, []), needed) for name in reference.columns]
    new = [_new(name, kind) for name, kind in window.new.items()]
    together = [together_of(reference, window, shift, left)] if left else []
    return in_order([*found, *new, *together])


def _shares(reference: Profile, window: Profile, level: float) -> tuple[float, float]:
    """Give what chance may ring by in columns, and in their correlations: together no more than in one report of a hundred."""
    if reference.pairs is None or window.pairs is None:
        return level, 0.0
    return (1 - PAIRED) * level, PAIRED * level


def in_order(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Put the most severe first."""
    return tuple(sorted(columns, key=lambda column: (-column.severity, column.outcome == "pass")))


def rows_needed(sides: int, level: float, rows: int) -> float:
    """Say how many rows show a large shift as often as not, beside a reference of so many; infinite where none do.

    Kolmogorov's bound, D = √(ln(2 / a) / 2n), at the level a that is left to each of all sides.
    """
    distance = math.erf(_LARGE / 2 / math.sqrt(2))
    worth = math.log(2 * max(1, sides) / level) / 2 / distance**2
    return max(FEW, worth * rows / (rows - worth)) if rows > worth else math.inf


def _is_there(name: str, window: Profile) -> bool:
    return name not in window.changed and window.lacking.get(name, 0) < max(1, window.rows)


def _sides(before: Known, after: Known) -> list[Apart]:
    """Look at a column from all sides; the calendar is no drift, so of times only what is missing counts."""
    found = apart(before.sketch, after.sketch)
    one, other = before.sketch, after.sketch
    if before.kind == "time":
        return [side for side in found if side.side == "missing"]
    if one.rows and other.rows >= FEW and isinstance(one, Numbers) and isinstance(other, Numbers):
        found.append(stuck(one, other))
    if isinstance(one, Numbers) and isinstance(other, Numbers) and other.rows and not one.infinite:
        found.append(unseen("infinite", one.rows, other.rows + other.infinite, other.infinite))
    if isinstance(one, Words) and isinstance(other, Words) and other.rows and one.counts and not one.rest:
        alone = sum(count == 1 for count in one.counts.values())
        found.append(unseen("unseen", one.rows, other.rows, other.rest, alone))
    return found


def _column(reference: Profile, window: Profile, name: str, judged: Sequence[Moved], needed: float) -> Column:
    before, after = reference.columns[name], window.columns[name]
    importance = reference.importance.get(name)
    weight = weight_of(importance, len(reference.importance))
    is_few = min(before.cells, after.cells) < FEW
    ringing = sorted((each for each in judged if each.rings and not is_few), key=lambda each: -each.strength)
    strength = ringing[0].strength if ringing else 0.0
    severity = strength * weight
    level = level_of(severity)
    outcome: Outcome = "fail" if level != "none" else "pass"
    if not _is_there(name, window):
        outcome, level, severity, why = _gone(before, window, name)
    elif ringing:
        why = ", ".join(_said(before, after, ringing))
        if outcome == "pass":
            why += f"; the model hardly uses it (importance {telling.percent(importance or 0.0)})"
    elif not before.cells or before.kind == "nothing":
        why = "the reference has no values to compare with"
    elif after.cells < needed:
        outcome, why = "inconclusive", _too_few(after.cells, needed, reference.rows)
    else:
        why = "as in the reference"
    return Column(
        name=name,
        role=before.role,
        kind=before.kind,
        level=level,
        outcome=outcome,
        why=why,
        severity=severity,
        importance=importance,
        sides=tuple(sorted(judged, key=lambda each: (not each.rings, -each.strength))),
        before=before.sketch,
        after=after.sketch,
        hidden=before.hidden,
    )


def _gone(before: Known, window: Profile, name: str) -> tuple[Outcome, Level, float, str]:
    if not window.rows:
        return "inconclusive", "none", 0.0, "there are no rows"
    if name in window.changed:
        return "fail", "major", math.inf, f"was {before.kind}, is {window.changed[name]}: the type has changed"
    return "fail", "major", math.inf, "the column is not there any more"


def _too_few(rows: int, needed: float, reference: int) -> str:
    if math.isinf(needed):
        return f"the reference has too few rows ({reference:,}) to show even a large shift"
    return f"{rows:,} rows are too few: it takes {math.ceil(needed):,} to show a large shift"


def _new(name: str, kind: str) -> Column:
    return Column(name, "feature", kind, "none", "pass", "a column that the reference does not have", 0.0, None)


def _said(before: Known, after: Known, ringing: Sequence[Moved]) -> Iterator[str]:
    """Say what has moved: first what is wrong with the data, for it explains the rest."""
    told_values = any(moved.apart.side == "stuck" for moved in ringing)  # which says it all
    for moved in sorted(ringing, key=lambda moved: moved.apart.side not in _PROBLEMS):
        figures, side = moved.apart.figures, moved.apart.side
        if side == "missing":
            yield f"missing {telling.change(figures['before'], figures['after'])}"
        elif side == "infinite":
            yield f"infinite {telling.change(0.0, figures['share'])}"
        elif side == "unseen":
            yield f"{telling.percent(figures['share'])} in categories that the reference does not have"
        elif side == "stuck":
            value = "one value" if before.hidden else telling.shown(figures["value"])
            yield f"stuck at {value}: all {after.sketch.rows:,} rows"
        elif not told_values:
            told_values = True
            sides = [moved.apart, *apart(before.sketch, after.sketch)]
            yield from telling.moved(before.sketch, after.sketch, sides, hidden=before.hidden)
