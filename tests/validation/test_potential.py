"""What can be learned: on data with a fault planted, on data without, and on the awkward edge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets

from jupyter_mlops.validation.data import Data
from jupyter_mlops.validation.potential.problem import problem

from .test_quality import clean, report

ROWS = 1_000


def telling(rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    """Data in which some features tell of ``y`` (classes) and of ``z`` (a measure), as features do."""
    frame = clean(rows, seed)
    chance = np.random.default_rng([seed, 1])
    signal = 1.2 * frame["score"] + (frame["city"] == "Rome")
    return frame.assign(
        y=np.where(chance.random(rows) < 1 / (1 + np.exp(-signal)), "yes", "no"),
        z=np.exp(signal + chance.normal(size=rows)),
    )


def changed(**columns: Any) -> pd.DataFrame:
    frame = telling()
    return frame.assign(**{name: made(frame) for name, made in columns.items()})


def flipped(frame: pd.DataFrame, part: float) -> pd.Series[Any]:
    chance = np.random.default_rng(2)
    return frame["y"].where(chance.random(len(frame)) >= part, frame["y"].map({"no": "yes", "yes": "no"}))


def crossed(rows: int = 2_000) -> pd.DataFrame:
    frame = telling(rows)
    return frame.assign(y=np.where((frame["score"] > 0) == (frame["age"] > 53), "yes", "no"))


def separable(wrong: int = 0) -> pd.DataFrame:
    """Two classes far apart, with some labels turned round."""
    chance = np.random.default_rng(0)
    y = np.arange(600) % 2
    frame = pd.DataFrame(chance.normal(size=(600, 4)) + 4 * y[:, None], columns=list("abcd"))
    return frame.assign(y=np.where(np.arange(600) < wrong, 1 - y, y))


def late(frame: pd.DataFrame) -> pd.Series[Any]:
    return frame["score"].where(frame["when"] > frame["when"].quantile(0.5)).where(frame["when"] < frame["when"].quantile(0.89))  # fmt: skip


@dataclass(frozen=True)
class Case:
    code: str
    frame: pd.DataFrame
    outcome: str
    columns: tuple[str, ...] = ()
    asked: dict[str, Any] | None = None
    says: str = ""


Y, Z = {"target": "y"}, {"target": "z"}
# fmt: off
CASES = [
    Case("DP001", telling(), "note", ("score", "z"), Y, "2 of 7 features tell something of y"),
    Case("DP001", telling().drop(columns="y"), "note", ("score", "city"), Z),
    Case("DP001", clean(), "note", ("y",), Y, "None of 6 features"),
    Case("DP001", changed(word=lambda f: [f"{n}{'x' * (9 if y == 'yes' else 2)}" for n, y in enumerate(f["y"])]), "note", ("word", "score", "z"), Y, "the length of word"),
    Case("DP001", telling(), "skipped"),
    Case("DP001", telling()[["y"]], "skipped", (), Y),
    Case("DP002", changed(copy=lambda f: f["y"].map({"no": 3.0, "yes": 4.0})), "error", ("copy",), Y, "copy alone tells 100.0% of y"),
    Case("DP002", changed(copy=lambda f: flipped(f, 0.01)), "error", ("copy",), Y),
    Case("DP002", changed(tax=lambda f: 0.19 * f["z"] * (1 + 0.02 * f["score"])), "error", ("tax",), Z),
    Case("DP002", changed(copy=lambda f: flipped(f, 0.1)), "pass", (), Y),
    Case("DP002", telling(), "pass", (), Y),
    Case("DP002", telling(), "pass", (), Z),
    Case("DP002", telling(60), "pass", (), Y),
    Case("DP002", telling(40), "inconclusive", (), Y, "40 rows with a label"),
    Case("DP003", changed(ended=lambda f: f["score"].where(f["y"] == "yes")), "error", ("ended",), Y, "it is missing in 100% where that is no"),
    Case("DP003", changed(score=lambda f: f["score"].where(np.arange(len(f)) % 3 > 0)), "pass", (), Y),
    Case("DP003", changed(y=lambda f: f["y"].where(np.arange(len(f)) < 900), paid=lambda f: f["age"].where(np.arange(len(f)) < 900)), "error", ("paid",), Y, "100 of 100 (100%) rows without y"),
    Case("DP003", changed(paid=lambda f: f["when"] + pd.Timedelta(days=3)), "warning", ("paid",), {**Y, "time": "when"}, "paid is later than when"),
    Case("DP003", changed(born=lambda f: f["when"] - pd.Timedelta(days=9999)), "pass", (), {**Y, "time": "when"}),
    Case("DP003", changed(paid=lambda f: f["age"].where(f["when"] < f["when"].quantile(0.89))), "warning", ("paid",), {**Y, "time": "when"}, "latest tenth"),
    Case("DP003", changed(paid=late), "pass", (), {**Y, "time": "when"}),  # missing before as well
    Case("DP003", telling(), "pass", (), {**Y, "time": "when"}),
    Case("DP003", telling(), "skipped", (), {"time": "when"}),
    Case("DP004", crossed().drop(columns="z"), "note", ("age", "score"), Y, "together tell"),
    Case("DP004", changed(z=lambda f: f["score"] * (f["member"] - 0.5)).drop(columns="y"), "note", ("score", "member"), Z),
    Case("DP004", telling().drop(columns="z"), "pass", (), Y),
    Case("DP004", telling().drop(columns="y"), "pass", (), Z),
    Case("DP004", telling()[["y", "score"]], "skipped", (), Y),
    Case("DP005", clean(), "warning", ("y",), Y, "no better than guessing"),
    Case("DP005", telling(), "note", ("y",), Y, "A logistic regression has ROC AUC"),
    Case("DP005", telling(), "note", ("z",), Z, "A ridge regression has R²"),
    Case("DP005", telling(), "skipped"),
    Case("DP006", datasets.load_digits(as_frame=True).frame.iloc[::6], "note", ("target",), {"target": "target"}, "twice as many should bring"),
    Case("DP006", telling(), "pass", (), Y),
    Case("DP006", telling(80), "inconclusive", (), Y),
    Case("DP007", separable(wrong=5), "note", ("y",), Y, "4 of 600"),
    Case("DP007", separable(wrong=40), "warning", ("y",), Y),
    Case("DP007", separable(), "pass", (), Y),
    Case("DP007", changed(z=lambda f: f["score"].where(np.arange(len(f)) != 7, 1e6)).drop(columns="income"), "note", ("z",), Z, "row 7"),
    Case("DP007", changed(z=lambda f: f["score"] + f["age"]), "pass", (), Z),
]
# fmt: on


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}-{case.outcome}")
def test_each_check(case: Case) -> None:
    checked = report(case.frame, only=[case.code], **(case.asked or {}))[case.code]
    assert (checked.outcome, checked.columns) == (case.outcome, case.columns), checked
    assert case.says in " ".join(finding.seen for finding in checked.findings) + checked.reason


BUNDLED = {
    "breast_cancer": "target",
    "wine": "target",
    "iris": "target",
    "digits": "target",
    "diabetes": "target",
    "linnerud": "Weight",
}


def bundled(name: str) -> pd.DataFrame:
    return getattr(datasets, f"load_{name}")(as_frame=True).frame  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", BUNDLED)
def test_real_data_as_it_is_has_no_absurd_finding(name: str) -> None:
    found = report(bundled(name), target=BUNDLED[name], only=["DP"], severity="warning")
    assert found.failed == ()
    assert {finding.figures["count"] for finding in found["DP007"].findings} <= {1, 2, 3, 4, 5}


@pytest.mark.parametrize("name", ["breast_cancer", "wine", "iris", "digits", "diabetes"])
@pytest.mark.parametrize("leak", ["a copy", "other words", "with noise", "gaps"])
def test_leakage_planted_in_real_data_is_found(name: str, leak: str) -> None:
    frame = bundled(name)
    y, chance = frame["target"], np.random.default_rng(0)
    classes = name != "diabetes"
    planted = {
        "a copy": y,
        "other words": y.map(lambda value: f"group {value}") if classes else -3 * y.rank(),
        "with noise": y + chance.normal(scale=0.02 * y.std(), size=len(y)),
        "gaps": chance.normal(size=len(y)),
    }[leak]
    if leak == "gaps":
        planted = pd.Series(planted).where(y > y.median() if not classes else y == 0)
    found = report(frame.assign(planted=planted), target="target", only=["DP002", "DP003"])
    assert {finding.columns for checked in found.checks for finding in checked.findings} == {("planted",)}


def test_wrong_labels_planted_in_real_data_are_found() -> None:
    frame = bundled("breast_cancer")
    wrong = np.random.default_rng(0).choice(len(frame), 12, replace=False)
    frame.loc[wrong, "target"] = 1 - frame.loc[wrong, "target"]
    found = report(frame, target="target", only=["DP007"])["DP007"].findings[0]
    assert len(set(wrong) & set(found.figures["rows"])) >= 10
    assert found.figures["count"] <= 16


def test_rows_of_a_group_are_held_out_together() -> None:
    """A feature that only names the group tells nothing of others."""
    chance = np.random.default_rng(0)
    who = np.repeat(np.arange(100), 10)
    frame = pd.DataFrame({"who": who, "shoe": np.repeat(chance.normal(size=100), 10), "y": np.repeat(chance.integers(0, 2, 100), 10)})  # fmt: skip
    by_row = problem(Data(frame, target="y")).powers["shoe"]
    by_group = problem(Data(frame, target="y", group="who")).powers["shoe"]
    assert by_row > 0.15
    assert by_group < 0.05


def test_power_is_measured_in_a_sample_and_says_so() -> None:
    found = report(telling(50_000), target="y", only=["DP001"])["DP001"].findings[0]
    assert "(measured in 20,000 of 50,000 rows)" in found.seen


@pytest.mark.parametrize(
    ("rows", "tries"),
    [(200, 40), (1_000, 40), (10_000, 20), pytest.param(100_000, 100, marks=pytest.mark.long), pytest.param(200, 1_000, marks=pytest.mark.long)],
)  # fmt: skip
def test_false_alarms_are_rare(rows: int, tries: int) -> None:
    """At most one report in a hundred calls a feature telling, a pair, a leak or labels what is chance."""
    alarms = []
    for seed in range(tries):
        found = report(clean(rows, seed), target="y", only=["DP001", "DP002", "DP003", "DP004"], severity="note")
        alarms += [(seed, f.seen) for c in found.checks for f in c.findings if not f.seen.startswith("None of")]
    assert len({seed for seed, _ in alarms}) <= tries / 100, alarms
