"""Features that stand for a protected attribute: leaving that out does not leave it out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import stats

from ..catalogues import DATA
from ..checks import CantSay, NotApplicable
from ..column import Column
from ..data import Data
from ..findings import Finding, Plot
from . import words
from .detection import personal_columns

_FEW_ROWS: Final = 100
_MOST_ROWS: Final = 50_000
_MOST_GROUPS: Final = 20
_BINS: Final = 10
_BY_CHANCE: Final = 0.001  # for all features and attributes together


@DATA.check("GD006", "Proxies of protected attributes", "A model that never sees sex or origin can still decide by what stands for it; that is no less unfair, and as a decision about people forbidden.")  # fmt: skip
def proxies(data: Data) -> Iterator[Finding]:
    """Look for features that are strongly associated with a protected attribute."""
    special = {one.column.label for one in personal_columns(data) if one.group == "special"}
    protected = [c for c in data.features if (c.label in special or words.is_protected(c.label)) and 1 < c.distinct <= _MOST_GROUPS]  # fmt: skip
    if not protected:
        raise NotApplicable("There is no column such as sex, origin or religion to look for.")
    if len(data) < _FEW_ROWS:
        raise CantSay(f"There are fewer than {_FEW_ROWS} rows.")
    rows = np.arange(len(data))[:: max(1, len(data) // _MOST_ROWS)]
    features = {c.label: codes for c in data.features if (codes := _codes(c, rows)) is not None}
    tests = max(1, len(protected) * len(features))
    for column in protected:
        groups = _codes(column, rows)
        if groups is None:
            continue
        found = {
            label: strength
            for label, codes in features.items()
            if label != column.label and (strength := _association(codes, groups, _BY_CHANCE / tests)) >= data.limits.proxy
        }  # fmt: skip
        for label in sorted(found, key=lambda name: -found[name]):
            top = sorted(found, key=lambda name: -found[name])[:12]
            is_large = found[label] >= data.limits.strong_proxy
            yield Finding(
                "warning" if is_large else "note",
                f"{label} tells much of {column.label}: Cramér's V is {found[label]:.2f} (GDPR Art. 5(1)(a), 22; recital 71).",
                f"compare the model's errors by {column.label}, with {label} and without",
                (label, column.label),
                {"strength": found[label], "protected": column.label, "articles": ["5(1)(a)", "22"]},
                Plot("bars", top, [found[name] for name in top], [top.index(label)], f"Cramér's V with {column.label}") if label in top else None,
            )  # fmt: skip


def _codes(column: Column, rows: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.int64]] | None:
    """Give each value of a column a number: its categories, or tenths of its numbers; -1 where there is none."""
    if column.kind in ("nothing", "mixed", "time"):
        return None
    values = column.values.iloc[rows]
    if column.kind in ("number", "truth") and column.has_more_than(_MOST_GROUPS):
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
        numbers[~np.isfinite(numbers)] = np.nan
        if np.isnan(numbers).all():
            return None
        edges = np.unique(np.nanquantile(numbers, np.linspace(0, 1, _BINS + 1)[1:-1]))
        return np.where(np.isnan(numbers), -1, np.searchsorted(edges, numbers))
    try:
        codes, found = pd.factorize(values)
    except TypeError:  # lists and the like
        return None
    return np.asarray(codes, dtype=np.int64) if 1 < len(found) <= 100 else None


def _association(codes: np.ndarray[Any, Any], groups: np.ndarray[Any, Any], by_chance: float) -> float:
    """Give Cramér's V with Bergsma's (2013) correction for chance; 0 where chance alone does as much."""
    both = (codes >= 0) & (groups >= 0)
    table = np.zeros((int(codes.max()) + 1, int(groups.max()) + 1))
    np.add.at(table, (codes[both], groups[both]), 1)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    r, k = table.shape
    n = table.sum()
    if min(r, k) < 2 or n < _FEW_ROWS:
        return 0.0
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    chi2 = float(((table - expected) ** 2 / expected).sum())
    if stats.chi2.sf(chi2, (r - 1) * (k - 1)) > by_chance:
        return 0.0
    phi2 = max(0.0, chi2 / n - (r - 1) * (k - 1) / (n - 1))
    rows, columns = r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)
    return float(np.sqrt(phi2 / max(min(rows, columns) - 1, 1e-12)))
