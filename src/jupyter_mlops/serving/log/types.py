"""What becomes of columns whose types differ, from one version of a model to the next or from one answer to the next."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc


def common(first: pa.DataType, second: pa.DataType) -> pa.DataType:
    """Find the type that holds the values of both: a wider number, or text where they have nothing in common."""
    if first == second or pa.types.is_null(second):
        return first
    if pa.types.is_null(first):
        return second
    if pa.types.is_fixed_size_list(first) and pa.types.is_fixed_size_list(second):
        return pa.list_(common(first.value_type, second.value_type), first.list_size)
    if _is_number(first) and _is_number(second):
        if pa.types.is_floating(first) or pa.types.is_floating(second):
            narrow = {first, second} == {pa.float32()}
            return pa.float32() if narrow else pa.float64()
        wide = max(first, second, key=lambda kind: kind.bit_width)
        if pa.types.is_signed_integer(first) == pa.types.is_signed_integer(second):
            return wide
        return pa.float64() if pa.uint64() in (first, second) else pa.int64()
    if pa.types.is_timestamp(first) and pa.types.is_timestamp(second) and first.tz == second.tz:
        return pa.timestamp("ns", tz=first.tz) if "ns" in (first.unit, second.unit) else pa.timestamp("us", tz=first.tz)
    if pa.types.is_list(first) and pa.types.is_list(second):
        value = common(first.value_type, second.value_type)
        return pa.string() if pa.types.is_string(value) else pa.list_(value)
    return pa.string()


def unified(schemas: Iterable[pa.Schema]) -> pa.Schema:
    """Put schemas together: each column once, by its name, in the order of the first that has it."""
    fields: dict[str, pa.DataType] = {}
    for schema in schemas:
        for field in schema:
            fields[field.name] = common(fields[field.name], field.type) if field.name in fields else field.type
    return pa.schema(list(fields.items()))


def fitted(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Give a table the columns and types of a schema; a column that it does not have is null."""
    columns = []
    for field in schema:
        if table.schema.get_field_index(field.name) < 0:
            columns.append(pa.nulls(table.num_rows, field.type))
        else:
            columns.append(cast(table[field.name], field.type))
    return pa.table(columns, schema=schema)


def cast(column: Any, to: pa.DataType) -> Any:
    """Turn the values of a column into a type that ``common`` has found for it."""
    if column.type == to:
        return column
    if pa.types.is_null(column.type):
        return pa.nulls(len(column), to)
    if pa.types.is_string(to):
        return _as_text(column)
    if pa.types.is_fixed_size_list(to):
        return pa.FixedSizeListArray.from_arrays(
            pc.cast(whole(column).flatten(), to.value_type, safe=False), to.list_size
        )
    return pc.cast(column, to, safe=False)  # a whole number beyond 2**53 loses its last digits beside a fraction


def whole(column: Any) -> Any:
    """Give a column in one piece."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks or [pa.nulls(0, column.type)])


def _as_text(column: Any) -> Any:
    kind = column.type
    if pa.types.is_boolean(kind) or _is_number(kind) or pa.types.is_temporal(kind):
        return pc.cast(column, pa.string())
    return pa.array([None if value is None else text_of(value) for value in column.to_pylist()], pa.string())


def text_of(value: object) -> str:
    """Write a value of any kind as text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return orjson.dumps(value, default=str).decode()


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))
