"""Performance by labels and by estimates: what is said, and what can't be said of bad rows."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from jupyter_mlops.errors import InvalidUsage
from jupyter_mlops.monitoring.performance.estimates import estimate, second_opinion, weighted
from jupyter_mlops.statistics.performance.classes import classes_of, codes_of
from jupyter_mlops.statistics.performance.reference import Reference
from jupyter_mlops.statistics.performance.rows import Rows, metrics_of, score
from jupyter_mlops.statistics.trees import Trees

CHANCE = np.random.default_rng(0)
NAN = float("nan")


def people(rows: int, centre: float = 0.0) -> pd.DataFrame:
    return pd.DataFrame({"age": CHANCE.normal(centre, 1, rows), "town": CHANCE.choice(["A", "B"], rows)})


def answer_of(frame: pd.DataFrame) -> Any:
    odds = 1.5 * frame["age"] + np.where(frame["town"] == "A", 0.8, -0.8)
    return (CHANCE.random(len(frame)) < 1 / (1 + np.exp(-odds))).to_numpy()


def logged(frame: pd.DataFrame, model: Any, answers: Any, classes: Any = (0, 1)) -> pd.DataFrame:
    said = model.predict_proba(frame[["age"]])
    return pd.DataFrame({
        "id": [f"r{n}" for n in range(len(frame))],
        "time": pd.date_range("2026-11-01", periods=len(frame), freq="min", tz="UTC"),
        "version": 1,
        **{f"input.{name}": frame[name] for name in frame},
        "prediction": np.array(classes)[said.argmax(axis=1)],
        **{f"chance.{name}": said[:, place] for place, name in enumerate(classes)},
        "label": np.array(classes)[answers.astype(int)],
    })  # fmt: skip


@pytest.fixture(scope="module")
def made() -> tuple[Any, Reference]:
    """A model that leaves out a feature, and its reference from test data."""
    frame = people(4_000)
    model = LogisticRegression().fit(frame[["age"]], answer_of(frame).astype(int))
    test = people(6_000)
    answers = answer_of(test).astype(int)
    return model, Reference.learn(answers, model.predict(test[["age"]]), chances=model.predict_proba(test[["age"]]), features=test, classes=model.classes_)  # fmt: skip


def test_a_reference_is_kept_as_some_kilobytes_and_read_back(made: tuple[Any, Reference]) -> None:
    model, reference = made
    stored = json.dumps(reference.to_dict(), allow_nan=False)
    assert len(stored) < 60_000
    read = Reference.read(json.loads(stored))
    assert json.dumps(read.to_dict()) == stored
    assert (read.task, read.rows, read.source, read.classes, read.untrusted) == (
        "classifier",
        6_000,
        "test",
        [0, 1],
        "",
    )
    frame = people(500)
    rows = Rows.of(logged(frame, model, answer_of(frame)), task=read.task, classes=read.classes)
    assert estimate(read, rows)["f1"].value == pytest.approx(estimate(reference, rows)["f1"].value, abs=1e-4)
    with pytest.raises(InvalidUsage, match="format 2, and format 1 is read"):
        Reference.read(read.to_dict() | {"format": 2})


def test_estimates_follow_a_shift_and_say_what_they_are(made: tuple[Any, Reference]) -> None:
    model, reference = made
    frame = people(6_000, centre=1.2)
    log = logged(frame, model, answer_of(frame))
    seen = Rows.of(log, task="classifier", classes=reference.classes)
    unlabelled = Rows.of(log.assign(label=None), task="classifier", classes=reference.classes)
    assert [score(unlabelled, name).why for name in ("accuracy", "f1")] == ["no label has come yet"] * 2
    for name in ("accuracy", "f1", "roc_auc"):
        true, guess, other = (
            score(seen, name),
            estimate(reference, unlabelled)[name],
            second_opinion(reference, unlabelled)[name],
        )
        assert (guess.estimated, other.estimated, true.estimated) == (True, True, False)
        assert guess.value == pytest.approx(true.value, abs=0.04)
        assert other.value == pytest.approx(true.value, abs=0.04)
    assert (
        abs(estimate(reference, rows=unlabelled)["f1"].value - score(seen, "f1").value)
        < 0.01
        < abs(reference.metrics["f1"].value - score(seen, "f1").value)
    )
    test = people(3_000)
    by_weight = weighted(Rows.of(logged(test, model, answer_of(test)), classes=[0, 1]), unlabelled)["accuracy"]
    assert by_weight.estimated
    assert by_weight.value == pytest.approx(score(seen, "accuracy").value, abs=0.02)


def test_the_intervals_of_estimates_hold_after_a_shift(made: tuple[Any, Reference]) -> None:
    """Where the reference has few rows that are like the window's, they are wider."""
    model, _ = made
    holds: dict[str, list[bool]] = {name: [] for name in ("accuracy", "f1", "roc_auc", "brier")}
    for _ in range(60):
        test, frame = people(3_000), people(3_000, centre=0.8)
        said = model.predict_proba(test[["age"]])
        reference = Reference.learn(answer_of(test).astype(int), said.argmax(axis=1), chances=said, classes=[0, 1])
        rows = Rows.of(logged(frame, model, answer_of(frame)), classes=[0, 1])
        for name, guess in estimate(reference, rows, list(holds)).items():
            holds[name].append(guess.low <= score(rows, name).value <= guess.high)
    assert {name: np.mean(found) for name, found in holds.items() if np.mean(found) < 0.83} == {}


