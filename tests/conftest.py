"""Real parts: one MLflow server for all tests, a project and an experiment of its own for each."""

from __future__ import annotations

import contextlib
import inspect
import io
import itertools
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pytest
import requests
from IPython.core.interactiveshell import InteractiveShell

import jupyter_mlops as mlops
from jupyter_mlops import cli, errors, grammar
from jupyter_mlops.backend import server
from jupyter_mlops.backend.processes import free_port, stop
from jupyter_mlops.backend.state import State
from jupyter_mlops.errors import MlopsError

from .waiting import until

_numbers = itertools.count(1)


@pytest.fixture(autouse=True, scope="session")
def _clean_environment() -> Iterator[None]:
    """Take out what a developer's shell says of MLflow, and what says that this is CI: then nobody watches a panel.

    Where pytest itself was started in the background, a shell has it ignore Ctrl-C, and all that it starts with it.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    kept = dict(os.environ)
    for name in list(os.environ):
        if name == "CI" or name.startswith(("CI_", "GITHUB_", "GITLAB_", "MLFLOW_", "MLOPS_")):
            del os.environ[name]
    os.environ["MPLBACKEND"] = "agg"
    yield
    os.environ.clear()
    os.environ.update(kept)


@pytest.fixture(scope="session")
def tracking_uri(tmp_path_factory: pytest.TempPathFactory, _clean_environment: None) -> Iterator[str]:
    """A real MLflow server."""
    state = State(tmp_path_factory.mktemp("server") / ".mlops")
    process = server.ensure(state, lambda text: None).process
    yield process.url
    stop(process)


@pytest.fixture
def name() -> str:
    """The name of a model that no other test has."""
    return f"model-{next(_numbers)}"


@pytest.fixture
def project(tmp_path: Path, tracking_uri: str, monkeypatch: pytest.MonkeyPatch, name: str) -> Path:
    """An empty project that the working folder is in, on the real server, with a gate."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlops.toml").write_text(
        f'tracking_uri = "{tracking_uri}"\nexperiment = "experiment of {name}"\nuser = "tester"\n\n'
        f'[gates.{name}]\naccuracy = ">= 0.9"\n'
    )
    return tmp_path


