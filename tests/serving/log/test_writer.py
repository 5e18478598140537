"""What a batch becomes: every type of input and of answer, whole, as it came, in files that rotate."""

from __future__ import annotations

import datetime
import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse

from jupyter_mlops.errors import InvalidUsage, NotWritable
from jupyter_mlops.serving.log import writer as writers
from jupyter_mlops.serving.log.folder import is_held, segments
from jupyter_mlops.serving.log.reader import read, read_frame
from jupyter_mlops.serving.model.columns import Column
from jupyter_mlops.serving.model.signature import ColumnSchema, Signature

from .support import DAY, NOON, NUMBERS, answered, append, numbers, rows, signature, tensor, writer


def only(folder: Path, column: str) -> list[Any]:
    return list(read(folder, columns=[column])[column].to_pylist())


def test_a_row_says_all_that_is_known_of_it(tmp_path: Path) -> None:
    with writer(tmp_path, version=7) as log:
        log.append(
            [
                answered(2, id="first", time=NOON + 0.123456, latency_ms=2.5, tags={"who": "ünï", "x": '"'}),
                answered(1, id="second", time=NOON + 1, arm="shadow"),
            ],
            numbers(3),
            np.array([0, 1, 1]),
        )
    assert read(tmp_path).drop_columns(["label", "labelled"]).to_pylist() == [
        {
            "id": name,
            "time": datetime.datetime.fromtimestamp(moment, datetime.UTC),
            "endpoint": "tumour",
            "model": "tumour",
            "version": 7,
            "arm": arm,
            "latency_ms": latency,
            "tags": tags,
            "input.a": a,
            "input.b": 2 * a,
            "prediction": prediction,
        }
        for name, moment, arm, latency, tags, a, prediction in [
            ("first", NOON + 0.123456, "champion", 2.5, '{"who":"ünï","x":"\\""}', 0.0, 0),
            ("first/1", NOON + 0.123456, "champion", 2.5, '{"who":"ünï","x":"\\""}', 1.0, 1),
            ("second", NOON + 1, "shadow", 1.5, None, 2.0, 1),
        ]
    ]


def test_a_segment_is_a_stream_that_arrow_reads_without_us(tmp_path: Path) -> None:
    with writer(tmp_path) as log:
        append(log, 3)
        append(log, 2)
    (file,) = segments(tmp_path)
    with pa.ipc.open_stream(file.path) as stream:
        assert stream.read_all().num_rows == 5


def test_every_type_of_input_comes_back_as_it_went_in(tmp_path: Path) -> None:
    every = signature(
        b="boolean", i="integer", l="long", f="float", d="double", s="string", x="binary", t="datetime", o="any"
    )
    given = rows(
        every,
        list("bilfdsxto"),
        [True, -(2**31), 2**63 - 1, 0.5, 1e308, "ünï\n", "AAH/", "2024-02-29T01:02:03.000000004", {"a": [1, None]}],
        [False, 5, -7, None, None, "", "", "1969-12-31", "text"],
    )
    with writer(tmp_path, every) as log:
        log.append([answered(2)], given, np.zeros(2))
    table = read(tmp_path)
    kinds = {name.removeprefix("input."): str(table.schema.field(name).type) for name in table.column_names[8:17]}
    assert kinds == {
        "b": "bool", "i": "int32", "l": "int64", "f": "float", "d": "double", "s": "string", "x": "binary",
        "t": "timestamp[ns]", "o": "string",
    }  # fmt: skip
    first, second = table.to_pylist()
    assert [first[f"input.{name}"] for name in "bilfdsx"] == [
        True, -(2**31), 2**63 - 1, 0.5, 1e308, "ünï\n", b"\x00\x01\xff",
    ]  # fmt: skip
    assert first["input.t"] == pd.Timestamp("2024-02-29T01:02:03.000000004")
    assert second["input.t"] == pd.Timestamp("1969-12-31")
    assert np.isnan([second["input.f"], second["input.d"]]).all()
    assert [json.loads(row["input.o"]) for row in (first, second)] == [{"a": [1, None]}, "text"]


