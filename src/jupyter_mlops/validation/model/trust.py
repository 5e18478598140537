"""Can it be trusted: probabilities that mean what they say, and groups of people that it treats alike."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from scipy import stats

from ...display import figure
from ...errors import MissingDependency
from ..catalogues import MODEL
from ..checks import CantSay, NotApplicable
from ..findings import Finding, Plot
from .answers import Array, Labels
from .slices import part, shown
from .subject import Model

_BINS: Final = 10
_CHANCE: Final = 0.01


@MODEL.check(
    "MV010",
    "Calibration",
    "Who acts on 'probably' needs 80% to be right in 8 of 10 cases; a mean that is off is off for all.",
)
def calibration(model: Model) -> Iterator[Finding]:
    """Hold probabilities against what came, and the mean of numbers against the mean that came."""
    if len(model) < model.limits.least_rows:
        raise NotApplicable(f"There are {len(model)} rows, and it takes {model.limits.least_rows}.")
    if not isinstance(model.answers, Labels):
        yield from _bias(model)
        return
    if model.answers.chances is None:
        raise NotApplicable("The model gives no probabilities.")
    # Of two classes the probability of the second one; of more, that of the label given.
    two = model.answers.chances.shape[1] == 2
    said = np.clip(model.chance, 0, 1)
    came = (model.y == (model.answers.classes[1] if two else model.answers.labels)).astype(float)
    bins = np.minimum((said * _BINS).astype(int), _BINS - 1)
    counts = np.bincount(bins, minlength=_BINS)
    there = np.flatnonzero(counts)
    means = [np.bincount(bins, weights=values, minlength=_BINS)[there] / counts[there] for values in (said, came)]
    error = float((counts[there] * np.abs(means[0] - means[1])).sum() / len(said))
    if error > model.limits.calibration and _spiegelhalter(said, came) < _CHANCE:
        worst = int(np.argmax(counts[there] * np.abs(means[0] - means[1])))
        yield Finding(
            "warning",
            f"Where it says {means[0][worst]:.0%}, it is {means[1][worst]:.0%} ({counts[there][worst]:,} rows); on average it is off by {error:.1%}.",
            "CalibratedClassifierCV(model, method='isotonic')", figures={"error": error},
            plot=Plot("bars", [f"says {mean:.0%}" for mean in means[0]], means[1].tolist(), (worst,), "what came"),
        )  # fmt: skip


@MODEL.check(
    "MV011",
    "Fairness between groups",
    "People of one group must not be turned away more often, or wrongly, for what they are.",
)
def fairness(model: Model) -> Iterator[Finding]:
    """Compare how often groups are chosen, and how often wrongly so; of numbers, how far off it is on average."""
    if not model.groups:
        raise NotApplicable("No group is named: --group gender.")
    try:
        from fairlearn import metrics
    except ImportError:
        raise MissingDependency("Fairness needs fairlearn: %pip install 'jupyter-mlops[fairness]'") from None
    for name in model.groups:
        parted = shown(model, part(model.frame[name], name))
        counts = np.bincount(parted.codes, minlength=len(parted.labels))
        large = np.flatnonzero(counts >= model.limits.slice_rows)
        if len(large) < 2:
            raise CantSay(f"Fewer than two groups of {name} have {model.limits.slice_rows} rows.")
        kept = np.isin(parted.codes, large)
        people = np.array([parted.labels[code].removeprefix("= ") for code in parted.codes[kept]])
        yield from _unfair(model, metrics, name, kept, people)


def _unfair(model: Model, metrics: Any, name: str, kept: Array, people: Array) -> Iterator[Finding]:
    answers, target = model.answers, model.y[kept]
    chance = _CHANCE / len(model.groups)  # of the whole check
    if not isinstance(answers, Labels):
        means = {each: float((answers.labels[kept] - target)[people == each].mean()) for each in np.unique(people)}
        low, high = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
        spread = float(target.std())
        off = [(answers.labels[kept] - target)[people == each] for each in (low, high)]
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of numbers that are all but the same
            sure = stats.ttest_ind(*off, equal_var=False).pvalue < chance / max(len(means) * (len(means) - 1) / 2, 1)
        if means[high] - means[low] > model.limits.odds * spread and sure:
            yield Finding("error", f"{name}: for {high} it is {figure(means[high])} off on average, for {low} {figure(means[low])}.", "look for what the data leaves out about one of them", (name,), means)  # fmt: skip
        return
    if len(answers.classes) != 2:
        right = metrics.MetricFrame(metrics=lambda y, p: float(np.mean(y == p)), y_true=target, y_pred=answers.labels[kept], sensitive_features=people)  # fmt: skip
        share = dict(right.by_group)
        if right.difference() > model.limits.odds and _differ(answers.labels[kept] == target, people, chance):
            yield Finding("error", f"{name}: it is right in {_shares(share)}.", "more training data of the group that it knows least", (name,), share)  # fmt: skip
        return
    chosen, true = (values == answers.classes[1] for values in (answers.labels[kept], target))
    given = {"y_true": true.astype(int), "y_pred": chosen.astype(int), "sensitive_features": people}
    rates = dict(metrics.MetricFrame(metrics=metrics.selection_rate, **given).by_group)
    ratio = float(metrics.demographic_parity_ratio(**given))
    what = f"as {answers.classes[1]}"
    if ratio < model.limits.parity and _differ(chosen, people, chance / 3):
        yield Finding("error", f"{name}: chosen {what} are {_shares(rates)}, a ratio of {ratio:.2f}; the four-fifths rule asks for {model.limits.parity:g}.", "fairlearn.postprocessing.ThresholdOptimizer, or other features", (name,), {**rates, "ratio": ratio}, _bars(rates))  # fmt: skip
    for word, rate, of in (
        ("rightly", metrics.true_positive_rate, true),
        ("wrongly", metrics.false_positive_rate, ~true),
    ):
        if min((int((of & (people == each)).sum()) for each in np.unique(people)), default=0) < model.limits.slice_rows:
            continue  # too few of whom it could be said
        by_group = dict(metrics.MetricFrame(metrics=rate, **given).by_group)
        if max(by_group.values()) - min(by_group.values()) > model.limits.odds and _differ(
            chosen[of], people[of], chance / 3
        ):
            yield Finding("error", f"{name}: {word} chosen {what} are {_shares(by_group)}.", "fairlearn.postprocessing.ThresholdOptimizer(constraints='equalized_odds')", (name,), by_group, _bars(by_group))  # fmt: skip


def _bias(model: Model) -> Iterator[Finding]:
    """Say whether numbers are too high or too low on average."""
    off = np.asarray(model.answers.labels, dtype=float) - model.y
    mean, spread = float(off.mean()), float(model.y.std())
    error = float(off.std(ddof=1) / math.sqrt(len(off)))
    if error > 0 and abs(mean) / error > stats.norm.isf(_CHANCE / 2) and abs(mean) > model.limits.calibration * spread:
        yield Finding("warning", f"It is {figure(abs(mean))} too {'high' if mean > 0 else 'low'} on average, of a spread of {figure(spread)}.", "look whether the test data is of the time and place that it was trained for", figures={"bias": mean})  # fmt: skip


def _spiegelhalter(said: Array, came: Array) -> float:
    """Test whether probabilities are calibrated (Spiegelhalter, 1986): the chance of so much error, were they."""
    above = float(((came - said) * (1 - 2 * said)).sum())
    spread = math.sqrt(float(((1 - 2 * said) ** 2 * said * (1 - said)).sum()))
    by_score = 2 * float(stats.norm.sf(abs(above) / spread)) if spread > 0 else 0.0
    mean_spread = math.sqrt(float((said * (1 - said)).sum()))
    by_mean = 2 * float(stats.norm.sf(abs(float((came - said).sum())) / mean_spread)) if mean_spread > 0 else 0.0
    return min(1.0, 2 * min(by_score, by_mean))


def _differ(happened: Array, people: Array, chance: float) -> bool:
    """Test whether something happens more often to one group than to another; ``chance`` is that of a false alarm."""
    table = [
        [int((happened & (people == each)).sum()), int((~happened & (people == each)).sum())]
        for each in np.unique(people)
    ]
    if min(np.sum(table, axis=0)) == 0:
        return False
    return bool(stats.chi2_contingency(table).pvalue < chance)


def _shares(shares: dict[Any, Any]) -> str:
    return ", ".join(f"{share:.0%} of {group}" for group, share in list(shares.items())[:5])


def _bars(shares: dict[Any, Any]) -> Plot:
    lowest = min(range(len(shares)), key=list(shares.values()).__getitem__)
    return Plot("bars", list(shares), [float(share) for share in shares.values()], (lowest,), "share")
