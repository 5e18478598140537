"""Streams of Arrow, for many rows: a column is read as it lies in memory, and checked as strictly as one of JSON.

A request is a stream with a column for each of the model's, by name; an answer has a column for each output, called as
in the open inference protocol. Nothing is believed of a stream: it may not unpack to more than it is.
"""

from __future__ import annotations

import struct
from typing import Any, Final

import numpy as np
import pyarrow as pa
from pyarrow import ipc

from ..log import cells, types
from ..wire import ARROW
from .columns import RequestRefused, quoted
from .formats import check_rows, no_rows
from .replies import Reply
from .table import Arrays
from .tensors import outputs

_BATCHES: Final = frozenset({"record batch", "dictionary"})
_COMPRESSION: Final = 3  # the field of a RecordBatch, in Arrow's Message.fbs


def read(body: bytes, most_rows: int) -> Arrays:
    """Read a stream of at most so many rows.

    Raises
    ------
    RequestRefused
        ``INVALID_ARROW`` where it is broken or packed; ``WRONG_TYPE`` for a column that no column of a model could be.
    """
    try:
        for message in ipc.MessageReader.open_stream(body):
            if message.type in _BATCHES and _is_packed(message.metadata.to_pybytes(), message.type):
                raise RequestRefused("INVALID_ARROW", "Send the stream without compression.")
        with ipc.open_stream(body) as reader:
            table = reader.read_all()
        table.validate(full=True)
    except (pa.ArrowException, struct.error, OSError, ValueError, IndexError) as error:
        raise RequestRefused("INVALID_ARROW", f"The body is no stream of Arrow: {str(error)[:200]}") from None
    if not table.num_rows or not table.num_columns:
        raise no_rows()
    check_rows(table.num_rows, most_rows)  # before they are unpacked: nulls take no room in a stream
    return Arrays(
        list(table.column_names), [_array(field.name, types.whole(table[n])) for n, field in enumerate(table.schema)]
    )


class ArrowWriter:
    """Writes answers as streams, with a column for each output.

    Parameters
    ----------
    method : str
        Of the estimator; the name of its output.
    """

    kind = "arrow"

    def __init__(self, method: str) -> None:
        self._method = method

    def prepare(self, predictions: Any) -> pa.Table:
        """Make the table of all requests."""
        named = outputs(predictions, self._method)
        return pa.table(
            {name: cells.nested(cells.column(array.reshape(-1)), array.shape) for name, array in named.items()}
        )

    def write(self, prepared: pa.Table, rows: slice) -> Reply:
        """Write one request's own."""
        own = prepared.slice(rows.start or 0, None if rows.stop is None else rows.stop - rows.start)
        sink = pa.BufferOutputStream()
        with ipc.new_stream(sink, own.schema) as writer:
            writer.write_table(own)
        return Reply(200, sink.getvalue().to_pybytes(), ARROW)


def _array(name: str, column: Any) -> np.ndarray[Any, Any]:
    kind = column.type
    if pa.types.is_dictionary(kind) and any(is_kind(kind.value_type) for is_kind in _CATEGORIES):
        values = _array(name, column.dictionary).tolist()  # each once: a column of one long text is no memory
        return _objects([None if code is None else values[code] for code in column.indices.to_pylist()])
    if pa.types.is_floating(kind):
        return np.asarray(column.to_numpy(zero_copy_only=False))  # null is NaN, as in JSON
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return _objects(column.to_pylist()) if column.null_count else np.asarray(column.to_numpy(zero_copy_only=False))
    if any(is_kind(kind) for is_kind in _KINDS):
        try:
            return _objects(column.to_pylist())
        except (ValueError, OverflowError):  # a time that Python does not know
            pass
    raise RequestRefused("WRONG_TYPE", f"Column {quoted(name)} comes as {str(kind)[:60]}, which no column is.", name)


_CATEGORIES: Final = (pa.types.is_string, pa.types.is_large_string, pa.types.is_integer, pa.types.is_floating)
_KINDS: Final = (
    pa.types.is_null,
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_timestamp,
    pa.types.is_date,
)


def _objects(values: list[Any]) -> np.ndarray[Any, Any]:
    array = np.empty(len(values), object)
    array[:] = values
    return array


def _is_packed(metadata: bytes, kind: str) -> bool:
    """Whether a message's buffers are compressed: ten megabytes could be a hundred thousand, and pyarrow does not ask."""
    (root,) = struct.unpack_from("<I", metadata)
    header = _follow(metadata, root, 2)  # of the Message: its header
    if kind == "dictionary":
        header = header and _follow(metadata, header, 1)  # of a DictionaryBatch: the batch in it
    return bool(header and _field(metadata, header, _COMPRESSION))


def _follow(metadata: bytes, table: int, number: int) -> int:
    place = _field(metadata, table, number)
    return place + struct.unpack_from("<I", metadata, place)[0] if place else 0


def _field(metadata: bytes, table: int, number: int) -> int:
    """Find a field of a table as flatbuffers lays it out; 0 where it is not there."""
    vtable = table - struct.unpack_from("<i", metadata, table)[0]
    (size,) = struct.unpack_from("<H", metadata, vtable)
    place = 4 + 2 * number
    (offset,) = struct.unpack_from("<H", metadata, vtable + place) if place < size else (0,)
    return table + offset if offset else 0
