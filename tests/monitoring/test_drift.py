"""``drift``: what moved, in every face; what can't be told; and how often chance rings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import jupyter_mlops as mlops
from jupyter_mlops.errors import InvalidUsage, NotFound
from jupyter_mlops.frames import as_source
from jupyter_mlops.monitoring.comparison import compare
from jupyter_mlops.statistics import profiling

from ..conftest import Face

NAN = float("nan")


def table(rows: int, seed: int = 0) -> pd.DataFrame:
    """20 columns of all sorts: normal, skewed, heavy-tailed, discrete, categories, constant, with gaps."""
    chance = np.random.default_rng(seed)
    return pd.DataFrame(
        {f"normal {n}": chance.normal(size=rows) for n in range(3)}
        | {f"skewed {n}": chance.lognormal(size=rows) for n in range(3)}
        | {f"heavy {n}": chance.standard_cauchy(rows) for n in range(2)}
        | {f"count {n}": chance.poisson(2, rows) for n in range(3)}
        | {f"city {n}": chance.choice(["Berlin", "Paris", "Rome", "Oslo"], rows, p=[0.5, 0.3, 0.15, 0.05]) for n in range(3)}
        | {"flag": chance.random(rows) < 0.2, "constant": np.full(rows, 7.0)}
        | {"gaps": np.where(chance.random(rows) < 0.3, np.nan, chance.normal(size=rows))}
        | {"torn": pd.Series(chance.choice(["a", "b"], rows)).mask(chance.random(rows) < 0.3)}
        | {"id": np.arange(rows)}
        | {"rare": [f"k{n}" for n in chance.zipf(1.5, rows) % 3_000]}
    )  # fmt: skip


def test_what_moved_is_told_in_words_in_every_face(project: Path, face: Face) -> None:
    before = table(2_000)
    after = table(1_000, 1).assign(**{"normal 0": lambda f: f["normal 0"] + 0.3})
    said = face("drift --reference before --current after", before=before, after=after)
    assert said.data["outcome"] == "fail"
    assert (said.data["rows_before"], said.data["rows"]) == (2_000, 1_000)
    assert [column["name"] for column in said.data["columns"] if column["outcome"] == "fail"] == ["normal 0"]
    assert said.data["columns"][0]["why"].startswith("median")
    assert said.exit_code in (0, 1)
    assert "city 0" not in said.error


def test_a_file_is_opened_and_a_missing_one_is_named(project: Path, face: Face) -> None:
    table(300).to_parquet("before.parquet")
    (project / "rows").mkdir()
    for part in range(2):
        table(150, part).to_parquet(project / "rows" / f"{part}.parquet")
    assert face("drift --reference before.parquet --current rows/").data["outcome"] == "pass"
    assert "no file 'befor.parquet'. Did you mean before.parquet?" in face("drift --reference befor.parquet --current rows/").error  # fmt: skip


def test_a_report_is_a_value_and_a_picture(project: Path) -> None:
    before = table(1_000)
    after = before.sample(600, random_state=0).assign(
        **{
            "normal 0": 3.25,
            "normal 1": lambda f: f["normal 1"].where(np.arange(600) % 2 == 0),
            "normal 2": lambda f: np.where(np.arange(600) % 10, f["normal 2"], np.inf),
            "skewed 0": "text",
            "city 0": lambda f: np.where(np.arange(600) % 5, f["city 0"], "<b>Lagos</b>"),
            "fresh": 1,
        }
    )
    report = mlops.drift(reference=before, current=after.drop(columns="count 0"))
    assert report.ok is False
    assert not report
    assert set(report.drifted) == {"normal 0", "normal 1", "normal 2", "skewed 0", "city 0", "count 0"}
    assert report["normal 0"].why.startswith("stuck at 3.25: all 600 rows")
    assert report["normal 1"].why == "missing 0% → 50%"
    assert report["normal 2"].why == "infinite 0% → 10%"
    assert report["skewed 0"].why == "was number, is text: the type has changed"
    assert report["city 0"].why.startswith("20% in categories that the reference does not have")
    assert report["count 0"].why == "the column is not there any more"
    assert report["fresh"].ok
    assert report.level == "major"
    frame = report.frame().set_index("column")
    assert len(frame) == 22
    assert frame.loc["normal 1", "side"] == "missing"
    assert frame.loc["normal 1", "low"] < frame.loc["normal 1", "effect"] < frame.loc["normal 1", "high"]
    json.dumps(report.to_dict(), allow_nan=False)
    shown = report._repr_mimebundle_()
    assert "<b>Lagos" not in shown["text/html"]
    assert "what to do" in shown["text/plain"]
    report.plot()
    report.plot("normal 0")
    with pytest.raises(NotFound, match="Did you mean normal"):
        report["normal 9"]
    with pytest.raises(NotFound, match="nothing to draw"):
        report.plot("fresh")


def test_two_values_are_told_by_their_share_and_drawn_both(project: Path) -> None:
    """As what a classifier answers: a median of 0 or 1 says little."""
    chance = np.random.default_rng(0)
    before, after = (pd.DataFrame({"answer": (chance.random(2_000) < part).astype(int)}) for part in (0.3, 0.6))
    found = mlops.drift(reference=before, current=after)["answer"]
    assert found.why.startswith("30% → 61% are 1, PSI 0.40")
    shape = found.shape()
    assert shape.before[0] == pytest.approx(0.7, abs=0.02)
    assert sum(shape.before) == sum(shape.after) == pytest.approx(1)
    three = pd.DataFrame({"answer": np.arange(2_000) % 3})
    assert " are " not in mlops.drift(reference=three, current=three.assign(answer=2))["answer"].why
    assert " are " not in mlops.drift(reference=before, current=after.assign(answer=7))["answer"].why


@pytest.mark.parametrize("rows", [0, 1, 19, 30])
def test_too_few_rows_are_neither_drift_nor_its_absence(project: Path, rows: int) -> None:
    report = mlops.drift(reference=table(1_000), current=table(rows, 1))
    assert report.ok is None
    assert not report
    turned = mlops.drift(reference=table(rows, 1), current=table(1_000))
    assert turned.ok is None
    assert ("give a reference that has rows" in str(turned)) == (rows == 0)


def test_nothing_to_compare_is_no_pass(project: Path) -> None:
    empty = pd.DataFrame({"a": np.full(100, np.nan), "b": pd.Series([None] * 100, dtype=object)})
    assert mlops.drift(reference=pd.DataFrame(index=range(100)), current=pd.DataFrame(index=range(100))).ok is None
    assert mlops.drift(reference=empty, current=empty).ok is not False
    gone = mlops.drift(reference=pd.DataFrame({"a": np.arange(100) % 7, "b": "x"}), current=empty)
    assert gone.drifted == ("a", "b")
    assert gone["a"].why == "missing 0% → 100%"
    for nothing in (None, "frame", 7):
        with pytest.raises(InvalidUsage):
            mlops.drift(reference=empty, current=nothing)


def test_columns_of_people_leave_no_values(project: Path) -> None:
    with (project / "mlops.toml").open("a") as file:
        file.write('[privacy]\npersonal = ["salary", "name"]\n')
    before = table(500).assign(salary=np.arange(500) % 50 + 70_123.25, name="Ada Lovelace")
    after = table(500, 1).assign(salary=np.nan, name="Grace Hopper")
    report = mlops.drift(reference=before, current=after)
    assert report["salary"].why == "missing 0% → 100%"
    assert report["name"].ok
    shown = json.dumps([report.to_dict(), report._repr_mimebundle_()])
    assert "7012" not in shown
    assert "Ada" not in shown
    assert "Grace" not in shown
    cities = mlops.drift(
        reference=before.assign(customer=np.repeat(["Ada", "Bea"], 250)),
        current=after.assign(customer=np.repeat(["Ada", "Eve"], 250)),
    )
    assert cities["customer"].hidden  # nobody has marked it; it is named so
    assert "Eve" not in json.dumps([cities.to_dict(), cities._repr_mimebundle_()])
    stored = profiling.learn(before, ["salary", "name"]).to_bytes()
    assert profiling.Profile.of_bytes(stored).columns["salary"].hidden


def test_drift_in_a_feature_that_the_model_ignores_is_told_but_does_not_ring() -> None:
    from dataclasses import replace

    before, after = table(2_000)[["normal 0", "normal 1"]], table(1_000, 1)[["normal 0", "normal 1"]] + 0.5
    profile = replace(profiling.learn(before), importance={"normal 0": 0.99, "normal 1": 0.01})
    used, ignored, _ = compare(profile, profiling.count(profile, after))
    assert (used.name, used.outcome) == ("normal 0", "fail")
    assert ignored.outcome == "pass"
    assert "hardly uses it (importance 1%)" in ignored.why


@pytest.mark.parametrize("form", ["arrow", "parquet", "stream", "polars"])
def test_a_source_comes_to_what_a_frame_does(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiling, "SAMPLE", 4_000)
    frame = table(10_000)
    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    if form == "parquet":
        pq.write_table(arrow, tmp_path / "rows.parquet", row_group_size=1_500)
    if form == "polars":
        import polars

    make: dict[str, Any] = {
        "arrow": lambda: arrow,
        "parquet": lambda: tmp_path / "rows.parquet",
        "stream": lambda: pa.RecordBatchReader.from_batches(arrow.schema, arrow.to_batches(1_000)),
        "polars": lambda: polars.from_arrow(arrow),
    }
    source = make[form]
    profile = profiling.learn(frame)
    window, whole = profiling.count(profile, as_source(source())), profiling.count(profile, frame)
    for name, known in whole.columns.items():
        other = window.columns[name].sketch
        assert known.sketch.missing == other.missing
        assert np.array_equal(getattr(known.sketch, "counts", 0), getattr(other, "counts", 0))
    learnt = profiling.learn(as_source(source()))
    assert learnt.rows == 10_000
    assert [c.outcome for c in compare(learnt, profiling.count(learnt, frame))] == ["pass"] * 21
    exact = profiling.count(learnt, frame)  # all rows are counted, none lies beyond
    for name, known in learnt.columns.items():
        if hasattr(known.sketch, "edges"):
            assert np.array_equal(known.sketch.counts, exact.columns[name].sketch.counts)
            assert known.sketch.counts[0] == known.sketch.counts[-1] == 0 or name.startswith(("constant", "count"))


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())])
def test_columns_of_arrow_are_counted_as_those_of_pandas(kind: pa.DataType, tmp_path: Path) -> None:
    words = ["a", "b", None, "", "ä"]
    arrow = pa.table(
        {
            "text": pa.array([words[place % 5] for place in range(3_000)]).cast(kind),
            "whole": pa.array([None if place % 7 == 0 else place % 11 for place in range(3_000)], pa.int32()),
            "half": pa.array([NAN if place % 9 == 0 else place / 2 for place in range(3_000)], pa.float32()),
            "now whole": pa.array(range(3_000, 0, -1), pa.int64()),
            "all missing": pa.nulls(3_000, kind),
            "secret": pa.array([str(place % 40) for place in range(3_000)]).cast(kind),
            "new": pa.nulls(3_000).cast(pa.string()),
        }
    )
    frame = arrow.to_pandas().drop(columns="new")
    before = frame.assign(**{"all missing": "x", "now whole": "y"})
    profile = profiling.learn(before, ["secret"])
    pq.write_table(arrow, tmp_path / "rows.parquet", row_group_size=700)
    expected = profiling.count(profile, arrow.to_pandas())
    batches = pa.RecordBatchReader.from_batches(arrow.schema, arrow.to_batches(500))
    for source in (arrow, batches, tmp_path / "rows.parquet", str(tmp_path) + "/"):
        found = profiling.count(profile, as_source(source))
        for name, known in expected.columns.items():
            one, other = (vars(each.sketch) for each in (known, found.columns[name]))
            counts = [
                list(each["counts"].items() if isinstance(each["counts"], dict) else each["counts"])
                for each in (one, other)
            ]
            assert counts[0] == counts[1]
            for field in ("missing", "infinite", "rest", "least", "most", "mean", "squares", "below", "above"):
                np.testing.assert_allclose(one.get(field, 0), other.get(field, 0), rtol=1e-12)
        assert (found.rows, found.lacking, found.changed, found.new) == (3_000, {}, expected.changed, expected.new)
    assert expected.changed == {"now whole": "number"}
    assert expected.columns["text"].sketch.missing == 600


def test_a_profile_is_small_is_read_as_it_was_and_windows_add() -> None:
    frame = table(20_000)
    profile = profiling.learn(frame)
    stored = profile.to_bytes()
    assert len(stored) < 70_000
    again = profiling.Profile.of_bytes(stored)
    assert again.digest == profile.digest
    whole = profiling.count(again, frame)
    parts = [profiling.count(again, frame.iloc[start : start + 3_333]) for start in range(0, 20_000, 3_333)]
    sides = [compare(profile, window) for window in (whole, profiling.added(parts, again))]
    assert [(c.name, c.why, c.severity) for c in sides[0]] == [
        (c.name, c.why, pytest.approx(c.severity)) for c in sides[1]
    ]
    bare = whole.to_bytes(grid=False)
    assert len(bare) < len(stored)
    assert profiling.Profile.of_bytes(bare, again).to_bytes() == whole.to_bytes()
    for broken in (b"", b"{}", stored[:100]):
        with pytest.raises(ValueError, match="no profile"):
            profiling.Profile.of_bytes(broken)


@pytest.mark.parametrize("rows", [200, 1_000, *[pytest.param(n, marks=pytest.mark.long) for n in (10_000, 100_000)]])
def test_chance_rings_in_at_most_one_report_of_a_hundred(rows: int) -> None:
    reports = 100 if rows <= 1_000 else 200
    profile = profiling.learn(table(max(rows, 5_000), 1_000_000))
    rang = [
        any(c.outcome == "fail" for c in compare(profile, profiling.count(profile, table(rows, seed))))
        for seed in range(reports)
    ]
    assert sum(rang) <= 1 + reports // 100


def moved_by_ten_points(frame: pd.DataFrame) -> Any:
    """From the largest city to the next: a fifth of half of the rows."""
    chance = np.random.default_rng(len(frame))
    return frame["city 0"].mask((frame["city 0"] == "Berlin") & (chance.random(len(frame)) < 0.2), "Paris")


@pytest.mark.parametrize(
    ("column", "move"), [("normal 0", lambda f: f["normal 0"] + 0.3), ("city 0", moved_by_ten_points)]
)
def test_what_has_moved_is_found(column: str, move: Any) -> None:
    profile = profiling.learn(table(5_000, 1_000_000))
    found = 0
    for seed in range(60):
        frame = table(1_000, seed)
        frame[column] = move(frame)
        found += any(
            c.name == column and c.outcome == "fail" for c in compare(profile, profiling.count(profile, frame))
        )
    assert found >= 57
