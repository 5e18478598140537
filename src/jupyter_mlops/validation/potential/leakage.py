"""What is in the data, and will not be there when it is to be predicted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ..catalogues import DATA
from ..checks import NotApplicable
from ..column import Column
from ..data import Data, share
from ..findings import Finding, Plot
from ..quality.quoting import is_personal
from .problem import FOLDS, Problem, problem

_MOST_BARS: Final = 12
_FEW: Final = 10
_MOST_LATE: Final = 0.5
_CLOSE: Final = 0.5  # what bins tell, from which it is looked at more closely
_MOST_CLOSE: Final = 20


@DATA.check("DP002", "Target leakage", "A feature that nearly is the target makes a model look perfect, and is not there when it has to predict.")  # fmt: skip
def leakage(data: Data) -> Iterator[Finding]:
    """Look for features that alone tell (nearly) all of the target, in rows that were held out."""
    asked = data.once(problem)
    features = {feature.label: feature for feature in asked.features}
    powers = dict(asked.powers)
    for column in [data.by_label[name] for name, told in powers.items() if told > _CLOSE][:_MOST_CLOSE]:
        if features[column.label].what == "number":
            powers[column.label] = max(powers[column.label], _by_tree(asked, column))
    shown = sorted(powers, key=lambda name: -powers[name])[:_MOST_BARS]
    for name, told in powers.items():
        if told < data.limits.leak:
            continue
        bars = Plot("bars", [features[n].told for n in shown], [max(0.0, powers[n]) for n in shown], [shown.index(name)] if name in shown else [], f"share of {asked.target.label} told")  # fmt: skip
        yield Finding(
            "error",
            f"{features[name].told} alone tells {told:.1%} of {asked.target.label}{asked.of_rows}.",
            f"df.drop(columns={name!r}), unless it is known before {asked.target.label} is",
            (name,),
            {"share": round(told, 4)},
            bars,
        )


def _by_tree(asked: Problem, column: Column) -> float:
    """Say how much of the target a decision tree tells by a number: its cuts lie where bins have theirs by chance only."""
    values, y = column.floats(asked.rows)[:, None], asked.wanted
    error = of_mean = 0.0
    for fold in range(FOLDS):
        held = asked.folds == fold
        if asked.classes:
            tree = DecisionTreeClassifier(min_samples_leaf=5, random_state=0).fit(values[~held], asked.plain[~held])
            guess = np.zeros_like(y[held])
            guess[:, tree.classes_.astype(int)] = tree.predict_proba(values[held])
        else:
            tree = DecisionTreeRegressor(min_samples_leaf=5, random_state=0).fit(values[~held], y[~held, 0])
            guess = tree.predict(values[held])[:, None]
        error += float(((guess - y[held]) ** 2).sum())
        of_mean += float(((y[~held].mean(axis=0) - y[held]) ** 2).sum())
    return 1 - error / of_mean if of_mean > 0 else 0.0


@DATA.check("DP003", "Known later", "What is filled in only once the outcome is known tells the outcome in training, and is empty in use.")  # fmt: skip
def known_later(data: Data) -> Iterator[Finding]:
    """Look for features that are filled in with the target or after, by their gaps and by their times."""
    asked = data.once(problem)
    for column in asked.columns:
        yield from _with_the_target(asked, column)
        if data.time is not None:
            yield from _with_time(data, data.time, column)


def _with_the_target(asked: Problem, column: Column) -> Iterator[Finding]:
    """Look whether a feature is there where the target is, or where it is something."""
    if not column.missing:
        return
    target, gaps = asked.target, column.is_missing
    unlabelled = target.is_missing
    if int(unlabelled.sum()) >= _FEW and gaps[unlabelled].mean() > 0.9 and gaps[~unlabelled].mean() < 0.5:
        yield Finding(
            "error",
            f"{column.label} is missing in {share(int(gaps[unlabelled].sum()), int(unlabelled.sum()))} rows without {target.label}, and in {gaps[~unlabelled].mean():.0%} of the others.",
            f"df.drop(columns={column.label!r}): it becomes known with {target.label}",
            (column.label,),
        )  # fmt: skip
    codes = gaps[asked.rows].astype(np.int64)
    if min(int(codes.sum()), len(codes) - int(codes.sum())) < _FEW:
        return
    told = max(asked.explained(codes, 2, asked.wanted[:, [place]]) for place in range(asked.wanted.shape[1]))
    if told > asked.data.limits.leak_by_gaps:
        by = ""
        if asked.classes and not is_personal(asked.data, target):
            shares = [float(codes[asked.plain == place].mean()) for place in range(len(asked.classes))]
            most, least = int(np.argmax(shares)), int(np.argmin(shares))
            by = f": it is missing in {shares[most]:.0%} where that is {asked.classes[most]}, and in {shares[least]:.0%} where it is {asked.classes[least]}"
        yield Finding(
            "error",
            f"Whether {column.label} is there tells {told:.0%} of {target.label}{by}{asked.of_rows}.",
            f"df.drop(columns={column.label!r}), unless it is known before {target.label} is",
            (column.label,),
            {"share": round(told, 4)},
        )


def _with_time(data: Data, time: Column, column: Column) -> Iterator[Finding]:
    """Look whether a feature is dated after its row, or is empty in the latest rows only."""
    if time.kind not in ("time", "number"):
        raise NotApplicable(f"{time.label} holds no times.")
    when = time.floats()
    if column.kind == "time" and time.kind == "time":
        both = column.floats() - when
        both = both[np.isfinite(both)]
        late = int((both > 0).sum())
        if len(both) >= _FEW and late > _MOST_LATE * len(both):
            yield Finding(
                "warning",
                f"{column.label} is later than {time.label} in {share(late, len(both))}.",
                f"df.drop(columns={column.label!r}), unless it was planned by then",
                (column.label,),
                {"rows": late},
            )
    there = np.flatnonzero(np.isfinite(when))
    if not column.missing or len(there) < 10 * _FEW:
        return
    cut = np.quantile(when[there], 0.9)
    latest = column.is_missing[there][when[there] > cut]
    before = column.is_missing[there][when[there] <= cut]
    if len(latest) >= _FEW and latest.mean() > 0.9 and before.mean() < 0.5:
        yield Finding(
            "warning",
            f"{column.label} is missing in {latest.mean():.0%} of the latest tenth of rows, and in {before.mean():.0%} before.",
            f"find out when it is filled in: if after {time.label}, df.drop(columns={column.label!r})",
            (column.label,),
        )
