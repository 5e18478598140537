"""The project's own MLflow server: started once, found again by every kernel, lean."""

from __future__ import annotations

import base64
import contextlib
import importlib
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from filelock import FileLock, Timeout

from ..errors import BackendUnreachable, Conflict, InvalidUsage, NotWritable, ProcessFailed, need_space, writing_to
from . import guard, probe
from .processes import Process, await_ready, free_port, spawn, stop, tail
from .state import State

START_SECONDS = 90.0
MEND = "run it again: the project's server is then started anew; if it hangs, %mlops stop --all first"

# Job execution and telemetry off, and one worker: 2 processes and 0.5 GB instead of 15 and 2.3 GB.
_LEAN = {
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "PYTHONUNBUFFERED": "1",
    # It may tell an endpoint on this machine that an alias has moved: it is on loopback, and serves who works here. What
    # it tells an endpoint that has just come shall not be what it knew a minute ago.
    "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
    "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
    "MLFLOW_WEBHOOK_CACHE_TTL": "1",
}


@dataclass(frozen=True)
class Started:
    """The server, and whether this call started it."""

    process: Process
    is_new: bool


def ensure(state: State, say: Callable[[str], None], *, guarded: bool = False) -> Started:
    """Find the project's server, or start it; kernels that ask together get the same one.

    Parameters
    ----------
    state : State
    say : callable
        Told in a few words what is going on while it waits.
    guarded : bool
        Whether one that is started holds the gates itself; one that runs is taken as it is.

    Raises
    ------
    ProcessFailed
        Where it does not start, with the last lines of its log.
    BackendUnreachable
        Where it runs and does not answer.
    """
    found = state.get("server", "mlflow")
    if found and found.alive and probe.is_healthy(found.url):
        return Started(found, is_new=False)
    with _alone(state, say):
        found = state.get("server", "mlflow")
        if found and found.alive:
            _await_answer(found, state, say)
            return Started(found, is_new=False)
        try:
            return Started(_start(state, found.port if found else 0, say, guarded), is_new=True)
        except ProcessFailed:
            if "address already in use" not in tail(log_file(state), 10).lower():
                raise
            return Started(_start(state, 0, say, guarded), is_new=True)  # somebody has taken the port in the meantime


@contextlib.contextmanager
def _alone(state: State, say: Callable[[str], None]) -> Iterator[None]:
    """Wait for whoever starts the server right now; then it is found."""
    lock = FileLock(state.folder / "server.lock")
    begin = time.monotonic()
    with writing_to(state.folder):
        while True:
            waited = time.monotonic() - begin
            try:
                lock.acquire(timeout=0.5)
                break
            except Timeout:
                if waited > START_SECONDS + 10:
                    raise BackendUnreachable(
                        "Another kernel has been starting the project's MLflow server for too long.",
                        "%mlops stop --all, then run it again",
                    ) from None
                say(f"Waiting for the kernel that starts the project's MLflow server … {waited:.0f} s")
    try:
        yield
    finally:
        lock.release()


def need_plain_path(folder: Path) -> None:
    """Make sure that MLflow finds the folder again from the address that it makes of it.

    Raises
    ------
    InvalidUsage
        Where it would use another folder: it cuts at ``?`` and reads ``%20`` as a space.
    """
    if "?" in str(folder) or unquote(str(folder)) != str(folder):
        raise InvalidUsage(
            f"MLflow can't keep its files in {folder}: it misreads the ? or % in this path.",
            "rename the folder, or use a server elsewhere: %mlops init --tracking-uri http://HOST:PORT",
        )


def import_early() -> None:
    """Import what the first command needs (2 s) while somebody waits, or reads the card of ``init``."""
    threading.Thread(target=importlib.import_module, args=("mlflow",), name="import-mlflow", daemon=True).start()


def log_file(state: State) -> Path:
    """Where the server writes."""
    return state.folder / "server.log"


