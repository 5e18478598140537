"""Requests are read as MLflow's scoring protocol says, and odd ones are refused with a reason."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_mlops.serving.model.answers import MlflowWriter
from jupyter_mlops.serving.model.columns import RequestRefused
from jupyter_mlops.serving.model.formats import read_request
from jupyter_mlops.serving.model.signature import ColumnSchema, Signature, TensorSchema


def schema(**columns: str) -> ColumnSchema:
    """Make a schema; a type that ends in ``?`` may be missing."""
    specs = [
        {"name": name, "type": kind.rstrip("?"), "required": not kind.endswith("?")} for name, kind in columns.items()
    ]
    inputs = Signature.parse({"inputs": json.dumps(specs)}).inputs
    assert isinstance(inputs, ColumnSchema)
    return inputs


def tensor(dtype: str, *shape: int) -> TensorSchema:
    """Make the schema of a model that was trained on an array."""
    spec = {"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": shape}}
    inputs = Signature.parse({"inputs": json.dumps([spec])}).inputs
    assert isinstance(inputs, TensorSchema)
    return inputs


def refusal(body: object, wanted: Any, content_type: str | None = None) -> RequestRefused:
    """Send a request that must be refused."""
    raw = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    with pytest.raises(RequestRefused) as refused:
        read_request(raw, content_type, wanted)
    return refused.value


def one(kind: str, cell: Any) -> Any:
    """Read one cell of a type."""
    frame = read_request(json.dumps({"inputs": {"a": [cell]}}).encode(), None, schema(a=kind))
    assert isinstance(frame, pd.DataFrame)
    return frame["a"].iloc[0]


AB = schema(a="double", b="long")
WANTED = pd.DataFrame({"a": [1.5, 2.0], "b": [3, 4]})


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": ["a", "b"], "data": [[1.5, 3], [2, 4]]}},
        {"dataframe_split": {"columns": ["b", "a"], "index": ["x", "y"], "data": [[3, 1.5], [4.0, 2]]}},
        {"dataframe_split": {"data": [[1.5, 3], [2, 4]]}},
        {"dataframe_records": [{"a": 1.5, "b": 3}, {"b": 4, "a": 2}]},
        {"instances": [{"a": 1.5, "b": 3}, {"a": 2, "b": 4}]},
        {"instances": [[1.5, 3], [2, 4]]},
        {"inputs": [[1.5, 3], [2, 4]]},
        {"inputs": {"b": [3, 4], "a": [1.5, 2]}},
        {"inputs": {"b": [3, 4], "a": [1.5, 2]}, "params": {"a:b": [1, {"a": 2}]}},
        {"inputs": {"b": [3, 4], "a": [1.5, 2]}, "params": None},
    ],
)
@pytest.mark.parametrize(
    "content_type", [None, "", "application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf8"']
)
def test_every_format_of_json_gives_the_same_rows(body: object, content_type: str | None) -> None:
    frame = read_request(json.dumps(body).encode(), content_type, AB)
    assert isinstance(frame, pd.DataFrame)
    pd.testing.assert_frame_equal(frame, WANTED)


@pytest.mark.parametrize("text", ["a,b\n1.5,3\n2,4\n", '\ufeff"b",a\r\n3,1.5\r\n4.0,"2"\r\n\r\n'])
def test_csv_gives_the_same_rows(text: str) -> None:
    frame = read_request(text.encode(), "text/csv; charset=utf-8", AB)
    assert isinstance(frame, pd.DataFrame)
    pd.testing.assert_frame_equal(frame, WANTED)


def test_csv_of_pandas_comes_back_as_it_was() -> None:
    wanted = schema(f="double", i="integer", t="boolean", s="string?", d="datetime")
    frame = pd.DataFrame(
        {
            "f": [1e-300, np.nan],
            "i": np.array([1, -2], dtype="int32"),
            "t": [True, False],
            "s": ["007", None],
            "d": pd.to_datetime(["2024-02-29 12:00", "1999-01-01 00:00"]).as_unit("ns"),
        }
    )
    read = read_request(frame.to_csv(index=False).encode(), "text/csv", wanted)
    assert isinstance(read, pd.DataFrame)
    pd.testing.assert_frame_equal(read, frame)
    pd.testing.assert_frame_equal(wanted.frame(frame[list("disft")]), frame)


def test_a_single_row_and_a_single_column() -> None:
    row = read_request(b'{"inputs": {"a": 1, "b": 2}}', None, AB)
    assert row.shape == (1, 2)
    column = read_request(b'{"instances": [1, 2, 3]}', None, schema(a="double"))
    assert column.shape == (3, 1)


def test_a_column_that_may_be_missing_is_null() -> None:
    frame = read_request(b'{"inputs": {"a": [1]}}', None, schema(a="double", b="double?", c="string?", d="boolean?"))
    assert isinstance(frame, pd.DataFrame)
    assert frame.loc[0, ["b", "c", "d"]].isna().all()
    assert frame["c"].dtype == pd.Series(["text"]).dtype


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("long", 2.0, 2),
        ("long", -(2**63), -(2**63)),
        ("long", 2**63 - 1, 2**63 - 1),
        ("integer", 2**31 - 1, 2**31 - 1),
        ("double", 2**70, float(2**70)),
        ("double", 1, 1.0),
        ("float", 0.5, 0.5),
        ("boolean", True, True),
        ("string", "<b>", "<b>"),
        ("binary", "aGk=", b"hi"),
        ("datetime", "2024-02-29T12:00:00", pd.Timestamp("2024-02-29 12:00")),
        ("any", {"x": [1]}, {"x": [1]}),
        ("array", [1, 2], [1, 2]),
    ],
)
def test_a_cell_of_the_right_type_is_taken(kind: str, cell: Any, value: Any) -> None:
    assert one(kind, cell) == value


@pytest.mark.parametrize("kind", ["float", "double"])
def test_null_is_nan_for_a_float(kind: str) -> None:
    assert np.isnan(one(kind, None))


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("long", True),
        ("long", 2.5),
        ("long", 2**63),
        ("long", 2**70),
        ("long", 1e300),
        ("long", "2"),
        ("long", None),
        ("integer", 2**31),
        ("integer", [1]),
        ("double", True),
        ("double", "1.5"),
        ("double", {"x": 1}),
        ("float", 1e300),
        ("boolean", 1),
        ("boolean", None),
        ("string", 7),
        ("string", None),
        ("binary", "no base64!"),
        ("binary", 1),
        ("datetime", "yesterday"),
        ("datetime", "2024-01-01T00:00:00Z"),
        ("datetime", "99999-01-01"),
        ("datetime", 0),
        ("datetime", ""),
        ("datetime", "NaT"),
    ],
)
def test_a_cell_of_the_wrong_type_is_refused_by_name(kind: str, cell: Any) -> None:
    refused = refusal({"inputs": {"a": [cell]}}, schema(a=kind))
    assert (refused.status, refused.code, refused.column) == (400, "WRONG_TYPE", "a")


def test_the_row_at_fault_is_named() -> None:
    refused = refusal({"inputs": {"a": [1, 2, "three"]}}, schema(a="double"))
    assert refused.message == "Column 'a' wants numbers (double), but row 2 holds the string 'three'."


@pytest.mark.parametrize("cell", ["x", "nan", "inf", "2.5", "1_000", "9" * 5000, "9" * 400, "", "true"])
def test_csv_is_as_strict(cell: str) -> None:
    assert refusal(f"a,b\n1,{cell}\n", AB, "text/csv").column == "b"


DEEP = "[" * 1000 + "]" * 1000


@pytest.mark.parametrize(
    ("body", "code", "column"),
    [
        ({"inputs": {"a": [1]}}, "MISSING_COLUMN", "b"),
        ({"instances": [[1]]}, "MISSING_COLUMN", "b"),
        ({"inputs": {"a": [1], "b": [1], "c": [1]}}, "EXTRA_COLUMN", "c"),
        ({"instances": [[1, 2, 3]]}, "EXTRA_COLUMN", "2"),
        ({"dataframe_split": {"columns": ["a", "b", "a"], "data": [[1, 2, 3]]}}, "DUPLICATE_COLUMN", "a"),
        ('{"inputs": {"a": [1], "b": [2], "a": [3]}}', "DUPLICATE_KEY", "a"),
        ('{"instances": [{"a": 1, "b": 2}, {"a": 1, "b": 2, "a": 3}]}', "DUPLICATE_KEY", "a"),
        ('{"inputs": {"a": [1], "b": [2]}, "inputs": {"a": [1], "b": [3]}}', "DUPLICATE_KEY", "inputs"),
        ('{"inputs": {"a": [{"x": 1, "x": 2}], "b": [2]}}', "DUPLICATE_KEY", "x"),
        ("", "INVALID_JSON", None),
        ("{", "INVALID_JSON", None),
        ('{"inputs": {"a": [1], "b": [NaN]}}', "WRONG_TYPE", "b"),
        ('{"inputs": {"a": [1], "b": [-Infinity]}}', "WRONG_TYPE", "b"),
        ('{"inputs": {"a": [1e400], "b": [1]}}', "WRONG_TYPE", "a"),
        ('{"inputs": {"a": [1], "b": [-1e400]}}', "WRONG_TYPE", "b"),
        ('{"inputs": {"a": [' + "9" * 400 + '], "b": [1]}}', "WRONG_TYPE", "a"),
        ('{"inputs": {"a": [1], "b": [' + "9" * 400 + "]}}", "WRONG_TYPE", "b"),
        ('{"inputs": {"a": [NaN], "b": [1], "a": [2]}}', "DUPLICATE_KEY", "a"),
        ('{"inputs": {"a": [nan], "b": [1]}}', "INVALID_JSON", None),
        ('{"inputs": {"a": [NaN], "b": ["\\ud800"]}}', "INVALID_JSON", None),
        ('{"inputs": {"a": [' + "9" * 10_000 + '], "b": [1]}}', "WRONG_TYPE", "a"),
        ('{"inputs": ' + "[" * 100_000, "INVALID_JSON", None),
        ('{"inputs": {"a": ' + DEEP + ', "b": ' + DEEP + "}}", "WRONG_TYPE", "a"),
        ('{"inputs": ' + '{"a":' * 1000 + "1" + "}" * 1001, "INVALID_JSON", None),
        (b'{"inputs": {"a": ["\xff"], "b": [1]}}', "INVALID_ENCODING", None),
        ("[1, 2]", "INVALID_INPUT", None),
        ("1", "INVALID_INPUT", None),
        ({}, "INVALID_INPUT", None),
        ({"inputs": {"a": [1], "b": [1]}, "instances": []}, "INVALID_INPUT", None),
        ({"inputs": {"a": [1], "b": [1]}, "param": {}}, "INVALID_INPUT", None),
        ({"inputs": {"a": [1], "b": [1]}, "params": [1]}, "INVALID_INPUT", None),
        ({"inputs": 1}, "INVALID_INPUT", None),
        ({"instances": {"a": [1], "b": [1]}}, "INVALID_INPUT", None),
        ({"dataframe_records": {"a": [1], "b": [1]}}, "INVALID_INPUT", None),
        ({"dataframe_split": [[1, 2]]}, "INVALID_INPUT", None),
        ({"dataframe_split": {"columns": ["a", "b"]}}, "INVALID_INPUT", None),
        ({"dataframe_split": {"columns": "ab", "data": [[1, 2]]}}, "INVALID_INPUT", None),
        ({"dataframe_split": {"columns": ["a", True], "data": [[1, 2]]}}, "INVALID_INPUT", None),
        ({"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2]], "names": []}}, "INVALID_INPUT", None),
        ({"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2]], "index": [1, 2]}}, "RAGGED_ROWS", None),
        ({"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2], [1]]}}, "RAGGED_ROWS", None),
        ({"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2], 3]}}, "RAGGED_ROWS", None),
        ({"dataframe_split": {"columns": ["a", "b"], "data": [[1], [2]]}}, "RAGGED_ROWS", None),
        ({"dataframe_records": [{"a": 1, "b": 1}, {"a": 1}]}, "RAGGED_ROWS", "b"),
        ({"dataframe_records": [{"a": 1, "b": 1}, [1, 1]]}, "RAGGED_ROWS", None),
        ({"dataframe_records": [1]}, "RAGGED_ROWS", None),
        ({"inputs": {"a": [1, 2], "b": [1]}}, "RAGGED_ROWS", None),
        ({"inputs": {"a": [1], "b": 1}}, "RAGGED_ROWS", None),
        ({"inputs": {}}, "NO_ROWS", None),
        ({"inputs": {"a": [], "b": []}}, "NO_ROWS", None),
        ({"instances": []}, "NO_ROWS", None),
        ({"dataframe_records": []}, "NO_ROWS", None),
        ({"dataframe_records": [{}]}, "MISSING_COLUMN", "a"),
        ({"instances": [[]]}, "MISSING_COLUMN", "a"),
        ({"dataframe_split": {"columns": ["a", "b"], "data": []}}, "NO_ROWS", None),
    ],
)
def test_odd_json_is_refused(body: object, code: str, column: str | None) -> None:
    refused = refusal(body, AB)
    assert (refused.status, refused.code, refused.column) == (400, code, column)


def test_colons_in_strings_are_no_keys() -> None:
    frame = read_request(b'{"inputs": {"a": ["x:y", "::"]}}', None, schema(a="string"))
    assert frame.shape == (2, 1)


@pytest.mark.parametrize(
    ("body", "code", "column"),
    [
        ("a,a\n1,2\n", "DUPLICATE_COLUMN", "a"),
        ("a\n1\n", "MISSING_COLUMN", "b"),
        ("a,b,c\n1,2,3\n", "EXTRA_COLUMN", "c"),
        ("a,b\n1,2\n3\n", "RAGGED_ROWS", None),
        ("a,b\n1,2,3\n", "RAGGED_ROWS", None),
        ("a,b\n", "NO_ROWS", None),
        ("", "NO_ROWS", None),
        ('a,b\n1,"2\n', "INVALID_CSV", None),
        (b"a,b\n1,\xff\n", "INVALID_ENCODING", None),
    ],
)
def test_odd_csv_is_refused(body: object, code: str, column: str | None) -> None:
    refused = refusal(body, AB, "text/csv")
    assert (refused.status, refused.code, refused.column) == (400, code, column)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", "json"]
)
def test_other_types_are_not_served(content_type: str) -> None:
    refused = refusal({"inputs": {"a": [1], "b": [1]}}, AB, content_type)
    assert (refused.status, refused.code) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(("word", "value"), [("NaN", np.nan), ("Infinity", np.inf), ("-Infinity", -np.inf)])
def test_what_a_float_can_hold_is_taken_as_python_writes_it(word: str, value: float) -> None:
    for kind in ("double", "float"):
        assert np.array_equal([one(kind, float(word))], [value], equal_nan=True)


def test_a_near_name_is_suggested() -> None:
    refused = refusal({"inputs": {"age": [1], "agee": [1]}}, schema(age="double", ages="double?"))
    assert "age" in refused.message
    assert refused.column == "agee"


@pytest.mark.parametrize("name", ["instances", "inputs"])
def test_a_tensor_is_taken_in_its_type(name: str) -> None:
    array = read_request(json.dumps({name: [[1, 2.5], [None, 4]]}).encode(), None, tensor("float32", -1, 2))
    assert isinstance(array, np.ndarray)
    assert array.dtype == np.float32
    assert np.array_equal(array, np.array([[1, 2.5], [np.nan, 4]], dtype="float32"), equal_nan=True)


def test_a_tensor_may_come_as_a_table() -> None:
    wanted = tensor("float64", -1, 2)
    for body, kind in (
        (b'{"dataframe_split": {"columns": [0, 1], "data": [[1, 2]]}}', None),
        (b"0,1\n1,2\n", "text/csv"),
    ):
        assert np.array_equal(read_request(body, kind, wanted), [[1.0, 2.0]])
    assert np.array_equal(wanted.frame(pd.DataFrame([[1, 2]])), [[1.0, 2.0]])


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ([[1, 2, 3]], "WRONG_SHAPE"),
        ([[1, 2], [3]], "RAGGED_ROWS"),
        ([1, 2], "RAGGED_ROWS"),
        ([[1, True]], "WRONG_TYPE"),
        ([["1", "2"]], "WRONG_TYPE"),
        ([[[1], [2]]], "WRONG_TYPE"),
        ([[2**70, 1]], "WRONG_TYPE"),
        ([[1.5, 1]], "WRONG_TYPE"),
    ],
)
def test_an_odd_tensor_is_refused(data: object, code: str) -> None:
    refused = refusal({"instances": data}, tensor("int64", -1, 2))
    assert (refused.status, refused.code, refused.column) == (400, code, None)


def answer(predictions: Any) -> bytes:
    """Write the answer to a request that was alone."""
    writer = MlflowWriter()
    return writer.write(writer.prepare(predictions), slice(None)).body


@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning")  # mlflow warns of itself, at import
@pytest.mark.parametrize(
    "predictions",
    [
        np.array([0, 1]),
        np.array([1e-9, 2.0, 1e22, 0.1]),
        np.array([0.1, 3], dtype="float32"),
        np.array([[0.1, 0.9]], dtype="float32"),
        np.array(["a", "b"]),
        np.array(["a", None, 1], dtype=object),
        np.array([True]),
        np.array(["2024-01-01"], dtype="datetime64[D]"),
        np.array([b"hi"]),
        [np.array([[0.5, 0.5]]), np.array([[1.0]])],
        pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}),
        pd.DataFrame({0: [1.5]}),
        pd.Series([1, 2], name="p"),
        pd.DataFrame({"t": pd.to_datetime(["2024-01-01"])}),
    ],
)
def test_answers_are_those_of_mlflow(predictions: Any) -> None:
    from mlflow.pyfunc.scoring_server import predictions_to_json

    theirs = io.StringIO()
    predictions_to_json(predictions, theirs)  # type: ignore[no-untyped-call]
    assert answer(predictions) == theirs.getvalue().encode()


def test_nan_is_null_in_an_answer() -> None:
    assert answer(np.array([np.nan, 1.0])) == b'{"predictions": [null, 1.0]}'
    assert answer(np.array([[np.inf], [1e-9]])) == b'{"predictions": [[null], [1e-09]]}'
    assert answer(pd.DataFrame({"a": [np.nan]})) == b'{"predictions": [{"a": null}]}'
    assert answer([np.array([np.nan, 2])]) == b'{"predictions": [[null, 2.0]]}'