def test_null_is_null_in_every_type(tmp_path: Path) -> None:
    optional = signature(
        False, b="boolean", i="integer", l="long", f="float", d="double", s="string", x="binary", o="any"
    )
    with writer(tmp_path, optional) as log:
        for cells in ([None] * 8, [True, 1, 2**60 + 1, 1.0, 1.0, "s", "AA==", 1]):
            log.append([answered()], rows(optional, list("bilfdsxo"), cells), np.zeros(1))
        log.append([answered(2)], rows(optional, list("bilfdsxo"), [None] * 8, cells), np.zeros(2))
    frame = read_frame(tmp_path).filter(like="input.")
    assert frame.isna().all(axis=1).tolist() == [True, False, True, False]
    assert read(tmp_path)["input.l"].to_pylist() == [None, 2**60 + 1, None, 2**60 + 1]
    assert read(tmp_path)["input.b"].to_pylist() == [None, True, None, True]


@pytest.mark.parametrize(
    "names",
    [
        ["id", "time", "label", "prediction", "version", "tags"],
        ["input.id", "input", "block.0", "prediction_0", ""],
        ["a", "a.b", "a.b.c", "a (2)"],
        ["ünï", "日本", "a b", "'", '"', "\n", "\x00", "<b>", "🦕" * 50],
        [0, 1, 2.5, -1],
        [None, None, None],
    ],
    ids=repr,
)
def test_names_of_columns_are_told_from_ours(tmp_path: Path, names: list[Any]) -> None:
    columns = [Column(name, "double", True, np.dtype(float)) for name in names]
    columns[0] = Column(names[0], "string", True, np.dtype(str))
    odd = Signature(ColumnSchema(tuple(columns)))
    with writer(tmp_path, odd) as log:
        log.append([answered()], rows(odd, None, ["first", *range(1, len(names))]), np.zeros(1))
    labels = [str(number if name is None else name) for number, name in enumerate(names)]
    from jupyter_mlops.serving.log.compaction import compact
    from jupyter_mlops.settings import LogSettings

    for _ in range(2):  # of segments, then of Parquet
        (row,) = read(tmp_path).to_pylist()
        assert [row[f"input.{label}"] for label in labels] == ["first", *range(1, len(names))]
        for label in labels:
            assert read(tmp_path, columns=[f"input.{label}"]).column_names == [f"input.{label}"]
        compact(tmp_path, LogSettings(days=36_500))


def test_doubled_names_are_told_apart(tmp_path: Path) -> None:
    twice = Signature(ColumnSchema((Column("a", "double", True, np.dtype(float)),) * 3))
    with writer(tmp_path, twice) as log:
        log.append([answered()], pd.DataFrame([[1.0, 2.0, 3.0]], columns=["a"] * 3), np.zeros(1))
    (row,) = read(tmp_path).to_pylist()
    assert [row["input.a"], row["input.a (2)"], row["input.a (3)"]] == [1, 2, 3]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8", "bool", "str", "bytes", "object"])
