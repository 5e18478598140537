"""The HTTP face: every answer says who gave it, and none says how the server is built."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import threading
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from mlflow.models import infer_signature
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from jupyter_mlops.serving.front.app import Front
from jupyter_mlops.serving.front.dispatcher import Limits
from jupyter_mlops.serving.front.links import Link
from jupyter_mlops.serving.front.routing import Arm, Routing
from jupyter_mlops.serving.model.loader import LoadedModel
from jupyter_mlops.serving.model.predictor import Predictor
from jupyter_mlops.serving.model.process import Service, listen
from jupyter_mlops.serving.model.signature import Signature
from jupyter_mlops.serving.wire import MAX_BYTES

from .conftest import Direct

FRAME, TARGET = load_breast_cancer(return_X_y=True, as_frame=True)
ESTIMATOR = make_pipeline(StandardScaler(), LogisticRegression()).fit(FRAME, TARGET)
MODEL = LoadedModel(
    predict=ESTIMATOR.predict,
    signature=Signature.parse(infer_signature(FRAME, TARGET).to_dict()),
    input_example=None,
    mlflow_version="3.17.2",
    sklearn_version="1.9.1",
    method="predict",
)
ROWS = FRAME[:50]
BODY = json.dumps({"dataframe_split": ROWS.to_dict(orient="split")})


class Client:
    """Ask the front without a network; behind it a predictor answers over a real socket."""

    def __init__(self, *models: LoadedModel, limits: Limits | None = None) -> None:
        self.front = Front("churn-live", ["serving.example"], limits or Limits())
        folder = Path(tempfile.mkdtemp(prefix="mlops-"))  # pytest's own are too long for a socket
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.sockets: list[str] = []
        for number, model in enumerate(models or [MODEL]):
            path = folder / str(number)
            threading.Thread(target=Service(Predictor(model), listen(path)).run, daemon=True).start()
            self.sockets.append(str(path))

    def arm(self, version: int, link: Link, role: str = "champion") -> Arm:
        """Let a version take part."""
        figures = self.front.dispatcher.figures_of(role, str(version))
        return Arm(role, str(version), [link], {"mlflow_version": "3.17.2"}, figures)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[tuple[httpx.AsyncClient, list[Link]]]:
        """Make a client for several requests in one event loop; version 3 answers, and the next ones could."""
        links = [await Link.to(path) for path in self.sockets]
        self.front.dispatcher.routing = Routing("churn", self.arm(3, links[0]))
        transport = Direct(self.front)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield client, links
        for link in links:
            link.close()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Ask once."""

        async def ask() -> httpx.Response:
            async with self.connect() as (client, _):
                return await client.request(method, path, **options)

        return asyncio.run(ask())

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Ask once by GET."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        """Ask once by POST."""
        return self.request("POST", path, **options)


@pytest.fixture
def client() -> Client:
    """Serve the model."""
    return Client()


def test_every_format_is_answered_as_the_estimator_does(client: Client) -> None:
    wanted = {"predictions": ESTIMATOR.predict(ROWS).tolist()}
    bodies: list[Any] = [
        {"dataframe_split": ROWS.to_dict(orient="split")},
        {"dataframe_records": ROWS.to_dict(orient="records")},
        {"instances": ROWS.to_dict(orient="records")},
        {"instances": ROWS.to_numpy().tolist()},
        {"inputs": ROWS.to_dict(orient="list")},
        {"inputs": ROWS.to_numpy().tolist(), "params": {}},
    ]
    for body in bodies:
        answer = client.post("/invocations", content=json.dumps(body))
        assert (answer.status_code, answer.json()) == (200, wanted)
        assert answer.headers["content-type"] == "application/json"
    answer = client.post("/invocations", content=ROWS.to_csv(index=False), headers={"content-type": "text/csv"})
    assert (answer.status_code, answer.json()) == (200, wanted)


def test_the_small_paths(client: Client) -> None:
    assert client.get("/ping").status_code == 200
    assert client.get("/health").json() == {
        "status": "ok",
        "endpoint": "churn-live",
        "model": "churn",
        "version": "3",
    }
    version = client.get("/version")
    assert (version.text, version.headers["content-type"]) == ("3.17.2", "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nope", 404, "NOT_FOUND"),
        ("GET", "/invocations", 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/ping", 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/invocations", 400, "INVALID_JSON"),
    ],
)
def test_errors_are_json(client: Client, method: str, path: str, status: int, code: str) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    assert set(answer.json()) == {"error_code", "message", "column"}
    assert answer.headers["x-model-version"] == "3"
    assert len(answer.headers["x-request-id"]) == 32
    assert (status == 405) == ("allow" in answer.headers)


def test_a_refusal_names_the_column(client: Client) -> None:
    answer = client.post("/invocations", json={"dataframe_records": ROWS.drop(columns="mean area").to_dict("records")})
    assert (answer.status_code, answer.json()) == (
        400,
        {
            "error_code": "MISSING_COLUMN",
            "message": "The request lacks the column 'mean area'.",
            "column": "mean area",
        },
    )


def test_types_and_sizes_that_are_not_served(client: Client) -> None:
    assert client.post("/invocations", content=BODY, headers={"content-type": "text/html"}).status_code == 415
    assert client.post("/invocations", content=BODY, headers={"content-encoding": "gzip"}).status_code == 415
    too_large = client.post("/invocations", content=b" " * (MAX_BYTES + 1))
    assert (too_large.status_code, too_large.json()["error_code"]) == (413, "TOO_LARGE")


@pytest.mark.parametrize("sane", ["a", "4bf92f35-77b3 x", "x" * 128])
def test_a_sane_request_id_comes_back(client: Client, sane: str) -> None:
    assert client.get("/ping", headers={"x-request-id": sane}).headers["x-request-id"] == sane


@pytest.mark.parametrize("odd", ["", "x" * 129, "tab\tin", "ü".encode()])
def test_an_odd_request_id_is_replaced(client: Client, odd: str | bytes) -> None:
    raw = odd if isinstance(odd, bytes) else odd.encode()
    given = client.get("/ping", headers={"x-request-id": raw}).headers["x-request-id"]
    assert len(given) == 32
    assert int(given, 16)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:80", "127.0.0.1:5000", "[::1]", "[::1]:5000", "serving.example:1"]
)
def test_its_own_names_are_known(client: Client, host: str) -> None:
    assert client.get("/ping", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["", "evil.com", "127.0.0.1.evil.com", "localhost.evil.com", "evil.com:80", "a@localhost", "::1", "localhost:x"],
)
def test_a_foreign_host_is_refused(client: Client, host: str) -> None:
    for method, path in (("GET", "/ping"), ("POST", "/invocations"), ("GET", "/nope")):
        answer = client.request(method, path, headers={"host": host}, content=BODY)
        assert (answer.status_code, answer.json()["error_code"]) == (403, "FOREIGN_HOST")
        assert answer.headers["x-model-version"] == "3"


def test_values_that_the_estimator_refuses_are_the_clients_fault(client: Client) -> None:
    answer = client.post(
        "/invocations",
        content=ROWS.assign(**{"mean area": np.nan}).to_csv(index=False),
        headers={"content-type": "text/csv"},
    )
    assert (answer.status_code, answer.json()["error_code"]) == (400, "MODEL_REFUSED_INPUT")
    assert answer.json()["message"] == "The model refuses these values: Input X contains NaN."
    assert answer.json()["column"] == "mean area"
    rows = [*ROWS.to_numpy()[:2].tolist()]
    rows[1][1] = float("inf")
    answer = client.post("/invocations", content=json.dumps({"instances": rows}))
    assert (answer.json()["error_code"], answer.json()["column"]) == ("MODEL_REFUSED_INPUT", "mean texture")
    assert "infinity" in answer.json()["message"]


def test_a_number_of_thousands_of_digits_names_its_column(client: Client) -> None:
    row = json.dumps([*ROWS.to_numpy()[0].tolist()][1:])
    for sign in ("", "-"):
        body = '{"instances": [[' + sign + "1" * 5000 + ", " + row[1:] + "]}"
        told = client.post("/invocations", content=body).json()
        assert (told["error_code"], told["column"]) == ("WRONG_TYPE", "mean radius")
        assert "a number that is too large" in told["message"]


def test_a_fault_of_the_server_tells_the_log_and_not_the_client(caplog: pytest.LogCaptureFixture) -> None:
    def broken(rows: Any) -> Any:
        raise RuntimeError("/secret/path")

    answer = Client(replace(MODEL, predict=broken)).post("/invocations", content=BODY, headers={"x-request-id": "abc"})
    assert (answer.status_code, answer.json()["error_code"]) == (500, "INTERNAL_ERROR")
    assert "secret" not in answer.text
    assert (answer.headers["x-model-version"], answer.headers["x-request-id"]) == ("3", "abc")
    assert "request abc failed" in caplog.text
    assert "/secret/path" in caplog.text


def test_a_new_version_takes_over_between_two_requests_and_not_within_one() -> None:
    free, asked = threading.Event(), threading.Event()

    def slow(rows: Any) -> Any:
        asked.set()
        assert free.wait(60)
        return np.zeros(len(rows))

    endpoint = Client(replace(MODEL, predict=slow), MODEL)

    async def scenario() -> tuple[httpx.Response, httpx.Response]:
        async with endpoint.connect() as (client, links):
            first = asyncio.create_task(client.post("/invocations", content=BODY))
            while not asked.is_set():
                await asyncio.sleep(0.01)
            # The first request is being predicted, and the front answers others meanwhile.
            assert (await client.get("/ping")).headers["x-model-version"] == "3"
            endpoint.front.dispatcher.routing = Routing("churn", endpoint.arm(4, links[1]))
            second = await client.post("/invocations", content=BODY)
            free.set()
            return await first, second

    first, second = asyncio.run(asyncio.wait_for(scenario(), 120))
    assert (first.headers["x-model-version"], sum(first.json()["predictions"])) == ("3", 0)
    assert (second.headers["x-model-version"], second.json()["predictions"]) == ("4", ESTIMATOR.predict(ROWS).tolist())


def test_requests_that_wait_together_are_predicted_together_and_get_their_own() -> None:
    sizes: list[int] = []
    free = threading.Event()

    def counting(rows: Any) -> Any:
        sizes.append(len(rows))
        assert free.wait(60)
        return ESTIMATOR.predict(rows)

    endpoint = Client(replace(MODEL, predict=counting))
    bodies = [json.dumps({"dataframe_split": FRAME[n : n + 1 + n % 3].to_dict(orient="split")}) for n in range(20)]
    bodies[7] = json.dumps({"dataframe_split": {"columns": ["nonsense"], "data": [[1]]}})
    bodies[9] = json.dumps({"dataframe_split": FRAME[:1].assign(**{"mean area": "much"}).to_dict(orient="split")})

    async def scenario() -> list[httpx.Response]:
        async with endpoint.connect() as (client, _):
            asked = [asyncio.create_task(client.post("/invocations", content=body)) for body in bodies]
            while not sizes or endpoint.front.dispatcher.waiting + sum(task.done() for task in asked) < len(bodies):
                await asyncio.sleep(0.01)
            free.set()
            return await asyncio.gather(*asked)

    answers = asyncio.run(asyncio.wait_for(scenario(), 120))
    for number, answer in enumerate(answers):
        if number in (7, 9):
            assert answer.status_code == 400
        else:
            rows = FRAME[number : number + 1 + number % 3]
            assert answer.json() == {"predictions": ESTIMATOR.predict(rows).tolist()}
    assert max(sizes) > 3  # most of them waited for the first


def test_a_full_queue_says_so() -> None:
    free = threading.Event()
    endpoint = Client(
        replace(MODEL, predict=lambda rows: free.wait(60) and np.zeros(len(rows))), limits=Limits(waiting=3)
    )

    async def scenario() -> list[httpx.Response]:
        async with endpoint.connect() as (client, _):
            asked = [asyncio.create_task(client.post("/invocations", content=BODY)) for _ in range(5)]
            while sum(task.done() for task in asked) < 2:
                await asyncio.sleep(0.01)
            free.set()
            return await asyncio.gather(*asked)

    answers = asyncio.run(asyncio.wait_for(scenario(), 120))
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [503] * 2
    (full, _) = [answer for answer in answers if answer.status_code == 503]
    assert (full.json()["error_code"], full.headers["retry-after"]) == ("QUEUE_FULL", "1")


def test_a_model_process_that_dies_is_told_to_who_waited_and_the_others_wait_for_the_next() -> None:
    free = threading.Event()
    endpoint = Client(replace(MODEL, predict=lambda rows: free.wait(60) and np.zeros(len(rows))), MODEL)

    async def under_way(count: int) -> None:
        while endpoint.front.dispatcher.waiting < count:
            await asyncio.sleep(0.01)

    async def scenario() -> tuple[httpx.Response, httpx.Response]:
        async with endpoint.connect() as (client, links):
            first = asyncio.create_task(client.post("/invocations", content=BODY))
            await under_way(1)
            links[0].close()  # as the system closes the sockets of a process that was killed
            lost = await first
            second = asyncio.create_task(client.post("/invocations", content=BODY))
            await under_way(1)
            assert (await client.get("/ping")).status_code == 503
            endpoint.front.dispatcher.routing = Routing("churn", endpoint.arm(3, links[1]))
            free.set()
            return lost, await second

    lost, answered = asyncio.run(asyncio.wait_for(scenario(), 120))
    assert (lost.status_code, lost.json()["error_code"]) == (503, "MODEL_UNAVAILABLE")
    assert answered.json() == {"predictions": ESTIMATOR.predict(ROWS).tolist()}


def test_a_canary_gets_its_share_and_the_same_id_the_same_side() -> None:
    canary = Arm("canary", "4", [], {})
    routing = Routing("churn", Arm("champion", "3", [], {}), canary, 0.1)
    ids = [f"{number:x}" for number in range(20_000)]
    chosen = [routing.choose(each) for each in ids]
    assert chosen == [routing.choose(each) for each in ids]
    assert 0.09 < sum(arm is canary for arm in chosen) / len(chosen) < 0.11
    assert routing.choose("") is routing.champion or routing.choose("") is canary
