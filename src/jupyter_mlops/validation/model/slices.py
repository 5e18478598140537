"""Where is it weak: the slices that were named, and the weakest ones that a search finds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import stats

from ...display import figure
from ..catalogues import MODEL
from ..checks import CantSay, NotApplicable
from ..findings import Finding, Plot, Severity
from .answers import Array
from .subject import Model

_MOST_ROWS: Final = 200_000  # that are searched: a slice that is weak is so among these
_MOST_PAIRED: Final = 10  # features that are looked at together, two by two: those that tell most alone
_MOST_VALUES: Final = 20
_BINS: Final = 4
_SHOWN: Final = 3
_CHANCE: Final = 0.01  # of any finding at all, where the errors have nothing to do with the features


_NOBODYS: Final = ("any", "is missing", "= missing", "= others")


@dataclass(frozen=True)
class Parted:
    """A column as a few parts: its values, or ranges of its numbers."""

    name: str
    codes: Array
    labels: Sequence[str]

    @property
    def withheld(self) -> list[str]:
        """Name the parts of a column of people without its values: by their order, or how frequent they are."""
        how = "its value no. {} by frequency" if self.labels[0].startswith("= ") else "its part no. {} from below"
        return [label if label in _NOBODYS else f"in {how.format(number)}" for number, label in enumerate(self.labels, 1)]  # fmt: skip


@MODEL.check("MV008", "Slices that were named", "A good mean hides a group for which the model fails.")
def named(model: Model) -> Iterator[Finding]:
    """Compare each part of the columns named with all rows."""
    if not model.slices:
        raise NotApplicable("No slice is named: --slice age_group.")
    losses, test = model.losses, _test(model)
    for parted in (shown(model, part(model.frame[name], name)) for name in model.slices):
        counts = np.bincount(parted.codes, minlength=len(parted.labels))
        large = [code for code in range(len(parted.labels)) if counts[code] >= model.limits.slice_rows]
        worse = []
        for code in large:
            chosen = parted.codes == code
            is_weak = counts[code] < len(losses) and test(int(counts[code]), chosen) < _CHANCE / len(large)
            if is_weak and _is_far(model, losses[chosen]):
                worse.append(code)
        if worse:
            told = "; ".join(
                f"{parted.labels[code]}: {_told(model, losses[parted.codes == code])}" for code in worse[:_SHOWN]
            )
            yield Finding(
                "error", f"{parted.name} {told}; {_told(model, losses, whole=True)}.", "more training data of these, or a model of their own",
                (parted.name,), {"worse": [parted.labels[code] for code in worse]}, _plot(model, parted, large, worse),
            )  # fmt: skip
        small = [
            parted.labels[code] for code in range(len(parted.labels)) if 0 < counts[code] < model.limits.slice_rows
        ]
        if small and not large:
            raise CantSay(f"No part of {parted.name} has {model.limits.slice_rows} rows.")
        if small:
            yield Finding("note", f"{parted.name} has parts of fewer than {model.limits.slice_rows} rows, of which nothing can be said: {', '.join(small[:5])}.", "more test data of these", (parted.name,))  # fmt: skip


@MODEL.check("MV009", "The weakest slices", "What nobody thought to look at is where a model fails unnoticed.")
def weakest(model: Model) -> Iterator[Finding]:
    """Search all columns, and the most telling ones two by two, for rows with more errors than chance would have."""
    if len(model) < 4 * model.limits.slice_rows:
        raise NotApplicable(f"There are {len(model)} rows, and a search takes {4 * model.limits.slice_rows}.")
    rows = np.arange(len(model))
    if len(rows) > _MOST_ROWS:
        rows = np.random.default_rng(0).choice(rows, _MOST_ROWS, replace=False)
    columns = [name for name in model.frame.columns if name != model.target_name]
    parts = [part(model.frame[name].iloc[rows], name) for name in columns]
    losses = model.losses[rows]
    if not losses.any():
        return
    found = sorted(_search(model, parts, losses), key=lambda each: each[0])
    told_of: list[Array] = []
    for _, told, names, chosen in found:
        if len(told_of) == _SHOWN:
            break
        if any((chosen & other).sum() > 0.5 * min(chosen.sum(), other.sum()) for other in told_of):
            continue  # much the same rows, said in another way
        told_of.append(chosen)
        severity: Severity = "warning" if _is_far(model, losses[chosen]) else "note"
        yield Finding(severity, f"{told}: {_told(model, losses[chosen])}; {_told(model, losses, whole=True)}.", "more training data of these, or features that tell them apart", names, {"rows": int(chosen.sum())})  # fmt: skip


def shown(model: Model, parted: Parted, *, is_asked: bool = True) -> Parted:
    """Give a column as it may be told: of one of people without its values."""
    return replace(parted, labels=parted.withheld) if model.withholds(parted.name, is_asked=is_asked) else parted


def part(column: pd.Series[Any], name: str) -> Parted:
    """Part a column: text and few numbers by their values, many numbers and times by their quartiles."""
    missing = column.isna().to_numpy(dtype=bool)
    try:
        distinct = column.nunique()
    except TypeError:  # lists and their like
        return Parted(name, np.zeros(len(column), dtype=int), ["any"])
    is_number = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    if is_number and distinct > _BINS + 1 and not pd.api.types.is_complex_dtype(column):
        numbers = column.to_numpy(dtype=float, na_value=np.nan)
        edges = (
            np.unique(np.nanquantile(numbers, np.linspace(0, 1, _BINS + 1)[1:-1]))
            if not missing.all()
            else np.array([0.0])
        )
        codes = np.searchsorted(edges, np.nan_to_num(numbers), side="left")
        written = [f"{edge:.4g}" for edge in edges]
        labels = [
            f"≤ {written[0]}",
            *(f"{low} to {high}" for low, high in pairwise(written)),
            f"> {written[-1]}",
        ]
    else:
        codes, values = pd.factorize(column.astype(str).where(~missing, "missing"))
        order = np.argsort(-np.bincount(codes, minlength=len(values)), kind="stable")[:_MOST_VALUES]
        places = np.full(len(values), len(order))
        places[order] = np.arange(len(order))
        codes, labels = places[codes], [f"= {values[place]}" for place in order]
        return Parted(name, codes, labels + (["= others"] if len(values) > len(order) else []))
    codes[missing] = len(labels)
    return Parted(name, codes, [*labels, "is missing"])


def _search(
    model: Model, parts: Sequence[Parted], losses: Array
) -> Iterator[tuple[float, str, tuple[str, ...], Array]]:
    """Give the slices that are weak beyond chance, by how surely they are; each slice that is looked at counts."""
    alone = [_cells(parted.codes, len(parted.labels), losses, model) for parted in parts]
    best = sorted(range(len(parts)), key=lambda place: alone[place].min(initial=1.0))[:_MOST_PAIRED]
    # Which features are paired is chosen by what is seen: so all pairs there could be are counted.
    tests = sum(len(p) for p in alone) + sum(len(a) * len(b) for a, b in combinations(alone, 2))
    for parted, chances in zip(parts, alone, strict=True):
        weak = np.flatnonzero(chances * tests < _CHANCE).tolist()
        parted = shown(model, parted, is_asked=False) if weak else parted
        for code in weak:
            yield float(chances[code]), f"{parted.name} {parted.labels[code]}", (parted.name,), parted.codes == code
    for first, second in combinations((parts[place] for place in sorted(best)), 2):
        width = len(second.labels)
        codes = first.codes * width + second.codes
        chances = _cells(codes, len(first.labels) * width, losses, model)
        for code in np.flatnonzero(chances * tests < _CHANCE).tolist():
            one, other = (shown(model, parted, is_asked=False) for parted in (first, second))
            told = f"{one.name} {one.labels[code // width]} and {other.name} {other.labels[code % width]}"
            yield float(chances[code]), told, (first.name, second.name), codes == code


def _cells(codes: Array, count: int, losses: Array, model: Model) -> Array:
    """Say of each part how likely so many errors were by chance; 1 of one that is too small, or is everything."""
    sizes = np.bincount(codes, minlength=count)
    usable = (sizes >= model.limits.slice_rows) & (sizes < len(losses))
    chances = np.ones(count)
    if model.classifies:
        wrong = np.bincount(codes, weights=losses, minlength=count)
        chances[usable] = stats.hypergeom.sf(wrong[usable] - 1, len(losses), int(losses.sum()), sizes[usable])
        return chances
    ranks = stats.rankdata(losses)
    means = np.bincount(codes, weights=ranks, minlength=count)[usable] / sizes[usable]
    spread = ranks.std() * np.sqrt((len(losses) - sizes[usable]) / (sizes[usable] * (len(losses) - 1)))
    chances[usable] = stats.norm.sf((means - ranks.mean()) / np.maximum(spread, 1e-12))
    return chances


def _test(model: Model) -> Any:
    def chance(size: int, chosen: Array) -> float:
        return float(_cells(chosen.astype(int), 2, model.losses, model)[1])

    return chance


def _is_far(model: Model, losses: Array) -> bool:
    """Whether the rows are worse by more than is borne; of numbers, than so many times the mean error."""
    whole = float(model.losses.mean())
    return float(losses.mean()) - whole > model.limits.drop * (1 if model.classifies else 5 * whole)


def _told(model: Model, losses: Array, *, whole: bool = False) -> str:
    of = f"all {len(losses):,}" if whole else f"{len(losses):,}"
    if model.classifies:
        return f"right in {1 - losses.mean():.0%} of {of} rows"
    return f"a mean error of {figure(float(losses.mean()))} in {of} rows"


def _plot(model: Model, parted: Parted, large: Sequence[int], worse: Sequence[int]) -> Plot:
    values = [float(model.losses[parted.codes == code].mean()) for code in large]
    marked = tuple(place for place, code in enumerate(large) if code in worse)
    axis = "share of errors" if model.classifies else "mean error"
    return Plot("bars", [f"{parted.name} {parted.labels[code]}" for code in large], values, marked, axis)
