"""Each check of models: on a model made to fail it, on one made to pass, and on the awkward edge."""

from __future__ import annotations

import re
import time
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import get_scorer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from jupyter_mlops.errors import InvalidUsage
from jupyter_mlops.fingerprint import fingerprint
from jupyter_mlops.limits import ModelLimits, ValidationSettings
from jupyter_mlops.validation.model import scoring
from jupyter_mlops.validation.model.answers import Labels, Numbers, ask
from jupyter_mlops.validation.model.candidate import Candidate, of_estimator
from jupyter_mlops.validation.model.scoring import Draws, Scorer, interval
from jupyter_mlops.validation.provenance import Again, Provenance
from jupyter_mlops.validation.results import Report, read
from jupyter_mlops.validation.trial import report_on


def people(rows: int = 2000, seed: int = 0) -> pd.DataFrame:
    """Data with a rule that a linear model can learn, and columns that have nothing to do with it."""
    chance = np.random.default_rng(seed)
    frame = pd.DataFrame({"income": chance.normal(size=rows), "debt": chance.normal(size=rows), "city": chance.integers(0, 4, rows).astype(float), "group": chance.choice(["a", "b"], rows)})  # fmt: skip
    frame["y"] = np.where(frame["income"] - frame["debt"] + chance.logistic(0, 0.4, rows) > 0, "yes", "no")
    return frame


FEATURES = ["income", "debt", "city"]


def fitted(estimator: Any = None, seed: int = 1, rows: int = 2000) -> Any:
    frame = people(rows, seed)
    return (LogisticRegression() if estimator is None else estimator).fit(frame[FEATURES], frame["y"])


def report(model: Any, frame: pd.DataFrame | None = None, target: str = "y", limits: dict[str, Any] | None = None, **asked: Any) -> Report:  # fmt: skip
    candidate = model if isinstance(model, Candidate) else of_estimator(model)
    if asked.get("champion") is not None:
        asked["champion"] = of_estimator(asked["champion"])
    settings = ValidationSettings(model=ModelLimits(**{"replicates": 300, **(limits or {})}))
    return report_on(candidate, people() if frame is None else frame, target, settings, **asked)


class Rule(ClassifierMixin, BaseEstimator):
    """A classifier that is what a test says."""

    def __init__(self, rule: Any, sure: float = 0.9) -> None:
        self.rule, self.sure = rule, sure
        self.classes_ = np.array(["no", "yes"])
        self.feature_names_in_ = np.array([*FEATURES, "group"], dtype=object)

    def predict(self, rows: pd.DataFrame) -> Any:
        return np.where(self.rule(rows), "yes", "no")

    def predict_proba(self, rows: pd.DataFrame) -> Any:
        chance = np.where(self.rule(rows), self.sure, 1 - self.sure)
        return np.column_stack([1 - chance, chance])


def by_luck() -> Any:
    """A model that a seed makes or breaks: it looks at one feature, chosen by chance."""
    return DecisionTreeClassifier(max_depth=2, max_features=1, splitter="random", random_state=0)


class Slow(DecisionTreeClassifier):
    """The same, at 50 ms for 1,000 rows."""

    def __init__(self, max_depth: int = 2, max_features: int = 1, splitter: str = "random", random_state: int = 0) -> None:  # fmt: skip
        super().__init__(max_depth=max_depth, max_features=max_features, splitter=splitter, random_state=random_state)

    def fit(self, rows: Any, target: Any) -> Any:
        time.sleep(len(rows) / 20_000)
        return super().fit(rows, target)


class Fickle(ClassifierMixin, BaseEstimator):
    """Hangs on which rows it was given whether it is right or wrong."""

    def fit(self, rows: Any, target: Any) -> Any:
        self.feature_names_in_ = np.array(FEATURES, dtype=object)
        self.classes_ = np.array(["no", "yes"])
        self.turned_ = int(abs(rows["income"].sum()) * 1e6) % 2 == 1
        return self

    def predict(self, rows: Any) -> Any:
        return np.where(good(rows) ^ self.turned_, "yes", "no")


def good(rows: pd.DataFrame) -> Any:
    return (rows["income"] - rows["debt"] > 0).to_numpy()


