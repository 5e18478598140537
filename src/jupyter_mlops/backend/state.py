"""The facts of this machine: which processes of the project run where. SQLite, shared by all its processes."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import Conflict, writing_to
from .processes import Process

_SCHEMA = """
CREATE TABLE IF NOT EXISTS processes (
    kind TEXT NOT NULL, name TEXT NOT NULL, pid INTEGER NOT NULL, created REAL NOT NULL,
    port INTEGER NOT NULL, started REAL NOT NULL, details TEXT NOT NULL,
    PRIMARY KEY (kind, name)
);
"""


class State:
    """``.mlops/state.db``: written by kernels, the command line and endpoints alike.

    Parameters
    ----------
    folder : Path
        The project's ``.mlops``; made where it isn't there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / "state.db"
        with writing_to(folder):
            folder.mkdir(exist_ok=True)
            (folder / ".gitignore").write_text("*\n")
        with self._open() as db:
            # Readers never wait for a writer; the mode stays with the file.
            db.execute("PRAGMA journal_mode=WAL")
            db.executescript(_SCHEMA)

    def put(self, process: Process) -> None:
        """Remember a process, in place of one of the same kind and name."""
        with self._open() as db:
            db.execute(
                "INSERT OR REPLACE INTO processes VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    process.kind,
                    process.name,
                    process.pid,
                    process.created,
                    process.port,
                    process.started,
                    json.dumps(process.details),
                ),
            )

    def get(self, kind: str, name: str) -> Process | None:
        """Recall one process, whether it still runs or not."""
        return next((process for process in self.all(kind) if process.name == name), None)

    def all(self, kind: str | None = None) -> list[Process]:
        """List the processes, of one kind or all, oldest first."""
        with self._open() as db:
            rows = db.execute(
                "SELECT * FROM processes WHERE ? IS NULL OR kind = ? ORDER BY started", (kind, kind)
            ).fetchall()
        return [_process(row) for row in rows]

    def forget(self, process: Process) -> None:
        """Forget this process; a later one of the same name stays."""
        with self._open() as db:
            db.execute(
                "DELETE FROM processes WHERE kind = ? AND name = ? AND pid = ?",
                (process.kind, process.name, process.pid),
            )

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        # A connection per use: kernels fork, threads come and go, and opening costs microseconds.
        try:
            with writing_to(self.folder), contextlib.closing(sqlite3.connect(self._path, timeout=10)) as db, db:
                yield db
        except sqlite3.DatabaseError as error:
            raise Conflict(
                f"{self._path} is broken: {error}.", f"remove {self._path}; it only lists processes"
            ) from None


def _process(row: tuple[Any, ...]) -> Process:
    kind, name, pid, created, port, started, details = row
    return Process(kind, name, pid, created, port, started, json.loads(details))
