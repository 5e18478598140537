"""The tables of models and versions: aliases, endpoints, metrics, and the picture of the main one."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

import jupyter_mlops as mlops
from jupyter_mlops.backend.adapter import Mlflow
from jupyter_mlops.backend.processes import Process
from jupyter_mlops.errors import NotFound
from jupyter_mlops.registry import listing
from jupyter_mlops.workspace import Workspace

from ..conftest import Face

pytestmark = pytest.mark.usefixtures("project")


@pytest.fixture
def three(trained: Any, name: str) -> None:
    for number in (1, 2, 3):
        trained(f"run {number}", accuracy=0.9 + number / 100, auc=0.8, loss=0.5)
        mlops.register(name)
    mlops.promote(f"{name}/2")


def test_versions_say_what_serves_them(face: Face, three: None, name: str) -> None:
    created = psutil.Process().create_time()
    state = Workspace.here().state
    for endpoint, version, begun in (("prod", 2, created), ("shadow", 2, created), ("dead", 3, 1.0)):
        details = {"model": name, "version": version}
        state.put(Process("endpoint", endpoint, os.getpid(), begun, 1, time.time(), details))
    rows = face(f"models {name}").data["rows"]
    assert [row["endpoints"] for row in rows] == [[], ["prod", "shadow"], []]
    assert "served by" in str(mlops.models(name))
    assert "shadow at http://127.0.0.1:1" in " ".join(str(mlops.models(name).view()).split())
    assert socket.gethostname() in str(mlops.models(name).view())
    assert list(mlops.models(name).frame()["endpoints"]) == ["", "prod, shadow", ""]
    state.forget(state.get("endpoint", "prod"))  # type: ignore[arg-type]
    state.forget(state.get("endpoint", "shadow"))  # type: ignore[arg-type]
    assert "served by" not in str(mlops.models(name))


def test_the_main_metric_is_drawn_over_versions(three: None, name: str, project: Path) -> None:
    found = mlops.models(name)
    assert found.main == "accuracy"  # the gate's
    axes = found.plot().axes[0]
    assert [list(each) for each in axes.lines[0].get_xydata()] == [[1, 0.91], [2, 0.92], [3, 0.93]]
    assert [text.get_text() for text in axes.texts] == ["@champion"]
    bundle = found._repr_mimebundle_()
    assert "data:image/png;base64," in bundle["text/html"]
    assert "accuracy over versions: 1 0.91, 2 0.92, 3 0.93" in bundle["text/plain"]
    toml = project / "mlops.toml"
    toml.write_text(toml.read_text().replace("accuracy =", "loss ="))
    assert mlops.models(name).main == "loss"
    toml.write_text(toml.read_text().split("[gates")[0])
    assert mlops.models(name).main in ("accuracy", "auc", "loss")


def test_there_is_no_picture_of_one_version_or_of_many_models(trained: Any, name: str) -> None:
    trained("first", accuracy=0.95)
    mlops.register(name)
    assert "<img" not in mlops.models(name)._repr_mimebundle_()["text/html"]
    assert "<img" not in mlops.models()._repr_mimebundle_()["text/html"]
    assert len(mlops.models(name).plot().axes[0].lines[0].get_xydata()) == 1
    with pytest.raises(NotFound):
        mlops.models().plot()


def test_metrics_that_are_no_numbers_are_left_out_of_the_picture(trained: Any, name: str) -> None:
    for number, value in enumerate((0.95, float("nan"), 0.97)):
        trained(f"run {number}", accuracy=value)
        mlops.register(name)
    assert len(mlops.models(name).plot().axes[0].lines[0].get_xydata()) == 2


def test_runs_are_read_at_once_and_of_the_newest_only(three: None, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    read = Mlflow.read

    def counted(self: Mlflow, operation: str, *arguments: Any, **named: Any) -> Any:
        asked.append(operation)
        return read(self, operation, *arguments, **named)

    monkeypatch.setattr(Mlflow, "read", counted)
    monkeypatch.setattr(listing, "_MOST_MEASURED", 2)
    rows = mlops.models(name).rows
    assert [bool(row.metrics) for row in rows] == [True, True, False]
    assert len(asked) <= 5


def test_a_deleted_run_leaves_its_version_in_the_table(three: None, name: str) -> None:
    run_id = mlops.models(name).rows[0].run_id
    Workspace.here().mlflow.write("delete_run", run_id)
    rows = mlops.models(name).rows
    assert [row.version for row in rows] == [3, 2, 1]
    assert rows[0].metrics["accuracy"] == 0.93  # it is in the trash, not gone
