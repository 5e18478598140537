"""A version is what was registered: changed files are refused before they are read, and a pickle is loaded only if signed."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import mlflow.sklearn
import numpy as np
import pandas as pd
import pytest
from mlflow.artifacts import download_artifacts
from mlflow.models import infer_signature
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from sklearn.dummy import DummyRegressor

import jupyter_mlops as mlops
from jupyter_mlops import config, signing
from jupyter_mlops.errors import InvalidUsage, MlopsError, UntrustedModel
from jupyter_mlops.workspace import Workspace

from ..conftest import Face
from ..waiting import until
from .controller.test_following import _stopped, add, ask, point  # noqa: F401

pytest.importorskip("model_signing")

ROWS = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [1.0, 2.0, 3.0]})


class Touches:
    """Runs code as it is unpickled: makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def files_of(name: str, number: int) -> tuple[Path, Any]:
    """Download a version's files as anybody can, and say where they are on the server."""
    client = Workspace.here().mlflow
    uri = client.read("get_model_version_download_uri", name, str(number))
    folder = Path(download_artifacts(artifact_uri=uri, tracking_uri=client.uri))
    return folder, get_artifact_repository(uri, tracking_uri=client.uri)


def pickled(name: str, model: Any, monkeypatch: pytest.MonkeyPatch) -> int:
    """Let MLflow's own client log a model as a pickle, and register it."""
    client = Workspace.here().mlflow
    _ = client.client
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")  # MLflow writes it, and nobody takes it out
    mlflow.set_tracking_uri(client.uri)
    experiment = mlflow.set_experiment(f"experiment of {name}").experiment_id
    with mlflow.start_run(experiment_id=experiment):
        mlflow.sklearn.log_model(
            model, name="model", serialization_format="cloudpickle", signature=infer_signature(ROWS, np.ones(3)),
            pip_requirements=["scikit-learn"],
        )  # fmt: skip
    return int(mlops.register(name).version)


def allow(project: Path, policy: str) -> None:
    with (project / "mlops.toml").open("a") as file:
        file.write(f"\n[policy]\n{policy}\n")


def test_swapped_weights_are_refused_and_the_alias_is_left_alone(name: str) -> None:
    first, second, other = add(name, 1.0), add(name, 2.0), add(name, 3.0)
    point(name, first)
    endpoint = mlops.deploy(name)
    better, _ = files_of(name, other)
    _, repository = files_of(name, second)
    (weights,) = better.glob("*.skops")  # a model that is sound, and another one
    repository.log_artifact(str(weights))
    point(name, second)
    until(lambda: mlops.endpoints().rows[0].refused)
    (row,) = mlops.endpoints().rows
    assert "not those that were registered" in row.refused
    assert ask(endpoint.url) == ("1", 1.0)
    until(lambda: [e.evidence for e in mlops.audit(name).events if e.action == "refuse"])
    (event,) = [e for e in mlops.audit(name, verify=True).events if e.action == "refuse"]
    assert "not those that were registered" in event.evidence
    assert Workspace.here().mlflow.read("get_registered_model", name).aliases["champion"] == str(second)
    with pytest.raises(UntrustedModel, match="not those that were registered"):
        mlops.deploy(f"{name}/{second}")
    with pytest.raises(UntrustedModel, match="they are not signed"):
        mlops.register(name, run=f"run:{_run_of(name, second)}", sign=True)


def test_files_that_were_changed_here_are_fetched_again(name: str, project: Path) -> None:
    number = add(name, 1.0)
    mlops.deploy(f"{name}/{number}")
    mlops.undeploy(name)
    (file,) = (project / ".mlops/endpoints" / name / "versions").glob("*/*.skops")
    file.write_bytes(file.read_bytes()[:-100])
    assert ask(mlops.deploy(f"{name}/{number}").url) == ("1", 1.0)


def test_every_face_signs(face: Face, name: str) -> None:
    number = add(name, 1.0)
    assert mlops.models(name).frame()["signed"].tolist() == [False]
    signed = face(f"register {name} --sign").data
    assert (signed["version"], signed["is_new"], signed["is_signed"]) == (number, False, True)
    assert mlops.models(name).frame()["signed"].tolist() == [True]
    assert "signed" in str(mlops.models(name))


