"""Streams of Arrow: read as they lie in memory, answered in kind, and as strict as JSON."""

from __future__ import annotations

import datetime
import json
import random
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import ipc

from jupyter_mlops.serving.model.predictor import Predictor
from jupyter_mlops.serving.model.replies import Reply
from jupyter_mlops.serving.model.signature import Signature
from jupyter_mlops.serving.wire import ARROW, Frame

from ..front.test_app import ESTIMATOR, FRAME, MODEL, ROWS, Client

SCHEMA = {"f": "double", "i": "long", "t": "boolean", "s": "string", "d": "datetime", "b": "binary", "o": "long?"}
GOOD = {
    "f": pa.array([1.5, None, 2.0]),
    "i": pa.array([1, 2, 3], pa.int8()),
    "t": pa.array([True, False, True]),
    "s": pa.array(["a", "ü", "a"]).dictionary_encode(),
    "d": pa.array([datetime.datetime(2024, 2, 29, 12)] * 3, pa.timestamp("us")),
    "b": pa.array([b"hi", b"", b"\xff"]),
    "o": pa.array([2**53 + 1, None, 1]),
}


def stream(data: Any, chunk: int | None = 2, **options: Any) -> bytes:
    """Write a stream."""
    table = pa.Table.from_pandas(data, preserve_index=False) if isinstance(data, pd.DataFrame) else pa.table(data)
    sink = pa.BufferOutputStream()
    with ipc.new_stream(sink, table.schema, options=ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=chunk)
    return bytes(sink.getvalue())


def signature(**columns: str) -> Signature:
    """A signature; a type that ends in ``?`` may be missing."""
    specs = [{"name": n, "type": k.rstrip("?"), "required": not k.endswith("?")} for n, k in columns.items()]
    return Signature.parse({"inputs": json.dumps(specs)})


class Asked:
    """A model that keeps what it is asked."""

    def __init__(self, answer: Any = None, most: int = 50_000, **columns: str) -> None:
        self.rows: list[pd.DataFrame] = []
        self._answer = answer
        model = replace(MODEL, predict=self._predict, signature=signature(**(columns or SCHEMA)))
        self.predictor = Predictor(model, max_rows=most)

    def _predict(self, rows: pd.DataFrame) -> Any:
        self.rows.append(rows)
        return np.arange(len(rows)) if self._answer is None else self._answer[: len(rows)]

    def ask(self, body: bytes, **about: Any) -> Reply:
        """Ask once."""
        ((_, reply),) = self.predictor.answer([Frame(0, {"id": "x", "type": ARROW, **about}, body)])
        return reply


def test_every_type_arrives_as_it_is() -> None:
    model = Asked()
    assert json.loads(model.ask(stream(GOOD)).body) == {"predictions": [0, 1, 2]}
    (rows,) = model.rows
    wanted = pd.DataFrame(
        {
            "f": [1.5, np.nan, 2.0],
            "i": [1, 2, 3],
            "t": [True, False, True],
            "s": ["a", "ü", "a"],
            "d": pd.to_datetime(["2024-02-29 12:00"] * 3).as_unit("ns"),
            "b": [b"hi", b"", b"\xff"],
            "o": pd.array([2**53 + 1, None, 1], "Int64"),
        }
    )
    pd.testing.assert_frame_equal(rows, wanted)


@pytest.mark.parametrize(
    ("column", "values", "code"),
    [
        ("f", pa.array([True, False, True]), "WRONG_TYPE"),
        ("f", pa.array(["1", "2", "3"]), "WRONG_TYPE"),
        ("i", pa.array([1.5, 2, 3]), "WRONG_TYPE"),
        ("i", pa.array([1, None, 3]), "WRONG_TYPE"),
        ("i", pa.array([2**64 - 1, 2, 3], pa.uint64()), "WRONG_TYPE"),
        ("i", pa.array([True, False, True]), "WRONG_TYPE"),
        ("i", pa.array([1, 2, 3], pa.timestamp("ns")), "WRONG_TYPE"),
        ("t", pa.array([0, 1, 0]), "WRONG_TYPE"),
        ("s", pa.array([None, "a", "b"]), "WRONG_TYPE"),
        ("s", pa.array([b"a", b"b", b"c"]), "WRONG_TYPE"),
        ("d", pa.array([1, 2, 3], pa.timestamp("us", tz="UTC")), "WRONG_TYPE"),
        ("f", pa.array([1, 2, 3], pa.decimal128(5, 2)), "WRONG_TYPE"),
        ("f", pa.array([[1], [2], [3]]), "WRONG_TYPE"),
        ("f", pa.nulls(3, pa.list_(pa.null(), 2**20)), "WRONG_TYPE"),
        ("x", pa.array([1, 2, 3]), "EXTRA_COLUMN"),
        ("f", None, "MISSING_COLUMN"),
    ],
)
def test_columns_are_as_strict_as_in_json(column: str, values: Any, code: str) -> None:
    data = {name: array for name, array in (GOOD | {column: values}).items() if array is not None}
    reply = Asked().ask(stream(data))
    said = json.loads(reply.body)
    assert (reply.status, said["error_code"], said["column"]) == (400, code, column)


