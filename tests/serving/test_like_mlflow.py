"""Beside MLflow's own scoring server, with the same versions: the same bytes for every format, and for its own clients."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
import requests
from mlflow.pyfunc import load_model as load_pyfunc
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from jupyter_mlops.backend import models
from jupyter_mlops.serving.model.loader import load_model

from .front.conftest import served
from .front.test_app import FRAME, TARGET, Client

DIABETES, PROGRESS = load_diabetes(return_X_y=True, as_frame=True)
LABELS = np.where(TARGET, "gutartig", "bösartig, <b>")
KINDS = ("classifier", "regressor", "forest", "labels", "outputs", "tensor", "types")

# One process for all models: each is MLflow's own application under its name.
PEER = """
import socket, sys, uvicorn
from fastapi import FastAPI
from mlflow.pyfunc import load_model, scoring_server
app = FastAPI()
for folder in sys.argv[2:]:
    app.mount("/" + folder.rsplit("/", 1)[-1], scoring_server.init(load_model(folder)))
print("ready", flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="error")).run([socket.socket(fileno=int(sys.argv[1]))])
"""


def trained(kind: str) -> tuple[Any, Any]:
    """An estimator, and the rows that it was fitted on."""
    classifier = make_pipeline(StandardScaler(), LogisticRegression())
    estimator, rows, target = {
        "classifier": (classifier, FRAME, TARGET),
        "regressor": (make_pipeline(StandardScaler(), LinearRegression()), DIABETES, PROGRESS),
        "forest": (RandomForestRegressor(10, random_state=0), DIABETES, PROGRESS),
        "labels": (classifier, FRAME, LABELS),
        "outputs": (MultiOutputClassifier(classifier), FRAME, np.array([TARGET, FRAME["mean area"] > 600]).T),
        "tensor": (classifier, FRAME.to_numpy(), TARGET),
        "types": (classifier, FRAME.astype({"mean radius": "int64", "mean area": "float32"}), TARGET),
    }[kind]
    return estimator.fit(rows, target), rows


@dataclass
class Pair:
    """The same model, served by MLflow and by us."""

    theirs: str
    ours: str
    folder: Path
    rows: Any

    def bodies(self, body: object, content_type: str = "application/json") -> tuple[bytes, bytes]:
        """Ask both the same."""
        answers = [
            requests.post(f"{url}/invocations", data=body, headers={"content-type": content_type}, timeout=60)
            for url in (self.theirs, self.ours)
        ]
        for answer in answers:
            assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json"), answer.text
        return answers[0].content, answers[1].content


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Pair]]:
    """All models, each served by both."""
    root = tmp_path_factory.mktemp("models")
    pairs: dict[str, Pair] = {}
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        theirs = f"http://127.0.0.1:{listener.getsockname()[1]}"
        for kind in KINDS:
            estimator, rows = trained(kind)
            models.save(estimator, root / kind, rows)
            client = Client(load_model(root / kind))
            port = stack.enter_context(served(client.front, client.connect()))
            pairs[kind] = Pair(f"{theirs}/{kind}", f"http://127.0.0.1:{port}", root / kind, rows[:7])
        folders = [str(root / kind) for kind in KINDS]
        peer = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", PEER, str(listener.fileno()), *folders],
            pass_fds=[listener.fileno()],
            stdout=subprocess.PIPE,
        )
        stack.callback(peer.wait, 60)
        stack.callback(peer.terminate)
        assert peer.stdout is not None
        stack.callback(peer.stdout.close)
        assert peer.stdout.readline() == b"ready\n"
        yield pairs


def written(rows: Any) -> list[tuple[str, str]]:
    """Write rows in all formats that fit them, each with its content type."""
    if isinstance(rows, np.ndarray):
        bodies: list[dict[str, Any]] = [{"instances": rows.tolist()}, {"inputs": rows.tolist()}]
        return [(json.dumps(body), "application/json") for body in bodies]
    frame = rows
    bodies = [
        {"dataframe_split": frame.to_dict("split")},
        {"dataframe_split": frame.to_dict("split"), "params": {}},
        {"dataframe_records": frame.to_dict("records")},
        {"instances": frame.to_dict("records")},
        {"inputs": frame.to_dict("list")},
    ]
    return [
        *((json.dumps(body), "application/json") for body in bodies),
        (json.dumps(bodies[0]), "application/json; charset=utf-8"),
        (frame.to_csv(index=False), "text/csv"),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_the_same_bytes_in_every_format(pairs: dict[str, Pair], kind: str) -> None:
    pair = pairs[kind]
    for rows in (pair.rows, pair.rows[:1]):
        for body, content_type in written(rows):
            theirs, ours = pair.bodies(body, content_type)
            assert ours == theirs


@pytest.mark.parametrize("kind", KINDS)
def test_mlflows_own_clients_get_the_same_predictions(pairs: dict[str, Pair], kind: str) -> None:
    pair = pairs[kind]
    client = ScoringServerClient("127.0.0.1", int(pair.ours.rpartition(":")[2]))
    client.wait_server_ready()
    assert client.get_version() == mlflow.__version__
    given = client.invoke(pair.rows).get_predictions("ndarray")
    wanted = np.asarray(load_pyfunc(str(pair.folder)).predict(pair.rows))
    assert given.shape == wanted.shape
    assert given.tolist() == wanted.tolist()
