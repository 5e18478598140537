"""An endpoint as a user has it: deployed, asked, listed, found again, stopped. Real processes, every face."""

from __future__ import annotations

import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

import jupyter_mlops as mlops
from jupyter_mlops.errors import Conflict, InvalidUsage, NotFound, ProcessFailed, UntrustedModel
from jupyter_mlops.workspace import Workspace

from ..conftest import Face
from ..waiting import is_gone, until


@pytest.fixture(autouse=True)
def _no_process_left(project: Path) -> Iterator[None]:
    """Stop what the test has started, and see that nothing of it is left."""
    yield
    processes = Workspace.here().state.all("endpoint")
    mlops.stop(all=True)
    assert not [process for process in processes if process.alive]


@pytest.fixture
def champion(trained: Any, name: str) -> str:
    """A model with a champion."""
    trained("first", accuracy=0.95)
    mlops.promote(mlops.register(name))
    return name


def test_deploy_predict_list_and_stop(face: Face, champion: str, cancer: Any) -> None:
    X_test = cancer[1]
    deployed = face(f"deploy {champion}@champion").data
    assert (deployed["state"], deployed["version"], deployed["is_new"]) == ("serving", 1, True)
    again = face(f"deploy {champion}@champion").data
    assert (again["pid"], again["is_new"]) == (deployed["pid"], False)
    answer = face(f"predict {champion} --data X_test", X_test=X_test).data
    assert len(answer["values"]) == len(X_test)
    assert set(answer["values"]) == {0, 1}
    assert [row["name"] for row in face("endpoints").data["rows"]] == [champion]
    assert any("answers" in line for line in face(f"logs {champion}").data["lines"])
    assert face(f"undeploy {champion} --dry-run").data["dry_run"] is True
    assert psutil.pid_exists(deployed["pid"])
    assert face(f"undeploy {champion}").data["was_running"] is True
    assert face("endpoints").data["rows"] == []
    actions = [event["action"] for event in face(f"audit {champion} --verify").data["events"]]
    assert actions[-2:] == ["deploy", "undeploy"]


