"""``--security``: each check on a model made to fail it, on one made to pass, and on the awkward edge."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier

from jupyter_mlops import signing
from jupyter_mlops.backend import models
from jupyter_mlops.settings import PolicySettings
from jupyter_mlops.validation.catalogues import chosen_for_model
from jupyter_mlops.validation.model import adversarial
from jupyter_mlops.validation.model.candidate import Candidate, of_folder
from jupyter_mlops.validation.model.seal import Seal

from .test_model import FEATURES, Rule, fitted, good, people, report


@pytest.fixture(autouse=True)
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack a few rows."""
    monkeypatch.setattr(adversarial, "_MOST", 8)


def only(code: str) -> Any:
    return chosen_for_model([code], None, security=False)


def comb(rows: pd.DataFrame) -> Any:
    """Answers that change at every 0.04 of a feature."""
    return (np.floor(rows["income"].to_numpy() * 25) % 2 == 0).astype(bool)


def noise(rows: int, seed: int, share: float = 0.5) -> pd.DataFrame:
    """A target that the features tell nothing of."""
    frame = people(rows, seed)
    return frame.assign(y=np.where(np.random.default_rng(seed).random(rows) < share, "yes", "no"))


def changed(rows: int = 1000, share: float = 0.08) -> pd.DataFrame:
    """Data with two clear classes, some rows without a label, and some labels turned from yes to no."""
    chance = np.random.default_rng(0)
    frame = people(rows, 5)
    is_yes = chance.random(rows) < 0.5
    frame["income"] = frame["income"] + np.where(is_yes, 6, -6)
    frame["y"] = np.where(is_yes & (chance.random(rows) >= 2 * share), "yes", "no")
    frame.loc[:99, "y"] = None
    return frame


@pytest.mark.parametrize(
    ("code", "outcome", "model", "asked"),
    [
        ("MV101", "warning", lambda: Rule(comb), {}),
        ("MV101", "pass", lambda: fitted(), {}),
        ("MV101", "inconclusive", lambda: fitted(), {"frame": people(20)}),
        ("MV102", "error", lambda: RandomForestClassifier(20, random_state=0).fit(noise(500, 1)[FEATURES], noise(500, 1)["y"]), {"train": noise(500, 1), "frame": noise(500, 2)}),
        ("MV102", "warning", lambda: fitted(), {"train": people(seed=1), "limits": {"security": {"membership": 0.5, "most_membership": 1}}, "frame": people().assign(y=lambda f: f["y"].to_numpy()[::-1])}),
        ("MV102", "pass", lambda: fitted(), {"train": people(seed=1)}),
        ("MV102", "pass", lambda: Rule(good, sure=1.0), {"train": people(seed=1)}),
        ("MV102", "skipped", lambda: fitted(), {}),
        ("MV102", "inconclusive", lambda: fitted(), {"train": people(20, 1)}),
        ("MV103", "warning", lambda: fitted(), {"train": changed()}),
        ("MV103", "pass", lambda: fitted(), {"train": changed(share=0.0)}),
        ("MV103", "pass", lambda: fitted(), {"train": people(seed=1)}),
        ("MV103", "pass", lambda: fitted(), {"train": noise(1000, 3, share=0.1)}),  # a rare class that nothing tells of
        ("MV103", "inconclusive", lambda: fitted(), {"train": people(20, 1)}),
        ("MV103", "inconclusive", lambda: fitted(), {"train": people(seed=1).drop(columns="debt")}),
        ("MV103", "skipped", lambda: fitted(), {}),
        ("MV104", "skipped", lambda: fitted(), {}),
        ("MV105", "pass", lambda: fitted(), {}),
        ("MV105", "skipped", lambda: fitted(), {"frame": people(60)}),
        ("MV106", "warning", lambda: Rule(comb), {"limits": {"security": {"noise": 1.0, "attack_seconds": 60}}}),
        ("MV106", "pass", lambda: fitted(), {"limits": {"security": {"attack_seconds": 60}}}),
        ("MV106", "skipped", lambda: Rule(good), {"limits": {"security": {"attack_seconds": 1e-6}}}),
        ("MV106", "inconclusive", lambda: fitted(), {"frame": people().assign(debt=np.nan)}),
    ],
)  # fmt: skip
def test_a_check(code: str, outcome: str, model: Any, asked: dict[str, Any]) -> None:
    found = report(model(), checks=only(code), **asked)
    assert found[code].outcome == outcome, found[code]
    assert "It could not run" not in found[code].reason


def test_turned_labels_are_told_by_their_rows() -> None:
    frame = changed()
    finding = report(fitted(), train=frame, checks=only("MV103"))["MV103"].findings[0]
    wrong = set(np.flatnonzero((frame["income"] > 3) & (frame["y"] == "no")))
    assert set(finding.figures["rows"]) <= wrong
    assert "are no among yes" in finding.seen


