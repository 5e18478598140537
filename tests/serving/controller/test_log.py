"""What an endpoint has answered is in its log, whatever is killed, and once."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

import jupyter_mlops as mlops
from jupyter_mlops.errors import InvalidUsage

from ...waiting import until
from .test_following import BODY, add, front_of, models_of, point


@pytest.fixture(autouse=True)
def _stopped(project: Path) -> Iterator[None]:
    yield
    mlops.stop(all=True)


def test_what_is_answered_is_remembered_with_its_rows_and_labelled_later(name: str) -> None:
    point(name, add(name, 1.0))
    endpoint = mlops.deploy(name)
    assert endpoint.log().empty
    body = {"dataframe_split": {"columns": ["b", "a"], "data": [[1.0, 2.0], [3.0, 4.0]]}}
    headers = {"X-Request-Id": "my own", "X-Request-Tags": "team=red, batch=7"}
    answer = requests.post(f"{endpoint.url}/invocations", json=body, headers=headers, timeout=30)
    assert answer.headers["X-Request-Id"] == "my own"
    refused = requests.post(f"{endpoint.url}/invocations", json={"instances": [["x", 1]]}, timeout=30)
    assert refused.status_code == 400
    log = endpoint.log()
    assert list(log["id"]) == ["my own", "my own/1"]
    assert list(log["input.a"]) == [2.0, 4.0]
    assert list(log["prediction"]) == [1.0, 1.0]
    assert set(log["version"]) == {1}
    assert set(log["arm"]) == {"champion"}
    assert "red" in log["tags"][0]
    assert 0 < log["latency_ms"][0] < 10_000
    import pandas as pd

    labels = pd.DataFrame({"id": ["my own/1"], "truth": [0.5]})
    assert mlops.label(name, data=labels).ok
    assert endpoint.log(ids=["my own/1"])["label"].tolist() == [0.5]


def test_personal_columns_are_left_out_or_hashed(name: str, project: Path) -> None:
    point(name, add(name, 1.0))
    with (project / "mlops.toml").open("a") as file:
        file.write(f'\n[endpoints.{name}.log]\ndrop = ["a"]\nhash = ["b"]\n')
    endpoint = mlops.deploy(name)
    requests.post(f"{endpoint.url}/invocations", data=BODY, timeout=30).raise_for_status()
    (row,) = endpoint.log().to_dict(orient="records")
    assert "input.a" not in row
    assert isinstance(row["input.b"], str)


def test_columns_that_the_project_has_marked_are_hashed(name: str, project: Path) -> None:
    point(name, add(name, 1.0))
    with (project / "mlops.toml").open("a") as file:
        file.write('\n[privacy]\npersonal = ["b", "a column of another table"]\n')
    endpoint = mlops.deploy(name)
    requests.post(f"{endpoint.url}/invocations", data=BODY, timeout=30).raise_for_status()
    (row,) = endpoint.log().to_dict(orient="records")
    assert isinstance(row["input.a"], float)
    assert len(row["input.b"]) == 64


def test_a_personal_column_that_the_model_does_not_have_is_told(name: str, project: Path) -> None:
    point(name, add(name, 1.0))
    with (project / "mlops.toml").open("a") as file:
        file.write(f'\n[endpoints.{name}.log]\nhash = ["e-mail"]\n')
    with pytest.raises(InvalidUsage, match="e-mail"):
        mlops.deploy(name)


def test_every_answered_id_is_in_the_log_once_whatever_is_killed(name: str) -> None:
    point(name, add(name, 1.0))
    endpoint = mlops.deploy(name)
    chance = random.Random(0)
    answered: list[str] = []
    ended = threading.Event()

    def client() -> None:
        while not ended.is_set():
            try:
                answer = requests.post(f"{endpoint.url}/invocations", data=BODY, timeout=60)
            except requests.RequestException:
                continue
            if answer.ok:
                answered.append(answer.headers["X-Request-Id"])

    clients = [threading.Thread(target=client) for _ in range(4)]
    for each in clients:
        each.start()
    try:
        for victim in [models_of, front_of, models_of]:
            time.sleep(chance.uniform(0.1, 1.5))
            found: Any = victim(endpoint.pid)
            (found[0] if isinstance(found, list) else found).kill()
            count = len(answered)
            until(lambda count=count: len(answered) > count + 20)  # type: ignore[misc]
        time.sleep(chance.uniform(0.1, 1))
        for process in [psutil.Process(endpoint.pid), *psutil.Process(endpoint.pid).children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):  # the others end when their controller has gone
                process.kill()
    finally:
        ended.set()
        for each in clients:
            each.join(90)
    log = endpoint.log()
    assert log["id"].is_unique
    assert len(answered) > 50
    assert set(answered) <= set(log["id"])