def test_a_good_model_passes() -> None:
    found = report(fitted(), slices=["group"], groups=["group"], train=people(seed=1), scorers=[("roc_auc", ">=0.8")], champion=DummyClassifier().fit(people()[FEATURES], people()["y"]))  # fmt: skip
    assert (found.outcome, found.failed) == ("pass", ())
    assert {c.code for c in found.checks if c.outcome == "warning"} <= {
        "MV009"
    }  # at the border of the two classes it is weak
    assert "roc_auc" in str(found)
    again = read(found.to_dict())
    assert (again.failed, again.evidence, again.kind) == (found.failed, found.evidence, "model")


@pytest.mark.parametrize(
    ("code", "outcome", "model", "asked"),
    [
        ("MV001", "error", lambda: fitted(), {"scorers": [("roc_auc", ">=0.999")]}),
        ("MV001", "warning", lambda: fitted(), {"limits": {"scores": {"accuracy": ">=0.78"}}, "frame": people(200)}),
        ("MV001", "skipped", lambda: fitted(), {}),
        ("MV002", "error", lambda: fitted(), {"champion": fitted()}),
        ("MV002", "error", lambda: fitted(DummyClassifier()), {"champion": fitted()}),
        ("MV002", "inconclusive", lambda: fitted(rows=500), {"champion": fitted(rows=2000), "frame": people(300)}),
        ("MV002", "pass", lambda: fitted(rows=500), {"champion": fitted(rows=2000), "limits": {"gain": -0.1}}),
        ("MV002", "skipped", lambda: fitted(), {}),
        ("MV003", "error", lambda: fitted(DummyClassifier()), {}),
        ("MV004", "warning", lambda: fitted(DecisionTreeClassifier(random_state=0)), {}),
        ("MV005", "error", lambda: fitted(), {"train": people()}),
        ("MV005", "pass", lambda: fitted(), {"train": people(seed=1)}),
        ("MV005", "warning", lambda: fitted(), {"train": pd.concat([people(seed=1), people(seed=1).head(400), people().head(100)])}),
        ("MV005", "pass", lambda: fitted(), {"train": people(seed=1)[["city", "y"]]}),
        ("MV005", "error", lambda: fitted(), {"trained_on": [fingerprint(people().drop(columns="y")).digest]}),
        ("MV006", "warning", lambda: fitted(DecisionTreeClassifier(random_state=0)), {"train": people(seed=1)}),
        ("MV006", "pass", lambda: fitted(), {"train": people(seed=1)}),
        ("MV007", "warning", lambda: fitted(), {"frame": people(60)}),
        ("MV008", "error", lambda: Rule(lambda rows: good(rows) ^ (rows["group"] == "b")), {"slices": ["group"]}),
        ("MV008", "inconclusive", lambda: fitted(), {"slices": ["group"], "frame": people(50)}),
        ("MV009", "warning", lambda: Rule(lambda rows: good(rows) ^ ((rows["city"] == 2) & (rows["group"] == "a"))), {}),
        ("MV009", "pass", lambda: Rule(lambda rows: good(rows) ^ (np.random.default_rng(0).random(len(rows)) < 0.4)), {}),
        ("MV010", "warning", lambda: Rule(good, sure=0.999), {"limits": {"calibration": 0.05}}),
        ("MV010", "pass", lambda: fitted(), {}),
        ("MV011", "error", lambda: Rule(lambda rows: good(rows) & (rows["group"] == "a")), {"groups": ["group"]}),
        ("MV011", "inconclusive", lambda: fitted(), {"groups": ["group"], "frame": people(50)}),
        ("MV012", "warning", lambda: Rule(lambda rows: (rows["income"] * 1e4).astype(int) % 2 == 0), {"frame": people().assign(y=lambda f: np.where((f["income"] * 1e4).astype(int) % 2 == 0, "yes", "no"))}),
        ("MV013", "note", lambda: fitted(), {}),
        ("MV013", "pass", lambda: fitted(HistGradientBoostingClassifier(max_iter=20, random_state=0)), {}),
        ("MV014", "error", lambda: Rule(lambda rows: good(rows) & (rows["group"] == "a")), {"limits": {"invariant": ["group"]}}),
        ("MV014", "error", lambda: fitted(), {"limits": {"decreasing": ["income"]}}),
        ("MV014", "pass", lambda: fitted(), {"limits": {"increasing": ["income"], "decreasing": ["debt"]}}),
        ("MV014", "inconclusive", lambda: fitted(), {"limits": {"increasing": ["incme"]}}),
        ("MV016", "error", lambda: fitted(), {"frame": people().drop(columns="debt")}),
        ("MV016", "error", lambda: fitted(), {"limits": {"unavailable": ["debt"]}}),
        ("MV016", "note", lambda: fitted(), {"frame": people().assign(y=lambda f: f["y"].where(f.index > 9))}),
        ("MV018", "error", lambda: fitted(), {"limits": {"milliseconds": 1e-6}}),
        ("MV018", "pass", lambda: fitted(), {"limits": {"milliseconds": 1e6}}),
        ("MV020", "warning", lambda: fitted(by_luck(), rows=300), {"train": people(300, seed=1)}),
        ("MV020", "warning", lambda: fitted(Fickle(), rows=300), {"train": people(300, seed=1)}),
        ("MV020", "pass", lambda: fitted(), {"train": people(seed=1)}),
        ("MV020", "pass", lambda: fitted(RandomForestClassifier(60, random_state=0)), {"train": people(seed=1), "scorers": [("roc_auc", None)]}),
        ("MV020", "note", lambda: fitted(Slow(), rows=4000), {"train": people(4000, seed=1), "limits": {"refit_seconds": 1}}),
        ("MV020", "skipped", lambda: fitted(), {"train": people(seed=1), "limits": {"refit_seconds": 1e-9}}),
        ("MV020", "skipped", lambda: Rule(good), {"train": people(seed=1)}),
        ("MV020", "skipped", lambda: fitted(), {}),
        ("MV020", "inconclusive", lambda: fitted(), {"train": people(seed=1).drop(columns="debt")}),
        ("MV020", "inconclusive", lambda: fitted(), {"train": people(seed=1).assign(debt=np.nan)}),
        ("MV019", "inconclusive", lambda: fitted(), {"limits": {"megabytes": 1}}),
    ],
)  # fmt: skip
def test_a_check(code: str, outcome: str, model: Any, asked: dict[str, Any]) -> None:
    found = report(model(), checks=_only(code), **asked)
    assert found[code].outcome == outcome, found[code]
    assert [c for c in found.checks if c.reason.startswith("It could not run")] == []


