"""How an endpoint performs: with labels as they come, and by an estimate where none has; end to end."""

from __future__ import annotations

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
