"""From a window that has been compared to the readings that rules are about."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ..errors import MlopsError
from .buckets import Who
from .readings import Level, Outcome, Reading, level_of, weight_of
from .results import DriftReport
from .traffic import Traffic
from .watched import Look

if TYPE_CHECKING:
    from .performance.performed import Performed

_QUALITY: Final = ("missing", "infinite", "unseen", "stuck", "range")


def of(
    endpoint: str,
    who: Who,
    drift: DriftReport,
    beside: DriftReport | None,
    traffic: Traffic,
    start: float,
    end: float,
    of_time: Sequence[Reading] = (),
) -> Look:
    """Put together what a version was like in a window; ``of_time`` is whether its rows are of that time at all."""
    found = [_drift(drift), *_columns(drift), _schema(drift), traffic.reading(), *of_time]
    if beside is not None:
        found.append(_beside(beside))
    return _look(endpoint, who, drift.rows, start, end, found, drift, beside)


def nothing(endpoint: str, start: float, end: float) -> Look:
    """Tell a window without rows: it is neither good nor bad."""
    why = "there were no predictions"
    found = [
        _reading("drift", None, "none", "inconclusive", why),
        _reading("traffic", 0.0, "none", "inconclusive", why),
    ]
    return _look(endpoint, Who("", 0, ""), 0, start, end, found)


def without_profile(
    endpoint: str, who: Who, rows: int, traffic: Traffic, start: float, end: float, error: MlopsError
) -> Look:
    """Tell a window of a version that nothing is known of."""
    found = [_reading("drift", None, "none", "inconclusive", str(error)), traffic.reading()]
    return _look(endpoint, who, rows, start, end, found)


def with_performance(look: Look, performed: Performed | None) -> Look:
    """Add how it performed."""
    if performed is None:
        return look
    its: dict[str, Any] = {"start": look.start, "end": look.end, "model": look.model, "version": look.version}
    found = [replace(one, endpoint=look.readings[0].endpoint, **its) for one in performed.readings()]
    return replace(look, readings=(*look.readings, *found), performance=performed)


def _look(
    endpoint: str,
    who: Who,
    rows: int,
    start: float,
    end: float,
    found: Sequence[Reading],
    drift: DriftReport | None = None,
    beside: DriftReport | None = None,
) -> Look:
    its: dict[str, Any] = {"start": start, "end": end, "endpoint": endpoint, "model": who.model, "version": who.version}
    readings = tuple(replace(one, **its) for one in found)
    return Look(start, end, who.model, who.version, who.arm, rows, readings, drift, beside)


def _reading(name: str, value: float | None, level: Level, outcome: Outcome, why: str) -> Reading:
    return Reading(name, value, level, outcome, why)


def _drift(report: DriftReport) -> Reading:
    worst = report.columns[0] if report.columns else None
    why = f"{worst.name}: {worst.why}" if worst is not None and report.outcome != "pass" else "as in the profile"
    severity = None if report.outcome == "inconclusive" else _finite(report.severity)
    return _reading("drift", severity, report.level, report.outcome, why)


def _columns(report: DriftReport) -> Iterator[Reading]:
    """Tell each column, and each side of it that is about the quality of the data."""
    for column in report.columns:
        if column.is_new:
            continue
        yield _reading(f"drift:{column.name}", _finite(column.severity), column.level, column.outcome, column.why)
        for moved in column.sides:
            side = moved.apart.side
            if side in _QUALITY and (moved.rings or side == "missing"):
                figures = moved.apart.figures
                value = figures.get(
                    "after", figures.get("share", figures.get("above", 0.0) + figures.get("below", 0.0))
                )
                known = sum(each.importance is not None for each in report.columns)
                level = level_of(moved.strength * weight_of(column.importance, known)) if moved.rings else "none"
                outcome: Outcome = (
                    "fail" if level != "none" else "inconclusive" if column.outcome == "inconclusive" else "pass"
                )
                yield _reading(f"{side}:{column.name}", float(value), level, outcome, column.why if moved.rings else "as in the profile")  # fmt: skip


def _schema(report: DriftReport) -> Reading:
    gone = [column.name for column in report.columns if math.isinf(column.severity)]
    new = [column.name for column in report.columns if column.is_new]
    if gone:
        return _reading(
            "schema", float(len(gone)), "major", "fail", f"missing or of another type: {', '.join(gone[:5])}"
        )
    why = f"new: {', '.join(new[:5])}" if new else "as in the profile"
    return _reading("schema", 0.0, "none", "pass" if report.rows else "inconclusive", why)


def _beside(report: DriftReport) -> Reading:
    worst = report.columns[0] if report.columns else None
    why = f"{worst.name}: {worst.why}" if worst is not None and report.outcome == "fail" else f"as {report.reference}"
    return _reading("beside", _finite(report.severity), report.level, report.outcome, why)


def _finite(severity: float) -> float:
    return min(severity, 1000.0)