def test_a_comparison_says_how_many_rows_would_tell() -> None:
    found = report(Rule(good), frame=people(120), champion=Rule(lambda rows: good(rows) ^ (rows.index % 30 == 7)))[
        "MV002"
    ]
    assert found.outcome == "inconclusive"
    assert "too few rows to tell whether it is better; about" in found.reason


def test_numbers_are_predicted_too() -> None:
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    train, test = train_test_split(X.assign(target=y), random_state=0)
    model = Ridge(0.1).fit(train[X.columns], train["target"])
    found = report(model, test, "target", champion=DecisionTreeRegressor(random_state=0).fit(train[X.columns], train["target"]), groups=["sex"], slices=["age"], train=train)  # fmt: skip
    assert found.failed == ()
    assert found["MV002"].outcome == "pass"
    off = report(_Off(model), test, "target")
    assert off["MV010"].outcome == "warning"
    assert "too high on average" in off["MV010"].findings[0].seen


class _Off(RegressorMixin, BaseEstimator):
    def __init__(self, model: Any) -> None:
        self.model = model
        self.feature_names_in_ = model.feature_names_in_

    def predict(self, rows: Any) -> Any:
        return self.model.predict(rows) + 60


@pytest.mark.parametrize("load", [load_breast_cancer, load_wine, load_iris, load_digits, load_diabetes], ids=lambda load: load.__name__)  # fmt: skip
def test_bundled_data_gives_no_absurd_finding(load: Any) -> None:
    frame = load(as_frame=True).frame
    train, test = train_test_split(frame, random_state=0, test_size=0.4)
    numbers = load is load_diabetes
    model = RandomForestRegressor(30, min_samples_leaf=5, random_state=0) if numbers else RandomForestClassifier(60, min_samples_leaf=2, random_state=0)  # fmt: skip
    found = report(model.fit(train.drop(columns="target"), train["target"]), test, "target", train=train)
    assert found.failed == ()
    assert [c for c in found.checks if c.outcome == "inconclusive"] == []


def test_predictions_stand_for_a_model_that_cant_be_loaded() -> None:
    frame, model = people(), fitted()
    unknown = Candidate("other/1", why_not="It would run code of its author.")
    chances = model.predict_proba(frame[FEATURES])
    for predictions in (model.predict(frame[FEATURES]), chances, chances[:, 1], pd.DataFrame(chances, columns=model.classes_)):  # fmt: skip
        found = report(unknown, predictions=predictions, champion=fitted(DummyClassifier()), slices=["group"])
        assert found["MV002"].outcome == found["MV003"].outcome == "pass"
        assert found["MV012"].outcome == "inconclusive"
    without = report(unknown)
    assert without.outcome == "inconclusive"
    assert "run code of its author" in without["MV003"].reason
    with pytest.raises(InvalidUsage, match="5 predictions for 2,000 rows"):
        report(unknown, predictions=[1] * 5)