def test_a_project_that_signs_serves_nothing_else(name: str, project: Path) -> None:
    number = add(name, 1.0)
    allow(project, 'models = "signed"')
    with pytest.raises(UntrustedModel, match="not signed by the project's key"):
        mlops.deploy(f"{name}/{number}")
    mlops.register(name, sign=True)
    assert ask(mlops.deploy(f"{name}/{number}").url) == ("1", 1.0)
    mlops.undeploy(name)
    folder, _ = files_of(name, number)
    (folder / "registered_model_meta").unlink(missing_ok=True)
    version = Workspace.here().mlflow.read("get_model_version", name, str(number))
    (project / "signature.sig").write_text(version.tags[signing.SIGNATURE])
    command = [sys.executable, "-m", "model_signing", "verify", "key", str(folder), "--signature", "signature.sig"]
    done = subprocess.run(
        [*command, "--public_key", ".mlops/signing.pub.pem"], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_another_key_has_signed_is_not_signed(name: str, project: Path) -> None:
    number = add(name, 1.0)
    mlops.register(name, sign=True)
    for file in (project / ".mlops").glob("signing*"):
        file.unlink()
    signing.own_key(project / ".mlops")
    allow(project, 'models = "signed"')
    with pytest.raises(UntrustedModel, match="not signed by the project's key"):
        mlops.deploy(f"{name}/{number}")


def test_a_pickle_is_loaded_only_if_the_projects_key_has_signed_it(
    name: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = DummyRegressor(strategy="constant", constant=5.0).fit(ROWS, [5.0] * 3)
    number = pickled(name, model, monkeypatch)
    allow(project, 'pickle = "signed"')
    with pytest.raises(UntrustedModel, match="pickle"):
        mlops.deploy(f"{name}/{number}")
    mlops.register(name, sign=True)
    assert ask(mlops.deploy(f"{name}/{number}").url) == (str(number), 5.0)

    marker = project / "it has run"
    folder, repository = files_of(name, number)
    (folder / "registered_model_meta").unlink(missing_ok=True)
    (weights,) = folder.glob("*.pkl")
    weights.write_bytes(pickle.dumps(Touches(marker)))
    repository.log_artifact(str(weights))
    mlops.undeploy(name)
    for left in (project / ".mlops/endpoints" / name / "versions").glob("*/*.pkl"):
        left.write_bytes(weights.read_bytes())
    with pytest.raises(UntrustedModel, match="not those that were registered"):
        mlops.deploy(f"{name}/{number}")
    Workspace.here().mlflow.write("set_model_version_tag", name, str(number), signing.DIGEST, signing.digest(folder))
    with pytest.raises(UntrustedModel, match="runs code"):  # its digest is forged, and its signature can't be
        mlops.deploy(f"{name}/{number}")
    assert not marker.exists()


@pytest.mark.parametrize("policy", ['pickle = "allowed"', "models = true", 'pickles = "signed"'])
def test_a_policy_that_is_none_is_told(tmp_path: Path, policy: str) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other/mlops.toml").write_text(f"[policy]\n{policy}\n")
    with pytest.raises(InvalidUsage, match=r"mlops\.toml, line 2: .*policy"):
        config.load(tmp_path / "other")


def test_a_digest_is_of_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/b").write_text("2")
    seen = {signing.digest(tmp_path)}
    (tmp_path / "sub/b").write_text("3")
    seen.add(signing.digest(tmp_path))
    (tmp_path / "sub/b").rename(tmp_path / "sub/c")
    seen.add(signing.digest(tmp_path))
    (tmp_path / "new").touch()
    seen.add(signing.digest(tmp_path))
    assert len(seen) == 4
    (tmp_path / "link").symlink_to("/etc/hostname")
    with pytest.raises(MlopsError, match="symbolic link"):
        signing.digest(tmp_path)


def _run_of(name: str, number: int) -> str:
    return str(Workspace.here().mlflow.read("get_model_version", name, str(number)).run_id)