def test_the_second_opinion_sees_what_the_probabilities_hide(made: tuple[Any, Reference]) -> None:
    """The model doesn't know of towns; those who are of A have more of the class than it says."""
    model, reference = made
    frame = people(12_000).assign(town="A")
    log = logged(frame, model, answer_of(frame))
    rows = Rows.of(log, classes=reference.classes)
    true, guess, other = (found["recall"].value for found in ({"recall": score(rows, "recall")}, estimate(reference, rows), second_opinion(reference, rows)))  # fmt: skip
    assert abs(other - true) < 0.02 < abs(guess - true)


def test_errors_of_numbers_are_estimated_by_their_features() -> None:
    def noisy(rows: int, low: float) -> tuple[pd.DataFrame, Any, Any]:
        frame = pd.DataFrame({"size": CHANCE.uniform(low, 10, rows)})
        return (
            frame,
            frame["size"].to_numpy() * 2,
            frame["size"].to_numpy() * 2 + CHANCE.normal(size=rows) * frame["size"].to_numpy() / 5,
        )

    frame, said, truth = noisy(8_000, 0)
    reference = Reference.read(
        json.loads(json.dumps(Reference.learn(truth, said, features=frame).to_dict(), allow_nan=False))
    )
    assert (reference.task, reference.untrusted) == ("regressor", "")
    frame, said, truth = noisy(3_000, 6)
    rows = Rows.of(pd.DataFrame({"input.size": frame["size"], "prediction": said, "label": truth}), task="regressor")
    for name in ("mae", "rmse"):
        true, guess = score(rows, name).value, estimate(reference, rows)[name]
        assert guess.low < true < guess.high
        assert guess.low > (reference.metrics[name].high or 0)
    assert estimate(reference, rows)["r2"].why == "r2 is not estimated without labels"
    assert (
        estimate(reference, Rows.of(pd.DataFrame({"prediction": said}), task="regressor"))["mae"].why
        == "the log lacks size"
    )


@pytest.mark.parametrize(
    ("given", "known", "codes"),
    [
        (["1", "0", None], [0, 1], [1, 0, -2]),
        ([1.0, 0.0, NAN], [0, 1], [1, 0, -2]),
        (["true", "false", "maybe"], [False, True], [1, 0, -1]),
        ([True, False, None], ["0", "1"], [1, 0, -2]),
        (["nan", "inf", "1_0"], ["inf", "nan"], [1, 0, -1]),
        ([], [0, 1], []),
    ],
)
def test_labels_and_predictions_of_other_types_are_one_class(given: Any, known: Any, codes: list[int]) -> None:
    assert codes_of(given, known).tolist() == codes


def test_classes_are_told_apart_once() -> None:
    assert classes_of(np.array([1.0, 0.0]), ["1", "0"], [True]) == [0, 1]
    assert classes_of(["b", "a", None]) == ["a", "b"]