def test_what_is_no_stream_is_refused() -> None:
    good = stream(GOOD)
    model = Asked(most=3)
    doubled = pa.Table.from_arrays([pa.array([1.0])] * 2, ["f", "f"])
    for body, code in (
        (b"", "INVALID_ARROW"),
        (b"{}", "INVALID_ARROW"),
        (good[: len(good) // 2], "INVALID_ARROW"),
        (stream(GOOD, compression="zstd"), "INVALID_ARROW"),
        (stream({"s": GOOD["s"]}, compression="lz4"), "INVALID_ARROW"),
        (stream({name: array[:0] for name, array in GOOD.items()}), "NO_ROWS"),
        (stream(doubled), "DUPLICATE_COLUMN"),
    ):
        reply = model.ask(body)
        assert (reply.status, json.loads(reply.body)["error_code"]) == (400, code)
    for data in ({"f": np.zeros(4)}, {"f": pa.nulls(2**31 - 1)}):
        assert Asked(most=3, f="double").ask(stream(data, chunk=None)).status == 413


def test_no_mutated_stream_is_our_fault() -> None:
    good, draw, model = stream(GOOD), random.Random(0), Asked()
    for _ in range(1000):
        body = bytearray(good)
        for _ in range(draw.randint(1, 4)):
            place = draw.randrange(len(body))
            body[place : place + draw.randint(0, 8)] = draw.randbytes(draw.choice((0, 1, 8)))
        assert model.ask(bytes(body)).status in (200, 400, 413)


@pytest.mark.parametrize(
    ("predictions", "wanted"),
    [
        (np.array([0.5, np.nan, 1]), {"predict": [0.5, np.nan, 1]}),
        (np.array(["a", "b", "ü"], object), {"predict": ["a", "b", "ü"]}),
        (np.array([[1, 2], [3, 4], [5, 6]]), {"predict": [[1, 2], [3, 4], [5, 6]]}),
        (pd.DataFrame({"a": [1, 2, 3], "b": [True, False, True]}), {"a": [1, 2, 3], "b": [True, False, True]}),
    ],
)
def test_an_answer_is_a_stream_where_it_is_wanted(predictions: Any, wanted: dict[str, Any]) -> None:
    model = Asked(predictions)
    for body, media_type in ((stream(GOOD), ARROW), (stream(GOOD), f"{ARROW}; charset=utf-8")):
        reply = model.ask(body, accept=ARROW, type=media_type)
        assert (reply.status, reply.media_type) == (200, ARROW)
        given = ipc.open_stream(reply.body).read_all().to_pydict()
        assert given.keys() == wanted.keys()
        for name, values in wanted.items():
            assert all(one == two or one != one for one, two in zip(given[name], values, strict=True))


def test_streams_that_wait_together_are_predicted_together_and_get_their_own() -> None:
    model = Asked(f="double")
    bodies = [stream({"f": [float(n)] * (n + 1)}) for n in range(5)]
    accepts = [{"accept": ARROW} if n % 2 else {} for n in range(5)]
    frames = [
        Frame(n, {"id": str(n), "type": ARROW, **accept}, body)
        for n, (body, accept) in enumerate(zip(bodies, accepts, strict=True))
    ]
    replies = dict(model.predictor.answer(frames))
    assert len(model.rows) == 1
    start = 0
    for n in range(5):
        body = replies[n].body
        given = ipc.open_stream(body).read_all()["predict"].to_pylist() if n % 2 else json.loads(body)["predictions"]
        assert given == list(range(start, start + n + 1))
        start += n + 1


def test_the_front_hands_it_on() -> None:
    headers = {"content-type": ARROW, "accept": f"{ARROW}, */*"}
    client = Client()
    answer = client.post("/invocations", content=stream(ROWS), headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, ARROW)
    assert ipc.open_stream(answer.content).read_all()["predict"].to_pylist() == ESTIMATOR.predict(ROWS).tolist()
    answer = client.post("/invocations", content=stream(ROWS), headers={"content-type": ARROW, "accept": "*/*"})
    assert answer.json() == {"predictions": ESTIMATOR.predict(ROWS).tolist()}
    answer = client.post("/invocations", json={"instances": ROWS.to_numpy().tolist()}, headers={"accept": ARROW})
    assert ipc.open_stream(answer.content).read_all().num_rows == len(ROWS)


def test_a_model_of_an_array_takes_a_column_for_each_of_its_own() -> None:
    spec = {"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 30]}}
    model = replace(
        MODEL,
        predict=lambda rows: ESTIMATOR.predict(pd.DataFrame(rows, columns=FRAME.columns)),
        signature=Signature.parse({"inputs": json.dumps([spec])}),
    )
    ((_, reply),) = Predictor(model).answer([Frame(0, {"id": "x", "type": ARROW}, stream(ROWS))])
    assert json.loads(reply.body) == {"predictions": ESTIMATOR.predict(ROWS).tolist()}
    ((_, reply),) = Predictor(model).answer([Frame(0, {"id": "x", "type": ARROW}, stream(FRAME.iloc[:, :29]))])
    assert (reply.status, json.loads(reply.body)["error_code"]) == (400, "WRONG_SHAPE")
