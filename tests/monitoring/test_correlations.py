"""How features go together: a change is found though each column is as it was; chance is not; windows add."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import jupyter_mlops as mlops
from jupyter_mlops.errors import NotFound
from jupyter_mlops.frames import as_source
from jupyter_mlops.monitoring.comparison import compare
from jupyter_mlops.monitoring.results import Column
from jupyter_mlops.statistics import profiling
from jupyter_mlops.statistics.profile import Profile

from ..conftest import Face


def people(rows: int, seed: int, together: float = 0.65) -> pd.DataFrame:
    """Age and income go together by so much (a copula), and nothing else does."""
    chance = np.random.default_rng(seed)
    age, other = chance.normal(size=(2, rows))
    return pd.DataFrame({
        "age": 41 + 10 * age,
        "income": np.exp(10 + 0.5 * (together * age + np.sqrt(1 - together**2) * other)),
        "children": chance.poisson(1.2, rows),
        "height": chance.normal(172, 9, rows),
        "city": chance.choice(["Berlin", "Rome"], rows),
    })  # fmt: skip


def the(columns: tuple[Column, ...], name: str = "correlations") -> Column:
    return next(column for column in columns if column.name == name)


def test_a_change_between_two_columns_that_are_as_they_were_is_told_in_words(project: Path, face: Face) -> None:
    before, after = people(4_000, 0), people(1_000, 1, 0.05)
    said = face("drift --reference before --current after", before=before, after=after)
    assert said.data["outcome"] == "fail"
    assert [column["name"] for column in said.data["columns"] if column["outcome"] != "pass"] == ["correlations"]
    found = said.data["columns"][0]
    assert found["level"] == "major"
    assert found["why"].startswith("age and income: correlation 0.6")
    assert found["why"].endswith(")")
    assert len(found["sides"]) == 6


def test_it_is_a_value_a_picture_and_a_line_of_the_card(project: Path) -> None:
    report = mlops.drift(reference=people(4_000, 0), current=people(1_000, 1, 0.05))
    worst = report["correlations"].sides[0]
    assert worst.column == "age and income"
    assert worst.apart.interval[0] > 0.4
    assert worst.apart.figures["before"] == pytest.approx(people(4_000, 0)[["age", "income"]].corr("spearman").iloc[0, 1], abs=2e-3)  # fmt: skip
    assert worst.apart.figures["now"] == pytest.approx(people(1_000, 1, 0.05)[["age", "income"]].corr("spearman").iloc[0, 1], abs=2e-2)  # fmt: skip
    assert "1 of 6 pairs have changed" in str(report)
    assert "0 of 5 have drifted" in str(report)
    assert "age and income" in str(report["correlations"])
    report.plot("correlations")
    json.dumps(report.to_dict(), allow_nan=False)
    assert report.frame().set_index("column").loc["correlations", "side"] == "correlation"
    calm = mlops.drift(reference=people(4_000, 0), current=people(1_000, 1))
    assert calm.ok is True
    assert calm["correlations"].why == "as in the reference, 6 pairs"


@pytest.mark.parametrize("rows", [200, 1_000, pytest.param(10_000, marks=pytest.mark.long)])
def test_chance_rings_in_at_most_one_report_of_a_hundred(rows: int) -> None:
    """Pairs of all sorts: normal, with gaps, mostly zero, with common outliers, not monotone."""
    reports = 60 if rows <= 1_000 else 200
    rang = 0
    for seed in range(reports):
        profile = profiling.learn(_entangled(max(rows, 1_000), 10**6 + seed))
        rang += any(
            column.outcome == "fail" for column in compare(profile, profiling.count(profile, _entangled(rows, seed)))
        )
    assert rang <= 1 + reports // 100


def _entangled(rows: int, seed: int) -> pd.DataFrame:
    chance = np.random.default_rng(seed)
    one, two = chance.normal(size=(2, rows, 1))
    spread = np.sqrt(3 / chance.chisquare(3, size=(rows, 1)))
    x = chance.normal(size=rows)
    parts = {
        "normal": 0.8 * one + 0.6 * chance.normal(size=(rows, 4)),
        "tail": spread * (0.5 * two + chance.normal(size=(rows, 3))),
        "count": chance.poisson(np.exp(0.4 * one), (rows, 3)),
        "zero": np.where(chance.random((rows, 2)) < 0.8, 0, chance.exponential(size=(rows, 2))),
        "rare": np.where(chance.random((rows, 2)) < 0.97, 0, chance.exponential(size=(rows, 2))),
        "square": np.column_stack([x, x**2, np.abs(x) * chance.normal(size=rows)]),
        "gap": np.where(chance.random((rows, 2)) < 0.3, np.nan, one + chance.normal(size=(rows, 2))),
    }
    return pd.concat([pd.DataFrame(part).add_prefix(f"{name} ") for name, part in parts.items()], axis=1)


def test_a_change_by_three_tenths_is_found_in_a_thousand_rows() -> None:
    profile = profiling.learn(people(5_000, 10**6))
    found = [the(compare(profile, profiling.count(profile, people(1_000, seed, 0.3)))).outcome for seed in range(40)]
    assert found.count("fail") >= 38


def test_it_appears_out_of_nothing_too_and_each_column_keeps_its_chance() -> None:
    profile = profiling.learn(people(5_000, 10**6, 0.0))
    assert the(compare(profile, profiling.count(profile, people(1_000, 1, 0.6)))).outcome == "fail"
    shifted = people(1_000, 2, 0.0).assign(height=lambda frame: frame["height"] + 3)
    found = compare(profile, profiling.count(profile, shifted))
    assert [column.name for column in found if column.outcome == "fail"] == ["height"]


def test_a_column_that_moves_as_a_whole_does_not_move_its_correlations() -> None:
    profile = profiling.learn(people(5_000, 10**6))
    moved = people(2_000, 1).assign(age=lambda frame: frame["age"] + 5)
    found = compare(profile, profiling.count(profile, moved))
    assert [column.name for column in found if column.outcome == "fail"] == ["age"]


def test_between_features_that_the_model_ignores_it_is_told_and_does_not_ring() -> None:
    profile = profiling.learn(people(4_000, 0))
    window = profiling.count(profile, people(1_000, 1, 0.05))
    of_one = {"age": 0.98, "income": 0.01, "children": 0.005, "height": 0.005, "city": 0.0}
    found = the(compare(replace(profile, importance=of_one), window))
    assert found.outcome == "pass"
    assert found.why.endswith("the model hardly uses one of the two")
    both = the(compare(replace(profile, importance=of_one | {"age": 0.5, "income": 0.49}), window))
    assert (both.outcome, both.level) == ("fail", "major")


def test_names_with_and_in_them_are_told_apart() -> None:
    """``a and b`` beside ``c``, and ``a`` beside ``b and c``: each pair has its own figures."""

    def rows(seed: int, together: float) -> pd.DataFrame:
        chance = np.random.default_rng(seed)
        one, two, three, four = chance.normal(size=(4, 3_000))
        return pd.DataFrame({"a and b": one, "c": 0.1 * two + together * one, "a": three, "b and c": four})

    profile = profiling.learn(rows(0, 1.0))
    found = the(compare(profile, profiling.count(profile, rows(1, 0.0))))
    assert {side.column for side in found.sides} == {'"a and b" and c', '"a and b" and a', '"a and b" and "b and c"', "c and a", 'c and "b and c"', 'a and "b and c"'}  # fmt: skip
    assert [side.column for side in found.sides if side.rings] == ['"a and b" and c']


def test_few_rows_tell_nothing_and_what_can_not_vary_is_no_reason_to_wait(project: Path) -> None:
    profile = profiling.learn(people(4_000, 0))
    few = the(compare(profile, profiling.count(profile, people(40, 1))))
    assert few.outcome == "inconclusive"
    assert few.why.startswith("40 rows with both numbers are too few: it takes ")
    small = profiling.learn(people(40, 0))
    assert "the reference has too few rows (40)" in the(compare(small, profiling.count(small, people(900, 1)))).why
    rare = pd.DataFrame({"a": np.arange(2_000) % 1_000 == 0, "b": np.arange(2_000) % 900 == 0}).astype(float)
    assert mlops.drift(reference=rare, current=rare).ok is True
    alone = mlops.drift(reference=rare[["a"]], current=rare[["a"]])
    with pytest.raises(NotFound):
        alone["correlations"]


def test_a_column_that_is_gone_or_of_another_type_takes_its_pairs_along(project: Path) -> None:
    before, after = people(4_000, 0), people(1_000, 1, 0.05)
    gone = mlops.drift(reference=before, current=after.drop(columns="income"))
    assert gone["correlations"].ok
    assert {moved.column for moved in gone["correlations"].sides} == {"age and children", "age and height", "children and height"}  # fmt: skip
    assert mlops.drift(reference=before, current=after.assign(income="much"))["correlations"].ok
    assert mlops.drift(reference=before, current=after.assign(income=np.nan))["correlations"].ok
    assert mlops.drift(reference=before, current=after.assign(income=np.inf))["correlations"].ok
    named = mlops.drift(reference=before.assign(correlations=1), current=after.assign(correlations=1))
    assert named["correlations"].kind == "number"
    assert not named["correlations of pairs"].ok


@pytest.mark.parametrize("form", ["frame", "arrow", "parquet", "pieces", "stored"])
def test_sums_are_the_same_however_rows_come(form: str, tmp_path: Path) -> None:
    frame = _entangled(3_000, 1)
    profile = profiling.learn(_entangled(3_000, 2))
    assert profile.pairs is not None
    whole = profiling.count(profile, frame).pairs
    assert whole is not None
    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    found: Any
    if form == "parquet":
        pq.write_table(arrow, tmp_path / "rows.parquet", row_group_size=500)
        found = profiling.count(profile, as_source(tmp_path / "rows.parquet"))
    elif form == "pieces":
        parts = [profiling.count(profile, frame.iloc[at : at + 700]) for at in range(0, 3_000, 700)]
        found = profiling.added(parts, profile)
    elif form == "stored":
        grid = profiling.Profile.of_bytes(profile.to_bytes())
        assert grid.digest == profile.digest
        found = profiling.Profile.of_bytes(profiling.count(grid, frame).to_bytes(grid=False), grid)
        in_full = whole.packed(grid=True)  # as an earlier release has stored pieces
        assert np.array_equal(whole.unpacked(in_full, profile.pairs).products, whole.products)
        assert len(json.dumps(whole.packed(grid=False))) < 0.75 * len(json.dumps(in_full))
    else:
        found = profiling.count(profile, frame if form == "frame" else arrow)
    for name in ("rows", "sums", "squares", "products"):
        assert np.array_equal(getattr(found.pairs, name), getattr(whole, name))
    assert found.pairs.names == profile.pairs.names


def test_of_many_columns_those_that_go_together_most_are_kept_and_nobody_who_is_personal() -> None:
    chance = np.random.default_rng(0)
    frame = pd.DataFrame(chance.normal(size=(2_000, 60))).add_prefix("n")
    frame["n59"] = frame["n58"] + 0.1 * chance.normal(size=2_000)
    profile = profiling.learn(frame, ["n0"])
    assert profile.pairs is not None
    assert len(profile.pairs.names) == 32
    assert {"n58", "n59"} <= {*profile.pairs.names}
    assert "n0" not in profile.pairs.names
    assert len(profiling.learn(frame.iloc[:, :20]).to_bytes()) < 140_000


def _judged(reference: Profile, window: Profile) -> list[str]:
    return [column.outcome for column in compare(reference, window) if column.kind == "correlations"]


def test_pieces_of_unequal_size_count_by_their_rows(tmp_path: Path) -> None:
    """A busy day and quiet nights, in which the numbers go together otherwise: sampled pieces weigh what they stand for."""

    def rows(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        chance = np.random.default_rng(seed)
        x = chance.normal(size=100_000)
        day = pd.DataFrame({"x": x, "y": 0.8 * x + 0.6 * chance.normal(size=100_000)})
        return day, pd.DataFrame({"x": chance.normal(size=20_000), "y": chance.normal(size=20_000)})

    reference = profiling.learn(pd.concat(rows(0)).sample(frac=1, random_state=0))
    day, night = rows(1)
    nights = [night.iloc[start : start + 400] for start in range(0, 20_000, 400)]
    whole = profiling.count(reference, pd.concat([day, night]))
    total = profiling.count(reference, day)
    for part in nights:
        total = total + profiling.count(reference, part)
    schema = pa.Schema.from_pandas(day, preserve_index=False)
    with pq.ParquetWriter(tmp_path / "rows.parquet", schema) as file:
        for part in (day, *nights):
            file.write_table(pa.Table.from_pandas(part, schema, preserve_index=False))
    read = profiling.count(reference, ds.dataset(tmp_path / "rows.parquet"))
    for window in (whole, total, read):
        assert window.pairs is not None
        assert window.pairs.correlations[0, 1] == pytest.approx(
            np.corrcoef(*pd.concat([day, night]).to_numpy().T)[0, 1], abs=0.04
        )
        assert _judged(reference, window) == ["pass"]


@pytest.mark.parametrize("rows", [4_096, 30_000, 32_768, 65_536])
def test_what_comes_round_and_round_is_not_met_in_step(rows: int) -> None:
    """Eight sensors that are written in turn: every eighth row is of one of them."""

    def turns(seed: int) -> pd.DataFrame:
        chance, sensor = np.random.default_rng(seed), np.arange(rows) % 8
        return pd.DataFrame({name: sensor + 0.05 * chance.normal(size=rows) for name in ("x", "y")})

    reference = profiling.learn(turns(0))
    assert _judged(reference, profiling.count(reference, turns(1))) == ["pass"]
