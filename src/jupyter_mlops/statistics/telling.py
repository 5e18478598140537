"""What moved, in words: ``median 41 → 47, 12% above the range of the reference, PSI 0.21``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from .measures import Apart
from .sketches import Numbers, Sketch, Words

_LONGEST: Final = 24


def moved(
    before: Sketch, after: Sketch, sides: Sequence[Apart], *, is_time: bool = False, hidden: bool = False
) -> list[str]:
    """Say how the values of a column have moved, what is seen most first.

    Parameters
    ----------
    before, after : Numbers or Words
        On one grid.
    sides : sequence of Apart
        What ``measures.apart`` gives of them, the one that tells most first.
    is_time : bool
        Whether the numbers are seconds since 1970.
    hidden : bool
        Whether no value may be quoted: the column is personal.
    """
    told: list[str] = []
    if isinstance(before, Numbers) and isinstance(after, Numbers):
        told += _of_numbers(before, after, is_time=is_time, hidden=hidden)
    elif isinstance(before, Words) and isinstance(after, Words):
        told += _of_words(before, after, hidden=hidden)
    values = next((each for each in sides if "psi" in each.figures), None)
    if values is not None:
        told.append(f"PSI {values.figures['psi']:.2f}")
        if sides[0].side == "values":
            measure = "KS" if "ks" in values.figures else "V"
            low, high = values.interval
            told.append(f"{measure} {values.effect:.2f} ({low:.2f} to {high:.2f})")
    return told


def _of_numbers(before: Numbers, after: Numbers, *, is_time: bool, hidden: bool) -> list[str]:
    told: list[str] = []
    if (two := _of_two_values(before, after)) is not None:
        return [] if hidden else [f"{change(*two)} are {shown(before.most, is_time)}"]
    unit = before.deviation or 1.0
    for what, was, now in (("median", before.quantile(0.5), after.quantile(0.5)), ("mean", before.mean, after.mean)):
        # A median is somebody's value; it is NaN where it lies beyond: then the mean.
        if abs(now - was) > 0.1 * unit and not hidden:
            told.append(f"{what} {shown(was, is_time)} → {shown(now, is_time)}")
            break
    if before.deviation and not 0.8 < after.deviation / before.deviation < 1.25 and not is_time:
        told.append(f"standard deviation {shown(before.deviation)} → {shown(after.deviation)}")
    for where, rows in (("below", int(after.counts[0])), ("above", int(after.counts[-1]))):
        if rows > 0.01 * after.rows:
            told.append(f"{percent(rows / after.rows)} {where} the range of the reference")
    return told


def _of_two_values(before: Numbers, after: Numbers) -> tuple[float, float] | None:
    """Give the shares of the larger of two values that are all there are, as of what a classifier answers; else None."""
    there = np.flatnonzero(before.counts)
    if len(there) != 2 or before.rows <= 2 or not before.deviation or np.any(np.delete(after.counts, there)):
        return None
    # Each value that many rows share is counted by itself; else the spread would be less than that of the two ends.
    part = before.counts[there[1]] / before.rows
    if not np.isclose(before.deviation, (before.most - before.least) * np.sqrt(part * (1 - part))):
        return None
    return float(part), float(after.counts[there[1]] / max(1, after.rows))


def _of_words(before: Words, after: Words, *, hidden: bool) -> list[str]:
    was, now = before.array / before.rows, after.array / after.rows
    names = [*before.counts, "others" if before.rest else "new ones"]
    order = np.argsort(-np.abs(now - was))[:2]
    return [f"{category(names[place], hidden)} {change(was[place], now[place])}" for place in order if abs(now[place] - was[place]) > 0.01]  # fmt: skip


def shown(value: float, is_time: bool = False) -> str:
    """Write a number, or the day of a moment."""
    if is_time:
        return str(np.datetime64(round(value), "s").astype("datetime64[D]"))
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e15 else f"{value:.4g}"


def change(was: float, now: float) -> str:
    """Write how a share has changed."""
    return f"{percent(was)} → {percent(now)}"


def percent(share: float) -> str:
    """Write a share."""
    return f"{100 * share:.0f}%" if share >= 0.1 or share == 0 else f"{100 * share:.2g}%"


def category(name: str, hidden: bool = False) -> str:
    """Write the name of a category, cut where it is long."""
    if hidden:
        return "a category"
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
