"""An endpoint that looks after itself: it follows the registry, loses no request, and brings back what dies."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from sklearn.dummy import DummyRegressor

import jupyter_mlops as mlops
from jupyter_mlops.errors import InvalidUsage, NotFound
from jupyter_mlops.serving import fulfilment
from jupyter_mlops.workspace import Workspace

from ...waiting import is_gone, until


@pytest.fixture(autouse=True)
def _stopped(project: Path) -> Iterator[None]:
    yield
    mlops.stop(all=True)


def add(name: str, answer: float, columns: tuple[str, ...] = ("a", "b")) -> int:
    """Register a model that always gives the same answer, and give its version."""
    import pandas as pd

    rows = pd.DataFrame({column: [1.0, 2.0, 3.0] for column in columns})
    model = DummyRegressor(strategy="constant", constant=answer).fit(rows, [answer] * 3)
    return int(mlops.register(name, model=model, data=rows).version)


def point(name: str, number: int, alias: str = "champion") -> None:
    """Move an alias as anybody's client does."""
    Workspace.here().mlflow.write("set_registered_model_alias", name, alias, str(number))


BODY = json.dumps({"dataframe_split": {"columns": ["a", "b"], "data": [[1.0, 2.0]]}})


def ask(url: str) -> tuple[str, float]:
    """Give the version that answers, and what it says."""
    answer = requests.post(f"{url}/invocations", data=BODY, timeout=30)
    answer.raise_for_status()
    return answer.headers["X-Model-Version"], answer.json()["predictions"][0]


def front_of(pid: int) -> psutil.Process:
    """Find the process that clients speak to."""
    return _child_of(pid, "jupyter_mlops.serving.front.process")


def models_of(pid: int) -> list[psutil.Process]:
    """Find the processes that predict: what the template has forked."""
    return _child_of(pid, "forkserver").children()


def _child_of(pid: int, word: str) -> psutil.Process:
    def found() -> psutil.Process | None:
        for child in psutil.Process(pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):  # it may end meanwhile
                if word in " ".join(child.cmdline()):
                    return child
        return None

    child: psutil.Process = until(found)
    return child


def test_an_alias_that_anybody_moves_is_followed_and_the_audit_says_so(name: str) -> None:
    first, second = add(name, 1.0), add(name, 2.0)
    point(name, first)
    endpoint = mlops.deploy(name)
    assert endpoint.follows == "champion"
    assert ask(endpoint.url) == ("1", 1.0)
    point(name, second)
    until(lambda: ask(endpoint.url) == ("2", 2.0))
    warm = set(models_of(endpoint.pid))
    point(name, first)
    until(lambda: ask(endpoint.url) == ("1", 1.0))
    assert set(models_of(endpoint.pid)) == warm  # nothing was started for it
    until(lambda: mlops.endpoints().rows[0].version == 1)  # what is listed is written once it answers
    (listed,) = mlops.endpoints().rows
    assert (listed.url, listed.pid) == (endpoint.url, endpoint.pid)
    until(lambda: [e.action for e in mlops.audit(name).events].count("deploy") == 3)
    events = [event for event in mlops.audit(name, verify=True).events if event.action == "deploy"]
    assert [(event.before, event.after) for event in events][-2:] == [("1", "2"), ("2", "1")]
    assert events[-1].where == f"endpoint {name}"
    assert events[-1].evidence == f"endpoint {name} follows @champion"


def test_an_alias_that_is_gone_and_a_model_that_was_deleted_are_told_and_what_answers_goes_on(name: str) -> None:
    first, second = add(name, 1.0), add(name, 2.0)
    point(name, first)
    endpoint = mlops.deploy(name)
    mlflow = Workspace.here().mlflow
    mlflow.write("delete_registered_model_alias", name, "champion")
    until(lambda: mlops.endpoints().rows[0].refused)
    assert mlops.endpoints().rows[0].refused == (
        f"{name}@champion names no version any more, and version {first} goes on as the champion."
    )
    assert ask(endpoint.url) == ("1", 1.0)
    point(name, second)
    until(lambda: ask(endpoint.url) == ("2", 2.0))
    until(lambda: not mlops.endpoints().rows[0].refused)
    mlflow.write("delete_registered_model", name)
    until(lambda: f"version {second} goes on" in mlops.endpoints().rows[0].refused)
    assert ask(endpoint.url) == ("2", 2.0)
    assert sum("names no version any more" in line for line in mlops.logs(name).lines) == 2


