"""Drift: columns that are distributed, or missing, in another way than in the reference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final

import numpy as np
import pandas as pd

from ...statistics import telling
from ...statistics.alarms import Moved, judge
from ...statistics.measures import apart
from ...statistics.shapes import shape
from ...statistics.sketches import Numbers, Sketch, Words
from ..catalogues import DATA
from ..checks import CantSay, NotApplicable
from ..column import Column
from ..data import Data
from ..findings import Finding, Plot
from .columns import names_rows
from .quoting import is_personal

_FEW_ROWS: Final = 20
_TOLD, _DRAWN = 8, 3
_MOST_ROWS: Final = 100_000  # numbers that are compared: KS is within 0.006 of that of all rows, and told from 0.08 on
_Floats = np.ndarray[Any, np.dtype[np.float64]]


@DATA.check("DQ025", "Distributions as in the reference", "A model knows the world that it was trained on: where its features have moved, it guesses; where the target has, its share of each answer is off.")  # fmt: skip
def drift(data: Data) -> Iterator[Finding]:
    """Look for columns whose values are distributed in another way, more than chance moves them and enough to matter."""
    judged = [each for each in _judged(data) if each.apart.side != "missing"]
    if moved := _by_column(judged):
        told = [f"{name}: {_words(data, name, sides)}" for name, sides in moved[:_TOLD]]
        yield _finding(data, moved, told, "moved", "see whether the world or the pipeline has changed; train again where it stays")  # fmt: skip


@DATA.check("DQ026", "Missing as in the reference", "What is missing more often than before is mostly a join or a source that broke; what is filled in now was a guess before.")  # fmt: skip
def missing(data: Data) -> Iterator[Finding]:
    """Look for columns that are missing more often, or less, than in the reference."""
    judged = [each for each in _judged(data) if each.apart.side == "missing"]
    if moved := _by_column(judged):
        told = [f"{name}: {telling.change(sides[0].apart.figures['before'], sides[0].apart.figures['after'])}" for name, sides in moved[:_TOLD]]  # fmt: skip
        yield _finding(data, moved, told, "missing in another share", "look at the source and the joins that these columns come from")  # fmt: skip


def _judged(data: Data) -> list[Moved]:
    if data.reference is None:
        raise NotApplicable("There is no reference: --reference df.")
    fewer = min((data, data.reference), key=len)
    if len(fewer) < _FEW_ROWS:
        raise CantSay(f"{fewer.name} has fewer than {_FEW_ROWS} rows.")
    sketches = data.once(_sketches)
    if not sketches:
        raise NotApplicable("They share no columns that can be compared.")
    return data.once(_judge)


def _judge(data: Data) -> list[Moved]:
    columns = {name: apart(*pair) for name, pair in data.once(_sketches).items()}
    judged = judge(columns, data.limits.shift)
    gone_on = {
        each.column for each in judged if each.apart.side == "range" and each.rings and each.apart.figures["above"]
    }
    times = {name for name in gone_on if data.by_label[name].kind == "time"}  # the calendar is no drift
    return [each for each in judged if each.rings and (each.column not in times or each.apart.side == "missing")]


def _sketches(data: Data) -> dict[str, tuple[Sketch, Sketch]]:
    """Sketch the columns that both have: the reference gives the grid."""
    assert data.reference is not None
    skipped = [data.time, data.group, *data.key]
    found: dict[str, tuple[Sketch, Sketch]] = {}
    for name, column in data.by_label.items():
        before = data.reference.by_label.get(name)
        if before is None or column in skipped or names_rows(before, data.limits):
            continue
        pair = _pair(before, column)
        if pair is not None:
            found[name] = pair
    return found


def _pair(before: Column, after: Column) -> tuple[Sketch, Sketch] | None:
    kinds = {before.kind, after.kind} - {"nothing"}
    if kinds in ({"number"}, {"time"}):
        learnt = Numbers.learn(_numbers(before), before.missing)
        return learnt, learnt.count(_numbers(after), after.missing)
    if len(kinds) <= 1:
        known = Words.learn(_counts(before), before.missing)
        return known, known.count(_counts(after), after.missing)
    return None  # of different kinds: DQ001 has said so


def _numbers(column: Column) -> _Floats:
    """Give the finite numbers, of very many some from everywhere."""
    numbers: _Floats = column.numbers
    if column.kind == "time":
        seconds = column.floats()
        numbers = seconds[~np.isnan(seconds)]
    if len(numbers) <= _MOST_ROWS:
        return numbers
    step = len(numbers) / _MOST_ROWS
    places = (np.arange(_MOST_ROWS) + np.random.default_rng(0).random(_MOST_ROWS)) * step
    return np.asarray(numbers[places.astype(np.int64)])


def _counts(column: Column) -> pd.Series[int]:
    return column.counts if column.kind != "nothing" else pd.Series(dtype=int)


def _by_column(judged: Sequence[Moved]) -> list[tuple[str, list[Moved]]]:
    """Put the sides of each column together, the column that has moved most first."""
    order = list(dict.fromkeys(each.column for each in judged))
    ordered = sorted(judged, key=lambda each: order.index(each.column))
    return [(name, list(sides)) for name, sides in groupby(ordered, key=lambda each: each.column)]


def _finding(data: Data, moved: list[tuple[str, list[Moved]]], told: list[str], what: str, do: str) -> Finding:
    more = f"; and {len(moved) - _TOLD} more" if len(moved) > _TOLD else ""
    names = tuple(name for name, _ in moved)
    figures = {
        name: {
            each.apart.side: {
                "effect": each.apart.effect,
                "interval": list(each.apart.interval),
                "limit": each.limit,
                "p_adjusted": each.p,
                **each.apart.figures,
            }
            for each in sides
        }
        for name, sides in moved
    }
    looked = f"{len(data.once(_sketches))} columns"
    if what == "moved" and max(map(len, (data, data.reference or ()))) > _MOST_ROWS:
        looked += f" (numbers: {_MOST_ROWS:,} rows from everywhere)"
    return Finding("warning", f"{len(moved)} of {looked} {what}: {'; '.join(told)}{more}.", do, names, figures, _plot(data, names) if what == "moved" else None)  # fmt: skip


def _words(data: Data, name: str, sides: list[Moved]) -> str:
    """Say in words how a column has moved: ``median 41 → 47, 12% above the range of the reference, PSI 0.21``."""
    before, after = data.once(_sketches)[name]
    column = data.by_label[name]
    known = [sides[0].apart, *apart(before, after)]
    return ", ".join(
        telling.moved(before, after, known, is_time=column.kind == "time", hidden=is_personal(data, column))
    )


def _plot(data: Data, names: Sequence[str]) -> Plot | None:
    sketches, columns = data.once(_sketches), data.by_label  # the ends of a histogram are values
    drawn = [n for n in names if isinstance(sketches[n][0], Words) or not is_personal(data, columns[n])][:_DRAWN]
    return Plot("panels", [], [], panels=[_panel(name, *sketches[name], data) for name in drawn]) if drawn else None


def _panel(name: str, before: Sketch, after: Sketch, data: Data) -> Plot:
    column = data.by_label[name]
    drawn = shape(name, before, after, is_time=column.kind == "time", hidden=is_personal(data, column))
    return Plot("pairs", drawn.labels, drawn.after, beside=drawn.before, axis=drawn.axis)
