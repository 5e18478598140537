"""Writing and reading the log of predictions, beside JSON lines, CSV and SQLite."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import orjson
import pandas as pd
import pyarrow.csv
from measure import Claim, Report, Samples, alternate, ratio

from jupyter_mlops.serving.log.compaction import compact
from jupyter_mlops.serving.log.reader import read_frame
from jupyter_mlops.serving.log.writer import Answered, LogWriter
from jupyter_mlops.serving.model.columns import Column
from jupyter_mlops.serving.model.signature import ColumnSchema, Signature
from jupyter_mlops.settings import LogSettings

WIDTH = 30
ROUNDS = 9
SINGLE = 2_000  # batches of one row in a round
BATCHES, REQUESTS, ROWS = 20, 16, 100
READ_ROWS = 200_000
READ_ROUNDS = 3
MILLION = 1_000_000

NAMES = [f"feature {number}" for number in range(WIDTH)]
SIGNATURE = Signature(ColumnSchema(tuple(Column(name, "double", True, np.dtype(float)) for name in NAMES)))
NOW = time.time()

Append = Callable[[list[Answered], pd.DataFrame, "np.ndarray[tuple[int], np.dtype[np.float64]]"], None]


def run() -> Report:
    folder = Path(tempfile.mkdtemp(prefix="mlops-bench-"))
    try:
        return _run(folder)
    finally:
        shutil.rmtree(folder)


def _run(folder: Path) -> Report:
    writers = {"ours": ours, "JSON lines": json_lines, "CSV": csv_lines, "SQLite": sqlite}
    with contextlib.ExitStack() as stack:
        appends = {name: stack.enter_context(make(folder / f"write {name}")) for name, make in writers.items()}
        found = alternate(
            {f"{SINGLE:,} batches of 1 row, {name}": partial(fill, add, SINGLE, 1, 1) for name, add in appends.items()},
            ROUNDS,
        )
        large = f"{BATCHES} batches of {REQUESTS} requests of {ROWS} rows"
        found |= alternate(
            {f"{large}, {name}": partial(fill, add, BATCHES, REQUESTS, ROWS) for name, add in appends.items()}, ROUNDS
        )
    readers = {"ours": read_frame, "JSON lines": read_json_lines, "CSV": read_csv, "SQLite": read_sqlite}
    for name, make in writers.items():
        with make(folder / f"read {name}") as add:
            fill(add, READ_ROWS // (REQUESTS * ROWS), REQUESTS, ROWS)
    compact(folder / "read ours", LogSettings())
    found |= alternate(
        {
            f"read {READ_ROWS:,} rows, {name}": partial(timed, readers[name], folder / f"read {name}")
            for name in writers
        },
        READ_ROUNDS,
    )
    with ours(folder / "million") as add:
        fill(add, MILLION // (REQUESTS * ROWS), REQUESTS, ROWS)
    segments = f"read {MILLION:,} rows, ours, not compacted"
    found |= alternate({segments: partial(timed, read_frame, folder / "million")}, READ_ROUNDS)
    compact(folder / "million", LogSettings())
    million = f"read {MILLION:,} rows, ours"
    newest = f"the newest 1,000 of {MILLION:,} rows, ours"
    found |= alternate(
        {
            million: partial(timed, read_frame, folder / "million"),
            newest: partial(timed, partial(read_frame, limit=1000), folder / "million"),
        },
        READ_ROUNDS,
    )
    samples = list(found.values())
    each = samples[0].median / SINGLE * 1e6
    whole = samples[4].median / BATCHES * 1e3
    return Report(
        "prediction_log",
        f"Rows of {WIDTH} columns of numbers with id, time, latency, arm and a prediction, out of the frame that the model is "
        "asked with. Each batch is with the operating system when its append returns (one unbuffered write, or one "
        "transaction; no fsync anywhere), so that killing the process loses none. Writing is given in seconds of CPU, in user and in kernel, since nothing waits "
        "for the disk; reading in seconds that pass. Read as a pandas frame; ours after "
        "compaction, as Parquet, but for the line that says otherwise; CSV by Arrow's reader, in as many threads. "
        "**They don't keep the same:** the peers' files are not safe to read while they are compacted or rotated, have "
        "one schema, no retention and no labels.",
        samples,
        [
            Claim("one batch of 1 row, ours", f"{each:.0f} µs", "≤ 150 µs", each <= 150),
            Claim(f"one batch of {REQUESTS} × {ROWS} rows, ours", f"{whole:.1f} ms", "≤ 3 ms", whole <= 3),
            *(ratio(samples[start], peer) for start in (0, 4, 8) for peer in samples[start + 1 : start + 4]),
            _within(found[million], 5),
            _within(found[segments], 5),
        ],
    )


def _within(samples: Samples, seconds: float) -> Claim:
    return Claim(samples.name, f"{samples.median:.2f} s", f"≤ {seconds:g} s", samples.median <= seconds)


def fill(append: Append, batches: int, requests: int, rows: int) -> float:
    """Append batches, and give the seconds of CPU: what the process waits for others is not the log's."""
    chance = np.random.default_rng(0)
    count = requests * rows
    frame = pd.DataFrame(chance.random((WIDTH, count)).T, columns=NAMES, copy=False)
    predictions = chance.random(count)
    prefix = os.urandom(8).hex()
    given = [
        [Answered(f"{prefix}-{batch}-{request}", NOW, 1.25, rows) for request in range(requests)]
        for batch in range(batches)
    ]
    begin = time.process_time()
    for batch in given:
        append(batch, frame, predictions)
    return time.process_time() - begin


