"""Columns as a whole: missing, constant, of mixed types, with too many values, or of the kind that names a row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import numpy as np

from ...limits import DataLimits
from ..catalogues import DATA
from ..checks import CantSay, NotApplicable
from ..column import Column
from ..data import Data, counted, share
from ..findings import Finding, Plot, Severity
from .names import listed
from .quoting import is_personal, quoted

_FEW_ROWS: Final = 30  # below it shares of rows say little
_ID_NAME: Final = re.compile(r"(^|[_\W])(id|uuid|guid|index|idx|key|nr|no|rownum|row_number|unnamed: \d+)([_\W]|$)|Id$|ID$", re.IGNORECASE)  # fmt: skip
_BIN_TYPES: Final = {"str": "texts", "int": "whole numbers", "float": "numbers", "bool": "truths"}


@DATA.check("DQ003", "Missing values", "What is missing is filled in by a guess, or the row is lost; and what is missing is seldom missing by chance.")  # fmt: skip
def missing(data: Data) -> Iterator[Finding]:
    """Look for columns with many missing cells."""
    limits = data.limits
    if not len(data):
        raise CantSay("There are no rows.")
    shares = {column.label: column.missing / len(data) for column in data.columns}
    for column in data.columns:
        part = shares[column.label]
        if column is data.target and column.missing:
            continue  # that is for the target's own check
        if part > limits.missing:
            is_bad = part > limits.most_missing
            do = "leave the column out" if is_bad else "find out why, then fill it in within the pipeline (SimpleImputer, add_indicator=True)"  # fmt: skip
            yield Finding(
                "error" if is_bad else "warning",
                f"{column.label} is missing in {share(column.missing, len(data))}.",
                do,
                (column.label,),
                {"share": part},
                _bars(shares, column.label, "share missing"),
            )


@DATA.check("DQ004", "Constant columns", "A column that is always the same tells a model nothing; one that nearly is tells it chance.")  # fmt: skip
def constant(data: Data) -> Iterator[Finding]:
    """Look for columns with one value, and for those where nearly all cells are the same."""
    if len(data) < 2:
        raise CantSay("There are fewer than two rows.")
    for column in data.features:
        if not len(column.there) or not column.may_be_mostly_one(data.limits.constant):
            continue
        counts = column.counts
        top = int(counts.iloc[0]) / len(column.there)
        if len(counts) == 1 and not column.missing:
            yield Finding("warning", f"{column.label} is always {quoted(data, column, _short(counts.index[0]))}.", f"df.drop(columns={column.label!r})", (column.label,))  # fmt: skip
        elif len(counts) > 1 and top > data.limits.constant and len(column.there) >= _FEW_ROWS:
            rest = len(column.there) - int(counts.iloc[0])
            yield Finding(
                "note",
                f"{column.label} is {quoted(data, column, _short(counts.index[0]))} in all but {share(rest, len(column.there))}.",
                "see whether those rows matter; else leave the column out",
                (column.label,),
                {"share": top},
            )


@DATA.check("DQ005", "One type in a column", "Numbers among text are compared as text, and an encoder takes 1 and '1' for two things.")  # fmt: skip
def mixed(data: Data) -> Iterator[Finding]:
    """Look for columns of objects of several types, or of times of several zones."""
    for column in data.columns:
        if len(column.zones) > 1:
            told = listed(tuple(zone or "none" for zone in column.zones))
            severity: Severity = "warning" if all(column.zones) else "error"  # with and without can't be compared
            yield Finding(severity, f"{column.label} holds times of {len(column.zones)} zones: {told}.", f"pd.to_datetime(df[{column.label!r}], utc=True), once you know where those without a zone are from", (column.label,))  # fmt: skip
        if column.kind != "mixed":
            continue
        kinds = column.there.map(lambda cell: type(cell).__name__).value_counts()
        if len(kinds) > 1:
            told = ", ".join(f"{count:,} {_BIN_TYPES.get(str(kind), kind)}" for kind, count in kinds.head(4).items())
            yield Finding("error", f"{column.label} holds {told}.", f"df[{column.label!r}] = df[{column.label!r}].astype(str), or pd.to_numeric(…)", (column.label,), dict(kinds))  # fmt: skip
        else:
            yield Finding("error", f"{column.label} holds objects of type {kinds.index[0]}.", "take them apart into columns of numbers and text", (column.label,))  # fmt: skip


@DATA.check("DQ006", "Infinite values", "One infinity makes a mean infinite, and most estimators refuse it.")
def infinite(data: Data) -> Iterator[Finding]:
    """Look for infinities among numbers."""
    for column in data.columns:
        if column.kind == "number":
            count = len(column.there) - len(column.numbers)
            if count:
                yield Finding("error", f"{column.label} is infinite in {share(count, len(data))}.", f"df[{column.label!r}].replace([np.inf, -np.inf], np.nan), and find the division by zero", (column.label,))  # fmt: skip


@DATA.check("DQ007", "Ids among the features", "A model learns rows by heart from a number that names them, and knows nothing of new ones.")  # fmt: skip
def ids(data: Data) -> Iterator[Finding]:
    """Look for columns that name a row: a counter, or distinct text under a name such as ``id``."""
    if len(data) < _FEW_ROWS:
        raise CantSay(f"There are fewer than {_FEW_ROWS} rows.")
    for column in data.features:
        if column in (*data.key, data.group, data.time) or column.kind not in ("number", "text") or column.missing:
            continue
        named, counter = bool(_ID_NAME.search(column.label)), _is_counter(column)
        if counter or (named and column.distinct >= data.limits.ids * len(data)):
            what = "counts the rows" if counter else "has another value in nearly every row"
            yield Finding("warning" if named or counter else "note", f"{column.label} {what}.", f"df.drop(columns={column.label!r}), or make it the index", (column.label,), {"distinct": column.distinct})  # fmt: skip


@DATA.check("DQ008", "Many categories", "One-hot encoding makes a column of each category, and most of them have been seen a few times only.")  # fmt: skip
def categories(data: Data) -> Iterator[Finding]:
    """Look for text with many values that come again."""
    if len(data) < _FEW_ROWS:
        raise CantSay(f"There are fewer than {_FEW_ROWS} rows.")
    for column in data.features:
        if column.kind == "text" and column.distinct > data.limits.categories and not is_prose(column):
            rare = int((column.counts < 10).sum())
            yield Finding(
                "note",
                f"{column.label} has {column.distinct:,} categories, {rare:,} of them in fewer than 10 rows.",
                "OneHotEncoder(min_frequency=…, handle_unknown='infrequent_if_exist'), or TargetEncoder()",
                (column.label,),
                {"distinct": column.distinct, "rare": rare},
            )


@DATA.check(
    "DQ009", "New categories", "A model has never seen them: an encoder refuses them, or takes them for nothing."
)
def new_categories(data: Data) -> Iterator[Finding]:
    """Look for values of text that the reference does not have."""
    if data.reference is None:
        raise NotApplicable("There is no reference: --reference df.")
    for column in data.columns:
        before = data.reference.by_label.get(column.label)
        if before is None or column.kind != "text" or before.kind != "text" or is_prose(before) or is_prose(column):
            continue
        if before.distinct > len(before.there) / 2:  # names of rows, not categories
            continue
        fresh = column.counts[~column.counts.index.isin(before.counts.index)]
        if len(fresh):
            rows = int(fresh.sum())
            hidden = is_personal(data, column)
            such = "" if hidden else f": {listed(tuple(map(_short, fresh.index[:5])))}"
            yield Finding(
                "warning",
                f"{column.label} has {counted(len(fresh), 'category', 'categories')} that {data.reference.name} has not, in {share(rows, len(data))}{such}.",
                "handle_unknown='ignore' in the encoder, and train again when they stay",
                (column.label,),
                {"categories": [] if hidden else [str(value) for value in fresh.index[:100]], "rows": rows},
            )


def names_rows(column: Column, limits: DataLimits) -> bool:
    """Whether a column names rows: a counter, or distinct values under a name such as ``id``."""
    if column.kind not in ("number", "text") or column.missing or len(column) < _FEW_ROWS:
        return False
    if _is_counter(column):
        return True
    return bool(_ID_NAME.search(column.label)) and column.distinct >= limits.ids * len(column)


def _is_counter(column: Column) -> bool:
    numbers = column.numbers
    if column.kind != "number" or len(numbers) != len(column) or len(numbers) < _FEW_ROWS:
        return False
    steps = np.diff(numbers)
    return bool((steps == 1).all())


def is_prose(column: Column) -> bool:
    """Whether text is sentences and not words: they are told by other checks."""
    sample = column.comparable.head(1000)
    return len(sample) > 0 and float(sample.astype(str).str.count(" ").mean()) > 4


def _short(value: object) -> str:
    text = str(value)
    return repr(text if len(text) <= 30 else f"{text[:29]}…") if isinstance(value, str) else text[:30]


def _bars(values: dict[str, float], label: str, axis: str, most: int = 12) -> Plot:
    """Draw the columns with the largest values, and mark one."""
    top = [name for name in sorted(values, key=lambda name: -values[name]) if values[name]][:most]
    if label not in top:
        top[-1] = label
    return Plot("bars", top, [values[name] for name in top], [top.index(label)], axis)
