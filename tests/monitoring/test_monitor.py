"""``monitor``: a real endpoint's log beside the profile that travels with the version."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.tree import DecisionTreeClassifier

import jupyter_mlops as mlops
from jupyter_mlops.backend import profiles
from jupyter_mlops.errors import InvalidUsage, NotFound
from jupyter_mlops.monitoring import history, looking
from jupyter_mlops.monitoring.watched import Monitored
from jupyter_mlops.serving.files import files_of
from jupyter_mlops.serving.log.folder import segments
from jupyter_mlops.serving.log.writer import Answered, LogWriter
from jupyter_mlops.serving.model.columns import Column
from jupyter_mlops.serving.model.signature import ColumnSchema, Signature
from jupyter_mlops.workspace import Workspace

from ..conftest import Face

NAMES = ["age", "pressure", "ignored"]
HOUR = 3600.0


def people(rows: int, seed: int) -> pd.DataFrame:
    chance = np.random.default_rng(seed)
    return pd.DataFrame(
        {"age": chance.normal(41, 10, rows), "pressure": chance.normal(120, 15, rows), "ignored": chance.normal(size=rows)}
    )  # fmt: skip


def answers(frame: pd.DataFrame) -> Any:
    return (frame["age"] + frame["pressure"] / 3 > 81).to_numpy().astype(int)


@dataclass
class Endpoint:
    """A real one, and a pen for its log."""

    name: str
    model: str
    folder: Path

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.folder)

    @property
    def log(self) -> Path:
        return files_of(self.workspace.state.folder, self.name).predictions

    def write(self, at: float, frame: pd.DataFrame, predictions: Any = None, *, version: int = 1, arm: str = "champion") -> None:  # fmt: skip
        double = np.dtype("float64")
        signature = Signature(ColumnSchema(tuple(Column(name, "double", True, double) for name in frame.columns)))
        with LogWriter(self.log, signature, endpoint=self.name, model=self.model, version=version) as log:
            given = answers(frame) if predictions is None else predictions
            log.append([Answered(f"{at}-{version}", at, 1.0, len(frame), arm)], frame, given)

    def look(self, now: float, window: str = "1h", since: str | None = None) -> Monitored:
        return looking.look(self.workspace, self.name, window, since, now=now)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, tracking_uri: str) -> Iterator[Endpoint]:
    folder = tmp_path_factory.mktemp("watched")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        (folder / "mlops.toml").write_text(f'tracking_uri = "{tracking_uri}"\nexperiment = "{folder.name}"\n')
        frame = people(3_000, 0)
        model = f"people of {folder.name}"
        for depth in (4, 5):
            clf = DecisionTreeClassifier(max_depth=depth, random_state=0).fit(frame, answers(frame))
            mlops.register(model, model=clf, data=frame)
        mlops.deploy(f"{model}/1", name="people")
        yield Endpoint("people", model, folder)
        mlops.stop(all=True)


@pytest.fixture
def here(watched: Endpoint, monkeypatch: pytest.MonkeyPatch) -> Endpoint:
    monkeypatch.chdir(watched.folder)
    return watched


def test_the_profile_travels_with_the_version(here: Endpoint) -> None:
    from jupyter_mlops.backend import versions
    from jupyter_mlops.entities import ModelRef

    mlflow = here.workspace.mlflow
    profile = profiles.of_version(mlflow, versions.find_version(mlflow, ModelRef(here.model, version=1)))
    assert profile is not None
    assert profile.rows == 3_000
    assert list(profile.columns) == [*NAMES, "prediction"]
    assert profile.importance["ignored"] < 0.02 < profile.importance["age"]
    assert len(profile.to_bytes()) < 20_000


def test_the_profile_goes_along_in_a_file(here: Endpoint, tmp_path: Path) -> None:
    from jupyter_mlops.backend import versions
    from jupyter_mlops.entities import ModelRef

    mlops.export(f"{here.model}/1", to=str(tmp_path / "people.mlops"))
    mlops.import_(str(tmp_path / "people.mlops"), name="people elsewhere")
    mlflow = here.workspace.mlflow
    found = [
        profiles.of_version(mlflow, versions.find_version(mlflow, ModelRef(name, version=1)))
        for name in (here.model, "people elsewhere")
    ]
    assert found[0] is not None
    assert found[1] is not None
    assert found[0].digest == found[1].digest


def test_real_predictions_in_every_face(here: Endpoint, face: Face) -> None:
    if not here.log.exists() or not mlops.monitor("people").looks[0].rows:
        mlops.predict("people", data=people(600, 1).assign(age=lambda f: f["age"] + 6, ignored=5.0))
    said = face("monitor people --window 1h")
    assert said.data["outcome"] == "fail"
    last = said.data["looks"][-1]
    assert (last["rows"], last["version"], last["arm"]) == (600, 1, "champion")
    found = {reading["name"]: reading for reading in last["readings"]}
    assert found["drift:age"]["outcome"] == "fail"
    assert found["drift:age"]["why"].startswith("median 4")
    assert "hardly uses it" in found["drift:ignored"]["why"]
    assert found["drift:ignored"]["outcome"] == "pass"
    assert found["drift:prediction"]["outcome"] == "fail"
    assert [(one["rule"], one["version"]) for one in said.data["alerts"]] == [("drift", 1)]
    assert face("alerts people").data["ringing"] == 1
    assert "no window" in face("monitor people --window soon").error
    assert "no endpoint 'peopel'. Did you mean people?" in face("monitor peopel").error


def test_an_alert_has_no_personal_values_and_a_silence_is_in_the_audit(
    here: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = here.folder / "mlops.toml"
    before = settings.read_text()
    settings.write_text(f'{before}\n[privacy]\npersonal = ["age"]\n[monitor.people]\n"drift:age" = "minor"\n')
    try:
        if not here.log.exists() or not mlops.monitor("people").looks[0].rows:
            mlops.predict("people", data=people(600, 1).assign(age=lambda f: f["age"] + 6, ignored=5.0))
        mlops.monitor("people")
        told = [one.alert.why for one in mlops.alerts("people") if "age" in one.alert.why and one.alert.is_open]
        assert not any("median" in why for why in told)
        silenced = mlops.alerts("people", silence="drift", until="2h", reason="a known change")
        assert silenced.notes == ()
        event = mlops.audit(here.model).to_dict()["events"][-1]
        assert (event["action"], event["why"]) == ("silence", "a known change")
        assert event["evidence"].startswith("drift at people, until ")
        assert mlops.audit(here.model, verify=True)
    finally:
        settings.write_text(before)
        mlops.alerts("people", silence="drift", until="now", reason="over")


def test_a_report_is_a_value_and_a_picture(here: Endpoint) -> None:
    now = time.time() // HOUR * HOUR - 200 * HOUR
    for place in range(6):
        shift = 8 if place >= 4 else 0
        here.write(now + place * HOUR + 60, people(400, place).assign(age=lambda f, by=shift: f["age"] + by))
    report = here.look(now + 6 * HOUR, since="6h")
    assert [look.outcome for look in report.looks] == ["pass"] * 4 + ["fail"] * 2
    assert report.ok is False
    assert not report
    assert report["age"].why.startswith("median")
    assert set(report.frame()["name"]) >= {"drift", "drift:age", "missing:age", "schema", "traffic"}
    report.plot()
    report.plot("age")
    shown = report._repr_mimebundle_()
    assert "people, monitored" in shown["text/plain"]
    json.dumps(report.to_dict(), allow_nan=False)
    with pytest.raises(NotFound, match="Did you mean age"):
        report["agee"]
    calm = here.look(now + 3 * HOUR)
    assert calm.ok is True
    with pytest.raises(InvalidUsage, match="no time in the past"):
        here.look(now, since="tomorrow")
    with pytest.raises(InvalidUsage, match="windows"):
        here.look(now, window="1min", since="30d")


def test_no_rows_and_few_are_neither_drift_nor_its_absence(here: Endpoint) -> None:
    now = time.time() // HOUR * HOUR - 400 * HOUR
    nothing = here.look(now)
    assert nothing.ok is None
    assert "no predictions" in nothing.readings[0].why
    assert "inconclusive" in str(nothing)
    assert str(nothing).count("there were no predictions") == 1
    with pytest.raises(NotFound, match="nothing to draw"):
        nothing.plot("age")
    axes = nothing.plot().axes[0]
    assert np.ptp(axes.get_xlim()) < 1.2 / 24  # days: the window that was looked at
    here.write(now - 60, people(15, 1).assign(age=900.0))
    few = here.look(now)
    assert few.ok is None
    assert few["age"].why.startswith("15 rows are too few")


def test_a_window_costs_the_rows_that_are_new(here: Endpoint) -> None:
    now = time.time() // HOUR * HOUR - 600 * HOUR
    for place in range(4):
        here.write(now - 3000 + place * 600, people(100, place))
    first = here.look(now)
    assert first.read_rows == 400
    assert here.look(now).read_rows == 0
    here.write(now - 2990, people(50, 9))  # a clock that went back, or a late answer
    again = here.look(now)
    assert again.looks[0].rows == 450
    assert again.read_rows == 150
    here.write(now + 30, people(70, 10))
    later = here.look(now + 60)
    assert later.read_rows == 70
    assert here.look(now + 60).read_rows == 70  # a piece that is not over yet
    settled = here.look(now + 3 * HOUR, window="6h")
    assert settled.looks[0].rows == 520
    assert here.look(now + 3 * HOUR, window="6h").read_rows == 0


def test_two_monitors_at_once_and_a_torn_end_do_no_harm(here: Endpoint) -> None:
    now = time.time() // HOUR * HOUR - 800 * HOUR
    for place in range(5):
        here.write(now - 3000 + place * 600, people(100, place))
    torn = segments(here.log)[0].path
    with torn.open("ab") as file:
        file.write(b"\xff\xff\xff\xff\x10\x00")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: here.look(now), range(4)))
    assert {report.looks[0].rows for report in found} == {500}
    assert {report.looks[0].reading("drift").value for report in found} == {0.0}
    for kept in (here.folder / ".mlops/monitoring/people").rglob("*-*"):
        if kept.is_file() and kept.parent.name != "history":
            kept.write_text("torn")
    assert here.look(now).looks[0].rows == 500


def test_what_a_canary_answers_is_held_against_the_champion(here: Endpoint) -> None:
    now = time.time() // HOUR * HOUR - 1_000 * HOUR
    here.write(now - 600, people(800, 1))
    here.write(now - 500, people(300, 2), np.ones(300, int), version=2, arm="canary")
    report = here.look(now)
    champion, canary = report.current
    assert (champion.version, champion.arm, canary.version, canary.arm) == (1, "champion", 2, "canary")
    assert champion.outcome == "pass"
    assert canary.reading("beside").outcome == "fail"
    assert canary.reading("beside").why.startswith("prediction:")
    assert canary.reading("drift").outcome == "fail"
    assert "Beside it" in str(report)


def test_a_drift_in_one_slice_is_found_there(here: Endpoint) -> None:
    """It is diluted in the whole; and what was like that in the slice before is none."""
    now = time.time() // HOUR * HOUR - 1_500 * HOUR
    for day in range(1, 4):
        here.write(now - day * 24 * HOUR, people(800, day))
    turned = people(800, 9)
    old = turned["pressure"] > 120 + 0.67 * 15  # the last quarter
    here.write(now - 600, turned.assign(age=turned["age"].where(~old, turned["age"] + 10)))
    report = looking.look(here.workspace, here.name, "1h", None, slices=["pressure"], now=now)
    found = report.slices.query("metric == 'drift'").set_index("slice")
    assert (len(found), found["rows"].sum()) == (4, 800)
    assert list(found["value"] > 0) == [False, False, False, True]
    assert found["why"].iloc[-1].startswith("age: median 4")
    assert "Drift by pressure" in str(report)
    assert "as before" in str(report)


def test_what_breaks_in_production_is_named(here: Endpoint) -> None:
    now = time.time() // HOUR * HOUR - 1_200 * HOUR
    for place in range(9):
        here.write(now - (9 - place) * HOUR + 60, people(400, place))
    frame = people(4, 1).loc[np.arange(4).repeat(50)].reset_index(drop=True).drop(columns="ignored")
    frame["pressure"] = np.where(np.arange(200) % 2, np.nan, people(200, 3)["pressure"])
    here.write(now + 60, frame.assign(age=41.5, fresh=1.0), np.zeros(200))
    report = here.look(now + HOUR)
    found = {reading.name: reading for reading in report.readings}
    assert found["stuck:age"].outcome == "fail"
    assert found["missing:pressure"].outcome == "fail"
    assert found["missing:pressure"].value == pytest.approx(0.5)
    assert found["drift:ignored"].why.startswith("missing 0% → 100%")
    assert found["schema"].why == "new: fresh"
    assert found["traffic"].outcome == "fail"
    assert "usual are 400" in found["traffic"].why


def test_a_log_may_hold_anything(here: Endpoint) -> None:
    """Infinite, all missing, of another type from some moment on: each is named, and the rest is as it was."""
    now = time.time() // HOUR * HOUR - 1_700 * HOUR
    frame = people(400, 1)
    here.write(now - 3_000, frame.assign(age=np.where(np.arange(400) % 5, frame["age"], np.inf), pressure=np.nan))
    found = here.look(now)
    assert found["age"].why.startswith("infinite 0% → 20%")
    assert found["pressure"].why == "missing 0% → 100%"
    assert found["ignored"].ok
    signature = Signature(ColumnSchema((Column("age", "string", True, np.dtype("U")),)))
    with LogWriter(here.log, signature, endpoint=here.name, model=here.model, version=1) as log:
        words = pd.DataFrame({"age": ["forty"] * 300})
        log.append([Answered("words", now + 600, 1.0, 300, "champion")], words, np.zeros(300, int))
    here.write(now + 1_200, people(300, 2))
    both = here.look(now + HOUR)
    assert both.looks[0].rows == 600
    assert both["age"].why == "was number, is text: the type has changed"
    assert both["pressure"].why.startswith("missing 0% → 50%")
    json.dumps(both.to_dict(), allow_nan=False)
    both._repr_mimebundle_()


def test_a_log_that_is_written_while_it_is_looked_at(here: Endpoint) -> None:
    now = time.time() // HOUR * HOUR - 1_800 * HOUR
    done = threading.Event()

    def write() -> None:
        for place in range(30):
            here.write(now - 3_000 + place * 60, people(40, place))
        done.set()

    writing = threading.Thread(target=write)
    writing.start()
    seen = [0]
    while not done.is_set():
        seen.append(sum(look.rows for look in here.look(now).looks))
    writing.join()
    seen.append(here.look(now).looks[0].rows)
    assert seen == sorted(seen)
    assert seen[-1] == 30 * 40
    assert all(rows % 40 == 0 for rows in seen)


def test_windows_are_kept_with_mlflow_also_those_of_an_outage(here: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time() // HOUR * HOUR - 1_400 * HOUR
    for place in range(3):
        here.write(now - (3 - place) * HOUR + 60, people(300, place))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    away = here.look(now, since="3h")
    assert away.ok is True
    away._repr_mimebundle_()  # whose axis is of three hours
    assert any("copies of profiles" in note for note in away.notes)
    assert any("until the MLflow server is back" in note for note in away.notes)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    back = here.look(now, since="3h")
    assert back.history.startswith("run:")
    here.look(now, since="3h")
    mlflow = here.workspace.mlflow
    run_id = history._run(here.workspace, mlflow, "people", here.model)
    kept = mlflow.read("get_metric_history", run_id, "v1/rows")
    mine = [metric for metric in kept if now - 3 * HOUR < metric.timestamp / 1000 <= now]
    assert [(metric.value, metric.timestamp / 1000) for metric in mine] == [
        (300.0, now - place * HOUR) for place in (2, 1, 0)
    ]
    assert mlflow.read("get_metric_history", run_id, "v1/drift/age")
    assert len(mlflow.read("list_artifacts", run_id, "windows")) >= 3
    assert mlops.runs().to_dict()  # they are not among the user's own
    assert "monitoring" not in str(mlops.runs())


def test_an_outage_before_the_first_look_leaves_traffic_and_the_reason(
    here: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time() // HOUR * HOUR - 1_600 * HOUR
    for place in range(9):
        here.write(now - (9 - place) * HOUR + 60, people(300, place))
    for copy in (here.folder / ".mlops/monitoring/profiles").glob("*"):
        copy.unlink()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    away = here.look(now)
    assert away.ok is None
    found = {reading.name: reading for reading in away.readings}
    assert "127.0.0.1:9" in found["drift"].why
    assert (found["traffic"].value, found["traffic"].outcome) == (300.0, "pass")
    assert "inconclusive" in str(away)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert here.look(now).ok is True


def test_a_version_without_a_profile_says_what_makes_one(here: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = people(500, 0)
    clf = DecisionTreeClassifier(max_depth=2).fit(frame, answers(frame))

    def broken(*given: Any) -> None:
        raise InvalidUsage("The data can't be profiled: MemoryError.")

    with monkeypatch.context() as patch:
        patch.setattr(profiles, "make", broken)
        mlops.register("bare", model=clf, data=frame)
    mlops.deploy("bare/1", name="bare")
    mlops.predict("bare", data=people(200, 1))
    report = mlops.monitor("bare")
    assert report.ok is None
    assert (
        "without a profile of what it was trained on. The data can't be profiled: MemoryError."
        in report.readings[0].why
    )
    assert "%mlops monitor bare --profile X_train" in report.readings[0].why
    with pytest.raises(InvalidUsage, match="no rows"):
        mlops.monitor("bare", profile=frame[:0])
    with pytest.raises(InvalidUsage, match="lacks 'age'"):
        mlops.monitor("bare", profile=frame.drop(columns="age"))
    mended = mlops.monitor("bare", profile=frame)
    assert mended.ok is True
    assert "of 500 rows" in mended.notes[0]
    assert mlops.monitor("bare")["prediction"].ok


def test_why_no_profile_could_be_made_is_told_without_values() -> None:
    class Odd:
        """A cell of which nothing can be said."""

        def __hash__(self) -> int:
            raise RuntimeError("no hash of 'Jane Doe'")

    frame = people(60, 0).assign(age=[Odd() for _ in range(60)])
    with pytest.raises(InvalidUsage, match=r"The data can't be profiled: RuntimeError: no hash of …\.") as told:
        profiles.make(None, frame, None)
    assert "Jane" not in str(told.value)


@pytest.mark.parametrize("windows", [60, pytest.param(1_000, marks=pytest.mark.long)])
def test_a_day_of_looks_rings_no_more_often_than_one(windows: int) -> None:
    """Windows of an hour, held at the level of one: in a hundred days one may ring."""
    from jupyter_mlops.monitoring.comparison import compare
    from jupyter_mlops.statistics import profiling
    from jupyter_mlops.statistics.alarms import QUALITY

    profile = profiling.learn(people(5_000, 10**6))
    rang = sum(
        any(
            c.outcome == "fail"
            for c in compare(profile, profiling.count(profile, people(300, seed)), 0.2, QUALITY / 24)
        )
        for seed in range(windows)
    )
    assert rang <= windows // 1_000


@pytest.mark.parametrize("model", ["it's people", 'people "of" it\'s'])
def test_the_windows_of_a_model_are_kept_with_one_run_whatever_it_is_called(here: Endpoint, model: str) -> None:
    mlflow = here.workspace.mlflow
    first, again, other = (history._run(here.workspace, mlflow, "people", each) for each in (model, model, f"{model}!"))
    assert first == again
    assert first != other


def test_a_version_without_a_profile_gets_one_from_the_data_that_its_run_has_logged(
    here: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ours and MLflow's own data sets; what has changed since, or is gone, is named with the command that makes one."""
    import mlflow

    frame = people(500, 0).assign(target=lambda f: answers(f))
    features = frame.drop(columns="target")
    frame.to_parquet(here.folder / "people.parquet")
    clf = DecisionTreeClassifier(max_depth=2).fit(features, frame["target"])
    uri = here.workspace.settings.tracking_uri
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)  # as the next line does, for the time of this test
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment(here.folder.name)
    with monkeypatch.context() as patch:
        patch.setattr(profiles, "make", lambda *given: None)
        with mlflow.start_run() as run:
            mlflow.log_input(mlflow.data.from_pandas(frame, source="people.parquet", targets="target"), "training")  # type: ignore[attr-defined]
            mlops.log(model=clf, data=features)
        mlops.register("logged", run=f"run:{run.info.run_id}")
    mlops.deploy("logged/1", name="logged")
    mlops.predict("logged", data=people(200, 1))
    kept = (here.folder / "people.parquet").read_bytes()
    frame.assign(age=0.0).to_parquet(here.folder / "people.parquet")
    changed = mlops.monitor("logged").readings[0].why
    assert "Its run has logged people.parquet, which has changed since." in changed
    assert "%mlops monitor logged --profile X_train" in changed  # what has changed is another reference
    (here.folder / "people.parquet").unlink()
    assert "is not on this machine any more" in mlops.monitor("logged").readings[0].why
    (here.folder / "people.parquet").symlink_to("people.parquet")
    assert "people.parquet, which can't be read: Too many levels" in mlops.monitor("logged").readings[0].why
    (here.folder / "people.parquet").unlink()
    (here.folder / "people.parquet").write_bytes(kept)
    made = mlops.monitor("logged")
    assert made.ok is True
    assert made.notes == ("The profile of logged/1 is of 500 rows: made from people.parquet, which its run has logged, as it was.",)  # fmt: skip
    again = mlops.monitor("logged")
    assert again["prediction"].ok
    assert again.notes == ()