PATIENT = """
import asyncio, runpy
from jupyter_mlops.serving.controller import controller, webhook
controller.LOOK = 3600.0
webhook.Webhook.listen = lambda self: asyncio.sleep(0)
runpy.run_module("jupyter_mlops.serving.controller", run_name="__main__", alter_sys=True)
"""


def test_a_rollback_is_told_to_the_endpoint_at_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the command itself: this endpoint looks once an hour, and the server tells it nothing."""
    spawn = fulfilment.spawn
    monkeypatch.setattr(fulfilment, "spawn", lambda command, log: spawn(["-c", PATIENT, *command[2:]], log))
    first, second = add(name, 1.0), add(name, 2.0)
    mlops.promote(f"{name}/{first}", force=True, reason="test")
    endpoint = mlops.deploy(name)
    mlops.promote(f"{name}/{second}", force=True, reason="test")
    until(lambda: ask(endpoint.url)[0] == "2")
    assert "by the endpoint" in str(mlops.rollback(name))
    until(lambda: ask(endpoint.url)[0] == "1")


def test_a_version_that_its_clients_could_not_ask_is_refused_until_somebody_wants_it(name: str) -> None:
    first, other = add(name, 1.0), add(name, 2.0, ("a", "b", "c"))
    point(name, first)
    endpoint = mlops.deploy(name)
    point(name, other)
    until(lambda: mlops.endpoints().rows[0].refused)
    assert ask(endpoint.url) == ("1", 1.0)
    assert f"{name}/{other}: " in mlops.endpoints().rows[0].refused
    assert "it also wants 'c'" in mlops.endpoints().rows[0].refused
    assert any("it also wants 'c'" in line for line in mlops.logs(name).lines)
    until(lambda: any(e.action == "refuse" and "it also wants 'c'" in e.evidence for e in mlops.audit(name).events))
    assert mlops.deploy(name).version == other
    with pytest.raises(InvalidUsage, match="'c'"):
        mlops.predict(name, data=[{"a": 1.0, "b": 2.0}])


def test_a_version_that_can_not_be_loaded_is_refused(name: str) -> None:
    point(name, add(name, 1.0))
    endpoint = mlops.deploy(name)
    broken = add(name, 2.0)
    mlflow = Workspace.here().mlflow
    uri = mlflow.read("get_model_version_download_uri", name, str(broken))
    from mlflow.artifacts import download_artifacts
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    folder = Path(download_artifacts(artifact_uri=uri, tracking_uri=mlflow.uri))
    (file,) = folder.glob("*.skops")
    file.write_bytes(file.read_bytes()[:-200])
    get_artifact_repository(uri, tracking_uri=mlflow.uri).log_artifact(str(file))
    point(name, broken)
    until(lambda: mlops.endpoints().rows[0].refused)
    assert ask(endpoint.url) == ("1", 1.0)
    assert mlops.endpoints().rows[0].state == "serving"
    third = add(name, 3.0)
    point(name, third)
    until(lambda: ask(endpoint.url) == ("3", 3.0))
    until(lambda: mlops.endpoints().rows[0].refused == "")


def test_what_is_killed_comes_back_on_the_same_port(name: str) -> None:
    point(name, add(name, 1.0))
    endpoint = mlops.deploy(name)
    front_of(endpoint.pid).kill()
    until(lambda: _answers(endpoint.url))
    (model,) = models_of(endpoint.pid)
    model.kill()
    until(lambda: models_of(endpoint.pid) not in ([], [model]))
    until(lambda: _answers(endpoint.url))
    until(lambda: mlops.endpoints().rows[0].restarts >= 2)
    (row,) = mlops.endpoints().rows
    assert (row.pid, row.restarts) == (endpoint.pid, 2)


def test_what_keeps_dying_is_given_up(name: str) -> None:
    point(name, add(name, 1.0))
    endpoint = mlops.deploy(name)

    def killed() -> bool:
        with contextlib.suppress(psutil.NoSuchProcess):
            for model in models_of(endpoint.pid):
                model.kill()
        return mlops.endpoints().rows[0].state == "failed"

    until(killed)
    (row,) = mlops.endpoints().rows
    assert not row.ok
    assert "keeps dying, and is given up after 5 tries" in row.refused
    assert "keeps dying, and is not started again" in row.last_lines
    assert "keeps dying, and is not started again" in " ".join(str(row).split())
    assert mlops.endpoints(restart=True).rows[0].state == "serving"  # somebody wants it again
    assert ask(endpoint.url) == ("1", 1.0)


def test_a_process_that_stops_answering_is_ended(name: str, project: Path) -> None:
    with (project / "mlops.toml").open("a") as file:
        file.write(f"\n[endpoints.{name}]\ntimeout = 1\n")
    point(name, add(name, 1.0))
    endpoint = mlops.deploy(name)
    (model,) = models_of(endpoint.pid)
    os.kill(model.pid, signal.SIGSTOP)
    assert requests.post(f"{endpoint.url}/invocations", data=BODY, timeout=30).status_code == 503
    until(lambda: _answers(endpoint.url))
    until(lambda: is_gone(model))


def test_when_the_controller_is_killed_nothing_is_left(name: str) -> None:
    point(name, add(name, 1.0))
    endpoint = mlops.deploy(name)
    family = psutil.Process(endpoint.pid).children(recursive=True)
    psutil.Process(endpoint.pid).kill()
    until(lambda: all(map(is_gone, family)))


def test_no_request_is_lost_or_mixed_while_versions_come_and_go(name: str) -> None:
    numbers = [add(name, float(answer)) for answer in range(1, 4)]
    other = add(name, 9.0, ("z",))
    point(name, 1)
    endpoint = mlops.deploy(name)
    with asking(endpoint.url) as seen:
        for number in [2, 1, other, 2, 3, other, 1, 3, 2]:
            point(name, number)
            if number != other:
                until(lambda number=number: ask(endpoint.url)[0] == str(number))  # type: ignore[misc]
                right = 200, str(number), float(number)
                before = seen[right]
                until(lambda right=right, before=before: seen[right] > before + 1)  # type: ignore[misc]
            else:
                until(lambda: mlops.endpoints().rows[0].refused)
    assert set(seen) == {(200, str(number), float(number)) for number in numbers}
    assert min(seen.values()) > 1


def test_what_was_accepted_is_answered_when_it_stops(name: str) -> None:
    point(name, add(name, 1.0))
    endpoint = mlops.deploy(name)
    (model,) = models_of(endpoint.pid)
    os.kill(model.pid, signal.SIGSTOP)  # a prediction that takes its time
    answers: list[tuple[str, float]] = []
    client = threading.Thread(target=lambda: answers.append(ask(endpoint.url)))
    client.start()
    until(lambda: requests.get(f"{endpoint.url}/about", timeout=30).json()["waiting"] == 1)
    stopping = threading.Thread(target=lambda: mlops.undeploy(name))
    stopping.start()
    time.sleep(1)
    os.kill(model.pid, signal.SIGCONT)
    client.join(60)
    stopping.join(60)
    assert answers == [("1", 1.0)]
    assert not psutil.pid_exists(endpoint.pid) or psutil.Process(endpoint.pid).status() == psutil.STATUS_ZOMBIE


@contextmanager
def asking(url: str, threads: int = 4) -> Iterator[Counter[Any]]:
    """Ask all the time, each time over a connection that stays; count status, version and answer."""
    seen: Counter[Any] = Counter()
    ended = threading.Event()

    def client() -> None:
        with requests.Session() as session:
            while not ended.is_set():
                try:
                    answer = session.post(f"{url}/invocations", data=BODY, timeout=60)
                except requests.RequestException as error:
                    seen[repr(error)] += 1
                    continue
                said = answer.json().get("predictions", [None])[0] if answer.ok else answer.text
                seen[answer.status_code, answer.headers["X-Model-Version"], said] += 1

    clients = [threading.Thread(target=client) for _ in range(threads)]
    for each in clients:
        each.start()
    try:
        yield seen
    finally:
        ended.set()
        for each in clients:
            each.join(90)


def _answers(url: str) -> bool:
    try:
        return ask(url)[1] == 1.0
    except requests.RequestException:
        return False


def test_a_canary_answers_its_share_and_a_promotion_makes_it_the_champion(name: str) -> None:
    first, second = add(name, 1.0), add(name, 2.0)
    point(name, first)
    point(name, second, "challenger")
    mlops.deploy(name)
    endpoint = mlops.deploy(f"{name}@challenger", canary="50%")
    assert (endpoint.version, endpoint.canary, endpoint.share) == (1, 2, 0.5)
    seen = Counter(ask(endpoint.url) for _ in range(100))
    assert set(seen) == {("1", 1.0), ("2", 2.0)}
    assert 20 < seen["2", 2.0] < 80
    until(lambda: {(arm["role"], arm["version"]) for arm in mlops.endpoints().rows[0].arms if arm["answered"]}
          == {("champion", "1"), ("canary", "2")})  # fmt: skip
    assert "side by side" in str(mlops.endpoints())
    assert "canary 2, 50%" in str(mlops.endpoints())
    mlops.promote(f"{name}@challenger", force=True, reason="it does well")
    until(lambda: {ask(endpoint.url) for _ in range(10)} == {("2", 2.0)})
    assert mlops.deploy(name).canary is None


def test_a_shadow_is_asked_too_and_nobody_gets_its_answers(name: str) -> None:
    first, second, same = add(name, 1.0), add(name, 2.0), add(name, 1.0)
    point(name, first)
    mlops.deploy(name)
    endpoint = mlops.deploy(f"{name}/{second}", shadow=True)
    assert endpoint.shadow == second
    assert {ask(endpoint.url) for _ in range(20)} == {("1", 1.0)}

    def shadow(version: int) -> dict[str, Any]:
        arms = mlops.endpoints().rows[0].arms
        return next(
            (dict(a) for a in arms if (a["role"], a["version"]) == ("shadow", str(version))),
            {"compared": 0, "agreed": 0},
        )

    until(lambda: shadow(second)["compared"] == 20)
    assert shadow(second)["agreed"] == 0
    mlops.deploy(f"{name}/{same}", shadow=True)
    assert {ask(endpoint.url) for _ in range(20)} == {("1", 1.0)}
    until(lambda: shadow(same)["agreed"] == 20)


@pytest.mark.parametrize("share", ["0", "100%", "-5%", "ten", "nan", ""])
def test_a_share_that_is_none_is_told(name: str, share: str) -> None:
    point(name, add(name, 1.0))
    with pytest.raises(InvalidUsage, match="no share"):
        mlops.deploy(name, canary=share)


def test_a_canary_needs_something_to_stand_beside(name: str) -> None:
    point(name, add(name, 1.0))
    with pytest.raises(NotFound, match=f"%mlops deploy {name}@champion"):
        mlops.deploy(name, canary="10%")


def test_a_refused_wish_leaves_what_answers_and_not_what_was_deployed_first(name: str) -> None:
    first, second = add(name, 1.0), add(name, 2.0)
    point(name, first)
    endpoint = mlops.deploy(name)
    point(name, second)
    until(lambda: ask(endpoint.url) == ("2", 2.0))
    from sklearn.naive_bayes import GaussianNB

    unsigned = mlops.register(name, model=GaussianNB().fit([[0.0], [1.0]], [0, 1])).version
    with asking(endpoint.url) as seen:
        with pytest.raises(InvalidUsage, match="no signature"):
            mlops.deploy(f"{name}/{unsigned}")
        time.sleep(2)
    assert set(seen) == {(200, "2", 2.0)}
    until(lambda: mlops.endpoints().rows[0].version == second)