def test_what_can_be_loaded_must_answer_as_the_predictions_say(tmp_path: Any) -> None:
    frame, model = people(), fitted()
    loaded = Candidate("tumour/1", model, tmp_path)
    assert report(loaded, predictions=model.predict_proba(frame[FEATURES]))["MV017"].outcome == "pass"
    other = report(loaded, predictions=fitted(seed=9, rows=50).predict_proba(frame[FEATURES]))
    assert "otherwise than before" in other["MV017"].findings[0].seen


WHOLE: dict[str, Any] = {
    "run_id": "ab" * 16,
    "is_there": True,
    "digests": ("12" * 16,),
    "metrics": {"accuracy": 0.9},
    "manifest": {"cell": 3, "ordinal": 0, "environment": {"packages": {"numpy": "2"}}, "seeds": ["random_state=0"]},
    "files": frozenset({"executed.ipynb", "requirements.txt", "cell.py"}),
}


@pytest.mark.parametrize(
    ("lacks", "outcome", "seen"),
    [
        ({}, "pass", None),
        ({"run_id": "", "is_there": False}, "warning", "It has no run"),
        ({"is_there": False}, "warning", r"Its run \(run:abababab\) is not on the server any more"),
        ({"manifest": {}}, "warning", "no snapshot"),
        ({"files": frozenset({"requirements.txt"})}, "warning", "cells of its run .* are missing"),
        ({"files": frozenset({"requirements.txt"}), "manifest": WHOLE["manifest"] | {"cell": None}}, "note", "made by a script"),
        ({"files": frozenset({"executed.ipynb"})}, "warning", "which packages"),
        ({"digests": ()}, "warning", "has no data"),
        ({"metrics": {}}, "warning", "nothing could show"),
        ({"metrics": {}, "manifest": WHOLE["manifest"] | {"answers": {"values": [1]}}}, "pass", None),
        ({"manifest": WHOLE["manifest"] | {"seeds": []}}, "pass", None),  # a logistic regression comes out the same
        ({"manifest": WHOLE["manifest"] | {"hidden": [{"names": ["x"], "number": 3, "why": "which failed"}]}}, "note", "has used x from cells"),
        ({"manifest": WHOLE["manifest"] | {"masked": [{"kind": "a token"}]}}, "note", r"masked .*\(a token\)"),
        ({"manifest": WHOLE["manifest"] | {"git": {"note": "no commit yet"}}}, "note", "no commit yet"),
        ({"manifest": WHOLE["manifest"] | {"environment": "?", "hidden": None}}, "warning", "which packages"),
        ({"again": Again("cd" * 16, {"accuracy": 0.9}, frozenset({"12" * 16}))}, "pass", r"made again \(run:cdcdcdcd\): 1 metric the same"),
        ({"again": Again("cd" * 16, {"accuracy": 0.8}, frozenset({"12" * 16}))}, "warning", "accuracy 0.9000 → 0.8000"),
        ({"again": Again("cd" * 16, {}, frozenset())}, "warning", "did not come to the same"),
        ({"again": Again("cd" * 16, {"accuracy": 0.9}, frozenset({"34" * 16}))}, "warning", "on other data"),
    ],
)  # fmt: skip
def test_what_a_run_must_carry_to_be_made_again(lacks: dict[str, Any], outcome: str, seen: str | None, tmp_path: Any) -> None:  # fmt: skip
    found = report(Candidate("tumour/1", fitted(), tmp_path), checks=_only("MV021"), made=Provenance(**{**WHOLE, **lacks}))  # fmt: skip
    told = "".join(finding.seen for finding in found["MV021"].findings) + found["MV021"].reason
    assert (found["MV021"].outcome, bool(re.search(seen or "^$", told))) == (outcome, True), told
    assert all(finding.do for finding in found["MV021"].findings)
    assert seen is None or re.search(seen, str(found)) or outcome != "pass"


def test_a_seed_that_was_not_set_is_told_where_it_matters(tmp_path: Any) -> None:
    made = Provenance(**{**WHOLE, "manifest": WHOLE["manifest"] | {"seeds": []}})
    for model, outcome in ((RandomForestClassifier(5), "warning"), (RandomForestClassifier(5, random_state=0), "pass")):
        found = report(Candidate("tumour/1", fitted(model), tmp_path), checks=_only("MV021"), made=made)["MV021"]
        assert found.outcome == outcome
    assert report(fitted(), checks=_only("MV021"))["MV021"].outcome == "skipped"


