"""The log as people and monitors read it: each row once, by time, while it is written, compacted and cleaned up.

Three rules make that hold without a lock. A segment never changes its name, and the Parquet file that has taken it in
names it. What vanishes between being listed and being opened has gone into such a file, or is too old: the reader lists
again. And segments are listed before Parquet files, so that none can move unseen from the one list to the other.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, reduce
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...errors import Conflict, InvalidUsage, nearest
from ...moments import moment
from . import labels, segment, types
from .folder import DAY_MICROSECONDS, SegmentFile, parts, segments
from .layout import ALWAYS, UTC_TIME, Layout, expanded
from .part import Part

if TYPE_CHECKING:
    import pandas as pd

Time = datetime | float | str | None

_TRIES: Final = 50
# A request comes before its answer is written, so nothing in a segment is later than its last change. Clocks are set back.
_CLOCKS_MICROSECONDS: Final = 3_600_000_000


@dataclass(frozen=True)
class Question:
    """Which rows are asked for; times in microseconds since the epoch, ``until`` exclusive."""

    since: int | None = None
    until: int | None = None
    ids: frozenset[str] | None = None
    versions: frozenset[int] | None = None
    limit: int | None = None
    columns: tuple[str, ...] | None = None

    @cached_property
    def needed(self) -> set[str] | None:
        """The columns that take part in answering."""
        if self.columns is None:
            return None
        return {*self.columns, "time", "id", *(["version"] if self.versions is not None else [])}

    def may_hold(self, first: int, last: int) -> bool:
        """Whether something between these moments is asked for."""
        return (self.since is None or last >= self.since) and (self.until is None or first < self.until)

    def of(self, table: pa.Table) -> pa.Table:
        """Keep the rows that are asked for, of each source no more than the newest that could be."""
        conditions = []
        if self.since is not None:
            conditions.append(pc.greater_equal(table["time"], pa.scalar(self.since, pa.int64()).cast(UTC_TIME)))
        if self.until is not None:
            conditions.append(pc.less(table["time"], pa.scalar(self.until, pa.int64()).cast(UTC_TIME)))
        if self.ids is not None:
            conditions.append(pc.is_in(table["id"], pa.array(self.ids, pa.string())))
        if self.versions is not None and "version" in table.column_names:
            conditions.append(pc.is_in(table["version"], pa.array(self.versions, pa.int64())))
        if conditions:
            table = table.filter(reduce(pc.and_, conditions))
        return _newest(table, self.limit)


def read(
    folder: Path,
    *,
    since: Time = None,
    until: Time = None,
    ids: Collection[str] | None = None,
    versions: Collection[int | str] | None = None,
    limit: int | None = None,
    columns: Sequence[str] | None = None,
) -> pa.Table:
    """Read the log of an endpoint.

    Parameters
    ----------
    folder : Path
    since, until : datetime, float, str, optional
        From when, and until before when: a moment, seconds since the epoch, or text such as 2h, yesterday, 2026-11-01.
        One without a zone is of this machine's.
    ids : collection of str, optional
        Only the rows of these ids.
    versions : collection of int, optional
        Only what these versions of the model have answered.
    limit : int, optional
        The newest so many.
    columns : sequence of str, optional
        Only these columns.

    Returns
    -------
    Table
        In the order of time. ``id``, ``time``, ``endpoint``, ``model``, ``version``, ``arm``, ``latency_ms``,
        ``tags``; the inputs as ``input.NAME``; ``prediction``, or ``prediction_0`` … where there are several
        outputs; ``label`` and ``labelled``, the time when the label came.

    Raises
    ------
    InvalidUsage
        Where a time is none, or the log has no such column.
    """
    now = time.time()
    if limit is not None and limit < 0:
        raise InvalidUsage(f"The limit must be 0 or more, not {limit}.")
    question = Question(
        _microseconds(since, now),
        _microseconds(until, now),
        None if ids is None else frozenset([ids] if isinstance(ids, str) else map(str, ids)),
        None if versions is None else frozenset(map(int, [versions] if isinstance(versions, str | int) else versions)),
        limit,
        None if columns is None else tuple(columns),
    )
    for _ in range(_TRIES):
        try:
            table = _read(folder, question)
            break
        except FileNotFoundError:
            continue
    else:
        raise Conflict(f"{folder} changes faster than it can be read.", "try again")
    if columns is None or {*columns} & {*labels.COLUMNS.names}:
        table = labels.joined(folder, table)
    return table if columns is None else _chosen(folder, table, columns)


def read_frame(folder: Path, **question: Any) -> pd.DataFrame:
    """Read the log as a pandas frame; see ``read``."""
    frame: pd.DataFrame = read(folder, **question).to_pandas()
    return frame


def _read(folder: Path, question: Question) -> pa.Table:
    written = segments(folder)
    files = [Part(file) for file in parts(folder)]
    taken_in = {name for file in files for name in file.segments}
    live = (file for file in written if file.name not in taken_in and _may_hold(file, question))
    found = [table for file in live for table in _of_segment(file, question)]
    found[:0] = reversed([*_of_parts(files, question, found)])
    schema = _schema([table.schema for table in found], question)
    whole = pa.concat_tables([types.fitted(table, schema) for table in found]) if found else schema.empty_table()
    return _newest(_in_order(whole), question.limit)


def _of_segment(file: SegmentFile, question: Question) -> Iterator[pa.Table]:
    schema = segment.schema_of(file.path)
    if schema is None:
        return
    layout = Layout.of(schema)
    if question.versions is not None and layout.version not in question.versions:
        return
    stored = None
    if question.needed is not None:
        stored = [*ALWAYS.names, *(layout.stored_in(name) or name for name in question.needed)]
    yield expanded(question.of(segment.read(file.path, stored)), layout, question.needed)


def _of_parts(files: Sequence[Part], question: Question, newer: Sequence[pa.Table]) -> Iterator[pa.Table]:
    """Read the pieces of Parquet files, the latest first, until no earlier one can hold a row that is asked for."""
    times = [_times(table) for table in newer]
    pieces = [
        (span.last, file.file, number, file)
        for file in files
        for number, span in enumerate(file.spans)
        if question.may_hold(*span)
    ]
    for last, _, number, file in sorted(pieces, key=itemgetter(0, 1, 2), reverse=True):
        if last < _enough(times, question.limit):
            return
        table = question.of(file.read(number, question.needed, question.ids))
        if table.num_rows:
            times.append(_times(table))
            yield table


def _times(table: pa.Table) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.asarray(types.whole(table["time"]).view(pa.int64()))


def _enough(times: Sequence[np.ndarray[Any, np.dtype[np.int64]]], limit: int | None) -> float:
    """Give the moment before which nothing can be among the newest ``limit`` rows."""
    if limit is None or sum(map(len, times)) < limit:
        return -math.inf
    return float(np.partition(np.concatenate(times), -limit)[-limit]) if limit else math.inf


def _may_hold(file: SegmentFile, question: Question) -> bool:
    begin = round(datetime(file.day.year, file.day.month, file.day.day, tzinfo=UTC).timestamp() * 1e6)
    end = begin + DAY_MICROSECONDS - 1
    if not question.may_hold(begin, end):
        return False
    changed = file.path.stat().st_mtime_ns // 1000 + _CLOCKS_MICROSECONDS
    return question.may_hold(begin, min(end, changed))


def _schema(found: Sequence[pa.Schema], question: Question) -> pa.Schema:
    """Put the columns of all sources together: ours, then the inputs, then the predictions."""
    ours = [field for field in ALWAYS if question.needed is None or field.name in question.needed]
    schema = types.unified([pa.schema(ours), *found])
    rest = sorted(list(schema)[len(ours) :], key=lambda field: not field.name.startswith("input"))
    return pa.schema([*list(schema)[: len(ours)], *rest])


def _newest(table: pa.Table, limit: int | None) -> pa.Table:
    if limit is None or table.num_rows <= limit:
        return table
    return _in_order(table).slice(table.num_rows - limit)


def _in_order(table: pa.Table) -> pa.Table:
    """Sort by time; what came at one time stays in the order in which it was written."""
    moments = types.whole(table["time"])
    if len(moments) < 2 or not pc.any(pc.less(moments[1:], moments[:-1])).as_py():
        return table
    return table.take(pc.sort_indices(moments))


def _chosen(folder: Path, table: pa.Table, columns: Sequence[str]) -> pa.Table:
    for name in {*columns} - {*table.column_names}:
        known = {column for schema in _schemas(folder) for column in schema.names}
        if known and name not in known:
            raise InvalidUsage(f"The log has no column {name!r}.{nearest(name, {*known, *labels.COLUMNS.names})}")
        table = table.append_column(name, pa.nulls(table.num_rows))  # other versions have it
    return table.select(list(columns))


def _schemas(folder: Path) -> Iterator[pa.Schema]:
    with contextlib.suppress(FileNotFoundError):
        yield from (Part(file).schema for file in parts(folder))
        for file in segments(folder):
            if (schema := segment.schema_of(file.path)) is not None:
                yield expanded(schema.empty_table(), Layout.of(schema)).schema


def _microseconds(given: Time, now: float) -> int | None:
    if given is None:
        return None
    if isinstance(given, str):
        found = moment(given.strip(), now)
        if found is None:
            raise InvalidUsage(
                f"{given!r} is no time.", "since='7d', '12h', 'yesterday', or a date such as '2026-11-01'"
            )
        return round(found * 1e6)
    if isinstance(given, datetime):
        moment_given = given.astimezone() if given.tzinfo is None else given
        return round(moment_given.timestamp() * 1e6)
    return round(given * 1e6)
