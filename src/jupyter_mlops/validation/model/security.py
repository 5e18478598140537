"""What somebody could do who can ask a model: flip its answers, tell on whom it was trained, copy it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd
from scipy import stats

from ..catalogues import MODEL
from ..checks import CantSay, NotApplicable
from ..findings import Finding, Severity
from .answers import Answers, Array, Labels
from .candidate import noisy
from .robust import plain_numbers, some_rows
from .scores import columns_as_numbers
from .scoring import Interval
from .subject import Model

_NOISES: Final = 3
_MOST: Final = 20_000  # rows of which the loss is looked at, on each side
_MOST_COPIED: Final = 4000  # rows whose answers make the copy, and try it
_LEAST: Final = 1e-12


@MODEL.check(
    "MV101",
    "Answers that noise flips",
    "Where a change that nobody would notice turns the answer, somebody will find it out and use it.",
)
def flips(model: Model) -> Iterator[Finding | str]:
    """Add a little noise to the numbers, and count the answers that it turns."""
    if not model.classifies:
        raise NotApplicable("It predicts numbers, which don't flip; MV012 says what noise does to them.")
    limits = model.limits.security
    frame, _ = some_rows(model)
    names = plain_numbers(model, frame)
    model.need_rows()
    told = model.candidate.ask(frame).labels
    others = [model.candidate.ask(noisy(frame, names, limits.noise, seed)).labels for seed in range(_NOISES)]
    flipped = np.mean([other != told for other in others], axis=0)
    rate, low = float(flipped.mean()), at_least(flipped, model.limits.confidence)
    seen = f"Noise of {limits.noise:g} standard deviations on each number turns {rate:.1%} of the answers"
    if low > limits.flips:
        yield Finding("warning", f"{seen} (at least {low:.1%}); {limits.flips:.0%} may turn.", "more regularisation, training data with noise added, or no answer where it is unsure", figures={"rate": rate, "low": low})  # fmt: skip
    else:
        yield f"{seen}."


@MODEL.check(
    "MV102",
    "Who it was trained on",
    "Where the loss tells which rows a model has seen, it tells of people that they were in the data (Art. 32 GDPR).",
)
def membership(model: Model) -> Iterator[Finding | str]:
    """Tell rows that it was trained on from others by the loss alone (Yeom et al., 2018)."""
    if model.train is None:
        raise NotApplicable("The training data is not given: --train.")
    limits = model.limits.security
    train = model.train if len(model.train) <= _MOST else model.train.sample(_MOST, random_state=0)
    if min(len(train), len(model)) < model.limits.least_rows:
        raise CantSay(f"There are {len(train)} rows of training and {len(model)} of test data, and it takes {model.limits.least_rows} of each.")  # fmt: skip
    seen = _losses(model.candidate.ask(model.inputs_of(train)), model.target_of(train))
    unseen = _losses(model.answers, model.y)[:_MOST]
    its = _area(seen, unseen, model.limits.confidence)
    told = f"Its loss tells rows that it was trained on from others with an AUC of {its}; 0.5 is a guess"
    if its.low <= limits.membership:
        yield f"{told}."
        return
    severity: Severity = "error" if its.low > limits.most_membership else "warning"
    yield Finding(severity, f"{told}, and {limits.membership:g} is allowed.", "more regularisation, more data, or fewer features: min_samples_leaf=10, max_depth=6, a larger alpha or smaller C; or answers without probabilities", figures={"auc": its.value, "low": its.low, "high": its.high})  # fmt: skip


@MODEL.check(
    "MV105", "How well it can be copied", "Who may ask often enough has the model; it is a figure, and fails nothing."
)
def extraction(model: Model) -> Iterator[str]:
    """Train a copy on its answers to half of the rows, and compare the two on the other half."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.pipeline import make_pipeline

    rows = np.random.default_rng(0).permutation(len(model))[:_MOST_COPIED]
    half = len(rows) // 2
    if half < model.limits.least_rows:
        raise NotApplicable(f"There are {len(model)} rows, and it takes {2 * model.limits.least_rows}.")
    asked, others = (model.frame.loc[part, model.features] for part in (rows[:half], rows[half:]))
    said, its = (np.asarray(model.answers.labels)[part] for part in (rows[:half], rows[half:]))
    forest = RandomForestClassifier if model.classifies else RandomForestRegressor
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            copied = make_pipeline(columns_as_numbers(), forest(50, random_state=0)).fit(asked, said).predict(others)
        except (ValueError, TypeError) as error:
            raise NotApplicable(f"No copy can be trained: {' '.join(str(error).split())[:150]}") from None
    if model.classifies:
        yield f"A copy trained on its answers to {half:,} rows gives the same one in {float(np.mean(copied == its)):.0%} of {len(its):,} others; most models can be copied so."
    else:
        spread = float(np.var(its))
        fidelity = 1 - float(np.mean((copied - its) ** 2)) / spread if spread else 1.0
        yield f"A copy trained on its answers to {half:,} rows tells {max(0.0, fidelity):.0%} of the variance of {len(its):,} others; most models can be copied so."


def _losses(answers: Answers, target: Array) -> Array:
    """Say how wrong it is in each row: the cross-entropy, 0 or 1 without probabilities, the absolute error of numbers."""
    if not isinstance(answers, Labels):
        return np.asarray(np.abs(np.asarray(answers.labels, dtype=float) - target))
    if answers.chances is None:
        return np.asarray(answers.labels != target, dtype=float)
    places = pd.Index(answers.classes).get_indexer(pd.Index(target))
    given = np.where(places >= 0, answers.chances[np.arange(len(target)), places], 0.0)
    return np.asarray(-np.log(np.clip(given, _LEAST, 1)))


def _area(seen: Array, unseen: Array, confidence: float) -> Interval:
    """Give the chance that a row that was seen has the smaller loss, with the interval of DeLong et al. (1988)."""
    parts = [_placed(seen, unseen), 1 - _placed(unseen, seen)]
    area = float(parts[0].mean())
    half = float(stats.norm.ppf(0.5 + confidence / 2)) * math.sqrt(sum(part.var(ddof=1) / len(part) for part in parts))
    return Interval(area, max(0.0, area - half), min(1.0, area + half))


def _placed(these: Array, those: Array) -> Array:
    """Give for each of these the share of those that are larger; equal ones count half."""
    ordered = np.sort(those)
    places = [np.searchsorted(ordered, these, side=side) for side in ("left", "right")]
    return np.asarray(1 - (places[0] + places[1]) / (2 * len(ordered)))


def at_least(parts: Array, confidence: float) -> float:
    """Give the lower end of the interval of a mean share (Wilson, 1927): that of shares within rows is no wider."""
    rate, count, z = float(parts.mean()), len(parts), float(stats.norm.ppf(0.5 + confidence / 2))
    centre = rate + z * z / (2 * count)
    return (centre - z * math.sqrt(rate * (1 - rate) / count + z * z / (4 * count * count))) / (1 + z * z / count)
