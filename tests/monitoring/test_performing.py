"""How an endpoint performs: with labels as they come, and by an estimate where none has; end to end."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

import jupyter_mlops as mlops
from jupyter_mlops.backend import profiles, versions
from jupyter_mlops.entities import ModelRef
from jupyter_mlops.errors import InvalidUsage, NotFound
from jupyter_mlops.monitoring import history
from jupyter_mlops.monitoring.arrivals import Arrivals
from jupyter_mlops.monitoring.buckets import Who
from jupyter_mlops.monitoring.performance.judging import judge
from jupyter_mlops.monitoring.performing import Performing
from jupyter_mlops.serving.log import reader
from jupyter_mlops.serving.log.labels import write
from jupyter_mlops.serving.log.writer import Answered, LogWriter
from jupyter_mlops.serving.model.columns import Column
from jupyter_mlops.serving.model.signature import ColumnSchema, Signature
from jupyter_mlops.statistics.measured import Measured
from jupyter_mlops.statistics.performance.reference import Reference
from jupyter_mlops.workspace import Workspace

NAMES = ["age", "pressure", "dose"]


def patients(rows: int, seed: int, shift: float = 0.0) -> pd.DataFrame:
    chance = np.random.default_rng(seed)
    frame = pd.DataFrame(chance.normal(shift, 1, (rows, 3)), columns=NAMES)
    likely = 1 / (1 + np.exp(-(2 * frame["age"] + frame["pressure"])))
    return frame.assign(y=(chance.random(rows) < likely).astype(int), size=frame["age"] * 3 + chance.normal(0, 1, rows))


def slot(name: str, number: int = 1) -> dict[str, Any]:
    mlflow = Workspace.here().mlflow
    profile = profiles.of_version(mlflow, versions.find_version(mlflow, ModelRef(name, version=number)))
    assert profile is not None
    return dict(profile.performance)


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory, tracking_uri: str) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("clinic")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        (folder / "mlops.toml").write_text(f'tracking_uri = "{tracking_uri}"\nexperiment = "{folder.name}"\n')
        train = patients(2_000, 0)
        with mlops.run("fit", autolog=False):
            LogisticRegression().fit(train[NAMES], train["y"])
        mlops.register(f"tumour of {folder.name}", run="last")
        mlops.register(f"size of {folder.name}", model=LinearRegression().fit(train[NAMES], train["size"]), data=train[NAMES])  # fmt: skip
        yield folder
        mlops.stop(all=True)


@pytest.fixture
def here(clinic: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(clinic)
    return clinic


def test_what_is_known_of_the_fit_is_named_as_such_and_the_test_data_takes_its_place(here: Path) -> None:
    name = f"tumour of {here.name}"
    fitted = Reference.read(slot(name))
    assert (fitted.source, fitted.rows) == ("train", 2_000)
    assert "flatters" in fitted.untrusted
    test = patients(1_500, 1).drop(columns="size")
    report = mlops.validate_model(f"{name}/1", data=test, target="y", only=["MV001"])
    assert "the performance on 1,500 rows" in str(report)
    tried = Reference.read(slot(name))
    assert (tried.source, tried.rows, tried.untrusted) == ("test", 1_500, "")
    accuracy = (LogisticRegression().fit(patients(2_000, 0)[NAMES], patients(2_000, 0)["y"]).predict(test[NAMES]) == test["y"]).mean()  # fmt: skip
    assert tried.metrics["accuracy"].value == pytest.approx(accuracy)


def test_a_figure_of_nothing_is_read_as_it_was_written() -> None:
    zero = Measured(0.0, 0.0, 0.0, 0.0, 40)
    assert Measured.read(zero.to_dict()) == zero


def test_labels_come_late_in_part_twice_and_for_ids_that_nobody_knows(here: Path) -> None:
    name, endpoint = f"tumour of {here.name}", "tumour"
    if Reference.read(slot(name)).source != "test":
        mlops.validate_model(f"{name}/1", data=patients(1_500, 1).drop(columns="size"), target="y", only=["MV001"])
    served = mlops.deploy(f"{name}/1", name=endpoint)
    rows = patients(600, 2)
    for part in (rows[:300], rows[300:]):
        mlops.predict(endpoint, data=part[NAMES])
    log = served.log()
    truth = pd.DataFrame({"id": log["id"], "y": rows["y"].to_numpy()})
    right = float((log["prediction"].to_numpy() == truth["y"]).mean())

    none = readings(mlops.monitor(endpoint))
    assert (none["accuracy"].value, none["accuracy"].outcome) == (None, "inconclusive")
    assert "no label has come yet" in none["accuracy"].why
    assert none["accuracy (estimated)"].value == pytest.approx(right, abs=0.04)
    assert none["accuracy (estimated)"].why.startswith("estimated without labels: 0.")
    assert none["concept"].outcome == "inconclusive"

    mlops.label(endpoint, data=truth[:200], on="id")
    mlops.label(endpoint, data=pd.concat([truth[100:200], pd.DataFrame({"id": ["nobody"], "y": [1]})]), on="id")
    some = mlops.monitor(endpoint)
    found = readings(some)
    assert found["labelled"].value == pytest.approx(1 / 3)
    assert "200 of 600 predictions have a label" in found["accuracy"].why
    first = float((log["prediction"].to_numpy() == truth["y"])[:200].mean())
    assert found["accuracy"].value == pytest.approx(first)
    assert found["concept"].outcome == "pass"
    assert some.looks[-1].performance.watch.detector.rows == 200

    mlops.label(endpoint, data=truth, on="id")
    whole = mlops.monitor(endpoint)
    found = readings(whole)
    assert found["accuracy"].value == pytest.approx(right)
    assert found["accuracy"].outcome == "pass"
    assert found["calibration"].outcome == "pass"
    assert found["roc_auc"].value > 0.8
    assert whole.looks[-1].performance.watch.detector.rows == 600
    frame = whole.performance.frame()
    assert set(frame["source"]) == {"labels", "estimate", "second opinion"}
    whole.performance.plot("accuracy")
    with pytest.raises(NotFound, match="Did you mean accuracy"):
        whole.performance.plot("acuracy")
    assert "an estimate, without labels" in str(whole)
    assert len(json.dumps(whole.to_dict(), allow_nan=False)) < 100_000  # without what estimates are made by
    assert "600 of 600 predictions have one" in str(whole.performance)
    assert "by 600 of 600 labels" in str(whole.looks[-1].performance)

    mlflow = Workspace.here().mlflow
    run_id = history._run(Workspace.here(), mlflow, endpoint, name)
    assert mlflow.read("get_metric_history", run_id, "v1/accuracy")
    assert mlflow.read("get_metric_history", run_id, "v1/accuracy/estimated")

    by_age = mlops.monitor(endpoint, slice="age")
    frame = by_age.slices.query("metric == 'accuracy' and source == 'labels'")
    assert (frame["rows"].sum(), len(frame)) == (600, 4)
    middle, outer = frame["value"].to_numpy()[1:3], frame["value"].to_numpy()[[0, 3]]
    assert outer.min() > middle.max()
    assert "By age" in str(by_age)
    with pytest.raises(InvalidUsage, match="no input 'aage'"):
        mlops.monitor(endpoint, slice=["aage"])
    with pytest.raises(InvalidUsage, match="personal"):
        mlops.monitor(endpoint, slice="surname")


def test_a_regressor_without_a_reference_and_labels_of_another_type(here: Path) -> None:
    name, endpoint = f"size of {here.name}", "size"
    served = mlops.deploy(f"{name}/1", name=endpoint)
    rows = patients(400, 5)
    mlops.predict(endpoint, data=rows[NAMES])
    found = readings(mlops.monitor(endpoint))
    assert "no label has come yet" in found["mae"].why
    assert found["mae (estimated)"].outcome == "inconclusive"
    assert f"%mlops validate model '{name}/1' --data test --target y" in found["mae (estimated)"].why
    assert found["concept"].value is None

    truth = pd.DataFrame({"id": served.log()["id"], "size": rows["size"].to_numpy()})
    mlops.label(endpoint, data=truth.assign(size="big"), on="id")
    strange = readings(mlops.monitor(endpoint))["mae"]
    assert (strange.value, strange.outcome) == (None, "inconclusive")
    assert "the labels are no numbers" in strange.why

    mlops.label(endpoint, data=truth, on="id")
    mlops.validate_model(f"{name}/1", data=patients(1_500, 6).drop(columns="y"), target="size", only=["MV001"])
    found = readings(mlops.monitor(endpoint))
    mae = float((served.log()["prediction"].to_numpy() - truth["size"]).abs().mean())
    assert found["mae"].value == pytest.approx(mae)
    assert found["mae (estimated)"].value == pytest.approx(mae, rel=0.15)
    assert found["mae"].outcome == "pass"
    assert found["r2 (estimated)"].outcome == "inconclusive"


@pytest.mark.parametrize(
    ("name", "now", "was", "outcome"),
    [
        ("accuracy", (0.80, 0.01), (0.95, 0.01), "fail"),
        ("accuracy", (0.94, 0.001), (0.95, 0.001), "pass"),  # sure, and too little to matter
        ("accuracy", (0.80, 0.10), (0.95, 0.01), "pass"),  # much, and it may be chance
        ("accuracy", (0.99, 0.001), (0.95, 0.001), "pass"),  # better
        ("mae", (2.0, 0.05), (1.0, 0.05), "fail"),
        ("mae", (0.0, 0.0), (1.0, 0.05), "pass"),
        ("bias", (9.0, 0.1), (0.0, 0.1), "pass"),  # has no worse side
    ],
)
def test_worse_is_more_than_chance_and_enough_to_matter(name: str, now: Any, was: Any, outcome: str) -> None:
    before = Measured(value=was[0], error=was[1])
    assert judge(name, Measured(value=now[0], error=now[1]), before)[1] == outcome
    assert judge(name, Measured(why="no label"), before) == ("none", "inconclusive")
    assert judge(name, before, None) == ("none", "pass")


def readings(report: Any) -> dict[str, Any]:
    return {reading.name: reading for reading in report.readings}


def test_a_metric_of_ones_own_can_ring(here: Path) -> None:
    if not (here / ".mlops/monitoring/tumour").exists():
        mlops.deploy(f"tumour of {here.name}/1", name="tumour")
        mlops.predict("tumour", data=patients(300, 2)[NAMES])
    written = (here / "mlops.toml").read_text()
    (here / "ward.py").write_text("def beds(rows):\n    return (rows['prediction'] == 1) * 2.0\ndef none(rows):\n    return rows['bed']\n")  # fmt: skip
    own = '[monitor.tumour]\nbeds = "> 0.1"\n[monitor.tumour.business]\nbeds = "ward:beds"\nnone = "ward:none"\nlost = "wart:beds"\n'
    (here / "mlops.toml").write_text(f"{written}{own}")
    try:
        report = mlops.monitor("tumour")
    finally:
        (here / "mlops.toml").write_text(written)
    found = readings(report)
    assert found["beds"].value == pytest.approx(1, abs=0.2)
    assert "none raised KeyError: 'bed'" in found["none"].why
    assert any("there is no module 'wart'" in note for note in report.notes)
    assert "beds" in {alert.rule for alert in report.alerts}


def test_a_label_costs_the_rows_of_its_own_window(here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of earlier hours are read from what was reckoned; those whose labels come late, or change, are not."""
    log, folder = tmp_path / "log", tmp_path / "kept"
    double = np.dtype("float64")
    signature = Signature(ColumnSchema(tuple(Column(name, "double", True, double) for name in NAMES)))
    now = time.time() // 3600 * 3600 - 20 * 3600
    who = Who("m", 1, "champion")
    with LogWriter(log, signature, endpoint="e", model="m", version=1) as writer:
        for hour in range(6):
            frame = patients(100, hour)[NAMES]
            writer.append(
                [Answered(f"h{hour}", now + hour * 3600 + 60, 1.0, 100, "champion")], frame, np.arange(100) % 2
            )

    def look() -> tuple[list[int], int]:
        performing = Performing(Workspace.here(), "e", log, folder)
        found = [performing.of(who, None, now + hour * 3600, now + (hour + 1) * 3600, 100, is_last=False) for hour in range(6)]  # fmt: skip
        return [0 if one is None else one.window.labelled for one in found], performing.read_rows

    def say(labels: dict[str, int]) -> None:
        write(log, {key: (label, "number") for key, label in labels.items()})

    assert look() == ([0] * 6, 600)
    assert look() == ([0] * 6, 0)
    ids = reader.read(log, columns=["id"])["id"].to_pylist()
    say(dict.fromkeys(ids[200:260], 1))
    assert look() == ([0, 0, 60, 0, 0, 0], 100)
    assert look()[1] == 0
    say({ids[0]: 0, ids[599]: 1, "of nobody": 1})
    assert look() == ([1, 0, 60, 0, 0, 1], 200)
    say({ids[210]: 0})  # another label in place of the first
    assert look()[1] == 100
    with monkeypatch.context() as ahead:  # the clock was wrong for a while
        ahead.setattr(time, "time", lambda: now + 1e6)
        say({ids[300]: 1})
    assert look() == ([1, 0, 60, 1, 0, 1], 100)
    say({ids[400]: 1})
    assert look() == ([1, 0, 60, 1, 1, 1], 100)
    marks = folder / "performance" / "labels.json"
    marks.write_text("torn")
    say({ids[301]: 1})
    assert look()[0] == [1, 0, 60, 2, 1, 1]
    assert len(json.loads(marks.read_text())["pieces"]) == 5
    say({ids[1]: 1})
    Arrivals(log, folder, before=now + 3 * 3600).of(0, 1)  # what is older is not kept any more
    assert len(json.loads(marks.read_text())["pieces"]) == 3
