"""Labels that come later: what really was, by the id of the prediction; SQLite beside the log."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

from ...errors import Conflict, writing_to
from . import cells
from .layout import UTC_TIME

FILE: Final = "labels.db"
COLUMNS: Final = pa.schema([("label", pa.null()), ("labelled", UTC_TIME)])
Kind = Literal["number", "truth", "text"]
Label = int | float | str

_FEW: Final = 20_000  # so many labels are asked for by their ids; of more, all are read
_FORM: Final = 1  # SQLite's user_version: 0 is a file of before labels were numbered
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS labels (
    id TEXT PRIMARY KEY, label NOT NULL, kind TEXT NOT NULL, at REAL NOT NULL
) WITHOUT ROWID
"""
# Who asks what is new can't go by the clock, which may have been ahead for a while; so each write has a number, which only rises, also
# where labels are removed. The name tells the file from one that is begun after it: its numbers begin anew.
_NUMBERED: Final = (
    "ALTER TABLE labels ADD COLUMN write INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX labels_by_write ON labels (write)",
    "CREATE TABLE writes (file TEXT NOT NULL, number INTEGER NOT NULL)",
    "INSERT INTO writes VALUES (lower(hex(randomblob(8))), 0)",
    f"PRAGMA user_version = {_FORM}",
)
_GIVEN: Final = "CREATE TEMP TABLE given (id TEXT NOT NULL, label NOT NULL, kind TEXT NOT NULL)"
_CHANGED: Final = """
SELECT id, labels.label, labels.kind, given.label, given.kind FROM given JOIN labels USING (id)
WHERE labels.label IS NOT given.label OR labels.kind IS NOT given.kind
"""
_KEEP: Final = """
INSERT INTO labels (id, label, kind, at, write) SELECT id, label, kind, ?, (SELECT number FROM writes) FROM given WHERE TRUE
ON CONFLICT (id) DO UPDATE SET label = excluded.label, kind = excluded.kind, at = excluded.at, write = excluded.write
WHERE labels.label IS NOT excluded.label OR labels.kind IS NOT excluded.kind
"""


@dataclass(frozen=True)
class Change:
    """A label in place of another one."""

    id: str
    before: object
    after: object


@dataclass(frozen=True)
class Written:
    """What became of labels that were given.

    Attributes
    ----------
    new, same : int
        Predictions that had no label, and those that had this one.
    changed : list of Change
        Those that had another one; the last wins.
    kinds : dict of str to int
        How many labels of each kind there are now: more than one kind makes the column one of text.
    """

    new: int
    same: int
    changed: list[Change]
    kinds: dict[str, int]


def write(folder: Path, labels: dict[str, tuple[Label, Kind]], *, dry_run: bool = False) -> Written:
    """Keep labels, all or none; a label of a prediction that is not there yet waits for it.

    Parameters
    ----------
    folder : Path
        The log.
    labels : dict
        By id; see ``plain``.
    dry_run : bool
        Only count.
    """
    if not dry_run:
        with writing_to(folder):
            folder.mkdir(parents=True, exist_ok=True)
    elif not (folder / FILE).exists():
        return Written(len(labels), 0, [], dict(Counter(kind for _, kind in labels.values())))
    with _open(folder) as db:
        db.execute("BEGIN IMMEDIATE")
        db.execute(_GIVEN)
        # In the order of ids, in which the table lies: three times as fast.
        rows = ((key, given, kind) for key, (given, kind) in sorted(labels.items(), key=itemgetter(0)))
        db.executemany("INSERT INTO given VALUES (?, ?, ?)", rows)
        (known,) = db.execute("SELECT count(*) FROM given JOIN labels USING (id)").fetchone()
        changed = db.execute(_CHANGED).fetchall()
        if len(changed) or known < len(labels):
            db.execute("UPDATE writes SET number = number + 1")
            db.execute(_KEEP, (time.time(),))
        kinds = dict(db.execute("SELECT kind, count(*) FROM labels GROUP BY kind").fetchall())
        if dry_run:
            db.rollback()
        else:
            db.commit()
    changes = [Change(key, value(old, was), value(new, now)) for key, old, was, new, now in changed]
    return Written(len(labels) - known, known - len(changes), changes, kinds)


def forget_before(folder: Path, moment: float) -> None:
    """Remove the labels that came before a moment: their predictions are older still, and gone."""
    if (folder / FILE).exists():
        with _open(folder) as db, db:
            db.execute("DELETE FROM labels WHERE at < ?", (moment,))


