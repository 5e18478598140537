"""The log as an endpoint writes it: a batch is with the operating system before its answers leave."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import chain, repeat
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import numpy as np
import orjson
import pyarrow as pa

from ...errors import InvalidUsage, writing_to
from ..model.signature import Rows, Signature
from ..wire import row_ids
from . import cells, outputs, types
from .folder import DAY_MICROSECONDS
from .inputs import Inputs
from .layout import REQUEST, UTC_TIME, Layout, Stored, schema_of
from .privacy import Privacy
from .segment import Segment

SEGMENT_BYTES: Final = 64_000_000
_MIDNIGHT_MICROSECONDS: Final = 60_000_000  # how long after midnight answers to requests of the old day may come


class Answered(NamedTuple):
    """A request that was answered.

    Attributes
    ----------
    id : str
        The request's id, and so that of its first row; the rows after it are ``ID/1``, ``ID/2`` …
    time : float
        When it was received, in seconds since the epoch.
    latency_ms : float
        From then until its predictions were there.
    rows : int
        How many rows it had.
    arm : str
        Who answered: ``"champion"``, ``"canary"`` or ``"shadow"``.
    tags : mapping of str to str, optional
    """

    id: str
    time: float
    latency_ms: float
    rows: int = 1
    arm: str = "champion"
    tags: Mapping[str, str] | None = None


class LogWriter:
    """Writes the log of one version of a model, from one process.

    Parameters
    ----------
    folder : Path
        The log, ``files.EndpointFiles.predictions``. Any number of writers may write to it, each to files of its own.
    signature : Signature
        Of the model.
    endpoint, model : str
    version : int
    privacy : Privacy
        Which columns are left out or hashed.

    Raises
    ------
    InvalidUsage
        Where a personal column is none of the model's.
    """

    def __init__(
        self,
        folder: Path,
        signature: Signature,
        *,
        endpoint: str,
        model: str,
        version: int,
        privacy: Privacy = Privacy(),  # noqa: B008 - frozen
    ) -> None:
        self._folder = folder
        self._inputs = Inputs(signature.inputs, privacy)
        self._layout = Layout(endpoint, model, version)
        self._schema: pa.Schema | None = None
        self._columns: list[list[str]] = []
        self._kinds: list[pa.DataType] = []
        self._open: dict[int, Segment] = {}
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def append(self, requests: Sequence[Answered], rows: Rows, predictions: Any) -> None:
        """Write a batch; when this returns, killing the process loses none of it.

        Parameters
        ----------
        requests : sequence of Answered
            In the order of their rows.
        rows : DataFrame or array of shape (n_rows, …)
            The checked rows of all requests.
        predictions : array, sparse matrix, DataFrame, Series or list
            As the model gave them.

        Raises
        ------
        NotWritable
            Where the disk is full or the folder can't be written; nothing of the batch counts as written.
        InvalidUsage
            Where the rows are not those of the requests, or the predictions not one for each row.
        """
        count = len(rows)
        if sum(request.rows for request in requests) != count:
            raise InvalidUsage(f"The requests of a batch have other rows than the {count} that were predicted.")
        if not count:
            return
        stored = [*self._inputs.columns(rows), *outputs.columns(predictions, count)]
        times = _spread([round(request.time * 1e6) for request in requests], requests)
        arrays = [
            pa.array(_ids(requests), pa.string()),
            cells.numbers(np.array(times, np.int64), UTC_TIME),
            _texts([request.arm for request in requests], requests, count),
            cells.numbers(np.array(_spread([request.latency_ms for request in requests], requests), np.float64)),
            _texts([_tags(request.tags) for request in requests], requests, count),
        ]
        with self._lock, writing_to(self._folder):
            schema = self._schema_for(stored)
            fitted = [types.cast(array, kind) for kind, (_, array) in zip(self._kinds, stored, strict=True)]
            batch = pa.RecordBatch.from_arrays([*arrays, *fitted], schema=schema)
            days = [moment // DAY_MICROSECONDS for moment in times]
            for day in sorted({*days}):
                of_day = batch if days[0] == day == days[-1] else batch.filter(pa.array([d == day for d in days]))
                self._write(day, of_day, schema)
            self._tidy(times[-1])

    def close(self) -> None:
        """Finish the segments, for compaction to take."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _schema_for(self, stored: list[Stored]) -> pa.Schema:
        """Give the schema that takes these columns; where an answer is of another type, a wider one from now on."""
        columns = [names for names, _ in stored]
        if self._schema is not None and columns == self._columns:
            if all(kind == array.type for kind, (_, array) in zip(self._kinds, stored, strict=True)):
                return self._schema
            wide = [types.common(kind, array.type) for kind, (_, array) in zip(self._kinds, stored, strict=True)]
            if wide == self._kinds:
                return self._schema
            stored = [(names, pa.nulls(0, kind)) for names, kind in zip(columns, wide, strict=True)]
        self._schema, self._columns = schema_of(self._layout, self._inputs.names, stored), columns
        self._kinds = self._schema.types[len(REQUEST) :]
        return self._schema

    def _write(self, day: int, batch: pa.RecordBatch, schema: pa.Schema) -> None:
        if self._pid != os.getpid():  # a child of the process that began them, which goes on with them
            self._pid = os.getpid()
            while self._open:
                self._open.popitem()[1].close()
        segment = self._open.get(day)
        if segment and (segment.schema is not schema or segment.size >= SEGMENT_BYTES or not segment.is_there):
            self._open.pop(day).close()
            segment = None
        if segment is None:
            segment = self._open[day] = Segment(self._folder, _date(day), schema)
        try:
            segment.write(batch)
        except BaseException:
            self._open.pop(day).close()
            raise

    def _tidy(self, moment: int) -> None:
        """Finish the segments of days that are over."""
        if len(self._open) > 1:
            today, since_midnight = divmod(moment, DAY_MICROSECONDS)
            for day in list(self._open):
                if day < today - 1 or (day < today and since_midnight > _MIDNIGHT_MICROSECONDS):
                    self._open.pop(day).close()


def _ids(requests: Sequence[Answered]) -> list[str]:
    ids: list[str] = []
    for request in requests:
        ids += row_ids(request.id, request.rows)
    return ids


def _spread(values: list[Any], requests: Sequence[Answered]) -> list[Any]:
    """Give each row what its request has."""
    if all(request.rows == 1 for request in requests):
        return values
    return list(chain.from_iterable(repeat(value, r.rows) for value, r in zip(values, requests, strict=True)))


def _texts(values: list[str | None], requests: Sequence[Answered], count: int) -> pa.Array:
    return _alike(values[0], count) if len({*values}) == 1 else pa.array(_spread(values, requests), pa.string())


@lru_cache(maxsize=128)
def _alike(value: str | None, count: int) -> pa.Array:
    """Make a column of one text; most batches have the same as the one before."""
    return pa.array([value] * count, pa.string())


def _tags(tags: Mapping[str, str] | None) -> str | None:
    return orjson.dumps(dict(tags)).decode() if tags else None


def _date(day: int) -> date:
    return datetime.fromtimestamp(day * 86_400, UTC).date()
