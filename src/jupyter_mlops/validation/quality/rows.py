"""Rows: copies of one another, of the reference, and keys that name two."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ..catalogues import DATA
from ..checks import CantSay, NotApplicable
from ..data import Data, share
from ..findings import Finding, Severity
from ..hashing import Hashes, hashes
from .target import MOST_CLASSES


@DATA.check("DQ010", "Duplicate rows", "Copies count twice in training, and sit on both sides of a split: the score is too good.")  # fmt: skip
def duplicates(data: Data) -> Iterator[Finding]:
    """Look for rows that are the same in every column."""
    if len(data) < 2:
        raise CantSay("There are fewer than two rows.")
    if not data.columns:
        raise NotApplicable("There are no columns.")
    copies = _copies(data.row_hashes)
    if not copies:
        return
    expected = _by_chance(data)
    if copies <= 3 * expected + 3 and expected > 0.5:
        return  # few columns of few values: rows are alike by chance
    severity: Severity = "warning" if copies > data.limits.duplicates * len(data) else "note"
    yield Finding(severity, f"{share(copies, len(data))} rows are copies of others.", "df.drop_duplicates(), or find the join that made them", (), {"copies": copies})  # fmt: skip


@DATA.check("DQ011", "Duplicate keys", "A key names one row: where it names two, one of them is wrong or old.")
def keys(data: Data) -> Iterator[Finding]:
    """Look for keys that are there twice, or missing."""
    if not data.key:
        raise NotApplicable("There is no key: --key id.")
    names = tuple(column.label for column in data.key)
    gone = int(np.any([column.is_missing for column in data.key], axis=0).sum())
    if gone:
        yield Finding("error", f"The key is missing in {share(gone, len(data))}.", "find out where those rows are from", names)  # fmt: skip
    twice = _copies(hashes(data.key, len(data)))
    if twice:
        subset = list(names) if len(names) > 1 else names[0]
        yield Finding("error", f"{share(twice, len(data))} rows have the key of another row.", f"df[df.duplicated({subset!r}, keep=False)] shows them", names, {"rows": twice})  # fmt: skip


@DATA.check("DQ012", "Conflicting labels", "Two rows that are alike with different labels: one of them is wrong, or what tells them apart is missing.")  # fmt: skip
def conflicts(data: Data) -> Iterator[Finding]:
    """Look for rows with the same features and another label."""
    if data.target is None:
        raise NotApplicable("There is no target: --target y.")
    if not data.features:
        raise NotApplicable("There are no features.")
    if data.target.kind == "number" and data.target.has_more_than(MOST_CLASSES):
        raise NotApplicable("The target is a measure: repeated measures differ.")
    alike_in_features = _copies(data.feature_hashes)
    if not alike_in_features or alike_in_features == _copies(data.row_hashes):
        return  # each row of features has one label
    pairs = pd.DataFrame({"features": data.feature_hashes, "rows": data.row_hashes})
    alike = pairs.groupby("features", sort=False)["rows"].agg(["size", "nunique"])
    torn = alike[alike["nunique"] > 1]
    rows = int(torn["size"].sum())
    if rows and len(alike) > len(data) / 2:  # else rows are alike by chance, and labels differ as they may
        severity: Severity = "warning" if rows > data.limits.duplicates * len(data) else "note"
        yield Finding(severity, f"{share(rows, len(data))} rows are alike in all features, and differ in {data.target.label}.", "look at them: df[df.duplicated(features, keep=False)]", (data.target.label,), {"rows": rows})  # fmt: skip


@DATA.check("DQ013", "Rows that are in the reference too", "A model that has trained on a row knows it by heart: tested on it, it looks better than it is.")  # fmt: skip
def overlap(data: Data) -> Iterator[Finding]:
    """Look for rows that are in the reference as well."""
    other = data.reference
    if other is None:
        raise NotApplicable("There is no reference: --reference df.")
    shared = [column for column in data.columns if column.label in other.by_label]
    if len(shared) < 2:
        raise NotApplicable("They share fewer than two columns.")
    ours = hashes(shared, len(data))
    theirs = hashes([other.by_label[column.label] for column in shared], len(other))
    rows = int(np.isin(ours, theirs).sum())
    within = 1 - len(np.unique(ours)) / max(1, len(ours))  # as alike as rows are among themselves
    if rows > data.limits.overlap * len(data) and rows > 2 * within * len(data) + 3:
        yield Finding("error", f"{share(rows, len(data))} rows are in {other.name} too.", "split by group or by time before anything else, and drop copies first", (), {"rows": rows})  # fmt: skip


def _copies(hashed: Hashes) -> int:
    return int(pd.Series(hashed).duplicated().sum())


def _by_chance(data: Data) -> float:
    """Say how many copies there would be if the columns had nothing to do with each other.

    For n rows of which two are alike with probability p = Π Σ f², n²p/2 pairs are alike by chance.
    """
    log_p = 0.0
    for column in data.columns:
        frequencies = column.counts.to_numpy(dtype=float) / max(1, len(data))
        gone = column.missing / max(1, len(data))
        log_p += np.log(max(1e-300, float((frequencies**2).sum()) + gone**2))
    return float(min(len(data), len(data) ** 2 / 2 * np.exp(log_p)))