def joined(folder: Path, table: pa.Table) -> pa.Table:
    """Add to rows of the log the columns ``label`` and ``labelled``, null where no label has come."""
    found = _of(folder, table["id"]) if table.num_rows and (folder / FILE).exists() else []
    if not found:
        for field in COLUMNS:
            table = table.append_column(field, pa.nulls(table.num_rows, field.type))
        return table
    ids, labels, kinds, times = zip(*found, strict=True)
    places = pc.index_in(table["id"], pa.array(ids, pa.string()))
    at = pa.array([round(moment * 1e6) for moment in times], pa.int64()).view(UTC_TIME)
    table = table.append_column("label", _column(labels, kinds).take(places))
    return table.append_column("labelled", at.take(places))


def state(folder: Path) -> str:
    """Give what changes whenever a label is written; empty where none has come."""
    found = []
    for name in (FILE, f"{FILE}-wal"):
        with contextlib.suppress(OSError):
            about = (folder / name).stat()
            found += [f"{about.st_mtime_ns}-{about.st_size}"] if about.st_size else []
    return " ".join(found)


def since(folder: Path, mark: str) -> tuple[list[str], str]:
    """List the predictions whose label is new, and mark up to where that is.

    Parameters
    ----------
    folder : Path
        The log.
    mark : str
        What an earlier call has given; empty, or of another file than the one that is there, it is all labels.
    """
    if not (folder / FILE).exists():
        return [], ""
    with _open(folder) as db:
        db.execute("BEGIN")  # the mark and the labels are of one moment
        name, number = db.execute("SELECT file, number FROM writes").fetchone()
        of, _, seen = mark.partition(" ")
        after = int(seen) if of == name and seen.isdigit() else -1
        ids = [key for (key,) in db.execute("SELECT id FROM labels WHERE write > ?", (after,))]
    return ids, f"{name} {number}"


def plain(value: Any) -> tuple[Label, Kind] | None:
    """Turn a label of any type into one that is kept; ``None`` where it is missing."""
    kind = type(value)
    if kind is int and -(2**63) <= value < 2**63:  # as most are; there may be millions
        return value, "number"
    if cells.is_missing(value):
        return None
    value = value.item() if hasattr(value, "item") and not isinstance(value, str) else value
    match value:
        case bool():
            return int(value), "truth"
        case int() | float():
            return (value if isinstance(value, float) or -(2**63) <= value < 2**63 else float(value)), "number"
        case Decimal():
            return float(value), "number"
        case str():
            return value.encode("utf-8", "replace").decode(), "text"
        case date() | datetime():
            return value.isoformat(), "text"
    return cells.json_of(value), "text"


def _column(labels: Sequence[Any], kinds: Sequence[str]) -> pa.Array:
    if {*kinds} == {"truth"}:
        return pa.array([bool(label) for label in labels])
    if {*kinds} == {"number"}:
        whole = all(type(label) is int for label in labels)
        return pa.array(labels, pa.int64()) if whole else pa.array([float(label) for label in labels], pa.float64())
    return pa.array([_text(value(label, kind)) for label, kind in zip(labels, kinds, strict=True)], pa.string())


def value(label: Any, kind: str) -> object:
    """Give a label as it was given."""
    return bool(label) if kind == "truth" else label


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _of(folder: Path, ids: pa.ChunkedArray) -> list[tuple[Any, ...]]:
    with _open(folder) as db:
        if len(ids) > _FEW:
            return db.execute("SELECT id, label, kind, at FROM labels").fetchall()
        db.execute("CREATE TEMP TABLE wanted (id TEXT PRIMARY KEY) WITHOUT ROWID")
        db.executemany("INSERT OR IGNORE INTO wanted VALUES (?)", ((key,) for key in ids.to_pylist()))
        return db.execute("SELECT id, label, kind, at FROM wanted JOIN labels USING (id)").fetchall()


def _begin(db: sqlite3.Connection) -> None:
    """Make the tables, or number the labels of an earlier release; once, however many do it at a time."""
    db.execute("BEGIN IMMEDIATE")
    if db.execute("PRAGMA user_version").fetchone() < (_FORM,):
        for line in (_TABLE, *_NUMBERED):
            db.execute(line)
    db.execute("COMMIT")


@contextlib.contextmanager
def _open(folder: Path) -> Iterator[sqlite3.Connection]:
    path = folder / FILE
    try:
        with writing_to(path), contextlib.closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode=WAL")  # who reads never waits for who writes
            db.execute("PRAGMA synchronous=NORMAL")  # a loss of power may take the last labels, but breaks nothing
            db.execute("PRAGMA temp_store=MEMORY")
            db.execute("PRAGMA cache_size=-100000")
            if db.execute("PRAGMA user_version").fetchone() < (_FORM,):
                _begin(db)
            yield db
    except sqlite3.DatabaseError as error:
        raise Conflict(f"{path} is broken: {error}.", f"move {path} away, and give the labels again") from None
