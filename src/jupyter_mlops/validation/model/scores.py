"""Is it good enough: bounds, the champion, a dummy, the simplest sensible model, and what it was trained on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd

from ...display import change, figure
from ..catalogues import MODEL
from ..checks import CantSay, NotApplicable
from ..findings import Finding, Plot, Severity
from .answers import Answers, Labels, Numbers
from .scoring import Interval, Scorer, interval
from .subject import Model

_MOST_FITTED: Final = 20_000  # rows that a baseline is fitted on
_FOLDS: Final = 5
_MOST_CLASSES: Final = 200


@MODEL.check(
    "MV001", "Scores within their bounds", "A bound is what was agreed to be good enough; below it nothing else counts."
)
def bounds(model: Model) -> Iterator[Finding]:
    """Hold each score that has a bound against it."""
    if not model.bounds:
        raise NotApplicable("No bound is set: --scorer 'roc_auc>=0.9', or [validation.model.scores].")
    for name, bound in model.bounds.items():
        scorer = Scorer(name)
        value = scorer.of(model.answers, model.y)
        figures = {"scorer": name, "value": value, "bound": str(bound)}
        if not bound.holds(value):
            yield Finding("error", f"{name} is {figure(value)}, and must be {bound}.", "train a better model, or look whether the test data is right", figures=figures)  # fmt: skip
            continue
        if len(model) < model.limits.least_rows:
            raise CantSay(
                f"{name} is {figure(value)}, of {len(model)} rows; an interval takes {model.limits.least_rows}."
            )
        its = interval(
            value, scorer.resampled(model.answers, model.y, model.draws), model.draws, model.limits.confidence
        )
        if not (bound.holds(its.low) and bound.holds(its.high)):
            yield Finding("warning", f"{name} is {its}: {bound} holds, and may not hold for other rows.", "more rows of test data", figures={**figures, "low": its.low, "high": its.high})  # fmt: skip


@MODEL.check(
    "MV002",
    "Better than the champion",
    "The champion is known to work. What replaces it by luck in one test is worse half the time.",
)
def champion(model: Model) -> Iterator[Finding]:
    """Compare with the champion on the same rows; noise does not promote."""
    its = model.gain_over(model.champions_answers)
    gain, asked = model.limits.gain, "" if model.limits.gain == 0 else f" by {change(model.limits.gain)}"
    assert model.champion is not None
    seen = f"{model.scorer.name} differs by {_signed(its)} from that of {model.champion.name}, in {len(model):,} rows"
    figures = {"scorer": model.scorer.name, "gain": its.value, "low": its.low, "high": its.high, "least": gain}
    if its.low > gain:
        return
    if its.high <= gain:
        same = " The two answer alike." if its.low == its.high == 0 else ""
        yield Finding("error", f"{seen}: it is not better{asked}.{same}", "keep the champion", figures=figures, plot=_against(model, its))  # fmt: skip
        return
    if its.value > gain:
        raise CantSay(
            f"{seen}: too few rows to tell whether it is better{asked}; about {_rows_to_tell(model, its, gain):,.0f} would."
        )
    raise CantSay(f"{seen}: too few rows to tell whether it is worse.")


@MODEL.check(
    "MV003", "Better than a dummy", "A model that is no better than always giving the same answer has learned nothing."
)
def dummy(model: Model) -> Iterator[Finding]:
    """Compare with the best answer that needs no features."""
    from sklearn.dummy import DummyClassifier, DummyRegressor

    estimator = DummyClassifier(strategy="prior") if model.classifies else DummyRegressor()
    its = model.gain_over(_baseline(model, estimator, constant=True))
    figures = {"gain": its.value, "low": its.low, "high": its.high}
    if its.high <= 0 or (its.low <= 0 and its.value <= 0):
        yield Finding("error", f"{model.scorer.name} is no better than that of a dummy: {_signed(its)}.", "look whether the columns are in the right order, and the target is the right one", figures=figures)  # fmt: skip
    elif its.low <= 0:
        raise CantSay(
            f"{model.scorer.name} differs by {_signed(its)} from that of a dummy, which may be chance; about {_rows_to_tell(model, its):,.0f} rows would tell."
        )


@MODEL.check(
    "MV004",
    "Better than a simple model",
    "A linear model is quick, small and understood; what is more complicated has to earn it.",
)
def simple(model: Model) -> Iterator[Finding]:
    """Compare with a linear model of the same features."""
    its = model.gain_over(_baseline(model, _linear(model)))
    name = "logistic regression" if model.classifies else "ridge regression"
    figures = {"gain": its.value, "low": its.low, "high": its.high}
    if its.high < 0:
        yield Finding("warning", f"{model.scorer.name} is worse than that of a {name}: {_signed(its)}.", f"take the {name}, or look for what went wrong in training", figures=figures)  # fmt: skip
    elif its.low == its.high == 0:
        yield Finding(
            "note", f"It answers as a {name} does.", "nothing, if it is one; else that one will do", figures=figures
        )
    elif its.low <= 0:
        yield Finding("note", f"{model.scorer.name} differs by {_signed(its)} from that of a {name}, which may be chance.", "a simpler model may do", figures=figures)  # fmt: skip


@MODEL.check(
    "MV005",
    "Tried on what it was trained on",
    "A model knows the rows that it was trained on: their score says nothing of others.",
)
def seen_before(model: Model) -> Iterator[Finding]:
    """Look whether the test data is that of the run, and whether rows of it are in the training data."""
    from ...fingerprint import fingerprint

    if not model.trained_on and model.train is None:
        raise NotApplicable("It is not known what it was trained on: --train.")
    digests = {model.digest, fingerprint(model.inputs).digest}
    if digests & set(model.trained_on):
        yield Finding("error", "The test data is what the model was trained on, by its digest.", "X_train, X_test, … = train_test_split(X, y), and --data takes the test part")  # fmt: skip
    if model.train is None:
        return
    columns = [name for name in model.features if name in model.train.columns]
    if not columns:
        raise CantSay("The training data has none of the features.")
    hashed = [
        pd.util.hash_pandas_object(frame[columns].astype(str), index=False) for frame in (model.frame, model.train)
    ]
    part = float(np.isin(hashed[0], hashed[1]).mean())
    # A few features of few values repeat by themselves: so do rows within the training data. Measurements don't.
    is_measured = any(model.train[name].astype(str).nunique() > len(model.train) / 2 for name in columns)
    by_itself = 0.0 if is_measured else float(hashed[1].duplicated(keep=False).mean())
    if part > max(0.01, 2 * by_itself):
        severity: Severity = "error" if part > 0.1 else "warning"
        yield Finding(severity, f"{part:.0%} of the rows are among the training data.", "test[~test.index.isin(train.index)], or split anew", figures={"share": part})  # fmt: skip


@MODEL.check(
    "MV006",
    "Overfitting",
    "A model that is much better on its training data has learned its noise, and will disappoint.",
)
def overfitting(model: Model) -> Iterator[Finding]:
    """Compare the score on the training data with that on the test data."""
    if model.train is None:
        raise NotApplicable("The training data is not given: --train.")
    train = (
        model.train if len(model.train) <= 5 * _MOST_FITTED else model.train.sample(5 * _MOST_FITTED, random_state=0)
    )
    before = model.scorer.of(model.candidate.ask(model.inputs_of(train)), model.target_of(train))
    now = model.score
    if before - now.high > 0 and before - now.value > model.limits.gap:
        yield Finding(
            "warning", f"{model.scorer.name} is {figure(before)} on the training data and {now} on the test data.",
            "more data, fewer features, or more regularisation", figures={"train": before, "test": now.value},
            plot=Plot("bars", ["training", "test"], [before, now.value], (1,), model.scorer.name),
        )  # fmt: skip


@MODEL.check("MV007", "Enough test data", "A score of few rows is a guess: another test would give another one.")
def stable(model: Model) -> Iterator[Finding]:
    """Look how far the score moves from resample to resample."""
    its = model.score
    half = (its.high - its.low) / 2
    if half > model.limits.spread:
        rows = len(model) * (half / model.limits.spread) ** 2
        yield Finding("warning", f"{model.scorer.name} is {its}, of {len(model):,} rows.", f"about {rows:,.0f} rows would tell it to ±{model.limits.spread:g}", figures={"value": its.value, "low": its.low, "high": its.high})  # fmt: skip


def _baseline(model: Model, estimator: Any, *, constant: bool = False) -> Answers:
    """Ask a baseline: fitted on the training data, or, where that isn't given, on the other folds of the test data."""
    from sklearn.model_selection import KFold

    model.need_rows()
    if model.classifies and (many := len(np.unique(model.y))) > _MOST_CLASSES:
        raise NotApplicable(f"There are {many:,} classes: no simple model of so many is fitted.")
    features = model.frame[model.features]
    everywhere = np.arange(len(model))
    if model.train is not None and set(model.features) <= set(model.train.columns):
        train = model.train.sample(min(len(model.train), _MOST_FITTED), random_state=0)
        parts = [(train[model.features], model.target_of(train), everywhere)]
    elif constant:  # it would be wrong by design: what a fold has less of, the others have more of
        parts = [(features, model.y, everywhere)]
    else:
        parts = []
        for others, fold in KFold(_FOLDS, shuffle=True, random_state=0).split(features):
            some = (
                others[:_MOST_FITTED]
                if len(others) <= _MOST_FITTED
                else np.random.default_rng(0).choice(others, _MOST_FITTED, replace=False)
            )
            parts.append((features.iloc[some], model.y[some], fold))
    return _asked(model, estimator, features, parts)