@pytest.fixture(scope="session")
def cancer() -> Any:
    """Split real data: X_train, X_test, y_train, y_test."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.model_selection import train_test_split

    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    return train_test_split(X, y, random_state=0, stratify=y)


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    """An IPython of its own, with the extension loaded."""
    InteractiveShell.clear_instance()
    ip = InteractiveShell.instance()
    ip.history_manager.enabled = False
    ip.run_line_magic("load_ext", "jupyter_mlops")
    yield ip
    ip.history_manager.end_session()
    InteractiveShell.clear_instance()


@dataclass
class Outcome:
    """What a face gave: the result as plain data, or the error as a person sees it."""

    data: Any = None
    error: str = ""
    kind: str = ""
    exit_code: int = 0


class Face(Protocol):
    """Give a line to a face, with the variables that it may name."""

    def __call__(self, line: str, **variables: Any) -> Outcome: ...


def _through_python(line: str, **variables: Any) -> Outcome:
    try:
        invocation = grammar.parse(line)
        verb = getattr(mlops, invocation.command.python_name)
        bound = inspect.signature(verb).bind(*invocation.args, **invocation.kwargs)
        for key, value in bound.arguments.items():
            if invocation.command.slot(key) == "variable" and isinstance(value, str) and value in variables:
                bound.arguments[key] = variables[value]
        return Outcome(verb(*bound.args, **bound.kwargs).to_dict())
    except MlopsError as error:
        return Outcome(error=str(error), kind=type(error).__name__, exit_code=error.exit_code)


def _through_cli(line: str, **variables: Any) -> Outcome:
    words = shlex.split(line)
    for key, value in variables.items():
        if key in words:
            value.to_parquet(f"{key}.parquet")
            words[words.index(key)] = f"{key}.parquet"
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.main([*words, "--json"])
    text = out.getvalue()
    return Outcome(json.loads(text) if text else None, err.getvalue().strip(), exit_code=code)


def _through_rest(jupyter: Callable[..., Any], line: str, **variables: Any) -> Outcome:
    invocation = grammar.parse(line)
    bound = inspect.signature(invocation.command.function).bind(*invocation.args, **invocation.kwargs).arguments
    for key, value in bound.items():
        if invocation.command.slot(key) == "variable" and isinstance(value, str) and value in variables:
            variables[value].to_parquet(f"{value}.parquet")
            bound[key] = f"{value}.parquet"
    came = jupyter(f"commands/{invocation.command.key.replace(' ', '-')}", bound)
    said = came.json()
    if came.ok:
        return Outcome(said["result"], exit_code=0 if said["ok"] else 1)
    error = said["message"] + (f"\n  → {said['hint']}" if said["hint"] else "")
    return Outcome(error=error, kind=said["code"], exit_code=getattr(errors, said["code"]).exit_code)


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory: pytest.TempPathFactory, tracking_uri: str) -> Iterator[Callable[..., Any]]:
    """A real Jupyter server whose folder holds those of all tests: ``jupyter("commands/runs", {…})``."""
    root, home = tmp_path_factory.getbasetemp(), tmp_path_factory.mktemp("jupyter")
    port, token = free_port(), "a token for tests"
    extensions = '{"jupyter_mlops": True}'
    log = (home / "log").open("wb")
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", f"--ServerApp.root_dir={root}"),
            *(f"--ServerApp.port={port}", f"--IdentityProvider.token={token}"),
            f"--ServerApp.jpserver_extensions={extensions}",
        ],
        env=os.environ | {f"JUPYTER_{name}_DIR": str(home) for name in ("CONFIG", "DATA", "RUNTIME")},
        stdout=subprocess.DEVNULL,
        stderr=log,
    )
    session = requests.Session()
    session.headers["Authorization"] = f"token {token}"

    def ask(path: str, body: object) -> requests.Response:
        where = {"at": f"{Path.cwd().relative_to(root.resolve())}/a.ipynb"}
        return session.post(f"http://127.0.0.1:{port}/jupyter-mlops/{path}", json=body, params=where, timeout=120)

    def is_up() -> bool:
        with contextlib.suppress(requests.ConnectionError):
            return session.get(f"http://127.0.0.1:{port}/api", timeout=30).status_code > 0
        return False

    until(is_up)
    yield ask
    session.close()
    server.terminate()
    server.wait(60)
    log.close()


every_face = pytest.mark.parametrize("face", ["python", "magic", "cli", "rest"], indirect=True)
"""For a scenario that is worth a process of its own: REST too."""


@pytest.fixture(params=["python", "magic", "cli"])
def face(request: pytest.FixtureRequest) -> Face:
    """Run the test through each face."""
    if request.param == "python":
        return _through_python
    if request.param == "cli":
        return _through_cli
    if request.param == "rest":
        return partial(_through_rest, request.getfixturevalue("jupyter"))
    ip: InteractiveShell = request.getfixturevalue("shell")

    def through_magic(line: str, **variables: Any) -> Outcome:
        ip.user_ns.update(variables)
        with contextlib.redirect_stdout(io.StringIO()) as out:
            result = ip.run_cell(f"answer = %mlops {line} --json")
        if result.error_in_exec:
            error = result.error_in_exec
            shown = str(error) in out.getvalue()
            assert shown, "the cell shows the error's own lines and nothing else"
            return Outcome(error=str(error), kind=type(error).__name__, exit_code=getattr(error, "exit_code", 1))
        return Outcome(json.loads(ip.user_ns["answer"]))

    return through_magic


@pytest.fixture
def trained(project: Path, cancer: Any) -> Any:
    """Make runs: ``trained("name", accuracy=0.95)`` fits a small model, and logs it with these metrics."""
    from sklearn.tree import DecisionTreeClassifier

    X_train, _, y_train, _ = cancer

    def train(run_name: str, **metrics: float) -> Any:
        with mlops.run(run_name, data=X_train, autolog=False) as run:
            DecisionTreeClassifier(max_depth=2, random_state=len(run_name)).fit(X_train, y_train)
            if metrics:
                mlops.log(metrics)
        return run.result

    return train
