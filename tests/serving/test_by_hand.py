"""A line for a shell and a page in the browser: each asks a real endpoint."""

from __future__ import annotations

import json
import os
import subprocess
import webbrowser
from typing import Any

import pytest
import requests

import jupyter_mlops as mlops
from jupyter_mlops.errors import ProcessFailed
from jupyter_mlops.serving.model.example import request_like


def test_curl_asks_for_the_example_and_open_opens_the_page(
    project: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pandas as pd
    from sklearn.linear_model import LogisticRegression

    odd = 'it\'s <b>$HOME</b> `ls` "é"'
    rows = pd.DataFrame({odd: [0.5, 1.5, 2.5, 3.5] * 5, "b": [1.0, 0.0] * 10})
    mlops.register(name, model=LogisticRegression().fit(rows, ["no", "yes"] * 10), data=rows)
    endpoint = mlops.deploy(f"{name}/1", auth=True)
    monkeypatch.setenv("MLOPS_API_KEY", (project / f".mlops/endpoints/{name}/key").read_text())
    try:
        line = endpoint.curl()
        assert repr(line) == line, "a notebook shows it as it is to be pasted"
        done = subprocess.run(f"{line} --silent", shell=True, capture_output=True, text=True, check=True)
        assert json.loads(done.stdout) == {"predictions": ["no"]}
        assert os.environ["MLOPS_API_KEY"] not in line
        key = {"auth": ("anybody", os.environ["MLOPS_API_KEY"]), "timeout": 30}  # as a browser or a scraper sends it
        assert 'version="1"' in requests.get(f"{endpoint.url}/metrics", **key).text
        assert requests.get(f"{endpoint.url}/", **key).text.startswith("<!doctype html>")
        history = requests.get(f"{endpoint.url}/about", **key).json()["history"]
        assert [(event["role"], event["version"], event["refused"]) for event in history] == [("champion", "1", "")]

        opened: list[str] = []
        browser = webbrowser.BackgroundBrowser("true")
        monkeypatch.setattr(browser, "open", opened.append)
        monkeypatch.setattr(webbrowser, "get", lambda: browser)
        assert endpoint.open() == f"{endpoint.url}/"
        monkeypatch.setattr(webbrowser, "get", lambda: webbrowser.GenericBrowser("lynx"))
        assert endpoint.open() == f"{endpoint.url}/"  # it would hold the kernel
        assert opened == [f"{endpoint.url}/"]
    finally:
        mlops.undeploy(name)
    with pytest.raises(ProcessFailed, match="does not"):
        endpoint.curl()


@pytest.mark.parametrize(
    ("inputs", "logged", "wanted"),
    [
        (
            [{"name": "a", "type": "long"}, {"name": "b", "type": "string"}],
            {"dataframe_split": {"columns": ["a", "b"], "data": [[7, "x"], [8, "y"]]}},
            {"dataframe_split": {"columns": ["a", "b"], "data": [[7, "x"]]}},
        ),
        ([{"name": "0", "type": "string"}], {"inputs": ["good", "bad"]}, {"instances": ["good"]}),
        ([{"name": None, "type": "float64", "shape": [-1, 2]}], {"inputs": [[1, 2], [3, 4]]}, {"instances": [[1, 2]]}),
        ([{"name": None, "type": "float64", "shape": [-1, 2, 2]}], None, {"instances": [[[0, 0], [0, 0]]]}),
        (
            [{"name": "a", "type": "boolean"}, {"name": "t", "type": "datetime"}],
            None,
            {"dataframe_split": {"columns": ["a", "t"], "data": [[False, "2026-01-01T00:00:00"]]}},
        ),
        ([{"name": "a", "type": "double"}], {"nonsense": 1}, {"dataframe_split": {"columns": ["a"], "data": [[0]]}}),
        (
            [{"name": "a", "type": "string"}],
            {"dataframe_split": {"columns": ["a"], "data": [["x" * 2**20]]}},
            {"dataframe_split": {"columns": ["a"], "data": [[""]]}},
        ),
    ],
)
def test_a_request_to_begin_with(inputs: Any, logged: Any, wanted: Any) -> None:
    assert request_like(inputs, None if logged is None else json.dumps(logged).encode()) == wanted
