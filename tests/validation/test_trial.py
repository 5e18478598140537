"""``validate model`` as people call it: versions of a real registry, through every face."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier

import jupyter_mlops as mlops
from jupyter_mlops.command import REPRODUCES
from jupyter_mlops.validation import keeping
from jupyter_mlops.workspace import Workspace

from ..conftest import Face


def registered(name: str, cancer: Any, estimator: Any, alias: str = "challenger") -> Any:
    """Fit, log and register a model as people do."""
    X_train, _, y_train, _ = cancer
    with mlops.run("train", data=X_train, autolog=False):
        estimator.fit(X_train, y_train)
        mlops.log({"accuracy": 0.95})
    return mlops.register(name, run="last", alias=alias)


@pytest.fixture
def test(cancer: Any) -> Any:
    """Rows that no model has seen, with a column that none wants."""
    _, X_test, _, y_test = cancer
    return X_test.assign(target=y_test, half=["a", "b"] * 71 + ["a"])


def weak() -> Any:
    return DummyClassifier(strategy="stratified", random_state=0)


def strong() -> Any:
    return RandomForestClassifier(50, random_state=0)


def test_every_face_gives_the_same_report(project: Path, face: Face, name: str, cancer: Any, test: Any) -> None:
    registered(name, cancer, weak())
    mlops.promote(f"{name}@challenger", force=True, reason="the first one")
    registered(name, cancer, strong())
    found = face(f"validate model {name}@challenger --data test --target target --slice half", test=test).data
    assert (found["about"], found["rows"], found["kind"]) == (f"{name}/2", 143, "model")
    outcomes = {c["code"]: c["outcome"] for c in found["checks"]}
    assert {code for code, outcome in outcomes.items() if outcome in ("error", "inconclusive")} == set()
    assert outcomes["MV002"] == outcomes["MV003"] == outcomes["MV008"] == outcomes["MV015"] == "pass"
    kept = keeping.find(Workspace.here(), "last", "model")
    assert (kept.about, kept.stored, kept.digest) == (f"{name}/2", found["stored"], found["digest"])
    assert f"Model report of {name}/2" in str(kept)


def test_the_champion_is_held_against_nothing_and_a_worse_one_fails(project: Path, name: str, cancer: Any, test: Any) -> None:  # fmt: skip
    registered(name, cancer, strong())
    first = mlops.validate_model(name, data=test, target="target")
    assert first["MV002"].outcome == "skipped"
    mlops.promote(name, force=True, reason="the first one")
    assert mlops.validate_model(f"{name}@champion", data=test, target="target")["MV002"].outcome == "skipped"
    worse = registered(name, cancer, weak())
    found = mlops.validate_model(worse, data=test, target="target")
    assert "MV002" in found.failed
    assert f"{name}/1" in found["MV002"].findings[0].seen
    with pytest.raises(mlops.MlopsError, match="no registered model"):
        mlops.validate_model("nothing", data=test, target="target")


def test_what_it_was_trained_on_is_known_from_its_run(project: Path, name: str, cancer: Any) -> None:
    X_train, _, y_train, _ = cancer
    train = X_train.assign(target=y_train)
    registered(name, cancer, strong())
    found = mlops.validate_model(name, data=train, target="target", train=train)
    assert "by its digest" in found["MV005"].findings[0].seen
    assert found["MV017"].outcome == "pass"  # what the run has kept of its answers is what the loaded one says


def test_a_version_says_whether_it_could_be_made_again(project: Path, shell: Any, name: str, cancer: Any, test: Any) -> None:  # fmt: skip
    shell.user_ns |= {"X_train": cancer[0], "y_train": cancer[2]}
    cell = "%%mlops run forest --data X_train\nfrom sklearn.ensemble import RandomForestClassifier\nmodel = RandomForestClassifier(5{}).fit(X_train, y_train)\n%mlops log accuracy=0.95\n"  # fmt: skip
    seen = {}
    for seed in ("", ", random_state=0"):
        assert shell.run_cell(cell.format(seed)).success
        found = mlops.validate_model(mlops.register(name, run="last"), data=test, target="target", only=["MV021"])["MV021"]  # fmt: skip
        seen[seed] = (found.outcome, [finding.seen for finding in found.findings])
    assert seen[""] == ("warning", ["No seed was set, and its fit hangs on chance (random_state)."])
    assert seen[", random_state=0"] == ("pass", [])


def test_security_is_a_flag_and_looks_at_the_files(project: Path, face: Face, name: str, cancer: Any, test: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    from jupyter_mlops.validation.model import adversarial

    monkeypatch.setattr(adversarial, "_MOST", 8)  # attack a few rows
    registered(name, cancer, strong())
    found = face(f"validate model {name} --data test --target target --security --skip MV0", test=test).data
    came = {c["code"]: c["outcome"] for c in found["checks"]}
    assert (came["MV101"], came["MV103"], came["MV104"], came["MV105"]) == ("pass", "skipped", "note", "pass")
    assert "not signed" in found["checks"][3]["findings"][0]["seen"]


def test_what_was_made_again_is_said(project: Path, name: str, cancer: Any, test: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    version = registered(name, cancer, strong())
    run_id = Workspace.here().mlflow.read("get_model_version", name, "1").run_id
    monkeypatch.setenv(REPRODUCES, f"{run_id} 0123456789ab")
    with mlops.run("again", data=cancer[0], autolog=False):
        mlops.log({"accuracy": 0.95})
    monkeypatch.delenv(REPRODUCES)
    found = mlops.validate_model(version, data=test, target="target", only=["MV021"])["MV021"]
    assert "made again (run:" in found.reason
    Workspace.here().mlflow.write("delete_run", run_id)
    gone = mlops.validate_model(version, data=test, target="target", only=["MV021"])
    assert ("not on the server" in gone["MV021"].findings[0].seen, gone.stored) == (True, "")


def test_a_server_that_is_away_is_never_taken_for_no_champion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, test: Any) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlops.toml").write_text('tracking_uri = "http://127.0.0.1:9"\n')
    with pytest.raises(mlops.MlopsError, match=r"127\.0\.0\.1:9"):
        mlops.validate_model("tumour@challenger", data=test, target="target")


def test_an_estimator_at_hand_needs_no_registry(project: Path, cancer: Any, test: Any) -> None:
    X_train, _, y_train, _ = cancer
    found = mlops.validate_model(strong().fit(X_train, y_train), data=test, target="target", scorer=["roc_auc>=0.9"])
    assert (found.ok, found.stored, found["MV001"].outcome) == (True, "", "pass")


def test_limits_of_one_model_are_settings(project: Path, name: str, cancer: Any, test: Any) -> None:
    file = project / "mlops.toml"
    file.write_text(f'{file.read_text()}\n[validation.models.{name}]\nmilliseconds = 0.001\n\n[validation.models.{name}.scores]\nroc_auc = ">= 0.9999"\n')  # fmt: skip
    registered(name, cancer, strong())
    assert mlops.validate_model(name, data=test, target="target").failed == ("MV001", "MV018")
    file.write_text(f"{file.read_text()}\n[validation.model]\ngian = 1\n")
    with pytest.raises(mlops.MlopsError, match=r"no setting 'validation.model.gian'.*gain"):
        mlops.validate_model(name, data=test, target="target")
