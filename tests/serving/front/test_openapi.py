"""The OpenAPI document says what is: schemathesis asks a real endpoint for all that it promises and all that it forbids."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
import requests

import jupyter_mlops as mlops
from jupyter_mlops.serving.front import openapi_v2, schemas

ROWS = pd.DataFrame(
    {
        "city": ["Rome", "Ulm"] * 20,
        "age": range(40),
        "dose": np.linspace(0, 1, 40),
        "member": [True, False] * 20,
        "at": pd.date_range("2026-01-01", periods=40),
    }
)


def test_schemathesis_finds_no_fault(project: Path, name: str) -> None:
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    # It takes every number and no null: what a model refuses beyond its signature, no document could say.
    columns = (OneHotEncoder(handle_unknown="ignore"), ["city"]), ("passthrough", ["age", "dose", "member"])
    model = make_pipeline(make_column_transformer(*columns), LinearRegression()).fit(ROWS, range(40))
    mlops.register(name, model=model, data=ROWS)
    endpoint = mlops.deploy(f"{name}/1", auth=True)
    try:
        key = (project / f".mlops/endpoints/{name}/key").read_text()
        authorization = {"Authorization": f"Bearer {key}"}
        document = requests.get(f"{endpoint.url}/openapi.json", headers=authorization, timeout=30).json()
        media = document["paths"]["/invocations"]["post"]["requestBody"]["content"]["application/json"]
        jsonschema.validate(media["example"], media["schema"])
        done = subprocess.run(
            [
                *(Path(sys.executable).with_name("schemathesis"), "run", f"{endpoint.url}/openapi.json"),
                *("--header", f"Authorization: Bearer {key}", "--checks", "all"),
                *("--phases", "examples,coverage,fuzzing", "--max-examples", "25", "--seed", "1"),
            ],
            capture_output=True,
            text=True,
            cwd=project,  # it leaves folders of its own
            env=os.environ | {"NO_COLOR": "1", "PYTHONUTF8": "1"},
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"Operations:       {len(document['paths'])} selected" in done.stdout, "all paths are there to be asked"
        assert "No issues found" in done.stdout
    finally:
        mlops.undeploy(name)


COLUMNS = [
    {"name": "a", "type": "long", "required": True},
    {"name": "b", "type": "string", "required": False},
    {"name": "t", "type": "datetime", "required": True},
    {"name": "x", "type": "object", "required": True},
]
TENSOR = [{"name": None, "type": "float32", "shape": [-1, 2, -1]}]
TIME = "2026-02-28T10:30:00.5"


@pytest.mark.parametrize(
    ("inputs", "body", "fits"),
    [
        (COLUMNS, {"dataframe_split": {"data": [[1, None, TIME, {}]]}}, True),
        (COLUMNS, {"dataframe_split": {"columns": ["a", "b", "t", "x"], "data": [[1.0, "y", TIME, []]]}}, True),
        (COLUMNS, {"dataframe_records": [{"a": 1, "t": TIME, "x": 0}]}, True),
        (COLUMNS, {"inputs": {"a": 1, "t": TIME, "x": 0}, "params": {}}, True),
        (COLUMNS, {"dataframe_split": {"data": [[1, None, TIME]]}}, False),
        (COLUMNS, {"dataframe_split": {"data": [[None, None, TIME, {}]]}}, False),
        (COLUMNS, {"dataframe_records": [{"a": 1, "x": 0}]}, False),
        (COLUMNS, {"dataframe_records": [{"a": 2**63, "t": TIME, "x": 0}]}, False),
        (COLUMNS, {"dataframe_records": [{"a": 1, "t": "2026-02-30", "x": 0}]}, False),
        (COLUMNS, {"dataframe_records": [{"a": 1, "t": TIME, "x": 0, "more": 1}]}, False),
        (COLUMNS, {"dataframe_records": []}, False),
        (COLUMNS, {"dataframe_records": [{"a": 1, "t": TIME, "x": 0}], "inputs": []}, False),
        (TENSOR, {"instances": [[[1, 2, 3], [4, 5, 6]]]}, True),
        (TENSOR, {"instances": [[[1, 2, 3]]]}, False),
        (TENSOR, {"inputs": [[["1"], ["2"]]]}, False),
        (TENSOR, {"inputs": [[[1e39], [0]]]}, False),
    ],
)
def test_the_schema_of_a_request(inputs: Any, body: Any, fits: bool) -> None:
    validator = jsonschema.Draft202012Validator(schemas.request(inputs, 100))
    assert validator.is_valid(json.loads(json.dumps(body))) is fits


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("boolean", [True], [1, "true", None]),
        ("integer", [2**31 - 1, 2.0], [2**31, 1.5, True]),
        ("float", [3.4e38], [3.5e38, "1"]),
        ("double", [1.7e308, 0], [True]),
        (
            "datetime",
            ["2024-02-29T00:00", "2000-02-29T23:59:59.123456789"],
            ["2023-02-29T00:00", "2024-04-31T00:00", ""],
        ),
        ("binary", ["", "YWI=", "YWJj"], ["YW", "?"]),
        ("array", [1, [1], None], []),
    ],
)
def test_the_schema_of_a_cell(kind: str, good: list[Any], bad: list[Any]) -> None:
    validator = jsonschema.Draft202012Validator(schemas.cell(kind))
    assert [value for value in good if not validator.is_valid(value)] == []
    assert [value for value in bad if validator.is_valid(value)] == []


@pytest.mark.parametrize(
    ("tensor", "fits"),
    [
        ({"name": "input", "datatype": "FP32", "shape": [1, 2, 1], "data": [1, 2.5]}, True),
        ({"name": "input", "datatype": "FP32", "shape": [1, 2, 1], "data": [1, 2, 3]}, False),
        ({"name": "input", "datatype": "FP32", "shape": [1, 2, 1], "data": [1, "2"]}, False),
        ({"name": "input", "datatype": "FP64", "shape": [1, 2, 1], "data": [1, 2]}, False),
        ({"name": "input", "datatype": "FP32", "data": [1, 2]}, False),
    ],
)
def test_the_schema_of_tensors(tensor: Any, fits: bool) -> None:
    tensors = {
        "inputs": [{"name": "input", "datatype": "FP32", "shape": [-1, 2, -1]}],
        "outputs": [{"name": "predict", "datatype": "FP64", "shape": [-1]}],
    }
    validator = jsonschema.Draft202012Validator(openapi_v2.infer(TENSOR, tensors))
    assert validator.is_valid({"inputs": [tensor], "outputs": [{"name": "predict"}]}) is fits
    assert not validator.is_valid({"inputs": [tensor], "outputs": [{"name": "other"}]})
