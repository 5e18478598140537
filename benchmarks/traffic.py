"""An endpoint under the load of clients: versions that can be told apart by their answers, and what was answered."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from measure import environment, project
from mlflow.artifacts import download_artifacts
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

import jupyter_mlops as mlops
from jupyter_mlops.workspace import Workspace

CLIENTS = Path(__file__).with_name("clients.py")
MODEL = "sugar"
STEP = 10_000.0  # far more than what the model says: an answer names its version
X, y = load_diabetes(return_X_y=True, as_frame=True)
BODY = json.dumps({"dataframe_split": X.head(1).to_dict(orient="split")}).encode()


@dataclass(frozen=True)
class Answer:
    """What a client was told; ``status`` 0 is no answer at all."""

    begin: float
    seconds: float
    id: str
    status: int
    version: str
    said: str

    @property
    def is_mixed(self) -> bool:
        """Whether a good answer is not of the version that it names."""
        return self.status == 200 and round(json.loads(self.said)["predictions"][0] / STEP) != int(self.version)


@contextlib.contextmanager
def home(settings: str = "") -> Iterator[Path]:
    """Work in a project of its own."""
    before = Path.cwd()
    with project() as folder:
        os.chdir(folder)
        os.environ.update(environment())
        try:
            mlops.init()
            with (folder / "mlops.toml").open("a") as file:
                file.write(settings)
            yield folder
        finally:
            mlops.stop(all=True)
            os.chdir(before)


def register(number: int, *, columns: int = X.shape[1]) -> None:
    """Register a version; with fewer columns its clients can't ask it."""
    rows = X.iloc[:, :columns]
    registered = mlops.register(MODEL, model=Ridge().fit(rows, y + number * STEP), data=rows)
    assert registered.version == number


def damage(number: int) -> None:
    """Cut a version's file on the server."""
    mlflow = Workspace.here().mlflow
    source = mlflow.read("get_model_version_download_uri", MODEL, str(number))
    folder = Path(download_artifacts(artifact_uri=source, tracking_uri=mlflow.uri))
    (file,) = folder.glob("*.skops")
    file.write_bytes(file.read_bytes()[:-200])
    get_artifact_repository(source, tracking_uri=mlflow.uri).log_artifact(str(file))


def point(number: int) -> None:
    """Move the alias as anybody's client does."""
    Workspace.here().mlflow.write("set_registered_model_alias", MODEL, "champion", str(number))


@contextlib.contextmanager
def asking(url: str, threads: int, folder: Path) -> Iterator[list[Answer]]:
    """Ask all the time while the context lasts; the list is filled when it ends."""
    answers: list[Answer] = []
    file = folder / "answers"
    process = subprocess.Popen([sys.executable, str(CLIENTS), url, str(threads), str(file)], stdin=subprocess.PIPE)
    assert process.stdin
    process.stdin.write(BODY)
    process.stdin.close()
    try:
        yield answers
    finally:
        process.terminate()
        process.wait()
        for line in file.read_text().splitlines():
            begin, seconds, id, status, version, said = line.split("\t")
            answers.append(Answer(float(begin), float(seconds), id, int(status), version, said))


def p99(answers: list[Answer]) -> float:
    """Give milliseconds."""
    return float(np.quantile([answer.seconds for answer in answers], 0.99)) * 1000