def test_it_outlives_the_process_that_deployed_it(champion: str, project: Path, cancer: Any) -> None:
    script = f"import jupyter_mlops as mlops; print(mlops.deploy({champion!r}).pid)"
    done = subprocess.run([sys.executable, "-c", script], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    endpoint = mlops.endpoints().rows[0]
    assert endpoint.state == "serving"
    assert endpoint.pid == int(done.stdout)
    assert len(endpoint.predict(cancer[1].head(3))) == 3


def test_answers_are_those_of_the_estimator(trained: Any, name: str, cancer: Any) -> None:
    from sklearn.ensemble import RandomForestClassifier

    X_train, X_test, y_train, _ = cancer
    forest = RandomForestClassifier(n_estimators=20, random_state=0).fit(X_train, y_train)
    endpoint = mlops.deploy(mlops.register(name, model=forest, data=X_train))
    predictions = endpoint.predict(X_test)
    assert predictions.values == forest.predict(X_test).tolist()
    assert predictions.frame().index.tolist() == X_test.index.tolist()
    assert endpoint.predict(X_test.iloc[0]).values == forest.predict(X_test.head(1)).tolist()  # one row as a series
    polars = pytest.importorskip("polars")
    assert endpoint.predict(polars.from_pandas(X_test.head(5))).values == forest.predict(X_test.head(5)).tolist()


def test_more_rows_than_one_request_may_have(champion: str, cancer: Any) -> None:
    import pandas as pd

    many = pd.concat([cancer[1]] * 400, ignore_index=True)
    predictions = mlops.deploy(champion).predict(many)
    assert len(predictions) == len(many) > 50_000
    assert predictions.values[: len(cancer[1])] == predictions.values[-len(cancer[1]) :]


def test_numbers_and_names_arrive_as_they_are(cancer: Any) -> None:
    import json

    import numpy as np
    import pandas as pd

    from jupyter_mlops.serving.client import _rows

    def sent(data: Any) -> Any:
        frame, write = _rows(data)
        return json.loads(write(frame))

    exact = np.random.default_rng(0).normal(size=(100, 3))
    assert sent(exact)["instances"] == exact.tolist()
    assert sent({"b": [1, 2], "a": [0.1 + 0.2, None]})["dataframe_split"] == {
        "columns": ["b", "a"],
        "data": [[1, 0.1 + 0.2], [2, None]],
    }
    assert sent([{"b": 1}])["dataframe_split"]["columns"] == ["b"]
    assert sent(["x", "y"]) == {"instances": ["x", "y"]}
    assert sent([[1], [2]]) == {"instances": [[1], [2]]}
    with pytest.raises(InvalidUsage, match="infinite"):
        sent(pd.DataFrame({"a": [1.0, float("inf")]}))


def test_mlflows_own_client_code_can_ask_it(champion: str, cancer: Any) -> None:
    endpoint = mlops.deploy(champion)
    rows = cancer[1].head(2)
    body = {"dataframe_split": rows.to_dict(orient="split")}
    answer = requests.post(f"{endpoint.url}/invocations", json=body, timeout=30)
    assert answer.status_code == 200
    assert len(answer.json()["predictions"]) == 2
    assert answer.headers["X-Model-Version"] == "1"
    assert requests.get(f"{endpoint.url}/ping", timeout=30).ok


def test_another_version_takes_over(champion: str, trained: Any) -> None:
    first = mlops.deploy(champion)
    trained("second", accuracy=0.97)
    mlops.promote(mlops.register(champion))
    second = mlops.deploy(f"{champion}@champion")
    assert (second.version, second.is_new) == (2, True)
    assert (second.pid, second.url) == (first.pid, first.url)
    assert len(mlops.endpoints()) == 1


def test_a_dead_endpoint_is_told_and_started_again(champion: str, cancer: Any) -> None:
    first = mlops.deploy(champion)
    family = [psutil.Process(first.pid), *psutil.Process(first.pid).children(recursive=True)]
    family[0].kill()
    until(lambda: all(map(is_gone, family)))  # the others answer what they have accepted, and end then
    assert mlops.endpoints().rows[0].state == "stopped"
    assert not mlops.endpoints().ok
    with pytest.raises(ProcessFailed, match="does not answer"):
        mlops.predict(champion, data=cancer[1])
    assert mlops.deploy(champion).pid != first.pid


BAD_WORDS = [
    ("predict nobody --data X", NotFound, "There is no endpoint 'nobody'"),
    ("deploy {name}@challenger", NotFound, "no alias 'challenger'"),
    ("deploy nobody", NotFound, "There is no registered model 'nobody'"),
    ("deploy {name} --port 99999", Conflict, "Port 99999 can't be used|is no port"),
    ("deploy {name} --port {taken}", Conflict, "address already in use"),
    ("deploy {name} --name a/b", InvalidUsage, "can't be the name of an endpoint"),
    ("undeploy nobody", NotFound, "There is no endpoint 'nobody'"),
    ("logs nobody", NotFound, "There is no endpoint 'nobody'"),
]


def test_bad_words_start_nothing(face: Face, champion: str, cancer: Any) -> None:
    import re

    for line, error, says in BAD_WORDS:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            outcome = face(line.format(name=champion, taken=listener.getsockname()[1]), X=cancer[1])
        assert outcome.exit_code == error.exit_code, line
        assert re.search(says, outcome.error)
        assert len(outcome.error.splitlines()) <= 3
        assert mlops.endpoints().rows == (), line


def test_a_model_that_would_run_code_is_refused(
    project: Path, name: str, cancer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow.sklearn
    from mlflow.models import infer_signature
    from sklearn.naive_bayes import GaussianNB

    X_train, _, y_train, _ = cancer
    workspace = Workspace.here()
    uri = workspace.mlflow.uri
    _ = workspace.mlflow.client
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")  # MLflow writes it, and nobody takes it out
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment(f"pickles of {name}")
    model = GaussianNB().fit(X_train, y_train)
    signature = infer_signature(X_train, model.predict(X_train))
    with mlflow.start_run():
        mlflow.sklearn.log_model(
            model, name="model", serialization_format="cloudpickle", signature=signature, pip_requirements=["scikit-learn"],
            registered_model_name=name,
        )  # fmt: skip
    with pytest.raises(UntrustedModel, match="pickle"):
        mlops.deploy(f"{name}/1")
    assert mlops.endpoints().rows == ()


def test_a_model_without_a_signature_is_refused(trained: Any, name: str, cancer: Any) -> None:
    from sklearn.naive_bayes import GaussianNB

    model = GaussianNB().fit(cancer[0], cancer[2])
    mlops.register(name, model=model)
    with pytest.raises(InvalidUsage, match="has no signature"):
        mlops.deploy(f"{name}/1")


def test_an_interrupt_leaves_no_process(champion: str, project: Path) -> None:
    script = f"""
        import _thread, psutil, threading, time
        from pathlib import Path
        import jupyter_mlops as mlops
        from jupyter_mlops.backend.state import State
        def interrupt():
            while not (found := State(Path(".mlops")).get("starting endpoint", {champion!r})):
                time.sleep(0.01)
            psutil.Process(found.pid).suspend()  # it will never be there: who waits for it waits for two minutes
            global begin
            begin = time.monotonic()
            _thread.interrupt_main()
        threading.Thread(target=interrupt, daemon=True).start()
        try:
            mlops.deploy({champion!r})
        except KeyboardInterrupt:
            print("interrupted", time.monotonic() - begin)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=project, capture_output=True, text=True, check=False
    )
    word, _, seconds = done.stdout.strip().partition(" ")
    assert word == "interrupted", done.stdout + done.stderr
    assert float(seconds) < 30
    assert mlops.endpoints().rows == ()
    until(lambda: not any(str(project) in " ".join(p.info["cmdline"] or []) for p in psutil.process_iter(["cmdline"])))


def test_a_kernel_killed_while_it_deploys_leaves_nothing_unknown(champion: str, project: Path) -> None:
    script = f"""
        import os, signal, threading
        import jupyter_mlops as mlops
        from jupyter_mlops.serving import fulfilment
        fulfilment._await = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        mlops.deploy({champion!r})
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], cwd=project, check=False)
    assert done.returncode == -9
    (left,) = Workspace.here().state.all("starting endpoint")
    assert left.alive
    assert mlops.endpoints().rows == ()
    assert mlops.deploy(champion).ok
    assert not left.alive
    assert Workspace.here().state.all("starting endpoint") == []


