"""Odd data and odd models: a finding or a clear error from each check of models, and none that breaks."""

from __future__ import annotations

import contextlib
import warnings
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import LinearSVC

from jupyter_mlops.errors import InvalidUsage
from jupyter_mlops.frames import as_frame
from jupyter_mlops.validation.catalogues import chosen_for_model, model_checks
from jupyter_mlops.validation.checks import Check
from jupyter_mlops.validation.model import adversarial
from jupyter_mlops.validation.model.candidate import Candidate
from jupyter_mlops.validation.results import Report

from .test_bad_input import ODD
from .test_model import FEATURES, fitted, people, report

QUICK = {"replicates": 100, "refit_seconds": 0.5, "security": {"attack_seconds": 0.2}}


@pytest.fixture(autouse=True)
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack a few rows."""
    monkeypatch.setattr(adversarial, "_MOST", 2)
    monkeypatch.setattr(adversarial, "_LEAST", 1)


def whole(model: Any, frame: Any, target: str = "y", **asked: Any) -> Report:
    """Run all checks, those of security too; none may break."""
    frame = as_frame(frame)
    asked = {"train": frame, "checks": chosen_for_model(None, None, security=True), "limits": QUICK, **asked}
    found = report(model, frame, target, **asked)
    assert [(c.code, c.reason) for c in found.checks if c.reason.startswith("It could not run")] == []
    assert str(found)
    assert "<section" in found._repr_mimebundle_()["text/html"]
    assert len(found.frame()) >= len(found.checks)
    return found


@pytest.mark.parametrize("name", ODD)
def test_no_check_breaks_on_odd_data(name: str) -> None:
    frame = as_frame(ODD[name]).head(1000)  # probabilities of 10,000 classes for 20,000 rows are 1.6 GB
    names = [str(label) for label in frame.columns]
    target = next((label for label in names if names.count(label) == 1), "y")
    others = [label for label in names if label != target][:1]
    models: list[Any] = [DummyClassifier(strategy="prior"), DummyRegressor()]
    for model in models:
        try:
            at = names.index(target)
            values = frame.iloc[:, at].dropna()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model.fit(frame.drop(columns=frame.columns[at]).loc[values.index], values)
        except (
            ValueError,
            TypeError,
            AttributeError,
            OverflowError,
        ):  # scikit-learn's own word of what can't be learned
            continue
        tried(lambda model=model: whole(model, frame, target, slices=others, groups=others))
    if target in names:
        said = frame.iloc[:, names.index(target)]
        tried(lambda: whole(Candidate("other/1", why_not="It would run code."), frame, target, predictions=said, slices=others))  # fmt: skip


def tried(run: Any) -> None:
    """Take a clear error for an answer."""
    with contextlib.suppress(InvalidUsage):
        run()


class Odd(ClassifierMixin, BaseEstimator):
    """A classifier that does something odd."""

    def __init__(self, how: str = "") -> None:
        self.how = how

    def fit(self, rows: Any, target: Any) -> Odd:
        self.classes_ = np.unique(target)
        self.feature_names_in_ = np.array(rows.columns, dtype=object)
        return self

    def predict(self, rows: Any) -> Any:
        match self.how:
            case "raises":
                raise ZeroDivisionError("of all things")
            case "too few":
                return self.classes_[[0]]
            case "other labels":
                return np.array(["perhaps"] * len(rows))
            case "missing":
                return np.array([None] * len(rows))
            case "columns":
                return np.column_stack([np.arange(len(rows))] * 2)
        return self.classes_[np.arange(len(rows)) % len(self.classes_)]

    def predict_proba(self, rows: Any) -> Any:
        shape = (len(rows), len(self.classes_))
        return {"no numbers": np.full(shape, np.nan), "too many": np.full((len(rows), 9), 0.1)}.get(self.how, np.full(shape, 1 / shape[1]))  # fmt: skip


@pytest.mark.parametrize("how", ["", "raises", "too few", "other labels", "missing", "columns", "no numbers", "too many"])  # fmt: skip
def test_no_check_breaks_on_an_odd_classifier(how: str) -> None:
    frame = people(200)
    found = whole(Odd(how).fit(frame[FEATURES], frame["y"]), frame, slices=["group"], groups=["group"], champion=fitted())  # fmt: skip
    assert not found.ok
    if how == "raises":
        assert "of all things" in found["MV003"].reason


class Own:
    """A model that knows nothing of scikit-learn."""

    def __init__(self, knows_classes: bool = False, hangs: bool = False) -> None:
        self.hangs = hangs
        if knows_classes:
            self.classes_ = ["no", "yes"]

    def predict(self, rows: pd.DataFrame) -> Any:
        if self.hangs:
            raise KeyboardInterrupt  # what a person does then
        return np.where(rows["income"] - rows["debt"] > 0, "yes", "no")


@pytest.mark.parametrize("knows_classes", [False, True])
def test_a_model_that_is_not_of_scikit_learn_is_asked_like_any_other(knows_classes: bool) -> None:
    found = whole(Own(knows_classes), people(500), slices=["group"], champion=fitted())
    assert found["MV003"].outcome == "pass"
    assert whole(Own(), people(500).assign(y=1.5))["MV003"].reason.startswith("Own refuses the rows: could not convert")


def test_a_model_that_hangs_is_not_asked_again_once_it_was_interrupted() -> None:
    found = whole(Own(hangs=True), people(500))
    assert {checked.reason for checked in found.checks if checked.code >= "MV003"} == {"It was interrupted."}


def test_an_error_of_a_model_quotes_no_value() -> None:
    frame = people(300).astype({"debt": object})
    frame.loc[3, "debt"] = "greta@garbo.se"
    assert whole(fitted(), frame)["MV003"].reason == "LogisticRegression refuses the rows: could not convert string to float: '…'"  # fmt: skip


@pytest.mark.parametrize(("target", "model"), [(bool, int), (int, bool), (float, bool), (bool, float)])
def test_true_is_one(target: type, model: type) -> None:
    frame = people(300).assign(y=lambda f: f["income"] > f["debt"])
    trained = LogisticRegression().fit(frame[FEATURES], frame["y"].astype(model))
    assert whole(trained, frame.astype({"y": target}))["MV003"].outcome == "pass"


def test_better_than_a_dummy_by_chance_is_not_enough() -> None:
    frame = people(200).assign(y=lambda f: np.where(np.random.default_rng(3).random(len(f)) < 0.5, "yes", "no"))
    found = [report(fitted(seed=seed), frame.iloc[seed::2])["MV003"] for seed in range(2)]
    assert {each.outcome for each in found} <= {"error", "inconclusive"}
    assert any("rows would tell" in each.reason for each in found)


class OddNumbers(RegressorMixin, BaseEstimator):
    def __init__(self, value: float = 0.0) -> None:
        self.value = value

    def fit(self, rows: Any, target: Any) -> OddNumbers:
        return self

    def predict(self, rows: Any) -> Any:
        return np.full(len(rows), self.value)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf, 1e300])
def test_no_check_breaks_on_odd_numbers(value: float) -> None:
    frame = people(200).assign(y=lambda f: f["income"] * 2)
    assert not whole(OddNumbers(value), frame[[*FEATURES, "y"]], slices=["city"], groups=["city"]).ok


def classes(kind: str, frame: pd.DataFrame) -> Any:
    sign = frame["income"] > frame["debt"]
    return {
        "text": np.where(sign, "yes", "no"), "bools": sign.to_numpy(), "numbers": sign.astype(int).to_numpy(), "floats": sign.astype(float).to_numpy(),
        "categories": pd.Categorical(np.where(sign, "yes", "no")), "five": pd.qcut(frame["income"], 5, labels=False).to_numpy(),
        "one rare": np.where(frame.index < 2, "rare", np.where(sign, "yes", "no")), "nullable": pd.array(sign, dtype="boolean"),
    }[kind]  # fmt: skip


@pytest.mark.parametrize("kind", ["text", "bools", "numbers", "floats", "categories", "five", "one rare", "nullable"])
def test_labels_of_every_kind(kind: str) -> None:
    frame = people(300).assign(y=lambda f: classes(kind, f))
    model = LogisticRegression().fit(frame[FEATURES], np.asarray(frame["y"].astype(bool) if kind == "nullable" else frame["y"]))  # fmt: skip
    found = whole(model, frame, slices=["group"])
    assert found["MV003"].outcome == "pass"


def mixed() -> Any:
    columns = make_column_transformer((OneHotEncoder(), ["group"]), remainder="passthrough")
    return make_pipeline(columns, RandomForestClassifier(5, random_state=0))


@pytest.mark.parametrize(
    "model",
    [mixed, lambda: GridSearchCV(mixed(), {"randomforestclassifier__max_depth": [2, 3]}, cv=2), lambda: LinearSVC()],
    ids=["pipeline", "search", "no probabilities"],
)
@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "arrow types", "nullable"])
def test_models_and_frames_of_every_kind(model: Any, kind: str) -> None:
    frame = people(300)
    names = FEATURES if isinstance(model(), LinearSVC) else [*FEATURES, "group"]
    trained = model().fit(frame[names], frame["y"])
    given = {
        "pandas": lambda: frame, "polars": lambda: pl.from_pandas(frame), "pyarrow": lambda: pa.Table.from_pandas(frame),
        "arrow types": lambda: frame.convert_dtypes(dtype_backend="pyarrow"), "nullable": lambda: frame.convert_dtypes(),
    }[kind]()  # fmt: skip
    assert whole(trained, given, slices=["group"])["MV003"].outcome == "pass"


def test_columns_that_are_numbers_have_the_names_of_numbers() -> None:
    frame = people(300)[FEATURES].set_axis([0, 1, 2], axis=1)
    model = LinearRegression().fit(frame[[1, 2]].to_numpy(), frame[0])
    assert whole(model, frame, "0")["MV003"].outcome in ("inconclusive", "error")


def interrupted(subject: Any) -> Any:
    raise KeyboardInterrupt


def test_an_interrupt_keeps_what_is_done_and_a_crash_lets_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = model_checks()
    known = dict(checks._checks)
    monkeypatch.setattr(checks, "_checks", {**known, "MV006": Check("MV006", "Overfitting", "It matters.", interrupted)})  # fmt: skip
    found = report(fitted(), people(300))
    assert found["MV003"].outcome == "pass"
    assert {c.reason for c in found.checks if c.code >= "MV006"} == {"It was interrupted."}
    assert found.outcome == "inconclusive"
    monkeypatch.setattr(checks, "_checks", {**known, "MV006": Check("MV006", "Overfitting", "It matters.", lambda model: 1 / 0)})  # fmt: skip
    found = report(fitted(), people(300))
    assert found["MV006"].reason == "It could not run: ZeroDivisionError: division by zero"
    assert found["MV007"].outcome in ("pass", "warning")
