"""The open inference protocol v2: NVIDIA's own client on a real socket, and what is refused by name."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import struct
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
import tritonclient.http as triton
import uvicorn
from mlflow.models import infer_signature
from mlflow.types import ColSpec, DataType, Schema
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from tritonclient.utils import InferenceServerException

from jupyter_mlops.serving.front.app import Front
from jupyter_mlops.serving.front.links import Link
from jupyter_mlops.serving.front.process import config_of
from jupyter_mlops.serving.front.routing import Arm, Routing
from jupyter_mlops.serving.log.reader import read_frame
from jupyter_mlops.serving.log.writer import LogWriter
from jupyter_mlops.serving.model.loader import LoadedModel
from jupyter_mlops.serving.model.predictor import Predictor
from jupyter_mlops.serving.model.process import Service, listen
from jupyter_mlops.serving.model.protocols import Protocols
from jupyter_mlops.serving.model.signature import Signature
from jupyter_mlops.serving.wire import Frame

from .test_app import ESTIMATOR, FRAME, MODEL, ROWS

MATRIX = ROWS.to_numpy()
LABELS = ESTIMATOR.predict(ROWS)
TARGETS = np.array([ESTIMATOR.predict(FRAME), FRAME["mean area"] > 600]).T
TEXTS = ["good film", "bad film", "großartig", "so bad"]


def loaded(estimator: Any, rows: Any, inputs: Any = None, method: str = "predict") -> LoadedModel:
    """What a model process would hold of an estimator that was logged with these rows."""
    said = infer_signature(rows, getattr(estimator, method)(rows)).to_dict()
    signature = Signature.parse(said if inputs is None else said | {"inputs": inputs.to_json()})
    return replace(MODEL, predict=getattr(estimator, method), signature=signature, method=method)


@contextmanager
def serve(*models: LoadedModel, log: Path | None = None) -> Iterator[tuple[str, Front]]:
    """Serve models as versions 3, 4 … of ``churn``, the second as canary with no traffic, on a real port."""
    folder = Path(tempfile.mkdtemp(prefix="mlops-"))
    front = Front("churn-live")
    config = config_of(front)
    config.port = 0
    server = uvicorn.Server(config)
    arms: list[tuple[str, str, dict[str, Any]]] = []
    for number, model in enumerate(models):
        example = model.input_example
        protocols = Protocols(model, "churn", str(3 + number), None if example is None else model.predict(example))
        writer = log and LogWriter(log, model.signature, endpoint="churn-live", model="churn", version=3 + number)
        service = Service(Predictor(model, writer, protocols=protocols), listen(folder / str(number)))
        threading.Thread(target=service.run, daemon=True).start()
        arms.append((str(folder / str(number)), str(3 + number), {"tensors": protocols.told()}))

    async def run() -> None:
        sides = [
            Arm(role, version, [await Link.to(path)], about)
            for role, (path, version, about) in zip(("champion", "canary"), arms, strict=False)
        ]
        front.dispatcher.routing = Routing("churn", *sides)
        await server.serve()
        for side in sides:
            side.links[0].close()
        await asyncio.sleep(0)

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"127.0.0.1:{port}", front
    server.should_exit = True
    thread.join(60)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A model of 30 numbers behind a port, and its log."""
    log = tmp_path_factory.mktemp("log")
    with serve(replace(MODEL, input_example=ROWS[:2]), log=log) as (address, _):
        yield address, log


@pytest.fixture
def client(address: tuple[str, Path]) -> Iterator[triton.InferenceServerClient]:
    """NVIDIA's client of it."""
    with triton.InferenceServerClient(address[0]) as client:
        yield client


def tensor(name: str, array: np.ndarray[Any, Any], datatype: str, *, binary: bool = True) -> triton.InferInput:
    """A tensor as NVIDIA's client sends it."""
    made = triton.InferInput(name, list(array.shape), datatype)
    made.set_data_from_numpy(array, binary_data=binary)
    return made