def timed(read: Callable[[Path], object], folder: Path) -> float:
    begin = time.perf_counter()
    read(folder)
    return time.perf_counter() - begin


@contextlib.contextmanager
def ours(folder: Path) -> Iterator[Append]:
    with LogWriter(folder, SIGNATURE, endpoint="tumour", model="tumour", version=1) as log:
        yield log.append


def records(requests: list[Answered], frame: pd.DataFrame, predictions: object) -> Iterator[list[object]]:
    """Give a list of cells for each row, as the peers take them."""
    cells = iter(zip(frame.to_numpy().tolist(), np.asarray(predictions).tolist(), strict=True))
    for request in requests:
        for number in range(request.rows):
            values, prediction = next(cells)
            name = f"{request.id}/{number}" if number else request.id
            yield [name, request.time, "tumour", 1, request.arm, request.latency_ms, *values, prediction]


HEADER = ["id", "time", "model", "version", "arm", "latency_ms", *NAMES, "prediction"]


@contextlib.contextmanager
def json_lines(folder: Path) -> Iterator[Append]:
    folder.mkdir()
    with (folder / "log.jsonl").open("ab", buffering=0) as file:
        yield lambda *batch: _put(
            file, b"".join(orjson.dumps(dict(zip(HEADER, row, strict=True))) + b"\n" for row in records(*batch))
        )


def read_json_lines(folder: Path) -> pd.DataFrame:
    return pd.DataFrame([orjson.loads(line) for line in (folder / "log.jsonl").read_bytes().splitlines()])


@contextlib.contextmanager
def csv_lines(folder: Path) -> Iterator[Append]:
    folder.mkdir()
    with (folder / "log.csv").open("ab", buffering=0) as file:

        def append(*batch: object) -> None:
            text = io.StringIO()
            csv.writer(text).writerows(records(*batch))  # type: ignore[arg-type]
            _put(file, text.getvalue().encode())

        _put(file, (",".join(HEADER) + "\n").encode())
        yield append


def _put(file: io.FileIO, data: bytes) -> None:
    file.write(data)


def read_csv(folder: Path) -> pd.DataFrame:
    frame: pd.DataFrame = pyarrow.csv.read_csv(folder / "log.csv").to_pandas()
    return frame


@contextlib.contextmanager
def sqlite(folder: Path) -> Iterator[Append]:
    folder.mkdir()
    with contextlib.closing(sqlite3.connect(folder / "log.db")) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=OFF")
        db.execute("CREATE TABLE log (" + ", ".join(f'"{name}"' for name in HEADER) + ")")
        insert = f"INSERT INTO log VALUES ({', '.join('?' * len(HEADER))})"

        def append(*batch: object) -> None:
            with db:
                db.executemany(insert, records(*batch))  # type: ignore[arg-type]

        yield append


def read_sqlite(folder: Path) -> pd.DataFrame:
    with contextlib.closing(sqlite3.connect(folder / "log.db")) as db:
        return pd.read_sql("SELECT * FROM log", db)
