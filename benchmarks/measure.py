"""What the benchmarks share: take turns, compare medians, run warm shells and servers, and end them."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
import requests

from jupyter_mlops.backend import processes
from jupyter_mlops.backend.state import State

CANCER = """
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
X, y = load_breast_cancer(return_X_y=True, as_frame=True)
"""
LOGISTIC = "model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)"
FOREST = "model = RandomForestClassifier(random_state=0).fit(X, y)"

SHELL = Path(__file__).with_name("shell.py")
START_SECONDS = 120.0


@dataclass(frozen=True)
class Samples:
    """What was measured of one thing, a value for each round."""

    name: str
    values: Sequence[float]
    unit: str = "s"

    @property
    def median(self) -> float:
        return median(self.values)


@dataclass(frozen=True)
class Claim:
    """A comparison, and what it should come to."""

    text: str
    value: str
    aim: str = ""
    holds: bool | None = None


@dataclass(frozen=True)
class Report:
    title: str
    about: str
    samples: Sequence[Samples]
    claims: Sequence[Claim]


def alternate(ways: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, Samples]:
    """Measure A B A B …: what disturbs the machine for a while then disturbs all of them alike."""
    values: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(1, rounds + 1):
        for name, measure in ways.items():
            values[name].append(measure())
            print(f"  round {number}/{rounds}  {name}: {values[name][-1]:.2f} s", file=sys.stderr, flush=True)
    return {name: Samples(name, found) for name, found in values.items()}


def ratio(ours: Samples, peer: Samples, aim: float | None = None) -> Claim:
    """Divide the medians; beside it the smallest and largest ratio of one round."""
    value = ours.median / peer.median
    rounds = [a / b for a, b in zip(ours.values, peer.values, strict=True)]
    spread = f" ({min(rounds):.2f} to {max(rounds):.2f})" if len(rounds) > 1 else ""
    text = f"{ours.name} ÷ {peer.name}"
    if aim is None:
        return Claim(text, f"{value:.2f}{spread}")
    return Claim(text, f"{value:.2f}{spread}", f"≤ {aim:.3g}", value <= aim)


def added(more: Samples, less: Samples, aim: float | None = None) -> Claim:
    """Subtract the medians; beside it the smallest and largest difference of one round."""
    value = more.median - less.median
    rounds = [a - b for a, b in zip(more.values, less.values, strict=True)]
    shown = f"{value:.3f} s ({min(rounds):.3f} to {max(rounds):.3f})"
    text = f"{more.name} − {less.name}"
    return Claim(text, shown) if aim is None else Claim(text, shown, f"≤ {aim:g} s", value <= aim)


def whole_process(command: Sequence[str], folder: Path, env: Mapping[str, str] | None = None) -> float:
    """Give the seconds that a user waits for a process, from its start to its end."""
    begin = time.perf_counter()
    subprocess.run(
        command,
        cwd=folder,
        env=environment() | dict(env or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - begin


class Shell:
    """An IPython in a process of its own, which stays warm from cell to cell."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(SHELL)],
            cwd=folder,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, cell: str) -> float:
        """Run a cell and give its seconds."""
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(cell), file=self._process.stdin, flush=True)
        answer = json.loads(self._process.stdout.readline() or '{"failed": "the process ended"}')
        if "failed" in answer:
            raise RuntimeError(f"{cell}\n{answer['failed']}")
        return float(answer["seconds"])

    def __enter__(self) -> Shell:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._process.kill()
        self._process.communicate()  # closes its input: it ends by itself


def whole_session(cells: Sequence[str], folder: Path) -> float:
    """Give the seconds of a fresh IPython with these cells, from its start to its end."""
    begin = time.perf_counter()
    with Shell(folder) as shell:
        for cell in cells:
            shell.run(cell)
    return time.perf_counter() - begin


@contextlib.contextmanager
def project() -> Iterator[Path]:
    """Make an empty folder; what a project in it has started ends with it."""
    with tempfile.TemporaryDirectory(prefix="mlops-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        try:
            yield folder
        finally:
            for process in State(folder / ".mlops").all():
                processes.stop(process)


@contextlib.contextmanager
def background(command: Sequence[str], folder: Path, env: Mapping[str, str] | None = None) -> Iterator[int]:
    """Run a server of the peer's; it and its children end with the context, by their ids."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment() | dict(env or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process.pid
    finally:
        family = _family(process.pid)
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.terminate()
        _, left = psutil.wait_procs(family, timeout=5)
        for member in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        process.wait()


def await_answer(ask: Callable[[], requests.Response]) -> requests.Response:
    """Ask until the answer is good."""
    begin = time.monotonic()
    while time.monotonic() - begin < START_SECONDS:
        with contextlib.suppress(requests.RequestException):
            answer = ask()
            if answer.ok:
                return answer
        time.sleep(0.05)  # as often as ours looks for its own processes
    raise RuntimeError(f"No answer within {START_SECONDS:.0f} s.")


@dataclass(frozen=True)
class Footprint:
    """The memory of a process and its children: USS is theirs alone, RSS counts what they share each time."""

    processes: int
    uss_mb: float
    rss_mb: float


def footprint(pid: int) -> Footprint:
    found = [member.memory_full_info() for member in _family(pid)]
    return Footprint(len(found), sum(m.uss for m in found) / 1e6, sum(m.rss for m in found) / 1e6)


def server_of(folder: Path) -> processes.Process:
    """Find the MLflow server that a project runs."""
    server = State(folder / ".mlops").get("server", "mlflow")
    assert server
    return server


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment() -> dict[str, str]:
    """Give the environment of every process: without the developer's own settings, and without telemetry."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "MLOPS_"))}
    scripts = Path(sys.executable).parent  # MLflow looks for its own servers there
    return kept | {
        "PATH": f"{scripts}{os.pathsep}{kept.get('PATH', '')}",
        "MPLBACKEND": "agg",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }


def _family(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
