"""Odd data: a finding or a clear error, and no check that breaks."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from jupyter_mlops.errors import InvalidUsage, NotFound
from jupyter_mlops.frames import as_frame
from jupyter_mlops.limits import ValidationSettings
from jupyter_mlops.validation import reporting, results
from jupyter_mlops.validation.catalogues import data_checks
from jupyter_mlops.validation.checks import Check

from .test_quality import clean, report

UTC = datetime.UTC
ZONES = [datetime.datetime(2025, 1, 1, tzinfo=UTC), datetime.datetime(2025, 1, 1)] * 100

ODD: dict[str, Any] = {
    "nothing": pd.DataFrame(),
    "no rows": clean().head(0),
    "no columns": pd.DataFrame(index=range(50)),
    "one row": clean().head(1),
    "two rows": clean().head(2),
    "one column": clean()[["score"]],
    "all missing": pd.DataFrame({"a": [None] * 200, "b": [np.nan] * 200, "c": pd.array([pd.NA] * 200, dtype="Int64")}),
    "doubled names": pd.concat([clean(), clean()], axis=1),
    "infinite": pd.DataFrame({"a": [np.inf, -np.inf] * 100}),
    "lists": pd.DataFrame({"a": [[1, 2]] * 200, "b": [{"k": 1}] * 200, "c": [np.arange(3)] * 200}),
    "sets and frames": pd.DataFrame({"a": pd.Series([{1, 2}, frozenset()] * 100), "b": [pd.DataFrame()] * 200}),
    "10,000 categories": pd.DataFrame({"a": [f"c{n}" for n in range(10_000)] * 2, "b": range(20_000)}),
    "numbers as names": pd.DataFrame(np.random.default_rng(0).normal(size=(200, 4))),
    "odd names": clean().rename(columns={"age": None, "city": ("a", 1), "score": 3.5}),
    "two levels of names": pd.concat({"x": clean(), "y": clean()}, axis=1),
    "mixed zones": pd.DataFrame({"when": ZONES}),
    "strange times": pd.DataFrame({"when": [datetime.date(1, 1, 1), datetime.date(9999, 12, 31)] * 100}),
    "decimals": pd.DataFrame({"price": [decimal.Decimal("1.5"), decimal.Decimal("NaN"), None] * 70}),
    "large whole numbers": pd.DataFrame({"a": [2**80, 1] * 100, "b": [2**63, 2**64 - 1] * 100}),
    "complex": pd.DataFrame({"a": [1 + 2j, 3j] * 100}),
    "periods": pd.DataFrame({"a": pd.period_range("2020-01", periods=200, freq="M")}),
    "intervals": pd.DataFrame({"a": pd.cut(np.arange(200), 5)}),
    "sparse": pd.DataFrame({"a": pd.arrays.SparseArray([0, 0, 1.0, 0] * 50)}),
    "durations": pd.DataFrame({"a": pd.to_timedelta(range(200), unit="s")}),
    "bytes": pd.DataFrame({"a": [b"x", b"\xff"] * 100}),
    "half surrogates": pd.DataFrame({"a": ["\ud800", "b"] * 100}, dtype=object),
    "category of nothing": pd.DataFrame({"a": pd.Categorical([None] * 200, categories=[])}),
    "mixed category": pd.DataFrame({"a": pd.Categorical([1, "a", 2.5, None] * 50)}),
    "an index with a name": clean().set_index("when"),
    "polars": pl.from_pandas(clean()),
    "pyarrow": pa.Table.from_pandas(clean()),
    "arrow types": clean().convert_dtypes(dtype_backend="pyarrow"),
    "an array": np.random.default_rng(0).normal(size=(200, 3)),
    "a series": clean()["score"],
    "classes of one row": pd.DataFrame({"y": ["a"] * 199 + ["b"], "x": range(200)}),
    "as many classes as rows": pd.DataFrame({"y": [f"c{n}" for n in range(200)], "x": range(200)}),
    "infinite target": pd.DataFrame({"y": [np.inf, -np.inf, *range(198)], "x": range(200)}),
    "features of nothing": pd.DataFrame({"y": ["a", "b"] * 100, "x": [None] * 200, "z": 1}),
    "lists beside a target": pd.DataFrame(
        {"y": ["a", "b"] * 100, "x": [[1, 2], {"k": 1}] * 100, "z": [object()] * 200}
    ),
    "odd times beside a target": pd.DataFrame(
        {"y": ["a", "b"] * 100, "when": ZONES, "old": [datetime.date(1, 1, 1), datetime.date(9999, 12, 31)] * 100}
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_drift_of_odd_data_breaks_nothing_and_is_none_to_itself(name: str) -> None:
    frame = as_frame(ODD[name])
    other = clean().sample(len(frame), replace=True, random_state=0)
    shorter = frame.iloc[: max(1, len(frame) // 3)]
    for here, reference in ((frame, frame), (shorter, frame), (frame, shorter), (frame, clean()), (clean(), frame),
                            (frame.set_axis(range(frame.shape[1]), axis=1), other.set_axis(range(other.shape[1]), axis=1))):  # fmt: skip
        found = report(here, reference=reference, only=["DQ025", "DQ026"])
        assert [c for c in found.checks if c.reason.startswith("It could not run")] == []
        assert found._repr_mimebundle_()["text/html"]
        assert here is not reference or not any(checked.findings for checked in found.checks)


@pytest.mark.parametrize("name", ODD)
def test_no_check_breaks(name: str) -> None:
    frame = ODD[name]
    found = report(frame)
    assert [c for c in found.checks if c.reason.startswith("It could not run")] == []
    columns = [str(label) for label in as_frame(frame).columns]
    target = next((label for label in columns if columns.count(label) == 1), None)
    beside = report(
        frame,
        target=target,
        reference=frame,
        time="when" if "when" in columns[1:] and columns.count("when") == 1 else None,
    )
    assert [c for c in beside.checks if c.reason.startswith("It could not run")] == []
    assert str(beside)
    assert "<section" in beside._repr_mimebundle_()["text/html"]
    assert len(beside.frame()) >= len(beside.checks)


def test_a_reference_with_other_columns_is_a_finding() -> None:
    assert "DQ001" in report(clean(), reference=pd.DataFrame({"other": [1, 2]})).failed


@pytest.mark.parametrize("role", ["target", "time", "group", "key"])
def test_a_column_that_is_not_there_is_an_error_with_the_nearest(role: str) -> None:
    with pytest.raises(InvalidUsage, match=r"no column 'aeg'.*age"):
        report(clean(), **{role: ["aeg"] if role == "key" else "aeg"})
    with pytest.raises(InvalidUsage, match="2 columns 'age'"):
        report(pd.concat([clean(), clean()], axis=1), **{role: ["age"] if role == "key" else "age"})


def test_what_is_no_table_is_an_error() -> None:
    for nothing in (5, "text", object(), np.zeros((2, 2, 2))):
        with pytest.raises(InvalidUsage, match="no table"):
            report(nothing)


def test_an_unknown_check_is_an_error_with_the_nearest() -> None:
    with pytest.raises(InvalidUsage, match=r"no check 'DQ0003'.*DQ003"):
        report(clean(), only=["DQ0003"])
    with pytest.raises(NotFound, match=r"no check 'DQ9'"):
        report(clean())["DQ9"]


def test_only_and_skip_take_codes_and_their_beginnings() -> None:
    assert [c.code for c in report(clean(), only=["dq001", "DQ02"]).checks] == ["DQ001", "DQ020", "DQ021", "DQ022", "DQ023", "DQ024", "DQ025", "DQ026", "DQ027"]  # fmt: skip
    assert "DQ003" not in [c.code for c in report(clean(), skip=["DQ003"]).checks]


def test_a_check_that_crashes_is_inconclusive_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = data_checks()

    def crash(data: object) -> None:
        raise ZeroDivisionError("of all things")

    known = dict(checks._checks)
    monkeypatch.setattr(checks, "_checks", {**known, "DQ003": Check("DQ003", "Missing", "It matters.", crash)})
    found = report(clean())
    assert (found["DQ003"].outcome, found.outcome, found.ok) == ("inconclusive", "inconclusive", False)
    assert found["DQ003"].reason == "It could not run: ZeroDivisionError: of all things"
    assert found["DQ004"].outcome == "pass"


def test_an_interrupt_keeps_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = data_checks()

    def interrupt(data: object) -> None:
        raise KeyboardInterrupt

    known = dict(checks._checks)
    monkeypatch.setattr(checks, "_checks", {**known, "DQ010": Check("DQ010", "Duplicates", "They matter.", interrupt)})
    found = report(clean())
    assert found["DQ009"].outcome == "skipped"
    assert {found[f"DQ0{n}"].outcome for n in range(10, 28)} == {"inconclusive"}
    assert found["DQ024"].reason == "It was interrupted."


def test_what_is_ignored_stays_on_record_with_its_reason() -> None:
    frame = clean().assign(age=None, score=None)
    settings = {"ignore": {"DQ003:age": "we buy it next year", "DQ004": "as agreed"}}
    found = report(frame, settings=settings)
    assert found["DQ003"].columns == ("score",)
    assert found["DQ003"].reason == "age is ignored: we buy it next year"
    assert (found["DQ004"].outcome, found["DQ004"].reason) == ("ignored", "as agreed")
    whole = report(frame.drop(columns="score"), settings=settings)
    assert (whole["DQ003"].outcome, whole.ok) == ("ignored", True)
    assert "we buy it next year" in str(whole)


def test_limits_are_settings() -> None:
    frame = clean()
    frame.loc[:19, "score"] = None
    assert report(frame)["DQ003"].outcome == "pass"
    assert report(frame, settings={"data": {"missing": 0.01}})["DQ003"].outcome == "warning"


def test_severity_decides_what_fails() -> None:
    frame = clean().assign(age=7)
    assert report(frame).ok
    strict = report(frame, severity="warning")
    assert (bool(strict), strict.failed) == (False, ("DQ004",))


def test_a_report_is_read_again_as_it_was() -> None:
    frame = clean()
    frame.loc[:199, "score"] = None
    frame.loc[:2, "income"] = 1e12
    found = reporting.report_on(frame, "df", ValidationSettings())
    again = results.read(found.to_dict())
    assert (again.failed, again.frame().to_dict()) == (found.failed, found.frame().to_dict())
    assert again["DQ017"].findings[0].plot is not None
    assert again.plot("DQ017").axes
    assert again.digest == found.digest
    with pytest.raises(NotFound, match="nothing to draw"):
        again.plot("DQ024")


def test_names_are_text_and_never_markup() -> None:
    html = report(pd.DataFrame({"<script>alert(1)</script>": [None] * 50}))._repr_mimebundle_()["text/html"]
    assert "<script>" not in html


@pytest.mark.filterwarnings("error")
def test_a_column_of_time_without_times_is_told() -> None:
    found = report(clean(), reference=clean(), time="y", only=["DQ023"])["DQ023"]
    assert (found.outcome, found.reason) == ("inconclusive", "y holds no times in df.")


def test_what_is_ignored_must_be_a_check() -> None:
    frame = clean().assign(age=None)
    assert report(frame, settings={"ignore": {"dq003:age": "as agreed"}})["DQ003"].outcome == "ignored"
    with pytest.raises(InvalidUsage, match=r"names 'DQ903', and there is no such check.*DQ003"):
        report(frame, settings={"ignore": {"DQ903": "a slip"}})
    with pytest.raises(ValueError, match="'missing' is no code of a check"):
        report(frame, settings={"ignore": {"missing": "no code"}})


def test_why_a_check_could_not_run_quotes_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = data_checks()

    def crash(data: object) -> None:
        float("jane.roe@example.com")

    known = dict(checks._checks)
    monkeypatch.setattr(checks, "_checks", {**known, "DQ003": Check("DQ003", "Missing", "It matters.", crash)})
    found = report(clean(), only=["DQ003"])["DQ003"]
    assert found.reason == "It could not run: ValueError: could not convert string to float: '…'"


TOKYO = datetime.timezone(datetime.timedelta(hours=9))
HOURS = [datetime.datetime(2025, 1, day, hour) for day in range(1, 11) for hour in range(10)]


@pytest.mark.parametrize(
    ("zones", "outcome", "says"),
    [
        ([UTC, None], "error", "when holds times of 2 zones: none, UTC."),
        ([UTC, TOKYO], "warning", "when holds times of 2 zones: UTC, UTC+09:00."),
        ([TOKYO], "pass", ""),
        ([None], "pass", ""),
    ],
)
def test_mixed_time_zones_are_told(zones: list[Any], outcome: str, says: str) -> None:
    times = [when.replace(tzinfo=zone) for when in HOURS for zone in zones]
    found = report(pd.DataFrame({"when": pd.Series(times, dtype=object)}))["DQ005"]
    assert (found.outcome, "".join(finding.seen for finding in found.findings)) == (outcome, says)


def test_a_zone_that_has_gone_is_told() -> None:
    frame = clean()
    before = frame.assign(when=frame["when"].dt.tz_localize("Asia/Tokyo"))
    found = report(frame, reference=before)["DQ001"].findings
    assert found[0].seen == "when was in time zone Asia/Tokyo, and now is in none."
    elsewhere = before.assign(when=before["when"].dt.tz_convert("UTC"))  # the same moments
    assert report(elsewhere, reference=before)["DQ001"].outcome == "pass"


def test_one_word_is_taken_for_a_list_of_one() -> None:
    found = report(clean(), key="when", only="DQ011", skip="DP")
    assert [checked.code for checked in found.checks] == ["DQ011"]


def test_what_is_no_table_yet_says_how_to_make_it_one() -> None:
    with pytest.raises(InvalidUsage, match="no table yet") as lazy:
        report(pl.from_pandas(clean()).lazy())
    assert lazy.value.hint == "df.collect()"
    with pytest.raises(InvalidUsage, match="There is no data: it is None"):
        report(None)
