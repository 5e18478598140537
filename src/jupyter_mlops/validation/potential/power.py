"""How much each feature tells of the target by itself, and which two tell more together."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import combinations
from typing import Final

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import OneHotEncoder
from threadpoolctl import threadpool_limits

from ..catalogues import DATA
from ..checks import NotApplicable
from ..data import Data
from ..findings import Finding, Plot
from ..quality.names import listed
from .problem import FOLDS, Codes, Feature, Floats, Problem, problem

_MOST_BARS: Final = 12
_FOR_PAIRS: Final = 20  # features: 190 pairs of them
_ROWS_FOR_PAIRS: Final = 5_000
_COARSE: Final = 6  # bins of each of a pair: 36 together, of which each has rows enough
_MOST_PAIRS: Final = 5


@DATA.check("DP001", "Power of each feature", "A target that no feature tells anything of can't be learned from them; and the few that tell most are worth most care.")  # fmt: skip
def power(data: Data) -> Iterator[Finding]:
    """Tell which features say something of the target by themselves, in rows that were held out."""
    asked = data.once(problem)
    features = {feature.label: feature for feature in asked.features}
    if not features:
        raise NotApplicable("There are no features.")
    telling = {n: p for n, p in asked.powers.items() if p > max(0.01, asked.by_chance(features[n].bins))}
    figures = {name: round(value, 4) for name, value in asked.powers.items()}
    if not telling:
        yield Finding(
            "note",
            f"None of {len(features):,} features tells anything of {asked.target.label} by itself{asked.of_rows}.",
            "look whether rows and labels belong together, and for better features",
            (asked.target.label,),
            figures,
        )
        return
    top = list(telling)[:3]
    told = ", ".join(f"{features[name].told} {telling[name]:.2f}" for name in top)
    shown = list(asked.powers)[:_MOST_BARS]
    yield Finding(
        "note",
        f"{len(telling):,} of {len(features):,} features tell something of {asked.target.label} by themselves, most {told} (of 1){asked.of_rows}.",
        f"look after {listed(tuple(top))} first: how they are measured, and whether they are there when it is predicted",
        tuple(top),
        figures,
        Plot("bars", [features[n].told for n in shown], [max(0.0, asked.powers[n]) for n in shown], [p for p, n in enumerate(shown) if n in telling], f"share of {asked.target.label} told"),
    )  # fmt: skip


@DATA.check("DP004", "Features that tell more together", "A linear model adds up what each feature tells; what only two together tell, it has to be given.")  # fmt: skip
def interactions(data: Data) -> Iterator[Finding]:
    """Look for pairs that tell of what the sum of single features leaves open (FAST; Lou et al., 2013)."""
    asked = data.once(problem).fewer(_ROWS_FOR_PAIRS)
    features = sorted(asked.features, key=lambda feature: -data.once(problem).powers.get(feature.label, 0.0))
    if len(features) < 2:
        raise NotApplicable("There are fewer than two features.")
    coarse = [_coarse(feature) for feature in features[:_FOR_PAIRS]]
    left = asked.wanted - _added_up(asked, coarse)
    limit = max(data.limits.interaction, asked.by_chance(_COARSE**2))
    found = []
    for (one, a), (two, b) in combinations(zip(features, coarse, strict=False), 2):
        together = asked.explained(a * _COARSE + b, _COARSE**2, left)
        if together > limit:
            found.append((together, one, two))
    for together, one, two in sorted(found, key=lambda pair: -pair[0])[:_MOST_PAIRS]:
        yield Finding(
            "note",
            f"{one.told} and {two.told} together tell {together:.0%} of what single features leave open of {asked.target.label}{asked.of_rows}.",
            "a model that sees interactions, such as boosted trees; or a feature made of the two",
            (one.label, two.label),
            {"share": round(together, 4)},
        )


def _coarse(feature: Feature) -> Codes:
    """Fewer bins: neighbours of a number together; of categories the most frequent, and one for the rest."""
    if feature.bins <= _COARSE:
        return feature.codes
    if feature.what != "category":
        counts = np.bincount(feature.codes, minlength=feature.bins)
        return (((np.cumsum(counts) - counts) * _COARSE) // len(feature.codes))[feature.codes]
    frequent = np.argsort(-np.bincount(feature.codes, minlength=feature.bins), kind="stable")
    place = np.full(feature.bins, _COARSE - 1)
    place[frequent[: _COARSE - 1]] = np.arange(_COARSE - 1)
    return place[feature.codes]


def _added_up(asked: Problem, coarse: list[Codes]) -> Floats:
    """Predict held-out rows by a model that adds up features: logistic, or least squares, on their bins."""
    bins = OneHotEncoder().fit_transform(np.stack(coarse, axis=1)).tocsr()
    guess = np.zeros_like(asked.wanted)
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")  # that it could go on for longer
        for fold in range(FOLDS):
            held = asked.folds == fold
            if asked.classes:
                model = LogisticRegression(max_iter=100).fit(bins[~held], asked.plain[~held])
                guess[np.ix_(held, model.classes_.astype(int))] = model.predict_proba(bins[held])
            else:
                guess[held, 0] = Ridge(alpha=1.0).fit(bins[~held], asked.wanted[~held, 0]).predict(bins[held])
    return guess