def _asked(model: Model, estimator: Any, features: pd.DataFrame, parts: list[Any]) -> Answers:
    import warnings

    from sklearn.base import clone

    classes = np.unique(np.concatenate([part[1] for part in parts] + [model.y]))
    labels: Any = np.empty(len(model), dtype=model.y.dtype if model.classifies else float)
    chances = np.zeros((len(model), len(classes)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a linear model that has not quite converged
        for given, y, rows in parts:
            if model.classifies and len(np.unique(y)) < 2:
                raise CantSay("The target has one class only.")
            try:
                fitted = clone(estimator).fit(given, y)
                labels[rows] = fitted.predict(features.iloc[rows])
                if model.classifies:
                    places = np.searchsorted(classes, fitted.classes_)
                    chances[np.ix_(rows, places)] = fitted.predict_proba(features.iloc[rows])
            except (ValueError, TypeError) as error:  # no feature that it could take, or a target that is none
                raise CantSay(f"No simple model can be fitted beside it: {' '.join(str(error).split())[:150]}") from None  # fmt: skip
    return Labels(labels, classes, chances) if model.classifies else Numbers(labels)


def _linear(model: Model) -> Any:
    """Build the simplest model that takes the features as they are."""
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.pipeline import make_pipeline

    return make_pipeline(
        columns_as_numbers(),
        LogisticRegression(max_iter=300) if model.classifies else RidgeCV(np.logspace(-3, 3, 7)),
    )


def columns_as_numbers() -> Any:
    """Build what makes comparable numbers of columns, as they are: scaled, and words as one of some."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    words = make_pipeline(
        FunctionTransformer(_as_words), OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=20)
    )
    numbers = make_pipeline(FunctionTransformer(_as_numbers), SimpleImputer(keep_empty_features=True), StandardScaler())
    return make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (words, make_column_selector(dtype_exclude=["number", "datetime", "datetimetz", "timedelta"])),
    )


def _as_words(frame: pd.DataFrame) -> Any:
    return frame.astype(object).where(frame.notna(), "missing").astype(str).to_numpy(dtype=object)


def _as_numbers(frame: pd.DataFrame) -> Any:
    array = frame.to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isfinite(array), array, np.nan)


def _rows_to_tell(model: Model, its: Interval, gain: float = 0.0) -> float:
    """Say how many rows would tell, were the difference what it seems."""
    half = (its.high - its.low) / 2
    return min(len(model) * (half / (its.value - gain)) ** 2, 1e12)


def _signed(its: Interval) -> str:
    return f"{change(its.value)} ({change(its.low)} to {change(its.high)})"


def _against(model: Model, its: Interval) -> Plot:
    now = model.scorer.of(model.answers, model.y)
    assert model.champion is not None
    return Plot("bars", [model.candidate.name, model.champion.name], [now, now - its.value], (0,), model.scorer.name)