def columns(frame: pd.DataFrame, *, binary: bool) -> list[triton.InferInput]:
    """One tensor for each column."""
    return [tensor(str(name), column.to_numpy()[:, None], "FP64", binary=binary) for name, column in frame.items()]


def test_the_server_and_its_model_are_told(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("churn")
    assert client.is_model_ready("churn", "3")
    assert not client.is_model_ready("churn", "2")
    assert not client.is_model_ready("other")
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    about = client.get_model_metadata("churn")
    assert about == client.get_model_metadata("churn", "3")
    assert (about["name"], about["versions"]) == ("churn", ["3"])
    assert about["inputs"] == [{"name": name, "datatype": "FP64", "shape": [-1, 1]} for name in FRAME.columns]
    assert about["outputs"] == [{"name": "predict", "datatype": "INT64", "shape": [-1]}]
    with pytest.raises(InferenceServerException, match="no model of that name here, but churn"):
        client.get_model_metadata("other")


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("version", ["", "3"])
def test_tensors_are_answered_as_the_estimator_does(
    client: triton.InferenceServerClient, binary: bool, version: str
) -> None:
    for inputs in (
        columns(ROWS, binary=binary),
        columns(ROWS[ROWS.columns[::-1]], binary=binary),
        [tensor("input-0", MATRIX, "FP64", binary=binary)],
    ):
        outputs = [triton.InferRequestedOutput("predict", binary_data=binary)]
        answer = client.infer("churn", inputs, version, outputs, request_id="abc 7")
        assert np.array_equal(answer.as_numpy("predict"), LABELS)
        assert answer.as_numpy("predict").dtype == LABELS.dtype
        said = answer.get_response()
        assert (said["model_name"], said["model_version"], said["id"]) == ("churn", "3", "abc 7")
        assert ("data" in said["outputs"][0]) != binary
    assert np.array_equal(client.infer("churn", columns(ROWS, binary=True)).as_numpy("predict"), LABELS)


def test_the_protocols_own_id_is_the_requests_and_is_in_the_log(address: tuple[str, Path]) -> None:
    url, log = address
    tensors = [{"name": "x", "shape": [2, 30], "datatype": "FP64", "data": MATRIX[:2].tolist()}]
    body = {"id": "mine-1", "inputs": tensors}
    headers = {"x-request-id": "theirs", "x-request-tags": "team=red"}
    answer = httpx.post(f"http://{url}/v2/models/churn/infer", json=body, headers=headers)
    assert (answer.headers["x-request-id"], answer.headers["x-model-version"]) == ("mine-1", "3")
    assert answer.json()["id"] == "mine-1"
    answer = httpx.post(f"http://{url}/v2/models/churn/infer", json={"inputs": tensors}, headers=headers)
    assert answer.headers["x-request-id"] == "theirs"
    assert "id" not in answer.json()
    odd = httpx.post(f"http://{url}/v2/models/churn/infer", json=body | {"id": "tab\t" + "x" * 200})
    assert (odd.json()["id"], len(odd.headers["x-request-id"])) == ("tab\t" + "x" * 200, 32)
    rows = read_frame(log).set_index("id")
    assert rows.loc["mine-1", "prediction"] == LABELS[0]
    assert rows.loc["mine-1/1", "input.mean area"] == FRAME["mean area"][1]
    assert "team" in rows.loc["theirs", "tags"]


def test_every_type_of_column_comes_as_a_tensor() -> None:
    seen: list[pd.DataFrame] = []

    def predict(rows: pd.DataFrame) -> np.ndarray[Any, Any]:
        seen.append(rows)
        return np.array(["ja", "nein, <b>", "ü"], dtype=object)[: len(rows)]

    kinds = {
        "double": (np.array([0.5, np.nan, -1e300]), "FP64"),
        "float": (np.array([0.5, 1, 2], np.float16), "FP16"),
        "long": (np.array([1, 2, -(2**63)]), "INT64"),
        "integer": (np.array([1, 2, 255], np.uint8), "UINT8"),
        "boolean": (np.array([True, False, True]), "BOOL"),
        "string": (np.array(["a", "", "großartig 🎬"], object), "BYTES"),
        "datetime": (np.array(["2024-02-29T12:00:00"] * 3, object), "BYTES"),
    }
    inputs = Schema([ColSpec(DataType[kind], kind) for kind in kinds])
    said = {"inputs": inputs.to_json()}
    model = replace(MODEL, predict=predict, signature=Signature.parse(said), input_example=None)
    with serve(model) as (address, _), triton.InferenceServerClient(address) as client:
        told = client.get_model_metadata("churn")["inputs"]
        assert [each["datatype"] for each in told] == ["FP64", "FP32", "INT64", "INT32", "BOOL", "BYTES", "BYTES"]
        for binary in (True, False):
            tensors = [tensor(name, array, kind, binary=binary) for name, (array, kind) in kinds.items()]
            wanted = [triton.InferRequestedOutput("predict", binary_data=binary)]
            answer = client.infer("churn", tensors, outputs=wanted).as_numpy("predict")
            assert [each.decode() if binary else each for each in answer] == ["ja", "nein, <b>", "ü"]
    for frame in seen:
        assert [str(dtype) for dtype in frame.dtypes[:5]] == ["float64", "float32", "int64", "int32", "bool"]
        assert frame["double"].tolist()[::2] == [0.5, -1e300]
        assert np.isnan(frame["double"][1])
        assert frame["string"].tolist() == ["a", "", "großartig 🎬"]
        assert frame["datetime"][0] == pd.Timestamp("2024-02-29 12:00")
        assert frame["long"][2] == -(2**63)


def test_models_of_other_shapes() -> None:
    many = MultiOutputClassifier(ESTIMATOR).fit(FRAME, TARGETS)
    bare = make_pipeline(LogisticRegression(max_iter=5000)).fit(MATRIX, LABELS)
    words = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, ["gut", "schlecht"] * 2)
    cases = [
        (loaded(many, ROWS), MATRIX, "FP64", {"predict": many.predict(ROWS)}),
        (
            loaded(many, ROWS, method="predict_proba"),
            MATRIX,
            "FP64",
            {f"predict_proba_{n}": part for n, part in enumerate(many.predict_proba(ROWS))},
        ),
        (loaded(bare, MATRIX), MATRIX, "FP64", {"predict": bare.predict(MATRIX)}),
        (loaded(words, np.array(TEXTS)), np.array(TEXTS, object), "BYTES", {"predict": words.predict(TEXTS)}),
    ]
    for model, rows, datatype, wanted in cases:
        with serve(model) as (address, _), triton.InferenceServerClient(address) as client:
            answer = client.infer("churn", [tensor("any name", rows, datatype)])
            for name, array in wanted.items():
                given = answer.as_numpy(name)
                assert given.shape == array.shape
                if datatype == "BYTES":
                    assert [text.decode() for text in given] == array.tolist()
                else:
                    np.testing.assert_allclose(given, array, rtol=1e-12)