@pytest.mark.parametrize("shape", [(-1,), (-1, 3), (-1, 2, -1)])
def test_a_row_of_an_array_is_a_list(tmp_path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    array = tensor(dtype, *shape)
    cell: Any = {"str": "x", "bytes": "AA==", "bool": True, "object": {"k": 1}}.get(dtype, 3)
    nested = {1: cell, 2: [cell] * 3, 3: [[cell] * 4] * 2}[len(shape)]
    with writer(tmp_path, array) as log:
        log.append([answered(2)], rows(array, None, nested, nested), np.zeros(2))
        if len(shape) == 3:  # any length is any length, from one request to the next
            log.append([answered(1)], rows(array, None, [[cell] * 9] * 2), np.zeros(1))
    stored: Any = {"bytes": b"\x00", "object": '{"k":1}'}.get(dtype, cell)
    expected = {1: stored, 2: [stored] * 3, 3: [[stored] * 4] * 2}[len(shape)]
    assert only(tmp_path, "input")[:2] == [expected, expected]


@pytest.mark.parametrize(
    ("predictions", "expected"),
    [
        (np.array([1, 2]), {"prediction": [1, 2]}),
        (np.array([1.5, np.nan]), {"prediction": [1.5, np.nan]}),
        (np.array([1.5, 2], dtype=np.float16), {"prediction": [1.5, 2]}),
        (np.array([1.5, 2], dtype=np.longdouble), {"prediction": [1.5, 2]}),
        (np.array([1, 2], dtype=">i4"), {"prediction": [1, 2]}),
        (np.array([True, False]), {"prediction": [True, False]}),
        (np.array(["a", "b"]), {"prediction": ["a", "b"]}),
        (np.array(["a", None], dtype=object), {"prediction": ["a", None]}),
        (np.array([1, "b"], dtype=object), {"prediction": ["1", '"b"']}),
        (np.array([1, 2.5], dtype=object), {"prediction": [1.0, 2.5]}),
        (np.array([2**70, 1], dtype=object), {"prediction": [str(2**70), "1"]}),
        (np.array([{"a": 1}, [2]], dtype=object), {"prediction": ['{"a":1}', "[2]"]}),
        (np.array([b"\xff", b"b"]), {"prediction": [b"\xff", b"b"]}),
        (np.array(["2024-01-01", "NaT"], dtype="datetime64[D]"), {"prediction": [pd.Timestamp("2024-01-01"), None]}),
        (np.array([[1], [2]]), {"prediction": [1, 2]}),
        (np.array([[0.25, 0.75], [1, 0]]), {"prediction_0": [0.25, 1.0], "prediction_1": [0.75, 0.0]}),
        (np.array([["a", "b"], ["c", "d"]]), {"prediction_0": ["a", "c"], "prediction_1": ["b", "d"]}),
        (np.zeros((2, 2, 2)), {"prediction": [[[0, 0], [0, 0]]] * 2}),
        (np.zeros((2, 300)), {"prediction": [[0] * 300] * 2}),
        (scipy.sparse.csr_matrix([[0, 1.0], [2, 0]]), {"prediction_0": [0, 2], "prediction_1": [1, 0]}),
        ([np.zeros((2, 3)), np.ones((2, 1))], {"prediction_0": [[0] * 3] * 2, "prediction_1": [1, 1]}),
        ([1, 2], {"prediction": [1, 2]}),
        ([[1, 2], [3]], {"prediction": ["[1,2]", "[3]"]}),
        (pd.Series(["a", None]), {"prediction": ["a", None]}),
        (pd.Series(["a", "b"], dtype="category"), {"prediction": ["a", "b"]}),
        (pd.array([1, None], dtype="Int64"), {"prediction": [1, None]}),
        (pd.DataFrame({"x": [1, 2]}), {"prediction": [1, 2]}),
        (pd.DataFrame({"x": [1, 2], 3: ["a", "b"]}), {"prediction_x": [1, 2], "prediction_3": ["a", "b"]}),
        (pd.DataFrame([[1, 2], [3, 4]], columns=["x", "x"]), {"prediction_x": [1, 3], "prediction_x (2)": [2, 4]}),
        (np.array(["\ud800", "b"], dtype=object), {"prediction": ["?", "b"]}),
        (np.array([1 + 2j, 3]), {"prediction": ['"(1+2j)"', '"(3+0j)"']}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_kind_of_answer_is_kept(tmp_path: Path, predictions: Any, expected: dict[str, list[Any]]) -> None:
    with writer(tmp_path) as log:
        append(log, 2, predictions=predictions)
    table = read(tmp_path)
    found = {name: table[name].to_pylist() for name in table.column_names if name.startswith("prediction")}
    np.testing.assert_equal(found, expected)


def test_an_answer_of_another_type_is_kept_too(tmp_path: Path) -> None:
    with writer(tmp_path) as log:
        for predictions in ([1], [2.5], ["c"], [None], [4], [[0.5, 0.5]]):
            append(log, predictions=np.array(predictions))
        assert len(segments(tmp_path)) == 4  # whole numbers, fractions, text, then two outputs; never back again
    table = read(tmp_path)
    assert table["prediction"].to_pylist() == ["1", "2.5", "c", None, "4", None]
    assert table["prediction_1"].to_pylist() == [None] * 5 + [0.5]


def test_what_does_not_fit_together_is_refused(tmp_path: Path) -> None:
    with writer(tmp_path) as log:
        with pytest.raises(InvalidUsage, match="other rows"):
            log.append([answered(2)], numbers(3), np.zeros(3))
        with pytest.raises(InvalidUsage, match="2 predictions for 3 rows"):
            log.append([answered(3)], numbers(3), np.zeros(2))
        log.append([], numbers(0), np.zeros(0))
        append(log)
    assert read(tmp_path).num_rows == 1


def test_segments_rotate_by_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writers, "SEGMENT_BYTES", 5_000)
    with writer(tmp_path) as log:
        ids = [append(log) for _ in range(50)]
        written = segments(tmp_path)
        assert len(written) > 3
        assert [is_held(file.path) for file in written] == [False] * (len(written) - 1) + [True]
    assert only(tmp_path, "id") == ids


def test_a_segment_is_of_one_day(tmp_path: Path) -> None:
    midnight = NOON + DAY / 2
    with writer(tmp_path) as log:
        requests = [answered(time=midnight + moment) for moment in (-0.2, 0.1, -0.1, 0.2)]
        log.append(requests, numbers(4), np.zeros(4))
        append(log, time=midnight + 1)
        append(log, time=midnight - 0.05)
        first, second = segments(tmp_path)
        assert (str(first.day), str(second.day)) == ("2025-11-24", "2025-11-25")
        assert is_held(first.path)  # answers to requests of the old day may still come
        append(log, time=midnight + 100)
        assert not is_held(first.path)
        assert is_held(second.path)
    assert len(segments(tmp_path)) == 2
    assert read(tmp_path, until=midnight)["time"].combine_chunks().cast(pa.int64()).to_pylist() == [
        round((midnight + moment) * 1e6) for moment in (-0.2, -0.1, -0.05)
    ]


def test_threads_of_a_process_share_a_writer(tmp_path: Path) -> None:
    with writer(tmp_path) as log:
        threads = [threading.Thread(target=lambda: [append(log) for _ in range(50)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(set(only(tmp_path, "id"))) == read(tmp_path).num_rows == 400


def test_a_folder_that_is_removed_under_a_writer_comes_again(tmp_path: Path) -> None:
    with writer(tmp_path / "log") as log:
        append(log)
        shutil.rmtree(tmp_path / "log")
        again = append(log)
        assert only(tmp_path / "log", "id") == [again]


def test_a_folder_that_takes_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("a file")
    with writer(tmp_path / "log") as log, pytest.raises(NotWritable):
        append(log)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_what_follows_a_torn_batch_goes_into_another_segment(tmp_path: Path) -> None:
    """A disk that fills up in the middle of a batch: what was acknowledged before and after it is there."""
    with writer(tmp_path) as log:
        ids = [append(log)]
        size = segments(tmp_path)[0].path.stat().st_size
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 300, limits[1]))
        try:
            with pytest.raises((OSError, NotWritable)):
                append(log, id="lost")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert segments(tmp_path)[0].path.stat().st_size == size + 300  # torn indeed
        ids += [append(log), append(log)]
    assert only(tmp_path, "id") == ids


FORK = """
import os, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.serving.log.support import append, writer
log = writer(Path({folder!r}))
append(log, id="before")
if os.fork() == 0:
    append(log, id="child")
    os._exit(0)
os.wait()
append(log, id="after")
os.kill(os.getpid(), 9)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_child_of_the_writer_has_a_segment_of_its_own(tmp_path: Path) -> None:
    script = FORK.format(root=str(Path(__file__).parents[3]), folder=str(tmp_path))
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    assert len(segments(tmp_path)) == 2
    assert not any(is_held(file.path) for file in segments(tmp_path))
    assert sorted(only(tmp_path, "id")) == ["after", "before", "child"]


def test_the_writer_brings_nothing_into_the_endpoints_process_but_the_ground() -> None:
    script = "import json, sys, jupyter_mlops.serving.log.writer; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert not {name.partition(".")[0] for name in loaded} & {"mlflow", "pydantic", "rich", "cyclopts"}
    ours = {name for name in loaded if name.startswith("jupyter_mlops.")}
    others = {name for name in ours if not name.startswith("jupyter_mlops.serving")}
    assert others == {"jupyter_mlops.errors", "jupyter_mlops.disk", "jupyter_mlops.pseudonyms"}


def test_time_is_of_the_request_and_not_of_the_writing(tmp_path: Path) -> None:
    begin = time.time()
    with writer(tmp_path) as log:
        append(log, time=begin - 5)
    assert abs(read_frame(tmp_path)["time"][0].timestamp() - (begin - 5)) < 1e-5


def test_the_writer_of_the_other_signature_is_another_segment(tmp_path: Path) -> None:
    with writer(tmp_path), writer(tmp_path, NUMBERS, version=2) as second:
        append(second)
        assert len(segments(tmp_path)) == 1  # who has answered nothing has no file
