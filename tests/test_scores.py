"""What answers are worth: beside scikit-learn's figures, and how often an interval holds what is true."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sklearn
from sklearn.ensemble import GradientBoostingRegressor

from jupyter_mlops.statistics import losses, scores, trees
from jupyter_mlops.statistics.calibration import Calibration, gap, reliability
from jupyter_mlops.statistics.change import Detector
from jupyter_mlops.statistics.measured import Measured, measured
from jupyter_mlops.statistics.scores import Classified, one_hot
from jupyter_mlops.statistics.trees import Trees

CHANCE = np.random.default_rng(0)


def drawn(rows: int, classes: int, chance: np.random.Generator = CHANCE) -> tuple[Any, Any]:
    """Probabilities that are right, and labels drawn by them."""
    odds = np.exp(1.5 * chance.normal(size=(rows, classes)))
    chances = odds / odds.sum(axis=1, keepdims=True)
    return chances, (chances.cumsum(axis=1) < chance.random((rows, 1))).sum(axis=1).clip(max=classes - 1)


def of(chances: Any, truth: Any) -> Classified:
    return Classified(one_hot(truth, chances.shape[1]), chances.argmax(axis=1), chances)


@pytest.mark.parametrize("classes", [2, 3])
def test_metrics_are_scikit_learns(classes: int) -> None:
    chances, truth = drawn(2_000, classes)
    chances[:300] = np.round(chances[:300], 1) + 0  # some are equal
    chances /= chances.sum(axis=1, keepdims=True)
    answered = chances.argmax(axis=1)
    mean = {"average": "binary" if classes == 2 else "macro"}
    said = chances[:, 1] if classes == 2 else chances
    expected = {
        "accuracy": sklearn.accuracy_score(truth, answered),
        "balanced_accuracy": sklearn.balanced_accuracy_score(truth, answered),
        "precision": sklearn.precision_score(truth, answered, **mean),
        "recall": sklearn.recall_score(truth, answered, **mean),
        "f1": sklearn.f1_score(truth, answered, **mean),
        "roc_auc": sklearn.roc_auc_score(truth, said, multi_class="ovr"),
        "log_loss": sklearn.log_loss(truth, chances),
        "brier": sklearn.brier_score_loss(truth, said),
    }
    assert {name: scores.score(of(chances, truth), name).value for name in scores.METRICS} == pytest.approx(expected)


def test_metrics_of_numbers_are_scikit_learns() -> None:
    truth = CHANCE.normal(size=500)
    said = truth + CHANCE.normal(size=500) * 0.3 + 0.1
    expected = {
        "mae": sklearn.mean_absolute_error(truth, said),
        "rmse": sklearn.root_mean_squared_error(truth, said),
        "r2": sklearn.r2_score(truth, said),
        "bias": float((said - truth).mean()),
    }
    assert {name: losses.score(truth, said, name).value for name in losses.METRICS} == pytest.approx(expected)


def test_intervals_hold_what_is_true_in_95_of_100() -> None:
    chances, truth = drawn(200_000, 2)
    true = {name: scores.score(of(chances, truth), name).value for name in scores.METRICS}
    holds: dict[str, list[bool]] = {name: [] for name in true}
    for _ in range(400):
        some = CHANCE.integers(0, len(truth), 120)
        for name, its in ((name, scores.score(of(chances[some], truth[some]), name)) for name in true):
            holds[name].append(its.low <= true[name] <= its.high)
    assert {name: np.mean(found) for name, found in holds.items() if not 0.915 <= np.mean(found) <= 0.985} == {}


def test_an_estimates_interval_holds_what_the_labels_will_say() -> None:
    holds: dict[str, list[bool]] = {name: [] for name in scores.METRICS}
    for _ in range(400):
        chances, truth = drawn(150, 2)
        guessed = Classified(chances, chances.argmax(axis=1), chances, estimated=True)
        for name, found in holds.items():
            its, seen = scores.score(guessed, name), scores.score(of(chances, truth), name).value
            found.append(its.low <= seen <= its.high)
    assert {name: np.mean(found) for name, found in holds.items() if not 0.915 <= np.mean(found) <= 0.99} == {}


def test_a_faultless_window_is_not_sure_to_be_faultless() -> None:
    truth = np.arange(60) % 2
    its = scores.score(of(one_hot(truth, 2), truth), "roc_auc")
    assert its.value == 1.0
    assert its.low == pytest.approx(30 / (30 + 3.841), abs=0.01)  # Wilson, of the smaller class


@pytest.mark.parametrize(
    ("truth", "metric", "why"),
    [
        ([0, 1] * 10, "accuracy", "20 rows; 30 are needed"),
        ([1] * 50, "roc_auc", "all are of one class"),
        ([1] * 50, "balanced_accuracy", "all are of one class"),
        ([0] * 50, "recall", "a class has 0 of the labels; 5 of each are needed"),
    ],
)
def test_what_is_not_defined_says_why(truth: list[int], metric: str, why: str) -> None:
    chances = np.tile([0.6, 0.4], (len(truth), 1))
    its = scores.score(of(chances, np.array(truth)), metric)
    assert (its.value, its.why) == (None, why)
    assert not its.conclusive
    assert Measured.read(json.loads(json.dumps(its.to_dict()))) == its
    assert measured(float("nan"), 1.0, 5).why == "it is not defined for these rows"


def test_calibration_mends_probabilities_and_is_a_few_kilobytes() -> None:
    for classes in (2, 3):
        chances, truth = drawn(20_000, classes)
        bold = chances**3 / (chances**3).sum(axis=1, keepdims=True)
        learned = Calibration.learn(bold[:10_000], one_hot(truth[:10_000], classes))
        stored = json.dumps(learned.to_dict())
        assert len(stored) < 5_000 * classes
        mended = Calibration.read(json.loads(stored))(bold[10_000:])
        assert mended.sum(axis=1) == pytest.approx(1)
        seen = one_hot(truth[10_000:], classes)[:, 1]
        assert gap(bold[10_000:, 1], seen) > 0.07
        assert gap(mended[:, 1], seen) < 0.02


def test_reliability_tells_right_probabilities_from_bold_ones() -> None:
    chances, truth = drawn(5_000, 2)
    right = reliability(of(chances, truth))
    bold = reliability(of(chances**2 / (chances**2).sum(axis=1, keepdims=True), truth))
    assert (right.p > 0.001, bold.p < 1e-6, right.gap < 0.02, bold.gap > 0.05) == (True,) * 4
    assert right.off.low < 0 < right.off.high
    json.dumps(bold.to_dict(), allow_nan=False)


def test_trees_read_back_say_what_scikit_learns_say(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame({"a": CHANCE.normal(size=2_000), "b": CHANCE.choice(["x", "y", "z"], 2_000), "id": [f"n{n}" for n in range(2_000)]})  # fmt: skip
    frame.loc[::9, "a"] = np.nan
    frame.loc[::11, "a"] = np.inf
    target = np.where(frame["b"] == "x", 2.0, 0.0) + np.nan_to_num(frame["a"], posinf=5.0) + CHANCE.normal(size=2_000)
    kept: list[Any] = []
    fit = GradientBoostingRegressor.fit
    monkeypatch.setattr(GradientBoostingRegressor, "fit", lambda self, x, y: kept.append(fit(self, x, y)) or kept[0])
    learned = Trees.learn(frame, target)
    assert list(learned.columns) == ["a", "b"]
    stored = json.dumps(learned.to_dict(), allow_nan=False)
    assert len(stored) < 40_000
    read = Trees.read(json.loads(stored))
    expected = learned.base + kept[0].predict(trees._numbers(frame, learned.columns))
    assert read.predict(frame) == pytest.approx(expected, abs=1e-3)
    strange = pd.DataFrame({"b": ["new", None]})
    assert np.isfinite(read.predict(strange)).all()


def bits(rows: int, share: float) -> Any:
    return (CHANCE.random(rows) < share).astype(float)


def test_the_watch_rings_falsely_no_oftener_than_it_says() -> None:
    at_limit = Detector(0.1, patience=1_000)
    first = [at_limit.after(bits(20_000, 0.1)).rang or 20_000 for _ in range(100)]
    assert np.mean(first) > 1_000
    rang = [Detector.of(bits(2_000, 0.1)).after(bits(10_000, 0.1)).rings for _ in range(60)]
    assert sum(rang) <= 3  # of 600,000 rows, one in 100,000


def test_the_watch_finds_a_change_and_when_it_was() -> None:
    found = [Detector.of(bits(5_000, 0.1)).after(np.r_[bits(5_000, 0.1), bits(5_000, 0.15)]) for _ in range(20)]
    late = [each.rang - 5_000 for each in found if each.rang]
    assert len(late) == 20
    assert np.median(late) < 1_300
    assert abs(np.median([each.since for each in found if each.since is not None]) - 5_000) < 500


@pytest.mark.parametrize("most", [1.0, 40.0])
def test_the_watch_is_the_same_in_pieces(most: float) -> None:
    reference, losses_ = bits(2_000, 0.1) * most, bits(6_000, 0.14) * most
    if most > 1:
        reference, losses_ = np.abs(CHANCE.normal(size=2_000)), np.abs(CHANCE.normal(size=6_000)) * 1.3
    whole = Detector.of(reference).after(losses_)
    pieces = Detector.of(reference)
    for part in np.array_split(losses_, 53):
        pieces = Detector.read(json.loads(json.dumps(pieces.to_dict()))).after(part)
    assert (pieces.rang, pieces.since, pieces.rows) == (whole.rang, whole.since, whole.rows)
    assert pieces.worth == pytest.approx(whole.worth)
    assert whole.rings


def test_a_watch_over_nothing_stays_as_it_was() -> None:
    begun = Detector.of(np.zeros(100))
    assert begun.limit > 0  # 100 rows without a fault don't say that there are none
    assert begun.after(np.array([])).to_dict() == begun.to_dict()
    assert begun.after(np.array([np.nan, np.inf])).rows == 0
    assert not begun.after(np.zeros(10_000)).rings
    assert begun.after(np.ones(200)).rings
