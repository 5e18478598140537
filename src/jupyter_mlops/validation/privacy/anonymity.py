"""Who can be found by what many know: k-anonymity and l-diversity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from ..catalogues import DATA
from ..checks import CantSay, NotApplicable
from ..column import Column
from ..data import Data, share
from ..findings import Finding, Plot
from ..hashing import hashes
from ..quality.names import listed
from . import words
from .detection import personal_columns

_FEW_ROWS: Final = 50
_MOST: Final = 8  # quasi-identifiers: by more everybody is unique
_COARSE: Final = ("date of birth", "geo-position")


@DATA.check("GD004", "k-anonymity", "Age, sex and postcode together name most people without any name: what singles somebody out is personal data still (recital 26).")  # fmt: skip
def anonymity(data: Data) -> Iterator[Finding]:
    """Count the rows that no fewer than k others share their quasi-identifiers with."""
    quasi = _quasi(data)
    sizes = _sizes(quasi, len(data))
    small = int((sizes < data.limits.k).sum())
    alone = int((sizes == 1).sum())
    if small <= data.limits.singled_out * len(data):
        return
    names = tuple(column.label for column in quasi)
    without = {column.label: _alone(quasi, column, len(data)) for column in quasi} if len(quasi) > 1 else {}
    best = min(without, key=lambda label: without[label], default=names[0])
    yield Finding(
        "warning",
        f"By {listed(names, 8)}, {share(alone, len(data))} are the only rows of their kind, and {share(small, len(data))} "
        f"are in groups of fewer than {data.limits.k} rows: k is {sizes.min()} (GDPR Art. 4(1), 4(5), 25, 32; recital 26).",
        f"df = mlops.mask(df, {best!r}, how='generalise').data",
        names,
        {"k": int(sizes.min()), "alone": alone, "small": small, "quasi_identifiers": list(names), "articles": ["4(1)", "4(5)", "25", "32"]},
        Plot("bars", list(without), list(without.values()), [list(without).index(best)], "rows still alone, without this column") if without else None,
    )  # fmt: skip


@DATA.check("GD005", "l-diversity", "Where all of a group have the same illness, one need not know which of them somebody is.")  # fmt: skip
def diversity(data: Data) -> Iterator[Finding]:
    """Look for groups of one quasi-identity that share one value of a special category."""
    quasi = _quasi(data)
    secret = [one.column for one in personal_columns(data) if one.group == "special"]
    if not secret:
        raise NotApplicable("No column of a special category is there.")
    for column in secret:
        others = [each for each in quasi if each is not column]
        if not others or not column.has_more_than(1):
            continue
        groups, cells = hashes(others, len(data)), hashes([*others, column], len(data))
        _, place, sizes = np.unique(groups, return_inverse=True, return_counts=True)
        _, first = np.unique(cells, return_index=True)
        kinds = np.bincount(place[first], minlength=len(sizes))
        told = (kinds < data.limits.diversity) & (sizes >= 2)  # who is alone is told by GD004
        rows = int(sizes[told].sum())
        if rows > data.limits.singled_out * len(data):
            names = tuple(each.label for each in others)
            yield Finding(
                "warning",
                f"{column.label} is the same within their group for {share(rows, len(data))} of the rows, in {int(told.sum()):,} groups by "
                f"{listed(names, 8)}: l is {int(kinds.min())} (GDPR Art. 5(1)(f), 9, 25).",
                f"df = mlops.mask(df, {names[0]!r}, how='generalise').data",
                (column.label,),
                {"l": int(kinds.min()), "rows": rows, "groups": int(told.sum()), "articles": ["5(1)(f)", "9", "25"]},
            )


def _quasi(data: Data) -> list[Column]:
    """Find what is known of people and shared by some: not what names them, and only where it is about people."""
    if len(data) < _FEW_ROWS:
        raise CantSay(f"There are fewer than {_FEW_ROWS} rows.")
    kinds = {one.column.label: one for one in personal_columns(data)}
    found = []
    for column in data.columns:
        one = kinds.get(column.label)
        if column.kind in ("nothing", "mixed") or column is data.target:
            continue
        if (one and one.kind in _COARSE) or (one is None and words.is_quasi(column.label)):
            found.append(column)
    about_people = any(one.group != "text" for one in kinds.values()) or any(words.is_of_people(c.label) for c in found)
    is_fine = any(column.label in kinds or words.is_fine(column.label) for column in found)
    if len(found) < (2 if is_fine else 3) or not about_people:
        raise NotApplicable("People are found by a birth or a postcode and one more column, or by three such as age, sex and town; they are not here.")  # fmt: skip
    return sorted(found, key=lambda column: column.distinct)[:_MOST]


def _sizes(columns: Sequence[Column], rows: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Say for each row how many have the same values as it."""
    _, place, sizes = np.unique(hashes(columns, rows), return_inverse=True, return_counts=True)
    return sizes[place]


def _alone(columns: Sequence[Column], left_out: Column, rows: int) -> int:
    return int((_sizes([column for column in columns if column is not left_out], rows) == 1).sum())
