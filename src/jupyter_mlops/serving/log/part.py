"""The Parquet files of a log: what a day's segments become when they are finished."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ...errors import Conflict
from . import types
from .folder import UNFINISHED, PartFile

_KEY: Final = b"mlops.segments"
_GROUP_ROWS: Final = 131_072
_GROUP_BYTES: Final = 128_000_000


class Span(NamedTuple):
    """From when to when, in microseconds since the epoch."""

    first: int
    last: int


class Part:
    """An opened Parquet file; it can be read to its end, even if it is replaced or removed meanwhile.

    Raises
    ------
    FileNotFoundError
        Where it has been removed.
    Conflict
        Where somebody has damaged it.
    """

    def __init__(self, file: PartFile) -> None:
        self.file = file
        try:
            self._parquet = pq.ParquetFile(pa.memory_map(str(file.path)))
        except pa.ArrowInvalid as error:
            raise Conflict(f"{file.path} is broken: {error}.", f"move {file.path} away") from None

    @property
    def schema(self) -> pa.Schema:
        """Its columns, as the log is read."""
        return self._parquet.schema_arrow.remove_metadata()

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return int(self._parquet.metadata.num_rows)

    @cached_property
    def segments(self) -> list[str]:
        """The names of the segments whose rows are in it."""
        return list(json.loads(self._parquet.schema_arrow.metadata[_KEY]))

    @cached_property
    def spans(self) -> list[Span]:
        """The first and the last moment of each of its pieces."""
        metadata = self._parquet.metadata
        place = self._parquet.schema_arrow.get_field_index("time")
        columns = (metadata.row_group(number).column(place) for number in range(metadata.num_row_groups))
        return [Span(_microseconds(c.statistics.min), _microseconds(c.statistics.max)) for c in columns]

    def read(self, piece: int, columns: Collection[str] | None = None, ids: Collection[str] | None = None) -> pa.Table:
        """Read one piece; with ``ids`` nothing of it, where it has none of them."""
        chosen = None if columns is None else [name for name in self.schema.names if name in columns]
        if ids is not None:
            given = self._parquet.read_row_group(piece, columns=["id"])["id"]
            if not pc.any(pc.is_in(given, pa.array(ids, pa.string()))).as_py():
                return self.schema.empty_table()
        table = self._parquet.read_row_group(piece, columns=chosen).replace_schema_metadata(None)
        return table if chosen is None else table.select(chosen)  # asked for "a", Parquet gives "a.b" too

    def groups(self) -> Iterable[pa.Table]:
        """Read it piece by piece."""
        return map(self.read, range(self._parquet.num_row_groups))


def write(
    path: Path, tables: Callable[[], Iterable[pa.Table]], schemas: Sequence[pa.Schema], names: Sequence[str]
) -> int:
    """Write a Parquet file, whole or not at all, and make sure that it is on the disk.

    Parameters
    ----------
    tables : callable
        Gives the tables, one after the other: not all of a day need be in memory.
    schemas : sequence of Schema
        Theirs.
    names : sequence of str
        The segments whose rows they are.

    Returns
    -------
    int
        The number of rows.
    """
    schema = types.unified(schemas)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + UNFINISHED)
    rows = 0
    said = schema.with_metadata({_KEY: json.dumps(list(names))})
    with part.open("wb") as file:
        with pq.ParquetWriter(file, said, compression="zstd") as parquet:
            for group in _grouped(tables(), schema):
                parquet.write_table(group.cast(said) if group.schema != said else group, row_group_size=_GROUP_ROWS)
                rows += group.num_rows
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    _sync(path.parent)  # before the segments go: a loss of power must not take both
    return rows


def _grouped(tables: Iterable[pa.Table], schema: pa.Schema) -> Iterable[pa.Table]:
    """Put small tables together: of a hundred restarts a day should not become a hundred row groups."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(types.fitted(table, schema))
        if sum(t.num_rows for t in waiting) >= _GROUP_ROWS or sum(t.nbytes for t in waiting) >= _GROUP_BYTES:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def _sync(folder: Path) -> None:
    if os.name == "nt":  # folders can't be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1e6)