def of(**columns: Any) -> Rows:
    return Rows.of(pd.DataFrame(columns))


BAD: dict[str, tuple[Any, str, str]] = {
    "labels of another kind": (lambda: of(prediction=[0, 1] * 30, label=["yes", "no"] * 30), "accuracy", "the labels ('no', 'yes') are none of the model's classes"),
    "labels that are no numbers": (lambda: of(prediction=np.linspace(0, 1.5, 40), label=["dear"] * 40), "mae", "the labels are no numbers"),
    "no labels": (lambda: of(prediction=["a", "b"] * 30, label=[None] * 60), "accuracy", "no label has come yet"),
    "no rows": (lambda: of(prediction=[], label=[]), "accuracy", "there were no predictions"),
    "one row": (lambda: of(prediction=["a"], label=["a"]), "accuracy", "1 rows; 30 are needed"),
    "one class": (lambda: of(prediction=["a", "b"] * 30, label=["a"] * 60), "balanced_accuracy", "all are of one class"),
    "no probabilities": (lambda: of(prediction=["a", "b"] * 30, label=["a", "b"] * 30), "roc_auc", "the log holds no probabilities"),
    "probabilities of 2 in sum": (lambda: of(prediction_0=[1.0] * 60, prediction_1=[1.0] * 60, label=["a", "b"] * 30), "roc_auc", "no row has valid probabilities"),
    "infinite ones": (lambda: of(**{"prediction": ["a", "b"] * 30, "label": ["a", "b"] * 30, "chance.a": [np.inf] * 60, "chance.b": [NAN] * 60}), "log_loss", "no row has valid probabilities"),
    "of other classes": (lambda: of(prediction_0=[0.5] * 60, prediction_1=[0.5] * 60, label=["a", "b", "c"] * 20), "roc_auc", "the model gives 2 numbers for each row, and there are 3 classes"),
    "infinite predictions": (lambda: of(prediction=[np.inf, NAN, 0.5] * 20, label=[0.5] * 60), "mae", "20 rows; 30 are needed"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_rows_are_inconclusive_with_the_reason(case: str) -> None:
    make, metric, why = BAD[case]
    its = score(make(), metric)
    assert its.value is None
    assert its.why.startswith(why)


def test_every_metric_answers_to_every_bad_frame() -> None:
    for make, _, _ in BAD.values():
        rows = make()
        for name in metrics_of(rows.task):
            its = score(rows, name)
            assert (its.value is None) == bool(its.why)


def test_what_comes_twice_or_out_of_order_counts_once() -> None:
    frame = pd.DataFrame({
        "id": ["b", "a", "b", None, None],
        "time": pd.to_datetime(["2026-11-02", "2026-11-01", "2026-11-03", "2026-11-04", None], utc=True),
        "prediction": ["x", "y", "y", "x", "x"],
        "label": ["x", "y", "y", "z", "x"],
    })  # fmt: skip
    rows = Rows.of(frame, classes=["x", "y"])
    assert rows.frame["id"].tolist()[:2] == ["a", "b"]
    assert rows.predicted.tolist() == [1, 1, 0]
    assert rows.notes == (
        "1 row without a time: left out.",
        "1 prediction of an id that comes again later: the last of each counts.",
        "1 label of a class that the model doesn't know: it was wrong there.",
    )
    with pytest.raises(InvalidUsage, match="no predictions"):
        Rows.of(frame.drop(columns="prediction"))


def test_no_estimate_is_made_of_a_reference_that_can_not_be_trusted(made: tuple[Any, Reference]) -> None:
    model, reference = made
    frame = people(200)
    log = logged(frame, model, answer_of(frame))
    rows = Rows.of(log, classes=[0, 1])
    few = Reference.learn(log["label"], log["prediction"], chances=log[["chance.0", "chance.1"]])
    assert "are too few to calibrate by" in estimate(few, rows)["accuracy"].why
    bare = Reference.learn(log["label"], log["prediction"])
    assert estimate(bare, rows)["accuracy"].why == "no estimate: the log holds no probabilities"
    assert bare.metrics["accuracy"].value is not None
    far = rows.frame.assign(**{"chance.0": 0.0, "chance.1": 1.0})
    assert "100% of the probabilities are beyond" in estimate(reference, Rows.of(far, classes=[0, 1]))["accuracy"].why
    assert estimate(reference, Rows.of(log.iloc[:0], classes=[0, 1]))["f1"].why == "there were no predictions"
    assert estimate(reference, Rows.of(log.iloc[:1], classes=[0, 1]))["f1"].why == "1 rows; 30 are needed"
    assert second_opinion(few, rows)["f1"].value is None
    for its in (estimate(few, rows), estimate(reference, rows), weighted(rows, rows)):
        assert all(each.estimated for each in its.values())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (([1, 0], [1]), "2 labels and 1 predictions"),
        (([None, None], [1, 0]), "no row has a prediction and a label"),
        (([], []), "no row has a prediction and a label"),
        ((["a"] * 3, [1, 0, 1]), "no performance to remember"),
    ],
)
def test_a_reference_of_nothing_is_an_error_in_one_line(arguments: Any, told: str) -> None:
    with pytest.raises(InvalidUsage, match=told):
        Reference.learn(*arguments, classes=[0, 1])
    with pytest.raises(InvalidUsage, match="3 columns, and there are 2 classes"):
        Reference.learn([0, 1], [0, 1], chances=np.ones((2, 3)))