@pytest.mark.parametrize(
    ("frame", "target", "message"),
    [
        (people(), "z", "no column 'z'"),
        (people().assign(y=None), "y", "holds nothing"),
        (people().assign(y=lambda f: f["y"] == "yes"), "y", "answers 'no', 'yes'"),
        (people().head(0), "y", "holds nothing"),
        (pd.concat([people(), people()], axis=1), "y", "several columns"),
        (people().assign(y=[["a"]] * 2000), "y", "answers 'no', 'yes'|can't be told apart"),
    ],
)
def test_odd_data_is_a_clear_error(frame: pd.DataFrame, target: str, message: str) -> None:
    with pytest.raises(InvalidUsage, match=message):
        report(fitted(), frame, target)


def test_odd_features_break_no_check() -> None:
    odd = {
        "one row": people().head(1), "two rows": people(2), "one class": people().assign(y="yes"), "infinite": people().assign(debt=np.inf),
        "missing": people().assign(debt=np.nan), "lists beside": people().assign(extra=[[1]] * 2000), "times beside": people().assign(extra=pd.Timestamp("2025-01-01")),
        "text for numbers": people().assign(debt="x"), "a class too many": people().assign(y=lambda f: f["y"].where(f.index > 5, "perhaps")),
        "categories": people().assign(group=lambda f: f["group"].astype("category")), "arrow": people().convert_dtypes(dtype_backend="pyarrow"),
        "nullable": people().convert_dtypes(), "many values": people().assign(group=[f"g{n}" for n in range(2000)]),
    }  # fmt: skip
    for name, frame in odd.items():
        found = report(fitted(), frame, slices=["group"], groups=["group"], champion=fitted(seed=3), train=frame, limits={"invariant": ["city"]})  # fmt: skip
        assert [(name, c.code, c.reason) for c in found.checks if c.reason.startswith("It could not run")] == []
        assert str(found)


def test_models_that_score_nothing_are_refused() -> None:
    from sklearn.cluster import KMeans

    with pytest.raises(InvalidUsage, match="neither classifies"):
        report(KMeans(2, n_init=1).fit(people()[FEATURES]))
    with pytest.raises(InvalidUsage, match="can't predict"):
        of_estimator(StandardScaler())
    with pytest.raises(InvalidUsage, match=r"no scorer 'roc_acu'.*roc_auc"):
        report(fitted(), scorers=[("roc_acu", None)])


@pytest.mark.parametrize("name", scoring._PARTS)
def test_what_is_resampled_quickly_is_what_the_scorer_says(name: str) -> None:
    chance = np.random.default_rng(0)
    numbers = name in ("r2",) or "error" in name
    target: Any = chance.normal(5, 1, 80) if numbers else chance.choice(["a", "b", "c"], 80)
    chances = chance.dirichlet([1, 1, 1], 80)
    classes = np.array(["a", "b", "c"])
    answers: Any = Numbers(target + chance.normal(size=80)) if numbers else Labels(classes[chances.argmax(1)], classes, chances)  # fmt: skip
    draws = Draws(80, 5)
    rows = next(draws.blocks(1))
    slow = [get_scorer(name)(answers, each.reshape(-1, 1), target[each]) for each in rows]
    np.testing.assert_allclose(Scorer(name).resampled(answers, target, draws), slow, rtol=1e-6)


@pytest.mark.parametrize(("rows", "scorer"), [(60, "accuracy"), pytest.param(200, "balanced_accuracy", marks=pytest.mark.long), pytest.param(1000, "neg_log_loss", marks=pytest.mark.long), (400, "r2")])  # fmt: skip
def test_of_two_equal_models_one_is_called_better_in_at_most_1_of_100_cases(rows: int, scorer: str) -> None:
    chance, cases, better = np.random.default_rng(1), 400, 0
    for case in range(cases):
        target = chance.integers(0, 2, rows) if scorer != "r2" else chance.normal(size=rows)
        mine, its = (_equal(chance, target, scorer) for _ in range(2))
        draws, judge = Draws(rows, 200, case), Scorer(scorer)
        gain = judge.resampled(mine, target, draws) - judge.resampled(its, target, draws)
        better += interval(judge.of(mine, target) - judge.of(its, target), gain, draws, 0.99).low > 0
    assert better <= 0.01 * cases


