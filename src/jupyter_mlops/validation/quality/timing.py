"""Time and groups: what a split must not tear apart."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pandas as pd

from ..catalogues import DATA
from ..checks import CantSay, NotApplicable
from ..column import Column
from ..data import Data, share
from ..findings import Finding


@DATA.check(
    "DQ023", "Time goes forward", "A model that is tested on days before those it was trained on has seen the future."
)
def time_leakage(data: Data) -> Iterator[Finding]:
    """Look for rows that are before the end of the reference, which the model is trained on."""
    if data.time is None:
        raise NotApplicable("There is no column of time: --time when.")
    if data.reference is None or data.time.label not in data.reference.by_label:
        raise NotApplicable("There is no reference with this column: --reference train.")
    here, there = _times(data.time), _times(data.reference.by_label[data.time.label])
    for name, held, times in (
        (data.name, len(data.time.there), here),
        (data.reference.name, len(data.reference), there),
    ):
        if held and not len(times):
            raise CantSay(f"{data.time.label} holds no times in {name}.")
    if not len(here) or not len(there):
        raise NotApplicable("There are no times.")
    end = there.max()
    early = int((here < end).sum())
    if early and here.min() < end:
        whole = "all of it" if early == len(here) else share(early, len(here))
        yield Finding("error", f"{whole} is before {end:%Y-%m-%d %H:%M}, when {data.reference.name} ends.", "split by time: train = df[df.when < day]", (data.time.label,), {"rows": early})  # fmt: skip


@DATA.check(
    "DQ024",
    "Groups stay whole",
    "Rows of one person on both sides of a split: the model knows the person, not the pattern.",
)
def group_leakage(data: Data) -> Iterator[Finding]:
    """Look for groups that are in the reference as well."""
    if data.group is None:
        raise NotApplicable("There is no column of groups: --group patient.")
    if data.reference is None or data.group.label not in data.reference.by_label:
        raise NotApplicable("There is no reference with this column: --reference train.")
    before = data.reference.by_label[data.group.label].counts.index
    shared = data.group.counts[data.group.counts.index.isin(before)]
    if len(shared):
        rows = int(shared.sum())
        yield Finding("error", f"{len(shared):,} of {data.group.distinct:,} groups of {data.group.label} are in {data.reference.name} too: {share(rows, len(data))} rows.", "GroupShuffleSplit or GroupKFold", (data.group.label,), {"groups": len(shared), "rows": rows})  # fmt: skip


def _times(column: Column) -> pd.Series[pd.Timestamp]:
    if column.kind == "number":
        return pd.Series(pd.to_datetime(column.numbers, unit="s", utc=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that each is read by itself
        return pd.Series(pd.to_datetime(column.there, utc=True, errors="coerce")).dropna()
