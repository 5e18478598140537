"""What is asked of the REST API, and what MLflow's client gives: the same."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import pytest

import jupyter_mlops as mlops
from jupyter_mlops.backend import audit, experiments
from jupyter_mlops.backend.adapter import Mlflow
from jupyter_mlops.backend.light import Light
from jupyter_mlops.errors import Conflict, NotFound
from jupyter_mlops.workspace import Workspace

APPEND = """
import sys
from jupyter_mlops.backend import audit
from jupyter_mlops.backend.light import Light
mlflow = Light(sys.argv[1], 10.0)
for number in range(3):
    audit.append(mlflow, sys.argv[2], f"note {number}", who="ann", where="here")
print([name for name in ("mlflow", "sklearn", "pandas") if name in sys.modules])
"""


@pytest.fixture
def both(trained: Any, name: str) -> tuple[Mlflow, Light]:
    trained("first", accuracy=0.95)
    mlops.register(name)
    mlflow = Workspace.here().mlflow
    return mlflow, Light(mlflow.uri, 10.0)


def test_an_audit_is_written_without_mlflows_client_and_read_the_same_by_both(
    both: tuple[Mlflow, Light], name: str
) -> None:
    heavy, light = both
    done = subprocess.run(
        [sys.executable, "-c", APPEND, heavy.uri, name], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
    assert audit.read(light, name) == audit.read(heavy, name)
    assert [stored.event.action for stored in audit.read(heavy, name)] == ["register", "note 0", "note 1", "note 2"]
    assert "Verified" in str(mlops.audit(name, verify=True))


def test_an_event_that_is_taken_back_is_gone(
    both: tuple[Mlflow, Light], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    heavy, light = both
    monkeypatch.setattr(audit, "_TRIES", 1)
    monkeypatch.setattr(audit, "_has_rival", lambda *_: True)
    with pytest.raises(Conflict, match="Others keep changing"):
        audit.append(light, name, "note", who="ann", where="here")
    assert len(audit.read(heavy, name, pending=True)) == 1


def test_pages_follow_one_another(both: tuple[Mlflow, Light], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, light = both
    for number in range(4):
        audit.append(light, name, f"note {number}", who="ann", where="here")
    monkeypatch.setattr(experiments, "PAGE", 2)
    assert [stored.event.number for stored in audit.read(light, name)] == [1, 2, 3, 4, 5]


def test_what_is_not_there_is_said(both: tuple[Mlflow, Light], name: str) -> None:
    _, light = both
    assert light.read("get_experiment_by_name", f"{name} not there") is None
    with pytest.raises(NotFound):
        light.read("get_registered_model", f"{name} not there")
    with pytest.raises(NotFound):
        light.read("get_run", "0" * 32)


def test_for_what_it_does_not_know_mlflows_client_is_asked(both: tuple[Mlflow, Light], name: str) -> None:
    heavy, light = both
    assert light.read("get_model_version", name, "1").source == heavy.read("get_model_version", name, "1").source


def test_an_infinity_comes_back_as_one(trained: Any) -> None:
    run = trained("diverged", accuracy=0.5, up=math.inf, down=-math.inf, large=1e308)
    light = Light(Workspace.here().mlflow.uri, 10.0)
    metrics = light.read("get_run", run.run_id).data.metrics
    assert (metrics["up"], metrics["down"], metrics["large"]) == (math.inf, -math.inf, 1e308)
