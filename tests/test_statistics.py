"""Sketches of columns, what lies between two of them, and how often chance rings."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from jupyter_mlops.statistics import profiling
from jupyter_mlops.statistics.alarms import Moved, judge
from jupyter_mlops.statistics.measures import Apart, apart
from jupyter_mlops.statistics.shapes import shape
from jupyter_mlops.statistics.sketches import EDGES, Numbers, Words, read

NAN = float("nan")


def learn(values: Any) -> Numbers | Words:
    series = pd.Series(values)
    if series.dtype.kind in "fi":
        return Numbers.learn(series.to_numpy(dtype=float))
    return Words.learn(series.value_counts(), int(series.isna().sum()))


def count(reference: Numbers | Words, values: Any) -> Any:
    series = pd.Series(values)
    if isinstance(reference, Numbers):
        return reference.count(series.to_numpy(dtype=float))
    return reference.count(series.value_counts(), int(series.isna().sum()))


def sides(before: Any, after: Any) -> dict[str, Apart]:
    reference = learn(before)
    return {each.side: each for each in apart(reference, count(reference, after))}


CHANCE = np.random.default_rng(0)
KINDS: dict[str, Any] = {
    "normal": CHANCE.normal(size=20_000),
    "heavy": CHANCE.standard_cauchy(20_000),
    "whole": CHANCE.poisson(3, 20_000).astype(float),
    "half zero": np.where(CHANCE.random(20_000) < 0.5, 0.0, CHANCE.normal(size=20_000)),
    "gaps and infinities": np.where(CHANCE.random(20_000) < 0.1, NAN, np.where(CHANCE.random(20_000) < 0.1, np.inf, CHANCE.normal(size=20_000))),
    "constant": np.full(20_000, 7.0),
    "missing": np.full(20_000, NAN),
    "nothing": np.empty(0),
    "words": pd.Series(CHANCE.choice(["a", "b", None], 20_000)),
    "truths": pd.Series(CHANCE.random(20_000) < 0.3).astype(object),
    "10,000 categories": pd.Series([f"c{n}" for n in CHANCE.zipf(1.3, 20_000) % 10_000]),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_counts_add_exactly_and_a_sketch_is_read_as_it_was(kind: str) -> None:
    values = KINDS[kind]
    reference = learn(values)
    whole, total = count(reference, values), count(reference, values[:0])
    for start in range(0, len(values), 7_777):
        total = total + count(reference, values[start : start + 7_777])
    for name, value in ((field.name, getattr(whole, field.name)) for field in fields(whole)):
        if name in ("mean", "squares", "below", "above"):
            np.testing.assert_allclose(getattr(total, name), value, rtol=1e-9, atol=1e-9)
        else:
            np.testing.assert_array_equal(getattr(total, name), value)
    text = json.dumps(reference.to_dict(), allow_nan=False)
    assert len(text) < 40_000
    again = read(json.loads(text))
    for field in fields(reference):
        np.testing.assert_equal(getattr(again, field.name), getattr(reference, field.name))
    assert [each.p for each in apart(reference, whole)] == [1.0] * len(apart(reference, whole))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if isinstance(KINDS[kind], np.ndarray)])
@pytest.mark.parametrize("move", [0.0, 0.4, 1e9])
def test_many_numbers_are_counted_by_cells_as_by_sorting(
    kind: str, move: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = learn(KINDS[kind])
    values = np.concatenate([KINDS[kind] + move, KINDS[kind][:5_000]])
    quick = reference.count(values)
    monkeypatch.setattr("jupyter_mlops.statistics.sketches.MANY", 10**9)
    slow = reference.count(values)
    for field in fields(slow):
        np.testing.assert_allclose(getattr(quick, field.name), getattr(slow, field.name), rtol=1e-9, atol=1e-9)
    if kind in ("normal", "heavy"):
        assert reference._cells is not None


WIDE: dict[str, Any] = {
    "skewed": lambda chance: chance.lognormal(size=30_000),
    "large": lambda chance: chance.normal(1e9, 1, 30_000),
    "huge": lambda chance: chance.normal(size=30_000) * 1e300,
    "tiny": lambda chance: chance.normal(size=30_000) * 1e-300,
    "whole": lambda chance: chance.poisson(1_000, 30_000) * 1.0,
    "rounded": lambda chance: chance.normal(size=30_000).round(2),
    "near zero": lambda chance: chance.normal(size=30_000) * 10.0 ** chance.integers(-20, 1, 30_000),
}


@pytest.mark.parametrize("kind", WIDE)
@pytest.mark.parametrize("compact", [True, False])
def test_what_lies_on_an_edge_or_next_to_it_is_counted_where_it_belongs(kind: str, compact: bool) -> None:
    chance = np.random.default_rng(0)
    reference = Numbers.learn(WIDE[kind](chance), compact=compact)
    assert (np.diff(reference.edges) > 0).all()
    edges = chance.choice(reference.edges, 200)
    least = [0.0, -0.0, 5e-324, -5e-324, 1e-300, 1e-17, -1e-17, 1e308, -1e308]
    beside = [np.nextafter(edges, end) for end in (-np.inf, np.inf)]
    values = np.concatenate([WIDE[kind](chance), edges, *beside, least])
    upto = [int((values <= edge).sum()) for edge in reference.edges]
    assert np.cumsum(reference.count(values).counts)[:-1].tolist() == upto


@pytest.mark.parametrize("kind", ["normal", "heavy", "whole", "half zero"])
def test_edges_at_the_ends_of_cells_are_off_by_less_than_a_thousandth(kind: str) -> None:
    before, after = np.repeat(KINDS[kind], 2), KINDS[kind] * 1.1 + (kind == "whole")
    reference = Numbers.learn(before, compact=True)
    assert reference._cells is not None
    if kind != "heavy":  # no number is held against an edge but those beyond the cells
        assert len(reference._cells.opened) <= 3
    found = apart(reference, reference.count(after))[0].figures
    assert found["ks"] == pytest.approx(stats.ks_2samp(before, after).statistic, abs=1e-3)
    if kind in ("whole", "half zero"):
        assert reference.quantile(0.5) == np.median(before)


@pytest.mark.parametrize("kind", ["normal", "whole", "half zero"])
def test_the_measures_are_those_of_scipy(kind: str) -> None:
    before = KINDS[kind]
    after = before[::3] * 1.3 + 0.2
    figures = sides(before, after)["values"].figures
    assert figures["ks"] == pytest.approx(stats.ks_2samp(before, after).statistic, abs=2 / EDGES)
    assert figures["wasserstein"] == pytest.approx(stats.wasserstein_distance(before, after) / before.std(), rel=0.05)


def test_chi2_is_that_of_scipy_and_v_does_not_hang_on_the_sizes() -> None:
    shares, other = [0.5, 0.3, 0.2], [0.3, 0.3, 0.4]

    def of(n: int, m: int) -> Apart:
        draw = lambda p, rows: pd.Series(np.repeat(["a", "b", "c"], np.multiply(p, rows).astype(int)))  # noqa: E731
        return sides(draw(shares, n), draw(other, m))["values"]

    table = np.array([np.multiply(shares, 1000), np.multiply(other, 500)])
    assert of(1000, 500).figures["chi2"] == pytest.approx(stats.chi2_contingency(table).statistic)
    assert of(1000, 500).p == pytest.approx(stats.chi2_contingency(table).pvalue)
    assert of(100_000, 1_000).effect == pytest.approx(of(10_000, 10_000).effect, abs=0.005)
    assert of(1000, 500).figures["new"] == 0


def test_psi_is_that_of_deciles() -> None:
    before, after = stats.norm.ppf((np.arange(100_000) + 0.5) / 100_000), None
    after = before + 0.5
    share = np.diff([0, *stats.norm.cdf(stats.norm.ppf(np.arange(0.1, 0.95, 0.1)) - 0.5), 1])
    expected = float(((share - 0.1) * np.log(share / 0.1)).sum())
    assert sides(before, after)["values"].figures["psi"] == pytest.approx(expected, rel=0.02)


def test_quantiles_are_known_but_beyond_the_grid() -> None:
    reference = learn(KINDS["normal"])
    assert reference.quantile(0.5) == pytest.approx(np.median(KINDS["normal"]), abs=0.005)
    assert np.isnan(count(reference, np.full(100, 1e9)).quantile(0.5))
    assert np.isnan(count(reference, np.full(100, -1e9)).quantile(0.5))
    assert count(learn(np.full(50, 7.0)), np.full(20, 7.0)).quantile(0.5) == 7.0


@pytest.mark.parametrize(
    ("before", "after", "side"),
    [
        (np.full(100, 7.0), np.full(100, 7.1), "values"),
        (np.full(100, 7.0), np.full(100, 6.9), "values"),
        (KINDS["normal"], np.append(np.random.default_rng(9).normal(size=950), [1e6] * 50), "range"),
        (KINDS["normal"], np.where(np.arange(1_000) % 10, KINDS["normal"][:1_000], NAN), "missing"),
        (KINDS["normal"], np.full(100, NAN), "missing"),
        (KINDS["words"], pd.Series(["new"] * 100), "values"),
        (pd.Series(["a"] * 500), pd.Series(["a"] * 450 + ["b"] * 50), "values"),
        (pd.Series([True] * 100), pd.Series([False] * 100), "values"),
    ],
)
def test_what_has_moved_rings(before: Any, after: Any, side: str) -> None:
    judged = judge({"x": list(sides(before, after).values())})
    assert side in [each.apart.side for each in judged if each.rings]


def test_what_is_significant_and_small_does_not_ring() -> None:
    found = sides(np.random.default_rng(1).normal(size=500_000), np.random.default_rng(2).normal(0.05, 1, 500_000))
    assert found["values"].p < 1e-9
    low, high = found["values"].interval
    assert low < stats.norm.cdf(0.025) * 2 - 1 < high
    assert not any(each.rings for each in judge({"x": list(found.values())}))
    assert any(each.rings for each in judge({"x": list(found.values())}, shift=0.02))
    assert judge({}) == []


def test_grids_don_t_mix() -> None:
    for one, other in ((learn([1.0, 2.0]), learn([1.0, 3.0])), (learn(["a", "a"]), learn(["b", "b"]))):
        with pytest.raises(ValueError, match="different grids"):
            one + other  # type: ignore[operator]


def test_sentences_and_names_are_not_kept() -> None:
    assert learn([f"somebody {n}" for n in range(300)]).counts == {}


def alarms(rows: tuple[int, int], seed: int, shift: float = 0.0) -> list[Moved]:
    """Compare 20 columns of many kinds, each with its gaps."""
    chance = np.random.default_rng(seed)
    columns: dict[str, list[Apart]] = {}
    for place in range(20):
        share = chance.dirichlet(np.ones((2, 3, 10, 50, 300)[place % 5]))

        def draw(size: int, shift: float, place: int = place, share: Any = share) -> pd.Series[Any]:
            values: Any = (
                chance.normal(shift, 1, size)
                if place < 6
                else chance.lognormal(10 + shift, 1, size)
                if place < 10
                else chance.poisson(3, size).astype(float)
                if place < 13
                else (chance.random(size) < 0.05).astype(float)
                if place < 15
                else np.array([f"c{n}" for n in chance.choice(len(share), size, p=share)], dtype=object)
            )
            return pd.Series(values).mask(chance.random(size) < 0.04 * (place % 3))

        columns[str(place)] = list(sides(draw(rows[0], 0), draw(rows[1], shift)).values())
    return [each for each in judge(columns) if each.rings]


LONG = pytest.mark.long


@pytest.mark.parametrize(
    ("rows", "tries"),
    [
        ((200, 200), 150),
        ((1_000, 1_000), 100),
        pytest.param((10_000, 200), 100, marks=LONG),
        pytest.param((5, 5), 500, marks=LONG),
        pytest.param((20, 20), 2000, marks=LONG),
        pytest.param((200, 200), 2000, marks=LONG),
        pytest.param((1_000, 200), 2000, marks=LONG),
        pytest.param((1_000, 1_000), 2000, marks=LONG),
        pytest.param((10_000, 10_000), 500, marks=LONG),
        pytest.param((100_000, 100_000), 100, marks=LONG),
    ],
)
def test_chance_rings_in_at_most_one_report_of_a_hundred(rows: tuple[int, int], tries: int) -> None:
    rung = sum(bool(alarms(rows, seed)) for seed in range(tries))
    # With one in a hundred, so many are seen in all but 1 of 1,000 such simulations.
    assert rung <= stats.binom.ppf(0.999, tries, 0.01)


@pytest.mark.parametrize(("rows", "least"), [((1_000, 1_000), 0.9), ((10_000, 1_000), 0.9), ((1_000, 200), 0.25)])
def test_a_shift_of_three_tenths_is_found(rows: tuple[int, int], least: float) -> None:
    found = [len({each.column for each in alarms(rows, seed, 0.3) if int(each.column) < 10}) for seed in range(10)]
    assert sum(found) >= least * 10 * len(found)
    assert min(found) > 0


def test_a_picture_shows_all_rows_or_says_how_many_lie_out_of_it() -> None:
    chance = np.random.default_rng(0)
    before = pd.DataFrame(
        {
            "income": chance.lognormal(8, 0.4, 5_000),
            "rain": np.where(chance.random(5_000) < 0.6, 0, chance.gamma(2, 3, 5_000)),
            "answer": chance.integers(0, 2, 5_000),
            "constant": 7.0,
        }
    )
    after = before.assign(income=before["income"] * 12, answer=before["answer"].where(before.index % 10 != 0, 5))
    profile = profiling.learn(before)
    window = profiling.count(profile, after)
    drawn = {name: shape(name, known.sketch, window.columns[name].sketch) for name, known in profile.columns.items()}
    for each in drawn.values():
        assert sum(each.before) == pytest.approx(1)
        assert sum(each.after) + each.below + each.above == pytest.approx(1)
    assert drawn["income"].above == pytest.approx((after["income"] > max(drawn["income"].labels)).mean(), abs=0.05)
    assert drawn["rain"].before[0] > 0.6  # what lies at its end is in its first bin
    assert drawn["answer"].labels == ["0", "1", "others"]
    assert drawn["answer"].after == pytest.approx([*((after["answer"] == value).mean() for value in (0, 1, 5))])
    assert drawn["constant"].labels == ["7"]