def _equal(chance: Any, target: Any, scorer: str) -> Any:
    """Make a model that is as good as the next one."""
    if scorer == "r2":
        return Numbers(target + chance.normal(size=len(target)))
    sure = np.where(target == 1, chance.beta(4, 1.5, len(target)), chance.beta(1.5, 4, len(target)))
    return Labels((sure > 0.5).astype(int), np.array([0, 1]), np.column_stack([1 - sure, sure]))


@pytest.mark.parametrize("scores", [True, False])
def test_areas_under_the_curve_are_what_the_scorer_says(scores: bool) -> None:
    chance = np.random.default_rng(0)
    said = np.round(chance.random(80), 1)  # with ties
    target = chance.choice(["a", "b"], 80)
    classes = np.array(["a", "b"])
    answers = Labels(classes[(said > 0.5).astype(int)], classes, np.column_stack([1 - said, said]), said * 3 if scores else None)  # fmt: skip
    draws = Draws(80, 9)
    slow = [get_scorer("roc_auc")(answers, each.reshape(-1, 1), target[each]) for each in next(draws.blocks(1))]
    np.testing.assert_allclose(Scorer("roc_auc").resampled(answers, target, draws), slow, rtol=1e-9)


@pytest.mark.long
def test_so_it_is_with_areas_under_the_curve() -> None:
    chance, better = np.random.default_rng(2), 0
    for case in range(300):
        target = chance.integers(0, 2, 200)
        mine, its = (_equal(chance, target, "roc_auc") for _ in range(2))
        draws, judge = Draws(200, 300, case), Scorer("roc_auc")
        gain = judge.resampled(mine, target, draws) - judge.resampled(its, target, draws)
        better += interval(judge.of(mine, target) - judge.of(its, target), gain, draws, 0.99).low > 0
    assert better <= 3


@pytest.mark.parametrize("rows", [200, 1000, pytest.param(10_000, marks=pytest.mark.long)])
def test_a_search_finds_no_weak_slice_where_errors_are_chance(rows: int) -> None:
    found = 0
    cases = 60 if rows < 10_000 else 20
    for seed in range(cases):
        frame = people(rows, seed)
        wrong = np.random.default_rng(seed + 1000).random(rows) < 0.15
        answers = np.where(wrong, np.where(frame["y"] == "yes", "no", "yes"), frame["y"])
        checked = report(Candidate("m"), frame, predictions=answers, checks=_only("MV009"))["MV009"]
        found += checked.outcome != "pass"
    assert found <= 1


def _honest(rows: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Data, and probabilities that mean what they say, to groups alike."""
    chance = np.random.default_rng(seed + 10**6)
    sure = chance.beta(2, 2, rows)
    frame = people(rows, seed).assign(y=np.where(chance.random(rows) < sure, "yes", "no"))
    return frame, pd.DataFrame({"no": 1 - sure, "yes": sure})


@pytest.mark.parametrize(
    ("rows", "cases"),
    [
        (200, 50),
        pytest.param(200, 300, marks=pytest.mark.long),
        pytest.param(1000, 300, marks=pytest.mark.long),
        pytest.param(10_000, 100, marks=pytest.mark.long),
        pytest.param(100_000, 20, marks=pytest.mark.long),
    ],
)
def test_an_honest_model_is_called_weak_off_or_unfair_in_at_most_1_of_100_cases(rows: int, cases: int) -> None:
    from jupyter_mlops.validation.catalogues import model_checks

    wrong: Counter[str] = Counter()
    for seed in range(cases):
        frame, told = _honest(rows, seed)
        found = report(Candidate("m"), frame, predictions=told, slices=["group"], groups=["group"], checks=model_checks().chosen(["MV008", "MV009", "MV010", "MV011"], None))  # fmt: skip
        wrong.update(c.code for c in found.checks if c.outcome in ("warning", "error"))
    assert all(count <= max(1, 0.01 * cases) for count in wrong.values()), wrong


def _only(code: str) -> Any:
    from jupyter_mlops.validation.catalogues import model_checks

    return model_checks().chosen([code], None)


def test_a_pipeline_is_asked_with_what_it_was_fitted_on() -> None:
    frame = people()
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame[FEATURES].to_numpy(), frame["y"])
    assert len(ask(model, frame[FEATURES].to_numpy()).labels) == 2000
    assert report(model, people(seed=3), slices=["group"])["MV003"].outcome == "pass"
