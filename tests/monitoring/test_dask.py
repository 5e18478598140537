"""``drift`` of Dask frames, on a real cluster: what is merged is what is counted at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from distributed import Client, LocalCluster
from scipy import stats

import jupyter_mlops as mlops
from jupyter_mlops.errors import InvalidUsage, MissingDependency
from jupyter_mlops.statistics import cluster, profiling

from .test_drift import table


@pytest.fixture(scope="module")
def workers() -> Iterator[Client]:
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as local, Client(local) as client:
        yield client


def test_a_window_is_the_same_however_it_is_cut_up(project: Path, workers: Client) -> None:
    before, after = table(5_000), table(3_000, 1).assign(**{"normal 0": lambda frame: frame["normal 0"] + 0.3})
    at_once = mlops.drift(reference=before, current=after)
    found = mlops.drift(reference=before, current=dd.from_pandas(after, npartitions=5))
    assert (found.rows_before, found.rows, found.ok) == (5_000, 3_000, False)
    for one, other in zip(at_once.columns, found.columns, strict=True):
        assert (one.name, one.outcome, one.why) == (other.name, other.outcome, other.why)
        assert one.severity == pytest.approx(other.severity)
        assert [side.apart.p for side in one.sides] == [side.apart.p for side in other.sides]  # the counts are equal


def test_a_reference_of_a_sample_is_off_by_less_than_a_thousandth(
    project: Path, workers: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiling, "SAMPLE", 8_000)
    before, after = table(40_000), table(10_000, 1)
    learnt = cluster.learn(dd.from_pandas(before, npartitions=5))
    assert (learnt.rows, learnt.notes) == (40_000, ("The grid is of 8,000 rows from everywhere; all rows are counted on it.",))  # fmt: skip
    exact = profiling.count(learnt, before)
    for name, known in learnt.columns.items():
        assert known.sketch.rows == exact.columns[name].sketch.rows
        if hasattr(known.sketch, "edges"):
            assert np.array_equal(known.sketch.counts, exact.columns[name].sketch.counts)
    found = mlops.drift(reference=learnt, current=dd.from_pandas(after, npartitions=2))
    for n in range(3):
        ks = next(side.apart.figures["ks"] for side in found[f"skewed {n}"].sides if side.apart.side == "values")
        assert ks == pytest.approx(stats.ks_2samp(before[f"skewed {n}"], after[f"skewed {n}"]).statistic, abs=1e-3)


def test_a_part_that_cannot_be_read_is_told(project: Path, workers: Client) -> None:
    def torn(part: pd.DataFrame) -> pd.DataFrame:
        raise OSError("the file has no end")

    frame = table(500)
    with pytest.raises(InvalidUsage, match="Dask can't compute the frame: the file has no end"):
        mlops.drift(reference=frame, current=dd.from_pandas(frame, npartitions=2).map_partitions(torn, meta=frame))


def test_without_the_extra_the_line_that_installs_it_is_told(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = dd.from_pandas(table(500), npartitions=2)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingDependency, match=r"%pip install 'jupyter-mlops\[dask\]'"):
        mlops.drift(reference=frame, current=frame)
