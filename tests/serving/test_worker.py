"""The process of an endpoint: a real one, on a real port."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import mlflow.sklearn
import pytest
from mlflow.models import infer_signature
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier

from jupyter_mlops.errors import Conflict, InvalidUsage, UntrustedModel
from jupyter_mlops.trust import TRUSTED_TYPES

FRAME, TARGET = load_breast_cancer(return_X_y=True, as_frame=True)
ESTIMATOR = RandomForestClassifier(5, random_state=0).fit(FRAME, TARGET)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Save a forest, once."""
    folder = tmp_path_factory.mktemp("worker") / "model"
    with warnings.catch_warnings(action="ignore"):  # mlflow uses what pandas and Python deprecate
        mlflow.sklearn.save_model(
            ESTIMATOR,
            str(folder),
            serialization_format="skops",
            skops_trusted_types=sorted(TRUSTED_TYPES),
            pip_requirements=["scikit-learn"],
            signature=infer_signature(FRAME, TARGET),
        )
    return folder


def command(folder: Path, port: int, *more: str) -> list[str]:
    """Write the command line of a worker."""
    words = ["--endpoint", "live", "--folder", str(folder), "--model", "cancer", "--version", "7", "--port", str(port)]
    return [sys.executable, "-m", "jupyter_mlops.serving.worker", *words, *more]


def free_port() -> int:
    """Find a port that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def worker(folder: Path, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    """Start a worker, wait for its first answer, and kill it at the end if it still runs."""
    port = free_port()
    with (
        log.open("wb") as stderr,
        subprocess.Popen(command(folder, port), stderr=stderr) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        try:
            deadline = time.monotonic() + 60
            while True:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                try:
                    client.get("/ping").raise_for_status()
                    break
                except httpx.TransportError:
                    time.sleep(0.05)
            yield process, client
        finally:
            if process.poll() is None:
                process.kill()


def refused(folder: Path, port: int = 0) -> tuple[int, list[str]]:
    """Run a worker that must refuse to start."""
    done = subprocess.run(command(folder, port), capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr.splitlines()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_a_worker_answers_and_ends_cleanly(folder: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with worker(folder, log) as (process, client):
        body = json.dumps({"dataframe_split": FRAME.to_dict(orient="split")})
        answer = client.post("/invocations", content=body)
        assert answer.json() == {"predictions": ESTIMATOR.predict(FRAME).tolist()}
        assert answer.headers["x-model-version"] == "7"
        assert client.get("/health").json()["endpoint"] == "live"
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(15) == 0
    assert "endpoint live serves cancer/7 on http://127.0.0.1:" in log.read_text()
    assert "Traceback" not in log.read_text()


def test_an_untrusted_model_is_refused_in_one_line(tmp_path: Path) -> None:
    code, lines = refused(tmp_path)
    assert code == UntrustedModel.exit_code == 9
    assert len(lines) == 1
    assert lines[0].startswith("refused: UntrustedModel: The model has no MLmodel file.")


def test_a_model_without_a_signature_is_refused(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "MLmodel").write_text((folder / "MLmodel").read_text().replace("signature:", "unsigned:"))
    code, lines = refused(tmp_path)
    assert code == InvalidUsage.exit_code
    assert lines[0].startswith("refused: InvalidUsage: The model has no signature")


def test_a_port_that_is_taken_is_a_conflict(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, lines = refused(folder, taken.getsockname()[1])
    assert code == Conflict.exit_code
    assert len(lines) == 1
    assert "Can't listen" in lines[0]


def test_a_worker_imports_nothing_that_it_does_not_need() -> None:
    script = "import json, sys, jupyter_mlops.serving.worker; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    modules = json.loads(done.stdout)
    assert not {"mlflow", "IPython", "cyclopts", "matplotlib", "pydantic", "requests"} & set(modules)
    ours = {name for name in modules if name.startswith("jupyter_mlops.")}
    engine = {
        f"jupyter_mlops.serving.{name}" for name in ("app", "columns", "formats", "loader", "signature", "worker")
    }
    ground = {f"jupyter_mlops.{name}" for name in ("errors", "mlmodel", "trust")}
    assert ours == engine | ground | {"jupyter_mlops.serving"}
