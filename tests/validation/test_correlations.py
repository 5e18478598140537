"""Features that tell the same: measures beside those of other libraries, groups that were planted, and odd columns."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import contingency
from sklearn import datasets

from jupyter_mlops.validation.correlations import measures
from jupyter_mlops.validation.correlations.groups import together
from jupyter_mlops.validation.data import Data

from .test_quality import clean, report


def changed(**columns: Any) -> pd.DataFrame:
    frame = clean(1_000)
    return frame.assign(**{name: made(frame) for name, made in columns.items()})


def near(values: pd.Series[Any], noise: float, seed: int = 3) -> pd.Series[Any]:
    return values + noise * values.std() * np.random.default_rng(seed).normal(size=len(values))


def sums() -> pd.DataFrame:
    """One number is the sum of five others, and goes together closely with none."""
    chance = np.random.default_rng(0)
    frame = pd.DataFrame(chance.normal(size=(1_000, 5)), columns=list("abcde"))
    return frame.assign(f=near(frame.sum(axis=1), 0.05))


@dataclass(frozen=True)
class Case:
    code: str
    frame: pd.DataFrame
    outcome: str
    columns: tuple[str, ...] = ()
    says: str = ""
    asked: dict[str, Any] | None = None


# fmt: off
CASES = [
    Case("DC001", changed(cents=lambda f: f["income"] * -100 + 7), "warning", ("income", "cents"), "income, cents are one feature"),
    Case("DC001", changed(town=lambda f: f["city"].str.upper()), "warning", ("city", "town")),
    Case("DC001", pd.concat([changed(**{f"{name}{n}": lambda f, name=name: f[name] * 2 for n in range(3)}) for name in ("age", "score")], axis=1).T.groupby(level=0).first().T.infer_objects(), "warning"),
    Case("DC001", changed(near=lambda f: near(f["income"], 0.05)), "pass"),
    Case("DC001", clean(1_000), "pass"),
    Case("DC001", clean(20), "inconclusive", (), "20 rows"),
    Case("DC001", clean()[["age", "y"]], "skipped", (), "", {"target": "y"}),
    Case("DC002", changed(a=lambda f: near(f["score"], 0.1, 1), b=lambda f: near(f["score"], 0.1, 2)), "note", ("score", "a", "b"), "3 features tell the same"),
    Case("DC002", changed(log=lambda f: np.exp(5 * f["score"])), "note", ("score", "log")),  # Spearman sees it
    Case("DC002", changed(code=lambda f: near(f["city"].map({"Berlin": 1.0, "Paris": 2, "Rome": 3, "Oslo": 4}), 0.1)), "note", ("code", "city")),
    Case("DC002", changed(a=lambda f: near(f["score"], 0.1).where(np.arange(len(f)) % 3 > 0)), "note", ("score", "a")),  # gaps don't hide it
    Case("DC002", changed(a=lambda f: near(f["score"], 0.7)), "pass"),
    Case("DC002", clean(1_000), "pass"),
    Case("DC002", changed(copy=lambda f: f["y"]), "pass", (), "", {"target": "y"}),  # that is a leak, and told as one
    Case("DC003", sums(), "note", ("f", "a", "b", "c", "d", "e"), "variance inflation of f"),
    Case("DC003", changed(a=lambda f: near(f["score"], 0.1)), "pass"),  # a group, and told as one
    Case("DC003", clean(1_000), "pass"),
    Case("DC003", sums()[["a", "b"]].head(50).assign(**{str(n): np.random.default_rng(n).normal(size=50) for n in range(30)}), "inconclusive", (), "50 rows are too few for 32 numbers"),
]
# fmt: on


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}-{case.outcome}")
def test_each_check(case: Case) -> None:
    checked = report(case.frame, only=[case.code], **(case.asked or {}))[case.code]
    assert checked.outcome == case.outcome, checked
    if case.columns or case.outcome == "pass":
        assert set(checked.columns) == set(case.columns), checked
    assert case.says in " ".join(finding.seen for finding in checked.findings) + checked.reason


def test_numbers_correlate_as_pandas_says() -> None:
    frame = changed(a=lambda f: near(f["score"], 0.5), b=lambda f: near(f["income"], 1)).select_dtypes("number")
    found = together(Data(frame))
    expected = np.maximum(frame.corr().abs(), frame.corr("spearman").abs())
    np.testing.assert_allclose(found.strengths, expected, atol=1e-5)
    np.testing.assert_allclose(found.linear, frame.corr(), atol=1e-5)


def test_gaps_hardly_move_a_correlation() -> None:
    chance = np.random.default_rng(0)
    frame = changed(a=lambda f: near(f["score"], 0.5), b=lambda f: near(f["income"], 1)).select_dtypes("number")
    frame = frame.mask(chance.random(frame.shape) < 0.2)
    np.testing.assert_allclose(together(Data(frame)).linear, frame.corr(), atol=0.03)


def test_categories_go_together_as_scipy_says() -> None:
    chance = np.random.default_rng(0)
    a, b = chance.integers(0, 4, 5_000), chance.integers(0, 6, 5_000)
    b = np.where(chance.random(5_000) < 0.5, a, b)
    mine = measures.cramer([a, b], [4, 6])
    table = contingency.crosstab(a, b).count
    assert mine[0, 1] == pytest.approx(contingency.association(table, method="cramer"), abs=0.01)
    assert mine[0, 0] == pytest.approx(1, abs=0.01)
    null = [measures.cramer([chance.integers(0, 20, 200), chance.integers(0, 20, 200)], [20, 20])[0, 1] for _ in range(50)]  # fmt: skip
    assert np.mean(null) < 0.1  # uncorrected it would be 0.31


def test_correlation_ratio_is_the_root_of_what_groups_explain() -> None:
    chance = np.random.default_rng(0)
    group = chance.integers(0, 5, 5_000)
    values = group + chance.normal(size=5_000)
    table = np.empty((5_000, 1), dtype=np.float32, order="F")
    measures.standardise(values.copy(), table[:, 0])
    share = pd.Series(values).groupby(group).transform("mean").var() / values.var()
    assert measures.correlation_ratio([group], [5], table)[0, 0] == pytest.approx(np.sqrt(share), abs=0.001)


def test_inflation_is_that_of_the_regression_on_the_others() -> None:
    from sklearn.linear_model import LinearRegression

    frame = datasets.load_diabetes(as_frame=True).data
    expected = [1 / (1 - LinearRegression().fit(rest := frame.drop(columns=name), frame[name]).score(rest, frame[name])) for name in frame]  # fmt: skip
    found = measures.inflation(np.corrcoef(frame.to_numpy().T).astype(np.float32))
    np.testing.assert_allclose(found, expected, rtol=0.01)


def test_huge_numbers_constants_and_infinities_are_no_trouble() -> None:
    chance = np.random.default_rng(0)
    x = chance.normal(size=200)
    frame = pd.DataFrame({"x": x, "huge": x * 1e300, "tiny": x * 1e-140, "far": x + 1e9, "same": 7.1, "inf": np.where(x > 2, np.inf, x), "no": np.nan})  # fmt: skip
    found = together(Data(frame))
    of_x = dict(zip(found.labels, found.strengths[0], strict=True))
    assert of_x == pytest.approx({"x": 1, "huge": 1, "tiny": 1, "far": 1, "same": 0, "inf": 1}, abs=1e-4)


@pytest.mark.parametrize("name", ["breast_cancer", "wine", "iris", "digits", "diabetes", "linnerud"])
def test_real_data_as_it_is_has_no_absurd_finding(name: str) -> None:
    frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    found = report(frame, target=frame.columns[-1], only=["DC"], severity="warning")
    assert found.failed == ()
    if name == "breast_cancer":
        assert {"mean radius", "mean perimeter", "mean area"} < set(found["DC002"].findings[0].columns)


def test_many_features_are_told_as_groups_and_drawn() -> None:
    chance = np.random.default_rng(0)
    table = chance.normal(size=(2_000, 300))
    for first in range(0, 80, 4):
        table[:, first + 1 : first + 4] = table[:, [first]] + 0.2 * chance.normal(size=(2_000, 3))
    begin = time.process_time()
    found = report(pd.DataFrame(table).add_prefix("f"), only=["DC"])
    assert time.process_time() - begin < 60
    findings = found["DC002"].findings
    assert len(findings) == 6
    assert {frozenset(f.columns) for f in findings[:5]} <= {frozenset(f"f{n}" for n in range(k, k + 4)) for k in range(0, 80, 4)}  # fmt: skip
    assert "60 more are in 15 smaller groups" in findings[-1].seen
    plot = findings[0].plot
    assert plot is not None
    assert len(plot.values) == 40 * 40
    assert found.plot("DC002").axes


@pytest.mark.parametrize(
    ("rows", "columns", "tries"),
    [(200, 40, 20), (1_000, 40, 10), (10_000, 20, 5), pytest.param(100_000, 20, 20, marks=pytest.mark.long), pytest.param(200, 100, 300, marks=pytest.mark.long)],
)  # fmt: skip
def test_false_alarms_are_rare(rows: int, columns: int, tries: int) -> None:
    for seed in range(tries):
        chance = np.random.default_rng(seed)
        frame = pd.DataFrame(chance.normal(size=(rows, columns))).add_prefix("n")
        words = pd.DataFrame(chance.integers(0, 30, (rows, 10))).add_prefix("c").astype(str)
        assert report(pd.concat([frame, words], axis=1), only=["DC"], severity="note").failed == ()
