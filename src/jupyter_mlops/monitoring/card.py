"""How a report of drift is drawn: counts at the top, what moved first, and pictures of that."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Final, Literal

from ..display import Badge, Cell, Picture, Table
from .readings import LEVELS, Level, Outcome

if TYPE_CHECKING:
    from .results import Column, DriftReport

_TONES: Final[dict[str, Literal["good", "bad", "warn", "idle"]]] = {"major": "bad", "minor": "warn", "none": "idle"}
DRAWN: Final = 4
_TOLD: Final = 12
_OF_THE_SOURCE: Final = frozenset({"missing", "infinite", "stuck", "unseen"})


def badge_of(report: DriftReport) -> Badge:
    """Say in a word what a report came to."""
    return badge(report.outcome, report.level)


def facts_of(report: DriftReport) -> list[tuple[str, Cell]]:
    """Give the counts, and what to do."""
    single = [column for column in report.columns if column.role != "pairs"]
    counts = Counter(column.outcome for column in single)
    moved = f"{counts['fail']} of {len(single)} have drifted"
    levels = Counter(column.level for column in single if column.outcome == "fail")
    parts = [f"{levels[level]} {level}" for level in reversed(LEVELS[1:]) if levels[level]]
    told = sum(1 for column in single if column.outcome == "pass" and _rings(column))
    columns = moved + (f" ({', '.join(parts)})" if parts else "")
    columns += f", {told} moved that the model hardly uses" if told else ""
    columns += f", {counts['inconclusive']} can't be told" if counts["inconclusive"] else ""
    facts: list[tuple[str, Cell]] = [
        ("rows", f"{report.rows:,} beside {report.rows_before:,}"),
        ("columns", columns),
        *(("correlations", _of_pairs(column)) for column in report.columns if column.role == "pairs"),
    ]
    if do := _do(report):
        facts.append(("what to do", do))
    return facts + [("note", note) for note in report.notes]


def table_of(report: DriftReport) -> Table:
    """List what moved, and then what can't be told."""
    told = [column for column in report.columns if column.outcome != "pass" or _rings(column) or column.is_new]
    rows: list[tuple[Cell, ...]] = []
    by_reason: dict[str, list[Column]] = {}
    for column in told:
        if column.outcome == "inconclusive":
            by_reason.setdefault(column.why, []).append(column)
        elif len(rows) < _TOLD:
            severity = "" if math.isinf(column.severity) else f"{column.severity:.1f}"
            worth = "" if column.importance is None else _share(column.importance)
            rows.append((column.name, Badge(_word(column), _TONES[column.level]), severity, worth, column.why))
    for why, columns in by_reason.items():
        name = columns[0].name if len(columns) == 1 else f"{len(columns)} columns"
        rows.append((name, Badge("inconclusive", "warn"), "", "", why))
    more = sum(column.outcome != "inconclusive" for column in told) - _TOLD
    return Table(
        ("column", "level", "severity", "importance", "what moved"),
        rows,
        empty="Nothing has moved more than chance moves it, and enough to matter."
        if report.rows_before
        else "There is nothing to compare with.",
        note=f"{more} more: report.frame()" if more > 0 else "",
        sentences=True,
    )


def pictures_of(report: DriftReport) -> list[Picture]:
    """Draw what moved most."""
    from ..display.distributions import beside
    from ..display.plots import picture

    drawn = [column for column in report.columns if _rings(column) and column.can_be_drawn][:DRAWN]
    if not drawn:
        return []
    figure = beside([column.shape() for column in drawn])
    return [picture(figure, "; ".join(f"{column.name}: {column.why}" for column in drawn))]


def badge(outcome: Outcome, level: Level) -> Badge:
    """Say an outcome in a word."""
    if outcome == "fail":
        return Badge(f"{level} drift", _TONES[level])
    return Badge("no drift", "good") if outcome == "pass" else Badge("inconclusive", "warn")


def _of_pairs(column: Column) -> str:
    ringing = sum(moved.rings for moved in column.sides)
    return f"{ringing:,} of {len(column.sides):,} pairs have changed" if column.sides else "can't be told"


def _share(importance: float) -> str:
    """Write a share with two digits: ``0.36%``, ``12%``, ``100%``."""
    return f"{100 * importance:.2g}%" if importance < 0.0995 else f"{importance:.0%}"


def _word(column: Column) -> str:
    if column.outcome == "fail":
        return column.level
    return "new" if column.is_new else "told"


def _rings(column: Column) -> bool:
    return column.outcome == "fail" or any(moved.rings for moved in column.sides)


def _do(report: DriftReport) -> str:
    """Say what to do about the worst of it."""
    if not report.rows_before:
        return "give a reference that has rows"
    failed = [column for column in report.columns if column.outcome == "fail"]
    if not failed:
        if report.outcome == "inconclusive":
            return "wait for more rows, or take a longer time: this is neither drift nor its absence"
        return ""
    worst_one = failed[0]
    if worst_one.role == "pairs":
        return "see whether rows are still put together as they were: a join, a unit, a sensor; train again on newer rows where it stays"
    sides = {moved.apart.side for moved in worst_one.sides if moved.rings}
    if math.isinf(worst_one.severity) or sides & _OF_THE_SOURCE:
        return f"look at where {worst_one.name} comes from first: a source, a join or a sensor has changed"
    if worst_one.role == "prediction":
        return "see which features have moved with the predictions, and whether the labels that come in agree"
    return "see whether the world or the pipeline has changed; train again on newer rows where it stays"
