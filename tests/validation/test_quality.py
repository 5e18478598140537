"""Each check of data quality: on data made to fail it, on data made to pass, and on the awkward edge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest

from jupyter_mlops.limits import ValidationSettings
from jupyter_mlops.validation.reporting import report_on
from jupyter_mlops.validation.results import Report

ROWS = 400
CITIES = ["Berlin", "Paris", "Rome", "Oslo"]


def clean(rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    """Data in which nothing is wrong."""
    chance = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "income": chance.lognormal(10, 0.6, rows).round(2),
            "age": chance.integers(18, 90, rows),
            "score": chance.normal(size=rows),
            "city": chance.choice(CITIES, rows),
            "member": chance.random(rows) < 0.4,
            "when": pd.Timestamp("2025-01-01") + pd.to_timedelta(chance.integers(0, 10_000_000, rows), unit="s"),
            "y": chance.choice(["no", "yes"], rows, p=[0.6, 0.4]),
        }
    )


def report(frame: Any, **asked: Any) -> Report:
    return report_on(frame, "df", ValidationSettings(**asked.pop("settings", {})), **asked)


def with_cells(column: str, value: Any, count: int) -> pd.DataFrame:
    frame = clean()
    frame[column] = frame[column].astype(object)
    frame.loc[: count - 1, column] = value
    return frame.infer_objects()


def without(*names: str) -> pd.DataFrame:
    return clean().drop(columns=list(names))


def later(days: int) -> pd.DataFrame:
    frame = clean(seed=7)
    return frame.assign(when=frame["when"] + pd.Timedelta(days=days))


@dataclass(frozen=True)
class Case:
    code: str
    frame: Any
    outcome: str
    columns: tuple[str, ...] = ()
    asked: dict[str, Any] | None = None
    says: str = ""


# fmt: off
CASES = [
    Case("DQ001", without("age").assign(new=1), "error", ("age", "new"), {"reference": clean(seed=1)}, "1 column of the reference is gone: age"),
    Case("DQ001", clean().astype({"age": str}), "error", ("age",), {"reference": clean(seed=1)}, "age was number, and now is text"),
    Case("DQ001", clean(), "pass", (), {"reference": clean(seed=1)}),
    Case("DQ001", clean().astype({"city": "category", "age": float}), "pass", (), {"reference": clean(seed=1)}),
    Case("DQ001", clean(), "skipped"),
    Case("DQ002", pd.concat([clean(), clean()[["age"]]], axis=1), "error", ("age",), None, "more than one column"),
    Case("DQ002", clean().rename(columns={"age": " age"}), "warning", (" age",)),
    Case("DQ002", clean().rename(columns={"age": 7}), "note", ("7",)),
    Case("DQ002", clean(), "pass"),
    Case("DQ003", with_cells("score", None, 300), "error", ("score",), None, "300 of 400 (75%)"),
    Case("DQ003", with_cells("score", None, 80), "warning", ("score",)),
    Case("DQ003", with_cells("score", None, 30), "pass"),
    Case("DQ004", clean().assign(age=7), "warning", ("age",), None, "always 7"),
    Case("DQ004", with_cells("city", "Rome", 395), "note", ("city",)),
    Case("DQ004", clean(), "pass"),
    Case("DQ004", with_cells("score", None, 400), "pass"),  # that is for DQ003 to say
    Case("DQ005", with_cells("city", 5, 20), "error", ("city",), None, "380 texts, 20 whole numbers"),
    Case("DQ005", clean().assign(city=[[1]] * ROWS), "error", ("city",), None, "objects of type list"),
    Case("DQ005", with_cells("city", None, 20), "pass"),
    Case("DQ006", with_cells("score", np.inf, 3), "error", ("score",), None, "3 of 400"),
    Case("DQ006", with_cells("score", np.nan, 3), "pass"),
    Case("DQ007", clean().assign(customer_id=range(1000, 1000 + ROWS)), "warning", ("customer_id",), None, "counts the rows"),
    Case("DQ007", clean().assign(user_id=np.random.default_rng(3).permutation(10**6)[:ROWS]), "warning", ("user_id",)),
    Case("DQ007", clean().assign(paid=range(1000, 1000 + ROWS)), "warning", ("paid",)),
    Case("DQ007", clean().assign(identity=clean()["score"]), "pass"),
    Case("DQ007", clean().assign(customer_id=range(ROWS)), "pass", (), {"key": ["customer_id"]}),
    Case("DQ008", clean().assign(code=[f"c{n % 150}" for n in range(ROWS)]), "note", ("code",), None, "150 categories, 150 of them"),
    Case("DQ008", clean(), "pass"),
    Case("DQ009", with_cells("city", "Lima", 4), "warning", ("city",), {"reference": clean(seed=1)}, "1 category that the reference has not, in 4 of 400"),
    Case("DQ009", clean(), "pass", (), {"reference": clean(seed=1)}),
    Case("DQ009", clean().assign(name=[f"n{n}" for n in range(ROWS)]), "pass", (), {"reference": clean(seed=1).assign(name=[f"m{n}" for n in range(ROWS)])}),
    Case("DQ010", pd.concat([clean(), clean().head(40)], ignore_index=True), "warning", (), None, "40 of 440 (9.1%)"),
    Case("DQ010", pd.concat([clean(), clean().head(1)], ignore_index=True), "note"),
    Case("DQ010", clean()[["city", "member"]], "pass"),  # eight rows are possible: they are alike by chance
    Case("DQ011", clean().assign(k=[0, 0, *range(2, ROWS)]), "error", ("k",), {"key": ["k"]}, "1 of 400"),
    Case("DQ011", clean().assign(k=[None, *range(1, ROWS)]), "error", ("k",), {"key": ["k"]}, "missing in 1 of 400"),
    Case("DQ011", clean().assign(k=[0, 0, *range(2, ROWS)], part=["a", "b"] * (ROWS // 2)), "pass", (), {"key": ["k", "part"]}),
    Case("DQ012", pd.concat([clean(), clean().head(40).assign(y=lambda f: f.y.map({"no": "yes", "yes": "no"}))], ignore_index=True), "warning", ("y",), {"target": "y"}, "80 of 440"),
    Case("DQ012", clean(), "pass", (), {"target": "y"}),
    Case("DQ012", clean()[["city", "y"]], "pass", (), {"target": "y"}),
    Case("DQ012", clean(), "skipped", (), {"target": "score"}),
    Case("DQ013", pd.concat([clean(seed=5), clean().head(50)], ignore_index=True), "error", (), {"reference": clean()}, "50 of 450"),
    Case("DQ013", clean(seed=5), "pass", (), {"reference": clean()}),
    Case("DQ013", clean(seed=5)[["city", "member"]], "pass", (), {"reference": clean()[["city", "member"]]}),
    Case("DQ014", with_cells("y", None, 5), "warning", ("y",), {"target": "y"}),
    Case("DQ014", with_cells("y", None, 200), "error", ("y",), {"target": "y"}),
    Case("DQ014", clean().assign(y="no"), "error", ("y",), {"target": "y"}, "nothing to learn"),
    Case("DQ014", with_cells("y", None, ROWS), "error", ("y",), {"target": "y"}),
    Case("DQ014", clean(), "pass", (), {"target": "y"}),
    Case("DQ015", clean().assign(y=["yes"] * 4 + ["no"] * 396), "warning", ("y",), {"target": "y"}, "y is yes in 4 of 400 (1%)"),
    Case("DQ015", clean().assign(y=["yes"] * 30 + ["no"] * 370), "note", ("y",), {"target": "y"}),
    Case("DQ015", clean(), "pass", (), {"target": "y"}),
    Case("DQ015", clean().assign(y=[f"c{n % 20}" for n in range(ROWS)]), "pass", (), {"target": "y"}),
    Case("DQ015", clean(), "skipped", (), {"target": "income"}),
    Case("DQ016", with_cells("age", -999, 12), "warning", ("age",), None, "-999 (12 times)"),
    Case("DQ016", with_cells("city", "N/A", 12), "warning", ("city",), None, "'N/A' (12 times)"),
    Case("DQ016", with_cells("when", pd.Timestamp("1970-01-01"), 12), "warning", ("when",), None, "1970-01-01"),
    Case("DQ016", clean().assign(age=np.tile([97, 98, 99, 96], 100)), "pass"),
    Case("DQ016", clean().assign(delta=np.random.default_rng(0).integers(-5, 5, ROWS)), "pass"),  # -1 is a number here
    Case("DQ017", with_cells("score", 4e6, 2), "warning", ("score",), None, "far out in 2 of 400"),
    Case("DQ017", clean(), "pass"),
    Case("DQ017", clean().assign(score=np.random.default_rng(0).lognormal(3, 1.5, ROWS)), "pass"),
    Case("DQ018", with_cells("age", -4, 3), "error", ("age",), None, "age should be an age in years, and is not in 3 of 400"),
    Case("DQ018", with_cells("age", 240, 1), "error", ("age",)),
    Case("DQ018", clean().assign(created=clean()["when"].where(clean().index != 3, pd.Timestamp("2199-01-01"))), "error", ("created",), None, "in the future in 1 of 400"),
    Case("DQ018", clean().assign(age=clean()["score"]), "pass"),  # it was scaled
    Case("DQ018", clean().assign(average_temperature=clean()["score"] * 20), "pass"),
    Case("DQ019", with_cells("city", "MÃ¼nchen", 5), "error", ("city",), None, "wrong encoding in 5 of 400"),
    Case("DQ019", with_cells("city", "Ber\u200blin", 1), "error", ("city",), None, "can't be seen"),
    Case("DQ019", with_cells("city", "São Paulo, Ångström, Âme, ÃO", 5), "pass"),
    Case("DQ020", with_cells("city", "Berlin ", 5), "warning", ("city",), None, "white space around 5 of 400"),
    Case("DQ020", with_cells("city", "BERLIN", 5), "warning", ("city",), None, "'Berlin' = 'BERLIN'"),
    Case("DQ020", clean(), "pass"),
    Case("DQ020", clean().assign(key=[f"{'aA'[n % 2]}{n // 2}" for n in range(ROWS)]), "pass"),
    Case("DQ021", clean().astype({"age": str}), "warning", ("age",), None, "age is text, and a number in 100%"),
    Case("DQ021", clean().assign(when=clean()["when"].dt.strftime("%d.%m.%Y")), "warning", ("when",), None, "a time"),
    Case("DQ021", clean().assign(postcode=[f"{n * 37 % 99999:05}" for n in range(ROWS)]), "pass"),
    Case("DQ021", clean(), "pass"),
    Case("DQ022", clean(20_000), "note", ("city", "y"), None, "city has 4 values in 20,000 rows"),
    Case("DQ022", clean(20_000).astype({"city": "category", "y": "category"}), "pass"),
    Case("DQ022", clean(), "pass"),
    Case("DQ023", clean(seed=7), "error", ("when",), {"reference": clean(), "time": "when"}),
    Case("DQ023", later(200), "pass", (), {"reference": clean(), "time": "when"}),
    Case("DQ023", clean(), "skipped", (), {"time": "when"}),
    Case("DQ024", clean(seed=7).assign(who=range(300, 300 + ROWS)), "error", ("who",), {"reference": clean().assign(who=range(ROWS)), "group": "who"}, "100 of 400 groups"),
    Case("DQ024", clean(seed=7).assign(who=range(ROWS, 2 * ROWS)), "pass", (), {"reference": clean().assign(who=range(ROWS)), "group": "who"}),
    Case("DQ025", clean(seed=7).assign(age=lambda f: f.age + 10), "warning", ("age",), {"reference": clean()}, "1 of 7 columns moved: age: median"),
    Case("DQ025", with_cells("city", "Rome", 200), "warning", ("city",), {"reference": clean(seed=1)}, "city: Rome 25% → 65%"),
    Case("DQ025", with_cells("city", "Rome", 200), "warning", ("city",), {"reference": clean(seed=1), "marked": ["city"]}, "city: a category 25% → 65%"),
    Case("DQ025", with_cells("score", 1e9, 40), "warning", ("score",), {"reference": clean(seed=1)}, "10% above the range of the reference"),
    Case("DQ025", clean().assign(y="no"), "warning", ("y",), {"reference": clean(seed=1), "target": "y"}),
    Case("DQ025", clean(seed=7), "pass", (), {"reference": clean()}),
    Case("DQ025", later(40), "pass", (), {"reference": clean()}),  # the calendar goes on
    Case("DQ025", clean(seed=7).assign(order_id=range(900, 900 + ROWS)), "pass", (), {"reference": clean().assign(order_id=range(ROWS))}),
    Case("DQ025", clean(seed=7).assign(sent=pd.Timestamp("1970-01-01")), "warning", ("sent",), {"reference": clean().assign(sent=lambda f: f.when)}, "sent: mean 2025-02-26 → 1970-01-01"),
    Case("DQ025", clean(), "skipped"),
    Case("DQ025", clean(10), "inconclusive", (), {"reference": clean()}, "fewer than 20 rows"),
    Case("DQ025", clean()[["age"]], "skipped", (), {"reference": clean()[["score"]]}, "share no columns"),
    Case("DQ026", with_cells("score", None, 60), "warning", ("score",), {"reference": clean(seed=1)}, "score: 0% → 15%"),
    Case("DQ026", clean(seed=1), "warning", ("score",), {"reference": with_cells("score", None, 400)}, "score: 100% → 0%"),
    Case("DQ026", with_cells("score", None, 2), "pass", (), {"reference": clean(seed=1)}),
    Case("DQ026", clean(), "skipped"),
    Case("DQ027", clean().drop(columns="age"), "error", ("age",), {"contract": pa.DataFrameSchema({"age": pa.Column(int)})}, "missing columns: age"),
    Case("DQ027", clean(), "pass", (), {"contract": pa.DataFrameSchema({"age": pa.Column(int, pa.Check.ge(0))})}),
    Case("DQ027", clean(), "skipped"),
]
# fmt: on


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}-{case.outcome}")
def test_each_check(case: Case) -> None:
    checked = report(case.frame, only=[case.code], **(case.asked or {}))[case.code]
    assert (checked.outcome, checked.columns) == (case.outcome, case.columns), checked
    assert case.says in " ".join(finding.seen for finding in checked.findings) + checked.reason + " ".join(
        finding.do for finding in checked.findings
    )


def test_every_check_has_a_case_that_fails_and_one_that_passes() -> None:
    codes = {checked.code for checked in report(clean(), only=["DQ"]).checks}
    for outcome in ({"error", "warning", "note"}, {"pass"}):
        assert {case.code for case in CASES if case.outcome in outcome} == codes


def test_data_in_which_nothing_is_wrong_has_no_finding() -> None:
    found = report(clean(), target="y", reference=clean(seed=1), only=["DQ"])
    assert found.ok
    assert [checked.code for checked in found.checks if checked.findings] == []


@pytest.mark.parametrize(("rows", "tries"), [(200, 200), (1_000, 200), pytest.param(10_000, 100, marks=pytest.mark.long), (100_000, 10)])  # fmt: skip
def test_false_alarms_are_rare(rows: int, tries: int) -> None:
    """At most one report in a hundred on clean data has a warning."""
    alarms = [
        (seed, code)
        for seed in range(tries)
        for code in report(clean(rows, seed), target="y", severity="warning", only=["DQ"]).failed
    ]
    assert len({seed for seed, _ in alarms}) <= tries / 100, alarms


@pytest.mark.parametrize(("rows", "tries"), [(200, 300), (1_000, 200), pytest.param(10_000, 100, marks=pytest.mark.long), pytest.param(100_000, 100, marks=pytest.mark.long)])  # fmt: skip
def test_drift_rings_seldom_where_nothing_has_moved(rows: int, tries: int) -> None:
    """At most one report in a hundred."""
    asked: dict[str, Any] = {"severity": "warning", "only": ["DQ025", "DQ026"]}
    rung = [seed for seed in range(tries) if report(clean(rows, seed), reference=clean(rows, 10_000 + seed), **asked).failed]  # fmt: skip
    assert len(rung) <= tries / 100