def test_a_version_that_takes_part_can_be_asked_by_its_number() -> None:
    other = replace(MODEL, predict=lambda rows: np.full(len(rows), 7))
    with serve(MODEL, other) as (address, _), triton.InferenceServerClient(address) as client:
        inputs = columns(ROWS, binary=True)
        assert client.get_model_metadata("churn")["versions"] == ["3", "4"]
        assert set(client.infer("churn", inputs, "4").as_numpy("predict")) == {7}
        assert np.array_equal(client.infer("churn", inputs, "3").as_numpy("predict"), LABELS)
        with pytest.raises(InferenceServerException, match="That version does not answer now, but 3 and 4"):
            client.infer("churn", inputs, "5")


V2 = Protocols(replace(MODEL, input_example=ROWS[:2]), "churn", "3", LABELS[:2])
PREDICTOR = Predictor(MODEL, protocols=V2)


def ask(body: object, rest: bytes = b"", **about: Any) -> tuple[int, dict[str, Any]]:
    """Ask the model process, as the front does."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    header = {"header": str(len(raw))} if rest else {}
    ((_, reply),) = PREDICTOR.answer([Frame(0, {"id": "x", "protocol": "v2", **header, **about}, raw + rest)])
    return reply.status, json.loads(reply.body)


def one(**changes: Any) -> dict[str, Any]:
    """A request of one row in one tensor, of which some is changed; None takes it away."""
    given = {"name": "x", "shape": [1, 30], "datatype": "FP64", "data": [1.0] * 30} | changes
    return {"inputs": [{key: value for key, value in given.items() if value is not None}]}


ROW = struct.pack("<30d", *[1.0] * 30)
AREA = {"name": "mean area", "shape": [1], "datatype": "FP64", "data": [1.0]}


def test_a_missing_number_is_nan_in_bytes_and_null_in_json() -> None:
    seen: list[Any] = []
    predictor = Predictor(replace(MODEL, predict=lambda rows: seen.append(rows) or LABELS[:1]), protocols=V2)
    holes = np.where(np.arange(30) == 7, np.nan, 1.0)
    data = [None if np.isnan(number) else number for number in holes]
    for body, rest in ((one(data=data), b""), (one(data=None, parameters={"binary_data_size": 240}), holes.tobytes())):
        raw = json.dumps(body).encode()
        predictor.answer([Frame(0, {"id": "x", "protocol": "v2", "header": str(len(raw))}, raw + rest)])
    for rows in seen:
        assert np.array_equal(np.asarray(rows)[0], holes, equal_nan=True)
    assert len(seen) == 2


def test_what_is_right_is_taken() -> None:
    for body, rest in (
        (one(), b""),
        (one(data=[[1] * 30]), b""),
        (one(datatype="INT8", data=[1.0] * 30), b""),
        (one(parameters=None) | {"parameters": None, "outputs": []}, b""),
        (one(parameters={"content_type": "np"}) | {"outputs": [{"name": "predict"}]}, b""),
        (one(data=None, parameters={"binary_data_size": 240}), ROW),
    ):
        status, said = ask(body, rest)
        assert (status, said.get("error")) == (200, None)
        assert said["outputs"][0]["shape"] == [1]
    assert ask(one(), type="application/octet-stream")[0] == 200
    assert ask(one(), type="application/json; charset=utf-8")[0] == 200


@pytest.mark.parametrize(
    ("body", "code", "column"),
    [
        (b"{", "INVALID_JSON", None),
        (b"[" * 5000, "INVALID_JSON", None),
        (b'{"inputs": ["\xff"]}', "INVALID_ENCODING", None),
        (b'{"inputs": [], "inputs": []}', "DUPLICATE_KEY", "inputs"),
        ([], "INVALID_INPUT", None),
        ({}, "INVALID_INPUT", None),
        ({"inputs": []}, "NO_ROWS", None),
        ({"inputs": [1]}, "INVALID_INPUT", None),
        ({"inputs": {}}, "INVALID_INPUT", None),
        (one() | {"instances": []}, "INVALID_INPUT", None),
        (one() | {"id": 7}, "INVALID_INPUT", None),
        (one() | {"parameters": []}, "INVALID_INPUT", None),
        (one() | {"parameters": {"binary_data_output": 1}}, "INVALID_INPUT", None),
        (one() | {"outputs": [{"name": "nope"}]}, "UNKNOWN_OUTPUT", "nope"),
        (one() | {"outputs": [{"name": "predict", "parameters": {"classification": 2}}]}, "INVALID_INPUT", None),
        (one(name=7), "INVALID_INPUT", None),
        (one(extra=7), "INVALID_INPUT", None),
        (one(datatype="BF16"), "UNKNOWN_DATATYPE", "x"),
        (one(datatype=["FP64"]), "INVALID_INPUT", "x"),
        (one(shape=[1, 29]), "WRONG_SHAPE", "x"),
        (one(shape=[30]), "MISSING_COLUMN", "mean radius"),
        (one(shape=[0, 30], data=[]), "NO_ROWS", None),
        (one(shape=[2**70, 0], data=[]), "WRONG_SHAPE", "x"),
        (one(shape=[0, 2**62], data=[]), "WRONG_SHAPE", "x"),
        (one(shape=[1, -30]), "WRONG_SHAPE", "x"),
        (one(shape=[True, 30]), "WRONG_SHAPE", "x"),
        (one(shape=[]), "WRONG_SHAPE", "x"),
        (one(shape=[1] * 40, data=[1]), "WRONG_SHAPE", "x"),
        (one(shape=[2, 15]), "WRONG_SHAPE", None),
        (one(shape=[1, 30], data=[[1.0] * 29]), "WRONG_SHAPE", "x"),
        (one(shape=[1, 30], data=[[[1.0] * 30]]), "WRONG_SHAPE", "x"),
        (one(data=None), "INVALID_INPUT", "x"),
        (one(data="1"), "INVALID_INPUT", "x"),
        (one(data=[True] * 30), "WRONG_TYPE", "x"),
        (one(data=["1"] * 30), "WRONG_TYPE", "x"),
        (one(datatype="BOOL"), "WRONG_TYPE", "x"),
        (one(datatype="BOOL", data=[True] * 30), "WRONG_TYPE", "mean radius"),
        (one(datatype="BYTES", data=["1"] * 30), "WRONG_TYPE", "mean radius"),
        (one(datatype="INT8", data=[300] * 30), "WRONG_TYPE", "x"),
        (one(datatype="INT64", data=[2**70] * 30), "WRONG_TYPE", "x"),
        (one(datatype="FP32", data=[1e300] * 30), "WRONG_TYPE", "x"),
        (one(data=None, parameters={"binary_data_size": 8}), "INVALID_INPUT", "x"),
        (one(parameters={"binary_data_size": 0}), "INVALID_INPUT", "x"),
        (one(parameters={"shared_memory_region": "r"}), "INVALID_INPUT", None),
        ({"inputs": [AREA, AREA]}, "DUPLICATE_COLUMN", "mean area"),
        ({"inputs": [AREA, AREA | {"name": "mean radius", "shape": [2], "data": [1, 2]}]}, "RAGGED_ROWS", "mean radius"),
        ({"inputs": [AREA, AREA | {"name": "nope"}]}, "MISSING_COLUMN", "mean radius"),
        ({"inputs": [AREA | {"shape": [1, 2], "data": [1, 2]}]}, "WRONG_SHAPE", "mean area"),
    ],
)  # fmt: skip
def test_odd_requests_are_refused(body: object, code: str, column: str | None) -> None:
    status, said = ask(body)
    assert (status, said["error_code"], said["column"]) == (400, code, column)
    assert isinstance(said["error"], str)


@pytest.mark.parametrize(
    ("changes", "rest", "code"),
    [
        ({"parameters": {"binary_data_size": 240}}, ROW[:-1], "INVALID_INPUT"),
        ({"parameters": {"binary_data_size": 240}}, ROW + b"x", "INVALID_INPUT"),
        ({"parameters": {"binary_data_size": 239}}, ROW[:-1], "WRONG_SHAPE"),
        ({"parameters": {"binary_data_size": -1}}, ROW, "INVALID_INPUT"),
        ({"parameters": {"binary_data_size": True}}, ROW, "INVALID_INPUT"),
        ({"datatype": "BOOL", "parameters": {"binary_data_size": 30}}, b"\x02" * 30, "WRONG_TYPE"),
        ({"datatype": "BYTES", "parameters": {"binary_data_size": 4}}, b"\xff" * 4, "WRONG_SHAPE"),
        ({"datatype": "BYTES", "parameters": {"binary_data_size": 3}}, b"\0" * 3, "WRONG_SHAPE"),
        ({"datatype": "BYTES", "parameters": {"binary_data_size": 120}}, b"\0" * 120, "WRONG_TYPE"),
        ({"datatype": "BYTES", "parameters": {"binary_data_size": 150}}, b"\1\0\0\0\xff" * 30, "INVALID_ENCODING"),
    ],
)
def test_odd_bytes_are_refused(changes: dict[str, Any], rest: bytes, code: str) -> None:
    status, said = ask(one(data=None, **changes), rest)
    assert (status, said["error_code"]) == (400, code)


def test_odd_headers_are_refused(address: tuple[str, Path]) -> None:
    url = f"http://{address[0]}/v2/models/churn/infer"
    for header in ("", "x", "-1", "1e2", "99999", "9" * 5000):
        headers = {"inference-header-content-length": header}
        answer = httpx.post(url, json=one(), headers=headers)
        assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_HEADER")
    for headers in ({"content-type": "text/csv"}, {"content-encoding": "gzip"}):
        answer = httpx.post(url, content=json.dumps(one()), headers=headers)
        assert (answer.status_code, answer.json()["error_code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    answer = httpx.post(url, content=b" " * 11_000_000)
    assert (answer.status_code, answer.json()["error_code"]) == (413, "TOO_LARGE")
    rest = MATRIX[:1].repeat(50_001, 0).tobytes()
    status, said = ask(one(shape=[50_001, 30], data=None, parameters={"binary_data_size": len(rest)}), rest)
    assert (status, said["error_code"]) == (413, "TOO_MANY_ROWS")
    for path in ("/v2/nope", "/v2/models/churn/nope", "/v2/models//infer"):
        answer = httpx.get(f"http://{address[0]}{path}")
        assert (answer.status_code, set(answer.json())) == (404, {"error", "error_code", "column"})
    assert httpx.get(url).status_code == 405


def test_no_mutated_request_is_our_fault() -> None:
    head = json.dumps(one(data=None, parameters={"binary_data_size": 240})).encode()
    draw = random.Random(0)
    for _ in range(500):
        body = bytearray(head + ROW)
        for _ in range(draw.randint(1, 4)):
            place = draw.randrange(len(head))
            body[place : place + draw.randint(0, 3)] = draw.randbytes(draw.randint(0, 3))
        about = {"id": "x", "protocol": "v2", "header": str(len(head))}
        ((_, reply),) = PREDICTOR.answer([Frame(0, about, bytes(body))])
        assert reply.status in (200, 400, 413)


def test_requests_of_both_protocols_are_answered_each_in_its_own() -> None:
    sizes: list[int] = []

    def predict(rows: Any) -> Any:
        sizes.append(len(rows))
        return ESTIMATOR.predict(rows)

    predictor = Predictor(replace(MODEL, predict=predict), protocols=V2)
    binary = json.dumps(one(data=None, parameters={"binary_data_size": 240}) | {"id": "b"}).encode()
    frames = [
        Frame(n, {"id": "x", "protocol": "v2", "header": str(len(binary))}, binary + MATRIX[n].tobytes())
        for n in range(5)
    ]
    plain = json.dumps({"instances": MATRIX[5:7].tolist()}).encode()
    frames += [Frame(n, {"id": "y"}, plain) for n in (5, 6)]
    replies = dict(predictor.answer(frames))
    assert sorted(sizes) == [4, 5]
    for n in range(5):
        said = json.loads(replies[n].body)
        assert (said["id"], said["outputs"][0]["data"]) == ("b", [LABELS[n]])
    assert json.loads(replies[6].body) == {"predictions": LABELS[5:7].tolist()}


def test_several_outputs_are_cut_row_by_row_in_mlflows_protocol_too() -> None:
    many = MultiOutputClassifier(ESTIMATOR).fit(FRAME, TARGETS)
    predictor = Predictor(loaded(many, ROWS, method="predict_proba"))
    bodies = [json.dumps({"instances": MATRIX[n : n + 1].tolist()}).encode() for n in range(3)]
    together = dict(predictor.answer([Frame(n, {"id": str(n)}, body) for n, body in enumerate(bodies)]))
    for n, body in enumerate(bodies):
        ((_, alone),) = predictor.answer([Frame(0, {"id": "x"}, body)])
        np.testing.assert_allclose(
            *(json.loads(reply.body)["predictions"] for reply in (together[n], alone)), rtol=1e-12
        )