def _start(state: State, last_port: int, say: Callable[[str], None], guarded: bool) -> Process:
    need_plain_path(state.folder)
    need_space(state.folder)
    say("Starting the project's MLflow server …")
    port = _port(last_port)
    log = log_file(state)
    with writing_to(log):
        log.write_bytes(b"")
    secret = {"MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": _webhook_key(state.folder)}
    project = {guard.PROJECT: str(state.folder.parent)} if guarded else {}
    app = ("--app-name", guard.APP) if guarded else ()
    pid, created = spawn([*_command(state.folder, port), *app], log, _LEAN | secret | project)
    server = Process("server", "mlflow", pid, created, port, time.time())
    try:
        state.put(server)
        import_early()
        await_ready(
            server,
            lambda: probe.is_healthy(server.url),
            log,
            timeout=START_SECONDS,
            tick=lambda waited: say(f"Starting the project's MLflow server … {waited:.0f} s"),
        )
    except BaseException:  # an interrupt too must leave no process behind
        stop(server, grace=1)
        with contextlib.suppress(
            NotWritable
        ):  # a full disk may be the reason; the record of a dead process does no harm
            state.forget(server)
        raise
    _tell_sizes(state.folder / "mlflow.db")
    return server


def _webhook_key(folder: Path) -> str:
    """Give the key that the secrets of webhooks are stored under; without one of its own a server forgets them."""
    path = folder / "webhooks.key"
    with writing_to(path):
        if not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
                file.write(base64.urlsafe_b64encode(secrets.token_bytes(32)))
        return path.read_text()


def _tell_sizes(database: Path) -> None:
    """Tell SQLite that a metric, a parameter or a tag has many values.

    It takes what it knows nothing of for a few rows, and MLflow's sorting then compares each run with each: at 10,000
    runs 8 s instead of 0.04 s. SQLite's documentation lets applications write these sizes; a server that runs reads
    them at once, for they are there with the table that holds them.
    """
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(database)) as db, db:  # it is only slow
        db.execute("BEGIN")
        db.execute("ANALYZE sqlite_schema")  # makes the table of sizes, and measures nothing
        for table in ("latest_metrics", "params", "tags"):
            db.execute("DELETE FROM sqlite_stat1 WHERE tbl = ?", (table,))
            # Rows of the table, of one key, and of one key and run.
            sizes = (table, f"sqlite_autoindex_{table}_1", "100000 10000 1")
            db.execute("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)", sizes)


def _await_answer(server: Process, state: State, say: Callable[[str], None]) -> None:
    """Wait for a server that another kernel has just started; one that has been up answers now or hangs."""
    log = log_file(state)
    patience = 0.0 if probe.was_ready(log) else START_SECONDS
    try:
        await_ready(
            server,
            lambda: probe.is_healthy(server.url),
            log,
            timeout=patience,
            tick=lambda waited: say(f"Waiting for the project's MLflow server … {waited:.0f} s"),
        )
    except ProcessFailed as error:
        if not server.alive:
            raise
        raise BackendUnreachable(
            f"The project's MLflow server (pid {server.pid}, port {server.port}) runs but does not answer.",
            "%mlops stop --all, then run it again",
        ) from error


def _port(last: int) -> int:
    """Take the last port again where it is free: links in saved notebooks stay good."""
    with contextlib.suppress(Conflict):
        return free_port(last)
    return free_port()


def _command(folder: Path, port: int) -> list[str]:
    database = folder / "mlflow.db"
    try:
        # WAL stays with the file, and doubles what SQLite does under MLflow.
        with writing_to(folder), contextlib.closing(sqlite3.connect(database)) as db:
            db.execute("PRAGMA journal_mode=WAL")
    except sqlite3.DatabaseError as error:
        raise ProcessFailed(
            f"The database of the project's MLflow server is broken: {error}.",
            f"restore {database} from a backup, or move it away",
        ) from None
    return [
        *("-m", "mlflow", "server"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{database}"),
        *("--artifacts-destination", str(folder / "artifacts")),
        *("--allowed-hosts", f"127.0.0.1:{port},localhost:{port}"),
    ]
