"""From an empty folder to an MLflow server, the next kernel's wait, and what the server takes of the machine."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from measure import (
    Footprint,
    Report,
    Samples,
    alternate,
    await_answer,
    background,
    footprint,
    free_port,
    project,
    ratio,
    server_of,
    whole_session,
)

ROUNDS = 5
SETTLE_SECONDS = 10.0

CELLS = ["%load_ext jupyter_mlops", "%mlops init"]
OURS = "`%mlops init`, empty folder"
AGAIN = "`%mlops init`, server reused"
PEER = "`mlflow server` until /health answers"


def run() -> Report:
    found = alternate({OURS: _first, AGAIN: _again, PEER: _peer}, ROUNDS)
    ours, peer = _footprints()
    memory = [
        Samples(f"{what}, {name}", [value], unit)
        for name, mark in (("ours", ours), ("`mlflow server`", peer))
        for what, value, unit in (
            ("processes", mark.processes, ""),
            ("USS", mark.uss_mb, "MB"),
            ("RSS", mark.rss_mb, "MB"),
        )
    ]
    return Report(
        "server",
        "Ours: a whole process of Python that starts IPython, loads the extension, runs `init`, draws the card and "
        "ends. The peer: `mlflow server` with its defaults on a fresh SQLite file, until it answers; no client is "
        f"counted. Memory: summed over the process tree, {SETTLE_SECONDS:.0f} s after both had answered, side by "
        "side; USS counts what a process has for itself, RSS counts shared pages once for each process.",
        [*found.values(), *memory],
        [
            ratio(found[OURS], found[PEER]),
            ratio(found[AGAIN], found[PEER]),
            *(ratio(a, b) for a, b in zip(memory[:3], memory[3:], strict=True)),
        ],
    )


def _first() -> float:
    with project() as folder:
        return whole_session(CELLS, folder)


def _again() -> float:
    with project() as folder:
        whole_session(CELLS, folder)
        return whole_session(CELLS, folder)


def _peer() -> float:
    with project() as folder:
        begin = time.perf_counter()
        with _peer_server(folder):
            return time.perf_counter() - begin


def _footprints() -> tuple[Footprint, Footprint]:
    with project() as mine, project() as theirs:
        whole_session(CELLS, mine)
        with _peer_server(theirs) as pid:
            time.sleep(SETTLE_SECONDS)
            return footprint(server_of(mine).pid), footprint(pid)


@contextmanager
def _peer_server(folder: Path) -> Iterator[int]:
    port = free_port()
    database = f"sqlite:///{folder / 'mlflow.db'}"
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--backend-store-uri", database]
    with background(command, folder) as pid:
        await_answer(lambda: requests.get(f"http://127.0.0.1:{port}/health", timeout=2))
        yield pid
