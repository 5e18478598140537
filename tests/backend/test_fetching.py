"""A version's files without MLflow's client: the same, whole, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

import jupyter_mlops as mlops
from jupyter_mlops import signing
from jupyter_mlops.backend import fetching
from jupyter_mlops.errors import BackendUnreachable, NotFound
from jupyter_mlops.workspace import Workspace

X, y = load_diabetes(return_X_y=True, as_frame=True)

FETCH = """
import sys
from pathlib import Path
from jupyter_mlops.backend import fetching, versions
from jupyter_mlops.workspace import Workspace
mlflow = Workspace.here().mlflow
named = versions.named(mlflow, sys.argv[2], "champion")
print(fetching.download(mlflow, named, Path(sys.argv[1])))
print([name for name in ("mlflow", "sklearn", "pandas") if name in sys.modules])
"""


@pytest.fixture
def version(project: Path, name: str) -> Any:
    mlops.register(name, model=Ridge().fit(X, y), data=X)
    mlops.promote(f"{name}/1", force=True, reason="test")
    return Workspace.here().mlflow.read("get_model_version", name, "1")


def test_what_is_fetched_is_what_was_stored_and_nothing_heavy_is_imported(version: Any, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FETCH, str(tmp_path / "files"), version.name],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    folder, imported = done.stdout.splitlines()
    assert signing.digest(Path(folder)) == version.tags[signing.DIGEST]
    assert imported == "[]"


def test_what_lies_elsewhere_is_left_to_mlflow(version: Any, tmp_path: Path) -> None:
    mlflow = Workspace.here().mlflow
    for source in ("s3://bucket/model", "mlflow-artifacts://other:5000/model", str(tmp_path)):
        assert fetching.fetch(mlflow, source, tmp_path / "model") is None
    assert not (tmp_path / "model").exists()


class Server:
    """A server that lists what it likes."""

    def __init__(self, name: str, size: int) -> None:
        self._file = {"path": name, "is_dir": False, "file_size": size}

    def rest(self, method: str, path: str, /, **arguments: Any) -> dict[str, Any]:
        return {"files": [self._file]}

    def save(self, path: str, into: Path) -> None:
        into.write_bytes(b"four")


@pytest.mark.parametrize(("name", "size"), [("..", 4), ("a\\b", 4), ("model.skops", 5)])
def test_a_strange_name_or_half_a_file_is_refused(tmp_path: Path, name: str, size: int) -> None:
    with pytest.raises(BackendUnreachable):
        fetching.fetch(Server(name, size), "mlflow-artifacts:/1/model", tmp_path / "model")  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_model_that_is_gone_is_told_as_such(version: Any, tmp_path: Path) -> None:
    mlflow = Workspace.here().mlflow
    with pytest.raises(NotFound):
        fetching.fetch(mlflow, "models:/m-" + "0" * 32, tmp_path / "model")
    mlflow.write("delete_logged_model", version.source.removeprefix("models:/"))
    with pytest.raises(NotFound, match="/1 are missing"):
        fetching.download(mlflow, version, tmp_path / "files")