def test_an_endpoint_that_the_audit_does_not_know_is_not_left_running(
    champion: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlops.serving import fulfilment

    def fail(*_: object) -> None:
        raise Conflict("no audit")

    with monkeypatch.context() as patch:
        patch.setattr(fulfilment, "note", fail)
        with pytest.raises(Conflict, match="no audit"):
            mlops.deploy(champion)
    assert Workspace.here().state.all() == []
    assert mlops.deploy(champion).ok


def test_whole_numbers_with_gaps_are_answered(project: Path, name: str) -> None:
    import pandas as pd
    from sklearn.ensemble import HistGradientBoostingClassifier

    ages = pd.array([20, None, 45, 33, None, 71] * 20, dtype="Int64")
    rows = pd.DataFrame({"age": ages, "visits": [1, 2, 3, 4, 5, 6] * 20})
    model = HistGradientBoostingClassifier().fit(rows, [0, 1, 0, 1, 1, 0] * 20)
    mlops.register(name, model=model, data=rows)
    try:
        mlops.deploy(f"{name}/1")
        assert list(mlops.predict(name, data=rows).values) == list(model.predict(rows))
        with pytest.raises(InvalidUsage, match="visits"):  # this one had none
            mlops.predict(name, data=[{"age": None, "visits": None}])
    finally:
        mlops.stop(all=True)


def test_a_port_that_somebody_takes_in_the_meantime_does_not_matter(
    champion: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlops.serving import deployment

    free = deployment.free_port
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = iter([free(), listener.getsockname()[1]])  # of the check, and of what it is to be
        monkeypatch.setattr(deployment, "free_port", lambda wanted=0: next(taken, None) or free(wanted))
        endpoint = mlops.deploy(champion)
    assert endpoint.ok
    assert mlops.audit(champion).events[-1].evidence == f"endpoint {champion}, port {endpoint.port}"


def test_its_own_port_is_told_apart_from_a_strangers(champion: str, trained: Any) -> None:
    endpoint = mlops.deploy(f"{champion}@champion")
    trained("another", accuracy=0.97)
    mlops.register(champion)
    assert mlops.deploy(f"{champion}/2", port=endpoint.port).url == endpoint.url
    with pytest.raises(Conflict, match="stays there"):
        mlops.deploy(f"{champion}/2", port=endpoint.port + 1)
