"""What a simple model makes of the data: its honest score, whether more rows would help, and labels that it disputes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from cleanlab.filter import find_label_issues
from sklearn.metrics import roc_auc_score

from ..catalogues import DATA
from ..checks import CantSay, NotApplicable
from ..data import Data, share
from ..findings import Finding, Plot
from ..quality.quoting import quoted
from .model import Baseline, baseline
from .problem import Floats

_PARTS: Final = (1 / 8, 1 / 4, 1 / 2, 1.0)
_FEW_FOR_A_CURVE: Final = 100
_SURE: Final = 2.0  # standard errors
_UNLIKELY: Final = 0.1
_MOST_ROWS: Final = 100


@DATA.check("DP005", "An honest baseline", "What the simplest sensible model reaches is what any other has to beat; one that only guesses has learned nothing.")  # fmt: skip
def honest(data: Data) -> Iterator[Finding]:
    """Score a logistic or ridge regression beside a dummy, in five folds."""
    model = data.once(baseline)
    told, figures = _scores(model)
    better = _sure(model.dummy_errors - model.errors)
    what = "A logistic regression" if model.asked.classes else "A ridge regression"
    where = model.asked.of_rows
    if better < _SURE:
        yield Finding("warning", f"{what} is no better than guessing: {told}{where}.", "look for features that tell more, or for labels of other rows, before a larger model", (model.asked.target.label,), figures)  # fmt: skip
    else:
        yield Finding("note", f"{what} has {told}{where}.", "beat this, in the same folds, before anything is called good", (model.asked.target.label,), figures)  # fmt: skip


@DATA.check("DP006", "Enough rows", "Where twice the rows still make a model better, more data is worth more than a better model.")  # fmt: skip
def enough(data: Data) -> Iterator[Finding]:
    """Learn from an eighth, a quarter, a half and all of the rows, and see whether it still gets better."""
    model = data.once(baseline)
    rows = len(model.asked)
    if rows < _FEW_FOR_A_CURVE:
        raise CantSay(f"There are {rows} rows; a learning curve takes {_FEW_FOR_A_CURVE}.")
    curve = [((model.learned(part) - model.wanted) ** 2).sum(axis=1) for part in _PARTS[:-1]] + [model.errors]
    scale = float(model.dummy_errors.mean())
    if scale <= 0:
        raise NotApplicable("The target has one value.")
    told = [1 - float(errors.mean()) / scale for errors in curve]
    sizes = [round(part * rows * 4 / 5) for part in _PARTS]
    last, before = told[-1] - told[-2], told[-2] - told[-3]
    is_all = rows >= len(model.asked.target.there)
    if told[-1] > 0 and last > data.limits.gain and _sure(curve[-2] - curve[-1]) > _SURE and is_all:
        # Errors fall as a power of the rows (Cortes et al., 1993): gains from doubling to doubling by one factor.
        gain = last * min(1.0, last / before) if before > 0 else last
        yield Finding(
            "note",
            f"From {sizes[-2]:,} to {sizes[-1]:,} rows the share of {model.asked.target.label} that is told rose from {told[-2]:.2f} to {told[-1]:.2f}; twice as many should bring about {gain:.2f} more.",
            "collect more rows, or a simpler model",
            (model.asked.target.label,),
            {"rows": sizes, "told": [round(value, 4) for value in told], "gain": round(gain, 4)},
            Plot("bars", [f"{size:,} rows" for size in sizes], [max(0.0, value) for value in told], [3], f"share of {model.asked.target.label} told"),
        )  # fmt: skip


@DATA.check("DP007", "Labels worth a second look", "A model learns wrong labels as it learns right ones, and is then tested against them.")  # fmt: skip
def mislabelled(data: Data) -> Iterator[Finding]:
    """Look for labels that a model which has not seen them finds unlikely (confident learning; Northcutt et al., 2021)."""
    model = data.once(baseline)
    asked = model.asked
    if asked.classes:
        labels = asked.plain.astype(int)
        given = model.guess[np.arange(len(labels)), labels]
        # Both of cleanlab's rules, and far from likely: where classes overlap, rules alone doubt every fifth label.
        doubted = find_label_issues(labels, model.guess, filter_by="both", n_jobs=1) & (given < _UNLIKELY)
        order = np.argsort(given)
    else:
        left = (model.guess - model.wanted)[:, 0]
        spread = 1.4826 * float(np.median(np.abs(left - np.median(left))))
        doubted = np.abs(left - np.median(left)) > 2 * data.limits.far * spread if spread else np.zeros(len(left), bool)
        order = np.argsort(-np.abs(left))
    count = int(doubted.sum())
    if not count:
        return
    places = [int(asked.rows[place]) for place in order if doubted[place]][:_MOST_ROWS]
    first = next(place for place in order if doubted[place])
    if asked.classes:
        by = int(np.argmax(model.guess[first]))
        such = f"{asked.classes[int(asked.plain[first])]}, where the model says {asked.classes[by]} with {model.guess[first, by]:.3f}"
    else:
        such = f"{asked.plain[first]:.4g}, where the model says {model.guess[first, 0]:.4g}"
    such = quoted(data, asked.target, such)
    yield Finding(
        "warning" if count > data.limits.mislabelled * len(asked) else "note",
        f"{share(count, len(asked))} labels look wrong or are hard to tell, such as row {places[0]:,}: {such}.",
        f"look at them: df.iloc[{places[:5]}]",
        (asked.target.label,),
        {"rows": places, "count": count},
    )


def _scores(model: Baseline) -> tuple[str, dict[str, float]]:
    asked, guess = model.asked, model.guess
    if asked.classes:
        auc = _auc(asked.plain, guess)
        right = float((guess.argmax(axis=1) == asked.plain).mean())
        most = float(asked.wanted.mean(axis=0).max())
        return (
            f"ROC AUC {auc:.3f} (a dummy: 0.5) and accuracy {right:.3f} (a dummy: {most:.3f})",
            {"roc_auc": auc, "accuracy": right, "dummy_accuracy": most},
        )
    squares = 1 - float(model.errors.sum() / model.dummy_errors.sum())
    off, dummy = float(np.sqrt(model.errors).mean()), float(np.sqrt(model.dummy_errors).mean())
    return (
        f"R² {squares:.3f} (a dummy: 0) and a mean absolute error of {off:.4g} (a dummy: {dummy:.4g})",
        {"r2": squares, "mean_absolute_error": off, "dummy_mean_absolute_error": dummy},
    )


def _auc(labels: Floats, guess: Floats) -> float:
    if guess.shape[1] == 2:
        return float(roc_auc_score(labels, guess[:, 1]))
    return float(np.mean([roc_auc_score(labels == place, guess[:, place]) for place in range(guess.shape[1])]))


def _sure(gains: Floats) -> float:
    """How many standard errors a mean gain is above nothing; each row is its own pair."""
    spread = float(gains.std()) / np.sqrt(len(gains))
    return float(gains.mean()) / spread if spread > 0 else 0.0