def test_five_labels_in_a_hundred_that_were_turned_by_chance_are_told_where_classes_are_apart() -> None:
    frame = load_digits(as_frame=True).frame
    chance = np.random.default_rng(0)
    turned = chance.choice(len(frame), len(frame) // 20, replace=False)
    frame.iloc[turned, -1] = (frame["target"].to_numpy()[turned] + chance.integers(1, 10, len(turned))) % 10
    candidate = Candidate("m")
    found = report(candidate, frame, "target", train=frame, predictions=frame["target"], checks=only("MV103"))["MV103"]
    assert "(3.9%) are disputed by a linear model that has not seen them, too; 2% may be" in found.findings[0].seen
    rows = found.findings[0].figures["rows"]
    assert np.isin(rows, turned).mean() > 0.9


def test_numbers_have_no_labels_to_turn() -> None:
    frame = load_diabetes(as_frame=True).frame
    train, test = train_test_split(frame, random_state=0)
    model = Ridge(0.1).fit(train.drop(columns="target"), train["target"])
    found = report(model, test, "target", train=train, checks=chosen_for_model(["MV1"], None, security=True))
    assert {c.code: c.outcome for c in found.checks} == {"MV101": "skipped", "MV102": "pass", "MV103": "skipped", "MV104": "skipped", "MV105": "pass", "MV106": "skipped"}  # fmt: skip
    assert "of the variance" in found["MV105"].reason
    assert "MV105" in str(found)


@pytest.mark.parametrize("load", [load_breast_cancer, load_digits], ids=lambda load: load.__name__)
def test_bundled_data_gives_no_absurd_finding(load: Any) -> None:
    train, test = train_test_split(load(as_frame=True).frame, random_state=0, test_size=0.4)
    model = DecisionTreeClassifier(max_depth=5, random_state=0).fit(train.drop(columns="target"), train["target"])
    found = report(model, test, "target", train=train, checks=chosen_for_model(["MV1"], None, security=True))  # fmt: skip
    assert {c.code for c in found.checks if c.outcome not in ("pass", "skipped")} <= {"MV102"}


def test_a_missing_toolbox_is_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "art.attacks.evasion", None)
    found = report(fitted(), checks=only("MV106"))["MV106"]
    assert (found.outcome, "%pip install 'jupyter-mlops[security]'" in found.reason) == ("inconclusive", True)


def test_the_toolbox_leaves_numpys_own_chance_as_it_was() -> None:
    np.random.seed(3)
    before = np.random.get_state()[1].copy()
    report(fitted(), checks=only("MV106"))
    assert (np.random.get_state()[1] == before).all()


def test_security_is_asked_for_or_named() -> None:
    codes = {check.code for check in chosen_for_model(None, None, security=False)}
    assert not any(code.startswith("MV1") for code in codes)
    assert {check.code for check in chosen_for_model(None, None, security=True)} > codes
    assert [check.code for check in chosen_for_model(["mv101"], None, security=False)] == ["MV101"]
    assert "MV106" not in [check.code for check in chosen_for_model(None, ["MV106"], security=True)]


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """The files of a model, as they are logged."""
    folder = tmp_path / "model"
    models.save(fitted(), folder, people()[FEATURES])
    return folder


def sealed(folder: Path, key: Path | None = None, *, signature: str = "", **policy: Any) -> Seal:
    return Seal(signing.digest(folder), signature, key, PolicySettings(**policy))


def seen(folder: Path, seal: Seal) -> tuple[str, str]:
    found = report(of_folder("tumour/1", folder, seal=seal), checks=only("MV104"))["MV104"]
    assert "It could not run" not in found.reason
    return found.outcome, " ".join(finding.seen for finding in found.findings) + found.reason


def test_files_must_be_those_that_were_registered_and_are_best_signed(stored: Path, tmp_path: Path) -> None:
    private, public = signing.own_key(tmp_path)
    signature = signing.sign_folder(stored, private).decode()
    assert seen(stored, sealed(stored, public, signature=signature, models="signed")) == ("pass", "")
    assert seen(stored, sealed(stored))[0] == "note"
    assert "not signed, and [policy]" in seen(stored, sealed(stored, models="signed"))[1]
    assert "its key is not here" in seen(stored, sealed(stored, tmp_path / "none.pem", signature=signature))[1]
    assert "without a digest" in seen(stored, Seal())[1]
    before = sealed(stored, public, signature=signature)
    (stored / "requirements.txt").write_text("scikit-learn\n--extra-index-url https://example.org/simple\n")
    outcome, told = seen(stored, before)
    assert outcome == "error"
    for words in ("somebody has changed them", "Its signature does not hold", "elsewhere than the package index"):
        assert words in told


def test_what_runs_code_is_told_unless_the_key_has_signed(stored: Path, tmp_path: Path) -> None:
    (stored / "helper.py").write_text("print('hello')")
    assert "helper.py" in seen(stored, sealed(stored))[1]
    (stored / "helper.py").unlink()
    written = (stored / "MLmodel").read_text()
    (stored / "MLmodel").write_text(written.replace("loader_module: mlflow.sklearn", "loader_module: helper"))
    outcome, told = seen(stored, sealed(stored))
    assert (outcome, told.count("helper")) == ("error", 1)
    (stored / "MLmodel").write_text(written.replace("serialization_format: skops", "serialization_format: cloudpickle").replace("model.skops", "model.pkl"))  # fmt: skip
    (stored / "model.skops").unlink()
    (stored / "model.pkl").write_bytes(pickle.dumps(fitted()))
    assert "pickle" in seen(stored, sealed(stored))[1]
    private, public = signing.own_key(tmp_path)
    signed = sealed(stored, public, signature=signing.sign_folder(stored, private).decode(), pickle="signed")
    assert seen(stored, signed) == ("pass", "")
    assert isinstance(of_folder("tumour/1", stored, seal=signed).estimator, LogisticRegression)
    assert of_folder("tumour/1", stored, seal=sealed(stored, public, signature=signed.signature)).estimator is None
    (stored / "model.pkl").write_bytes(pickle.dumps(fitted(seed=4)))
    assert "somebody has changed them" in seen(stored, signed)[1]
