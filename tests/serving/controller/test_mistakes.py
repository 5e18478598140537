"""What people do by mistake: a slip in the settings, a list of processes that is gone, an option left out."""

from __future__ import annotations

from pathlib import Path

import mlflow
import pytest

import jupyter_mlops as mlops
from jupyter_mlops.errors import Conflict, InvalidUsage
from jupyter_mlops.serving.files import files_of
from jupyter_mlops.workspace import Workspace

from ...waiting import until
from .test_following import _stopped as _stopped
from .test_following import add, ask, point


def test_an_endpoint_outlives_the_mistakes_of_people(name: str, project: Path, tracking_uri: str) -> None:
    first, second = add(name, 1.0), add(name, 2.0)
    point(name, first)
    endpoint = mlops.deploy(name, workers=2)
    files = files_of(Workspace.here().state.folder, name)

    # What is not given stays, and what is taken away is told.
    mlops.deploy(f"{name}/{second}", canary="50%")
    again = mlops.deploy(name)
    assert (again.pid, again.dropped) == (endpoint.pid, f"canary {second}")
    assert f"canary {second}" in str(again)
    wanted = files.wanted()
    assert wanted is not None
    assert wanted.workers == 2
    with pytest.raises(InvalidUsage, match="serves already"):
        mlops.deploy(f"{name}/{first}", canary="50%")

    # A slip in the settings: what they said before holds, and it is told once.
    settings = project / "mlops.toml"
    right = settings.read_text()
    settings.write_text(right + f"\n[endpoints.{name}]\ntimeot = 5\n")
    mlflow.MlflowClient(tracking_uri).set_registered_model_alias(name, "champion", str(second))
    until(lambda: ask(endpoint.url)[0] == str(second))
    settings.write_text(right)
    log = files.log.read_text()
    assert log.count("the settings are wrong") == 1
    assert "Traceback" not in log

    # Somebody removes the list of processes: the endpoint is found again, and no second one is started.
    for file in (project / ".mlops").glob("state.db*"):
        file.unlink()
    until(lambda: [row.pid for row in mlops.endpoints().rows] == [endpoint.pid])
    assert mlops.deploy(name).pid == endpoint.pid


def test_what_would_be_refused_is_refused_by_a_dry_run_too(name: str) -> None:
    add(name, 1.0)
    for options, error in (
        ({"port": 99_999}, Conflict),
        ({"workers": 1000}, InvalidUsage),
        ({"host": "0.0.0.0"}, InvalidUsage),
        ({"canary": "200%"}, InvalidUsage),
    ):
        with pytest.raises(error):
            mlops.deploy(f"{name}/1", dry_run=True, **options)
