"""Windows by the time of the prediction, labels that come late, versions that change, and what the user reckons."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from jupyter_mlops.display.plots import picture
from jupyter_mlops.errors import InvalidUsage
from jupyter_mlops.monitoring.performance import pictures
from jupyter_mlops.monitoring.performance.business import Business
from jupyter_mlops.monitoring.performance.chances import from_model
from jupyter_mlops.monitoring.performance.concept import Watch
from jupyter_mlops.monitoring.performance.record import record
from jupyter_mlops.monitoring.performance.windows import over_time
from jupyter_mlops.serving.log import labels, reader
from jupyter_mlops.statistics.performance.reference import Reference

from ..serving.log import support
from .test_performance import answer_of, logged, made, people

assert made  # the fixture
CHANCE = np.random.default_rng(1)
LONG = "a_metric_that_was_made_by_joining_$even_tables_of_<another>_house"


def a_month(model: Any, rows: int = 3_000) -> pd.DataFrame:
    """Ten days and more of predictions, whose centre moves, answered by version 1 and later by 2."""
    frame = pd.concat([people(rows // 3, centre) for centre in (0, 0.6, 1.2)], ignore_index=True)
    log = logged(frame, model, answer_of(frame))
    times = pd.date_range("2026-11-01", periods=rows, freq="5min", tz="UTC")
    version = np.where(np.arange(rows) < rows * 0.45, 1, 2)
    return log.assign(
        time=times, version=version, label=log["label"].astype(float), labelled=times + pd.Timedelta("3h")
    )


def test_windows_are_of_the_predictions_times_and_know_what_is_not_labelled_yet(made: tuple[Any, Reference]) -> None:
    model, reference = made
    log = a_month(model)
    late = log.assign(label=log["label"].where(log["time"] < "2026-11-09"))
    shuffled = late.sample(frac=1, random_state=0)
    found = over_time(pd.concat([shuffled, shuffled.head(50)]), reference, metrics=["accuracy", "roc_auc"])
    assert len(found.windows) == 11
    assert [window.labelled for window in found.windows] == [288] * 8 + [0] * 3
    assert sum(window.predicted for window in found.windows) == len(log)
    assert found.notes == ("50 predictions of an id that comes again later: the last of each counts.",)
    last = found.windows[-1]
    assert last.metrics["accuracy"].why == "no label has come yet"
    assert last.estimates["accuracy"].estimated
    assert last.estimates["accuracy"].value > reference.metrics["accuracy"].high
    first = late[late["time"] < "2026-11-02"]
    assert found.windows[0].metrics["accuracy"].value == pytest.approx((first["prediction"] == first["label"]).mean())
    (change,) = found.changes
    assert (change.before, change.after) == ("1", "2")
    assert abs(change.time - log["time"][len(log) * 45 // 100]) < pd.Timedelta("1min")
    frame = found.frame()
    assert set(frame["source"]) == {"labels", "estimate", "second opinion"}
    json.dumps(found.to_dict(), allow_nan=False)


def test_a_canary_is_no_change_until_it_takes_over(made: tuple[Any, Reference]) -> None:
    log = a_month(made[0])
    canary = (CHANCE.random(len(log)) < 0.2) & (log["version"] == 1)
    found = over_time(log.assign(version=log["version"].mask(canary, 2)), None, metrics=["accuracy"])
    assert [(change.before, change.after) for change in found.changes] == [("1", "2")]
    assert abs(found.changes[0].time - log["time"][len(log) * 45 // 100]) < pd.Timedelta("2h")


def test_each_estimate_has_a_record(made: tuple[Any, Reference]) -> None:
    found = over_time(a_month(made[0], 9_000), made[1], metrics=["accuracy", "f1"])
    for metric in ("accuracy", "f1"):
        its = record(found, metric)
        assert its.ok
        assert its.windows == len(found.windows) - (found.windows[-1].predicted < 30)
        assert its.off < its.unchanged
    assert "its interval held in" in record(found, "accuracy", "second").why
    wrong = over_time(a_month(made[0], 9_000).eval("label = 1 - label"), made[1], metrics=["accuracy"])
    assert record(wrong, "accuracy").ok is False  # no estimate sees that what the inputs mean has changed
    none = record(over_time(a_month(made[0], 600).assign(label=None), made[1]), "f1")
    assert (none.ok, none.why) == (None, "No window has an estimate of f1 and enough labels yet.")


def test_labels_that_are_no_random_sample_are_told(made: tuple[Any, Reference]) -> None:
    log = a_month(made[0], 1_200)
    fair = log["label"].where(CHANCE.random(len(log)) < 0.5)
    picked = log["label"].where((log["prediction"] == 1) | (CHANCE.random(len(log)) < 0.2))
    assert over_time(log.assign(label=fair), None, every=1_200).windows[0].notes == []
    (note,) = over_time(log.assign(label=picked), None, every=1_200).windows[0].notes
    assert "unlike the others" in note
    assert "The metrics are theirs alone." in note
    numbers = pd.DataFrame({"time": log["time"], "prediction": log["input.age"], "label": log["input.age"].where(log["input.age"] > 0.3)})  # fmt: skip
    (note,) = over_time(numbers, None, every=1_200).windows[0].notes
    assert "unlike the others: predicted" in note


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"every": "soon"}, "'soon' is no length of time"),
        ({"every": "-1D"}, "can't be -1D long"),
        ({"every": 0}, "1 prediction or more, not 0"),
        ({"every": "1s"}, "windows, and 5,000 are the most"),
        ({"metrics": ["acuracy"]}, "no metric 'acuracy' of a classifier"),
    ],
)
def test_what_was_asked_wrongly_is_an_error_in_one_line(made: tuple[Any, Reference], options: Any, told: str) -> None:
    with pytest.raises(InvalidUsage, match=told):
        over_time(a_month(made[0], 600), None, **options)
    with pytest.raises(InvalidUsage, match="no times"):
        over_time(pd.DataFrame({"prediction": [1]}))


def test_windows_without_rows_are_inconclusive_and_not_left_out(made: tuple[Any, Reference]) -> None:
    log = a_month(made[0])
    gap = log[(log["time"] < "2026-11-03") | (log["time"] >= "2026-11-05")]
    found = over_time(gap, made[1], metrics=["accuracy"])
    assert [window.predicted for window in found.windows[2:4]] == [0, 0]
    assert (
        found.windows[2].metrics["accuracy"].why
        == found.windows[2].estimates["accuracy"].why
        == "there were no predictions"
    )
    assert over_time(log.iloc[:0], made[1]).windows == []
    assert [window.begin.strftime("%a %d %H") for window in over_time(log, None, every="7D").windows] == [
        "Mon 26 00",
        "Mon 02 00",
        "Mon 09 00",
    ]
    assert [window.predicted for window in over_time(log, None, every=1_300).windows] == [1_300, 1_300, 400]
    assert over_time(log.iloc[:1], made[1]).windows[0].metrics["f1"].why == "1 rows; 30 are needed"


def test_the_watch_over_the_loss_takes_each_label_once_and_tells_since_when(made: tuple[Any, Reference]) -> None:
    model, reference = made
    log = a_month(model, 6_000)
    broken = log["label"].mask((log.index >= 3_000) & (CHANCE.random(len(log)) < 0.4), 1 - log["label"])
    log = log.assign(label=broken)
    whole = Watch.begin(reference).after(log, reference)
    assert whole.rings
    assert abs(pd.Timestamp(whole.since) - log["time"][3_000]) < pd.Timedelta("1D")
    assert whole.why.startswith("Since the predictions of 2026-11-")
    assert "wrong answers went from 2" in whole.why
    pieces = Watch.begin(reference)
    for begin in range(0, 6_000, 500):  # in any order, as labels come
        part = log.iloc[begin : begin + 500].sample(frac=1)
        pieces = Watch.read(json.loads(json.dumps(pieces.to_dict()))).after(part, reference)
    assert (pieces.detector.rang, pieces.since) == (whole.detector.rang, whole.since)
    assert pieces.detector.rows == 6_000
    quiet = Watch.begin(reference).after(a_month(model, 6_000), reference)
    assert "not seen to have grown" in quiet.why
    assert not quiet.rings
    for nothing in (log.iloc[:0], log.assign(label=None), log.drop(columns="labelled"), log.assign(label="?")):
        assert Watch.begin(reference).after(nothing, reference).detector.rows == 0


def test_probabilities_come_from_the_version_that_answered_or_not_at_all(made: tuple[Any, Reference]) -> None:
    model, reference = made
    log = a_month(model, 600)
    bare = log.drop(columns=["chance.0", "chance.1"])
    found, why = from_model(model, bare)
    assert why == ""
    assert found["chance.1"].to_numpy() == pytest.approx(log["chance.1"].to_numpy())
    other = LogisticRegression().fit(people(50)[["age"]], np.arange(50) % 2)
    reasons = {
        "asked again, the model answers": from_model(other, bare),
        "the log leaves out age": from_model(model, bare.drop(columns="input.age")),
        "personal columns may be hashed": from_model(model, bare.assign(**{"input.age": "3fa9"})),
        "a LinearRegression gives no probabilities": from_model(LinearRegression(), bare),
        "there were no predictions": from_model(model, bare.iloc[:0]),
    }
    for said, (frame, why) in reasons.items():
        assert said in why
        assert "chance.1" not in frame.columns
    assert over_time(bare, reference).windows[0].estimates["f1"].why == "the log holds no probabilities"


def test_a_metric_of_the_users_own(tmp_path: Path, made: tuple[Any, Reference]) -> None:
    (tmp_path / "shop_figures.py").write_text(
        "def profit(rows):\n    return (rows['label'] == rows['prediction']) * 3.0 - 1\n"
        "def total(rows):\n    rows['label'] = 0\n    return len(rows)\n"
        "def broken(rows):\n    return 1 / 0\n"
        "def odd(rows):\n    return 'much'\n"
        "def endless(rows):\n    return float('nan')\n"
        "price = 3\n"
    )
    (tmp_path / "shop_broken.py").write_text("import nothing_of_that_name\n")
    (tmp_path / "shop_failing.py").write_text("raise RuntimeError('no shop')\n")
    names = ["profit", "total", "broken", "odd", "endless"]
    functions = [Business.of(name, f"shop_figures:{name}", tmp_path) for name in names]
    log = a_month(made[0], 600)
    (window,) = over_time(log, None, every=600, metrics=["accuracy"], business=functions).windows
    right = window.metrics["accuracy"].value
    assert window.business["profit"].value == pytest.approx(3 * right - 1)
    assert window.business["profit"].low < 3 * right - 1 < window.business["profit"].high
    assert (window.business["total"].value, window.business["total"].low) == (600, None)
    assert log["label"].any()  # what the function changes is its own copy
    assert (
        window.business["broken"].why == "broken raised ZeroDivisionError: division by zero (shop_figures.py, line 7)"
    )
    assert window.business["odd"].why == "odd gives a str, and is to give a number, or one for each row"
    assert window.business["endless"].why == "endless is nan"
    for written, told in {
        "shop_figures": "names no function",
        "shop_figures:profits": "Did you mean profit",
        "shop_figures:price": "has no function 'price'",
        "no_such_shop:profit": "no module 'no_such_shop'",
        "shop_broken:profit": "no module 'nothing_of_that_name'",
        "shop_failing:profit": "can't be imported: RuntimeError: no shop",
    }.items():
        with pytest.raises(InvalidUsage, match=told):
            Business.of("profit", written, tmp_path)


def test_pictures_name_an_estimate_as_one_and_mark_versions(made: tuple[Any, Reference]) -> None:
    log = a_month(made[0])
    found = over_time(log, made[1], metrics=["f1"], business=[Business(LONG, len)])
    (axes,) = pictures.over_time(found, "f1").axes
    told = {text.get_text() for text in axes.get_legend().get_texts()}
    assert told == {"by labels", "estimate, without labels", "second opinion, an estimate too", "reference"}
    assert " version 2" in {text.get_text() for text in axes.texts}
    one = over_time(log.iloc[:200], made[1])
    empty = over_time(log.iloc[:0], made[1])
    many = over_time(log, made[1], every="1h", metrics=["f1"])
    drawn = [pictures.over_time(which, metric) for which in (found, one, empty, many) for metric in ("f1", LONG)]
    drawn += [pictures.labelled(which) for which in (found, one, empty)]
    curves = [(LONG, window.calibration) for window in found.windows]
    drawn += [pictures.calibration(curves), pictures.calibration([])]
    assert len({len(picture(each, "").png) > 500 for each in drawn}) == 1


def test_a_real_log_with_labels_that_come_later_is_what_it_is_made_for(tmp_path: Path) -> None:
    """Written as an endpoint writes it, labelled as ``%mlops label`` labels it, and read as ``ep.log()`` reads it."""
    frame = pd.DataFrame({"a": CHANCE.normal(size=1_200), "b": CHANCE.normal(size=1_200)})
    truth = (frame["a"] + CHANCE.normal(size=1_200) > 0).to_numpy()
    model = LogisticRegression().fit(frame, truth)
    reference = Reference.learn(truth, model.predict(frame), chances=model.predict_proba(frame), features=frame, classes=model.classes_)  # fmt: skip
    log = support.writer(tmp_path)
    for begin in range(0, 1_200, 100):
        rows = frame.iloc[begin : begin + 100]
        log.append([support.answered(100, id=f"q{begin}", time=support.NOON + begin * 60)], rows.to_numpy(), model.predict(rows))  # fmt: skip
    log.close()
    ids = reader.read_frame(tmp_path)["id"]
    given = {key: labels.plain(bool(value)) for key, value in zip(ids[:700], truth, strict=False)}
    labels.write(tmp_path, given | {"nobody asked": labels.plain(True)})
    read = reader.read_frame(tmp_path)
    asked, why = from_model(model, read)
    assert why == ""
    found = over_time(asked, reference, every="6h", metrics=["accuracy", "roc_auc"])
    assert sum(window.predicted for window in found.windows) == 1_200
    assert sum(window.labelled for window in found.windows) == 700
    assert found.windows[0].metrics["accuracy"].value == pytest.approx(reference.metrics["accuracy"].value, abs=0.1)
    assert found.windows[-1].metrics["roc_auc"].why == "no label has come yet"
    assert found.windows[-1].estimates["roc_auc"].value == pytest.approx(reference.metrics["roc_auc"].value, abs=0.1)
    assert Watch.begin(reference).after(asked, reference).detector.rows == 700
