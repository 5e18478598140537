"""One segment: a stream of record batches in Arrow's IPC format, written by one process and readable at any moment."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from ...errors import Conflict
from .folder import UNFINISHED, hold, new_segment
from .layout import Layout

_TRIES: Final = 10


class Segment:
    """A segment that this process writes.

    It gets its name only when it is locked and begun, so that nobody takes it for one whose writer has died.

    Parameters
    ----------
    folder : Path
        The log.
    day : date
        The day (UTC) of all its rows.
    schema : Schema
    """

    def __init__(self, folder: Path, day: date, schema: pa.Schema) -> None:
        self.schema = schema
        path = new_segment(folder, day)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + UNFINISHED)
        for _ in range(_TRIES):
            self._descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
            try:
                hold(self._descriptor)
                self.size = 0
                self._put(schema.serialize())
                part.rename(path)
                return
            except FileNotFoundError:  # a compaction has seen it before it was locked, and cleaned it up
                os.close(self._descriptor)
            except BaseException:
                os.close(self._descriptor)
                part.unlink(missing_ok=True)
                raise
        raise Conflict(f"{path} is removed again and again before it is begun.", f"look who cleans {path.parent} up")

    @property
    def is_there(self) -> bool:
        """Whether the file still has a name: somebody may have removed the folder."""
        return os.fstat(self._descriptor).st_nlink > 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Hand a batch to the operating system, which keeps it whatever becomes of this process.

        Raises
        ------
        OSError
            Where it could not be written whole; the segment then takes nothing more, since what follows a torn
            batch can't be read. (Cutting it off would pull it from under those who read it right now.)
        """
        self._put(batch.serialize())

    def close(self) -> None:
        """Let go of the segment; it is finished."""
        os.close(self._descriptor)

    def _put(self, data: pa.Buffer) -> None:
        left = memoryview(data)
        while left:
            written = os.write(self._descriptor, left)
            left = left[written:]
        self.size += data.size


def schema_of(path: Path) -> pa.Schema | None:
    """Read the stored columns of a segment; ``None`` where it has no beginning, as after a loss of power.

    Raises
    ------
    FileNotFoundError
        Where it has been compacted or removed.
    """
    if not path.stat().st_size:
        return None
    with pa.memory_map(str(path)) as file, contextlib.suppress(pa.ArrowException, OSError):
        schema = pa.ipc.read_schema(file)
        return schema if Layout.is_in(schema) else None
    return None


def read(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read the stored rows of a segment, as far as they are whole.

    Parameters
    ----------
    columns : sequence of str, optional
        Only these stored columns.

    Raises
    ------
    FileNotFoundError
        Where it has been compacted or removed.
    """
    with pa.memory_map(str(path)) as file:
        schema = pa.ipc.read_schema(file)
        chosen = None if columns is None else [place for place, name in enumerate(schema.names) if name in columns]
        options = pa.ipc.IpcReadOptions(included_fields=chosen or None)
        file.seek(0)
        try:  # all at once: twice as fast
            return pa.ipc.open_stream(file, options=options).read_all()
        except (pa.ArrowException, OSError):  # its end is torn: the writer was killed, or writes right now
            file.seek(0)
            reader = pa.ipc.open_stream(file, options=options)
            return pa.Table.from_batches(_whole(reader), reader.schema)


def _whole(reader: Any) -> Iterator[pa.RecordBatch]:
    with contextlib.suppress(StopIteration, pa.ArrowException, OSError):
        while True:
            yield reader.read_next_batch()