def test_nothing_personal_is_kept_and_no_category_of_a_few() -> None:
    frame = people(2_000).assign(nurse=CHANCE.choice(["Ada", "Bo"], 2_000), ward=["rare"] * 3 + ["A", "B"] * 998 + ["A"], tags=[["x"]] * 2_000)  # fmt: skip
    frame = pd.concat([frame, frame[["town"]]], axis=1)
    truth, said = answer_of(people(2_000)).astype(int), np.clip(CHANCE.random(2_000), 0.01, 0.99)
    for task, chances in (("classifier", said), ("regressor", None)):
        stored = json.dumps(Reference.learn(truth, truth, chances=chances, features=frame, task=task, personal=["nurse"]).to_dict())  # fmt: skip
        assert '"town"' in stored
        for kept_out in ("nurse", "Ada", "rare"):
            assert kept_out not in stored


@pytest.mark.parametrize("later", [[1.0, 2.0, NAN] * 20, ["1", "2", None] * 20, [["1"], 2, None] * 20])
def test_categories_are_known_again_in_other_types(later: Any) -> None:
    before = pd.DataFrame({"kind": pd.Series([1, 2] * 500).astype("category")})
    trees = Trees.learn(before, np.array([0.0, 1.0] * 500))
    found = trees.predict(pd.DataFrame({"kind": pd.Series(later)}))
    assert np.isfinite(found).all()
    assert found[1] == pytest.approx(1.0, abs=0.02)


def test_three_classes_are_estimated_too() -> None:
    frame = pd.DataFrame({"a": CHANCE.normal(size=9_000), "b": CHANCE.normal(size=9_000)})
    kinds = np.array(["low", "mid", "top"])[np.digitize(frame["a"] + CHANCE.normal(size=9_000), [-0.7, 0.7])]
    model = LogisticRegression().fit(frame[:3_000], kinds[:3_000])
    test = frame[3_000:6_000]
    reference = Reference.learn(kinds[3_000:6_000], model.predict(test), chances=model.predict_proba(test), features=test, classes=model.classes_)  # fmt: skip
    later, truth = frame[6_000:][frame["a"][6_000:] > 0], kinds[6_000:][frame["a"][6_000:] > 0]
    chances = {f"chance.{name}": model.predict_proba(later)[:, place] for place, name in enumerate(model.classes_)}
    rows = Rows.of(pd.DataFrame({"prediction": model.predict(later), "label": truth, **chances, **{f"input.{name}": later[name].to_numpy() for name in later}}), classes=reference.classes)  # fmt: skip
    for guessed in (estimate(reference, rows), second_opinion(reference, rows)):
        for name in ("accuracy", "log_loss", "brier"):
            assert guessed[name].value == pytest.approx(score(rows, name).value, rel=0.08)
