"""Estimates without labels, never without that name.

None of them sees concept drift: all suppose that what was true of a score, or of a row's features, still is.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from ...statistics import scores
from ...statistics.measured import Measured, measured, unknown
from ...statistics.performance.reference import Reference, with_chance
from ...statistics.performance.rows import CHANCE, Rows, metrics_of
from ...statistics.scores import Classified, Floats

_MOST_BEYOND: Final = 0.05  # of the rows whose probabilities are beyond all of the reference
_MOST_ROWS: Final = 20_000  # that two samples are told apart by
_LEAST_WORTH: Final = 100  # rows that weighted ones must be worth
INPUT: Final = "input."


def estimate(reference: Reference, rows: Rows, names: Sequence[str] | None = None) -> dict[str, Measured]:
    """Estimate metrics of rows whose labels have not come.

    Of a classifier: confidence-based (CBPE): each row counts as right as often as rows of its probability were, in
    the reference. Of a regressor: direct loss estimation, see ``Expected``.

    Parameters
    ----------
    reference : Reference
    rows : Rows
        Their labels are not looked at.
    names : sequence of str, optional
        The metrics; all by default.

    Returns
    -------
    dict of str to Measured
        Inconclusive with the reason where the reference's calibration is not to be trusted, or where the window lies
        beyond it.
    """
    names = metrics_of(reference.task) if names is None else names
    known, why = _asked(reference, rows)
    if why:
        return {name: unknown(why, len(rows), estimated=True) for name in names}
    if reference.task == "regressor":
        assert reference.expected is not None
        found = reference.expected.estimate(features_of(known.frame), known.predicted)
        return {name: found.get(name, _no_estimate(name, len(rows))) for name in names}
    assert known.chances is not None
    assert reference.calibration is not None
    return _scored(reference, known, reference.calibration(known.chances), names)


def second_opinion(reference: Reference, rows: Rows, names: Sequence[str] | None = None) -> dict[str, Measured]:
    """Estimate by the features too: what they tell of each class beyond its probability, as it was in the reference.

    It differs from ``estimate`` where rows of the same probability are not the same: then neither is to be trusted alone.
    """
    names = metrics_of(reference.task) if names is None else names
    known, why = _asked(reference, rows)
    if not why and reference.task == "regressor":
        why = "a regressor is estimated by its features alone"
    elif not why and not reference.corrections:
        why = "the profile was made without features"
    if why:
        return {name: unknown(why, len(rows), estimated=True) for name in names}
    assert known.chances is not None
    assert reference.calibration is not None
    likely = reference.calibration(known.chances)
    asked = with_chance(features_of(known.frame), likely)
    off = np.column_stack([its.predict(asked) for its in reference.corrections])
    off = np.hstack([-off, off]) if off.shape[1] == 1 else off
    likely = np.clip(likely + off, 0, 1)
    total = likely.sum(axis=1, keepdims=True)
    return _scored(
        reference, known, np.where(total > 0, likely / np.where(total > 0, total, 1), 1 / likely.shape[1]), names
    )


def weighted(labelled: Rows, rows: Rows, names: Sequence[str] | None = None) -> dict[str, Measured]:
    """Estimate by rows that have labels, each weighted by how much more often its like is among the others.

    The weights are the odds by which a classifier tells the two samples apart (Bickel, Brückner and Scheffer, 2007).

    Parameters
    ----------
    labelled : Rows
        Earlier ones of the log, or the test data; with features.
    rows : Rows
        Those without labels, of the same features.
    names : sequence of str, optional
    """
    names = metrics_of(rows.task) if names is None else names
    if rows.task == "regressor":
        return {name: unknown("of numbers it is not made", len(rows), estimated=True) for name in names}
    known = labelled.take(np.flatnonzero(labelled.labelled))
    if min(len(known), len(rows)) < _LEAST_WORTH:
        few = f"{len(known):,} rows with labels for {len(rows):,} without; it takes {_LEAST_WORTH} of each"
        return {name: unknown(few, len(rows), estimated=True) for name in names}
    weights = _odds(known.frame, rows.frame)
    worth = float(weights.sum() ** 2 / (weights**2).sum())  # Kish (1965)
    if worth < _LEAST_WORTH:
        few = f"the labelled rows are so unlike these that they are worth {worth:,.0f}; it takes {_LEAST_WORTH}"
        return {name: unknown(few, len(rows), estimated=True) for name in names}
    found = {}
    for name in names:
        if scores.METRICS[name].of_chances and known.chances is None:
            found[name] = unknown(known.no_chances, len(rows), estimated=True)
            continue
        usable = np.ones(len(known), dtype=bool) if known.chances is None else np.isfinite(known.chances[:, 0])
        kept, weight = known.take(np.flatnonzero(usable)).classified(), weights[usable]
        its = scores.score(Classified(kept.truth, kept.predicted, kept.chances, weight / weight.mean()), name)
        if its.value is not None and its.error is not None:  # the labels to come are a draw, too
            error = its.error * float(np.sqrt(1 + worth / len(rows)))
            its = measured(its.value, error, len(rows), scores.METRICS[name].kind, estimated=True)
        found[name] = Measured(its.value, its.low, its.high, its.error, len(rows), its.why, estimated=True)
    return found


def features_of(frame: pd.DataFrame) -> pd.DataFrame:
    """Take what the model was asked with, by its own names."""
    names = {name: str(name)[len(INPUT) :] for name in frame.columns if str(name).startswith(INPUT)}
    return frame[list(names)].rename(columns=names).reset_index(drop=True)


def _asked(reference: Reference, rows: Rows) -> tuple[Rows, str]:
    """Take the rows that can be estimated, or say why none can."""
    if reference.untrusted:
        return rows, f"no estimate: {reference.untrusted}"
    if not len(rows):
        return rows, "there were no predictions"
    if reference.task == "regressor":
        known = rows.take(np.flatnonzero(np.isfinite(rows.predicted)))
        missing = [] if reference.expected is None else [name for name in reference.expected.absolute.columns if name != "prediction" and INPUT + name not in rows.frame]  # fmt: skip
        return known, f"the log lacks {', '.join(missing[:3])}" if missing else _few(known)
    if rows.chances is None:
        return rows, rows.no_chances
    known = rows.with_chances()
    if why := _few(known):
        return known, why
    assert known.chances is not None
    top = known.chances.max(axis=1) if known.chances.shape[1] > 2 else known.chances[:, 1]
    low, high = reference.reached
    if (beyond := float(((top < low - 1e-9) | (top > high + 1e-9)).mean())) > _MOST_BEYOND:
        return (
            known,
            f"{100 * beyond:.0f}% of the probabilities are beyond those of the reference ({low:.3f} to {high:.3f})",
        )
    return known, ""


def _few(rows: Rows) -> str:
    return "" if len(rows) >= scores.LEAST_ROWS else f"{len(rows):,} rows; {scores.LEAST_ROWS} are needed"


def _scored(reference: Reference, rows: Rows, likely: Floats, names: Sequence[str]) -> dict[str, Measured]:
    calibration, chances = reference.calibration, rows.chances
    assert calibration is not None
    assert chances is not None
    classified = Classified(likely, rows.predicted, chances, estimated=True)
    return {name: scores.score(classified, name, more=partial(calibration.noise, chances)) for name in names}


def _no_estimate(name: str, rows: int) -> Measured:
    return unknown(f"{name} is not estimated without labels", rows, estimated=True)


def _odds(known: pd.DataFrame, rows: pd.DataFrame) -> Floats:
    """Weigh rows by the odds of being among the others."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    both = pd.concat([_beside(known), _beside(rows)], ignore_index=True)
    numbers = pd.DataFrame({name: _plain(both[name]) for name in both}).to_numpy(dtype=float)
    first, second = numbers[: len(known)], numbers[len(known) :]
    chance = np.random.default_rng(0)
    some, others = (part[chance.permutation(len(part))[:_MOST_ROWS]] for part in (first, second))
    which = np.r_[np.zeros(len(some)), np.ones(len(others))]
    judge = HistGradientBoostingClassifier(max_iter=60, max_depth=3, random_state=0).fit(np.r_[some, others], which)
    other = np.clip(judge.predict_proba(first)[:, 1], 1e-3, 1 - 1e-3)
    odds = other / (1 - other)
    return np.asarray(odds / odds.mean())


def _beside(frame: pd.DataFrame) -> pd.DataFrame:
    """Take the features and the probabilities: rows that are alike in both are rightly answered as often."""
    chances = [name for name in frame.columns if str(name).startswith(CHANCE)]
    return pd.concat([features_of(frame), frame[chances].reset_index(drop=True)], axis=1)


def _plain(column: pd.Series[Any]) -> Any:
    if pd.api.types.is_numeric_dtype(column):
        return np.where(np.isfinite(found := column.to_numpy(dtype=float, na_value=np.nan)), found, np.nan)
    return pd.factorize(column.astype(str))[0]
