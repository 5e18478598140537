"""Drift: columns that are distributed, or missing, in another way than in the reference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final

import numpy as np
import pandas as pd

from ...statistics.alarms import Moved, judge
from ...statistics.measures import apart
from ...statistics.sketches import Numbers, Sketch, Words
from ..catalogues import DATA
from ..checks import CantSay, NotApplicable
from ..column import Column
from ..data import Data
from ..findings import Finding, Plot
from .columns import names_rows
from .quoting import is_personal

_FEW_ROWS: Final = 20
_TOLD, _DRAWN, _BARS, _BINS = 8, 3, 8, 24
_MOST_ROWS: Final = 100_000  # numbers that are compared: KS is within 0.006 of that of all rows, and told from 0.08 on
_YEAR: Final = 365.25 * 86_400
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
        told = [f"{name}: {_change(sides[0].apart.figures['before'], sides[0].apart.figures['after'])}" for name, sides in moved[:_TOLD]]  # fmt: skip
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
    told: list[str] = []
    if isinstance(before, Numbers) and isinstance(after, Numbers):
        told += _of_numbers(before, after, data, data.by_label[name])
    elif isinstance(before, Words) and isinstance(after, Words):
        told += _of_words(before, after, is_personal=is_personal(data, data.by_label[name]))
    values = apart(before, after)[0]
    told.append(f"PSI {values.figures['psi']:.2f}")
    if sides[0].apart.side == "values":
        measure = "KS" if "ks" in values.figures else "V"
        low, high = values.interval
        told.append(f"{measure} {values.effect:.2f} ({low:.2f} to {high:.2f})")
    return ", ".join(told)


def _of_numbers(before: Numbers, after: Numbers, data: Data, column: Column) -> list[str]:
    told: list[str] = []
    is_time, hidden = column.kind == "time", is_personal(data, column)
    unit = before.deviation or 1.0
    for what, was, now in (("median", before.quantile(0.5), after.quantile(0.5)), ("mean", before.mean, after.mean)):
        if (
            abs(now - was) > 0.1 * unit and not hidden
        ):  # a median is somebody's value  # NaN where the median lies beyond: then the mean
            told.append(f"{what} {_shown(was, is_time)} → {_shown(now, is_time)}")
            break
    if before.deviation and not 0.8 < after.deviation / before.deviation < 1.25 and not is_time:
        told.append(f"standard deviation {_shown(before.deviation)} → {_shown(after.deviation)}")
    for where, rows in (("below", int(after.counts[0])), ("above", int(after.counts[-1]))):
        if rows > 0.01 * after.rows:
            told.append(f"{_percent(rows / after.rows)} {where} the range of the reference")
    return told


def _of_words(before: Words, after: Words, *, is_personal: bool) -> list[str]:
    was, now = before.array / before.rows, after.array / after.rows
    names = [*before.counts, "others" if before.rest else "new ones"]
    order = np.argsort(-np.abs(now - was))[:2]
    return [f"{_cut(names[place], is_personal)} {_change(was[place], now[place])}" for place in order if abs(now[place] - was[place]) > 0.01]  # fmt: skip


def _plot(data: Data, names: Sequence[str]) -> Plot | None:
    sketches, columns = data.once(_sketches), data.by_label  # the ends of a histogram are values
    drawn = [n for n in names if isinstance(sketches[n][0], Words) or not is_personal(data, columns[n])][:_DRAWN]
    return Plot("panels", [], [], panels=[_panel(name, *sketches[name], data) for name in drawn]) if drawn else None


def _panel(name: str, before: Sketch, after: Sketch, data: Data) -> Plot:
    if isinstance(before, Words):
        assert isinstance(after, Words)
        order = np.argsort(-before.array - after.array * before.rows / max(1, after.rows))[:_BARS]
        order = order[(before.array + after.array)[order] > 0]
        known = [*before.counts, "others"]
        labels = [_cut(known[place], is_personal(data, data.by_label[name])) for place in order]
        return Plot("pairs", labels, (after.array / after.rows)[order].tolist(), beside=(before.array / before.rows)[order].tolist(), axis=name)  # fmt: skip
    assert isinstance(after, Numbers)
    edges = before.edges
    low, high = (min(before.least, after.least), max(before.most, after.most))
    inner = [edges[min(len(edges) - 1, int(np.searchsorted(before.upto, part)))] for part in (0.005, 0.995)]
    room = (inner[1] - inner[0]) or abs(inner[0]) or 1.0
    low, high = max(low, inner[0] - room), min(high, inner[1] + room)
    bins = np.linspace(low, high if high > low else low + 1.0, _BINS + 1)
    shares = [_within(each, bins) for each in (before, after)]
    is_time = data.by_label[name].kind == "time"
    labels = (bins / _YEAR + 1970).tolist() if is_time else bins.tolist()
    return Plot("pairs", labels, shares[1], beside=shares[0], axis=f"{name} (year)" if is_time else name)


def _within(numbers: Numbers, bins: _Floats) -> list[float]:
    """Give the share of rows in each bin; between two edges they are taken as spread evenly, as are those beyond them."""
    places = np.concatenate([[numbers.least], numbers.edges, [numbers.most]])
    upto = np.concatenate([[0.0], numbers.upto, [1.0]])
    inside = (places >= numbers.least) & (places <= numbers.most)
    inside[[0, -1]] = True
    order = np.argsort(places[inside], kind="stable")
    cumulated = np.interp(bins, places[inside][order], np.sort(upto[inside]), left=0.0, right=1.0)
    return [float(share) for share in np.diff(cumulated)]


def _shown(value: float, is_time: bool = False) -> str:
    if is_time:
        return str(np.datetime64(round(value), "s").astype("datetime64[D]"))
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.4g}"


def _change(was: float, now: float) -> str:
    return f"{_percent(was)} → {_percent(now)}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%" if share >= 0.1 or share == 0 else f"{100 * share:.2g}%"


def _cut(name: str, is_personal: bool) -> str:
    if is_personal:
        return "a category"
    return name if len(name) <= 24 else f"{name[:23]}…"
