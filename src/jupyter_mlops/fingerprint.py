"""A digest of data: every value, type and name, and their order; the same wherever it is taken.

The same table gives the same digest from pandas, polars, pyarrow, an array or a Parquet file, on any
machine, however it is cut into chunks. So what differs only in how it is kept does not count: NaN
and null are one thing (pandas can't tell them apart), a time is the same in any unit, a string
in any of Arrow's layouts. A pandas index counts where it has a name and does not only count rows, as a last column: so
Parquet keeps it. The order of categories counts where they are ordered; polars keeps no order, so there it is another type.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from .errors import InvalidUsage

_BYTES = 16  # 128 bits: no two data sets of a lifetime share one by chance
_NAMELESS_INDEX = "__index_level_"  # how Parquet names an index of pandas that has no name
_ARROWS = {"float16": "halffloat", "float32": "float", "float64": "double"}  # Arrow's names of numpy's types
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_BINARY = (types.is_binary, types.is_large_binary, types.is_fixed_size_binary, types.is_binary_view)

Cells: TypeAlias = "pa.Array | pa.ChunkedArray | np.ndarray[Any, Any]"


@dataclass(frozen=True)
class Fingerprint:
    """The digest of a table, and those of its columns, so that it can be said which one has changed.

    Attributes
    ----------
    digest : str
        32 hex digits.
    rows : int
    columns : tuple of (str, str, str)
        Name, type and digest of each, in order; a name may be there twice.
    """

    digest: str
    rows: int
    columns: tuple[tuple[str, str, str], ...]


def fingerprint(data: Any) -> Fingerprint:
    """Take the digest of a table: BLAKE2b over the digests of its columns.

    Parameters
    ----------
    data : DataFrame, Series, pyarrow.Table, sparse matrix, or array-like
        An array of more than two dimensions is one column of lists.

    Raises
    ------
    InvalidUsage
        Where it is no table, such as a number.
    """
    columns = list(_columns(data))
    rows = len(columns[0][1]) if columns else 0
    with ThreadPoolExecutor(2) as pool:  # hashing lets go of Python's lock
        hashed = list(pool.map(lambda column: _hash(*column), columns)) if rows > 1000 else [_hash(*c) for c in columns]
    whole = hashlib.blake2b(f"table of {rows} rows\n".encode(), digest_size=_BYTES)
    for _, digest in hashed:
        whole.update(digest)
    named = tuple((name, kind, digest.hex()) for (name, _), (kind, digest) in zip(columns, hashed, strict=True))
    return Fingerprint(whole.hexdigest(), rows, named)


def _columns(data: Any) -> Iterator[tuple[str, Cells]]:
    if hasattr(data, "iloc"):
        yield from _of_pandas(data.to_frame() if data.ndim == 1 else data)
    elif hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
        if hasattr(data, "to_frame"):
            data = data.to_frame()
        if hasattr(data, "get_columns"):  # of polars, which has types that Arrow has none for
            columns = data.get_columns()
            yield from ((each.name, _of_polars(each)) for each in columns if _NAMELESS_INDEX not in each.name)
            return
        table = pa.table({"0": data}) if isinstance(data, pa.Array | pa.ChunkedArray) else pa.table(data)
        yield from ((n, c) for n, c in zip(table.column_names, table.columns, strict=True) if _NAMELESS_INDEX not in n)
    elif hasattr(data, "tocsc"):
        yield from _of_sparse(data.tocsc(copy=True))
    else:
        array = _array(data)
        cells = array.T if array.ndim == 2 else [array if array.ndim == 1 else list(np.atleast_1d(array))]
        yield from ((str(number), _arrow(column)) for number, column in enumerate(cells))


def _array(data: Any) -> np.ndarray[Any, Any]:
    try:
        array = np.asarray(data)
    except ValueError:  # rows of different lengths
        array = np.asarray(data, dtype=object)
    if array.ndim == 0:
        raise InvalidUsage(f"A {type(data).__name__} is no table.", "give a frame, or an array with rows and columns")
    return array


def _of_pandas(frame: Any) -> Iterator[tuple[str, Cells]]:
    kinds = set(frame.dtypes)
    if len(kinds) == 1 and _is_numeric(next(iter(kinds))):  # at once: by itself each of a million would take 0.1 ms
        yield from zip(map(str, frame.columns), frame.to_numpy().T, strict=True)
    else:
        for place, name in enumerate(frame.columns):  # by place: a name may be there twice
            yield str(name), _of_series(frame.iloc[:, place])
    for level, name in enumerate(frame.index.names):
        if name is not None and not _is_range(frame.index):
            yield str(name), _of_series(frame.index.get_level_values(level).to_series())


def _is_range(index: Any) -> bool:
    """Tell whether an index only counts: Parquet keeps no column of it, so that it would be lost on the way."""
    return hasattr(index, "start") and hasattr(index, "step")


def _of_series(series: Any) -> Cells:
    if (zone := getattr(series.dtype, "tz", None)) is not None:  # pyarrow asks for it in a way that pandas gives up
        times: pa.Array = _arrow(series.dt.tz_convert(None))
        return times.cast(pa.timestamp(times.type.unit, pa.lib.tzinfo_to_string(zone)))
    dense = series.sparse.to_dense() if hasattr(series, "sparse") else series
    return _arrow(dense.to_numpy() if _is_numeric(dense.dtype) else dense)


def _of_polars(series: Any) -> Cells:
    """Take a series of polars; objects of Python, which it would give as addresses in memory, and 128 bits as texts."""
    if str(series.dtype) != "Object":
        with contextlib.suppress(pa.ArrowException):
            return pa.chunked_array(series)
    return _texts(series.to_list())


def _of_sparse(matrix: Any) -> Iterator[tuple[str, Cells]]:
    """Take scipy's sparse matrices without their zeros, of which there may be more than fit into memory."""
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    yield "shape", pa.array(matrix.shape, pa.int64())
    yield "indptr", pa.array(matrix.indptr, pa.int64())
    yield "indices", pa.array(matrix.indices, pa.int64())
    yield "data", _arrow(matrix.data)


def _is_numeric(dtype: Any) -> bool:
    return isinstance(dtype, np.dtype) and dtype.kind in "biuf" and dtype.itemsize <= 8


def _arrow(cells: Any) -> Cells:
    """Give cells to Arrow, unless they are numbers as numpy has them; what it has no type for, as its text."""
    if isinstance(cells, np.ndarray) and _is_numeric(cells.dtype):
        return cells
    try:
        return pa.array(cells, from_pandas=True)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return _texts(cells)


def _texts(cells: Iterable[Any]) -> pa.Array:
    return pa.array([_text(cell) for cell in cells], pa.large_string())


def _text(cell: Any) -> str:
    """Write any object down, the same in every process: an address in memory is no value."""
    if isinstance(cell, dict):
        return f"{{{', '.join(f'{_text(key)}: {_text(value)}' for key, value in cell.items())}}}"
    if isinstance(cell, list | tuple):
        return f"{type(cell).__name__}[{', '.join(map(_text, cell))}]"
    if isinstance(cell, set | frozenset):
        return f"set[{', '.join(sorted(map(_text, cell)))}]"
    if isinstance(cell, np.ndarray):
        return f"array {cell.dtype} {cell.shape} {_text(cell.tolist())}"
    says_nothing = getattr(type(cell), "__repr__", None) is object.__repr__
    return f"{type(cell).__qualname__} {'' if says_nothing else _ADDRESS.sub('', repr(cell))}"


def _hash(name: str, column: Cells) -> tuple[str, bytes]:
    """Hash a column: its name, its type, which cells are missing, and the others."""
    if isinstance(column, np.ndarray):
        return _hash_numbers(name, column)
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    kind, array = _canonical(array)
    hasher = hashlib.blake2b(json.dumps([name, kind, len(array)]).encode(), digest_size=_BYTES)
    if isinstance(array, pa.StructArray):
        parts = _fields(array)
    elif isinstance(array, pa.LargeListArray):
        parts = [("lengths", pc.list_value_length(array)), ("values", array.flatten())]
    else:
        parts = []
    missing = _missing(array)
    if missing is not None:
        hasher.update(np.packbits(missing.to_numpy(zero_copy_only=False)).tobytes())
    for part in parts:
        hasher.update(_hash(*part)[1])
    if not parts and not types.is_null(array.type):
        for buffer in _values(array, missing):
            hasher.update(buffer)
    return kind, hasher.digest()


def _hash_numbers(name: str, array: np.ndarray[Any, Any]) -> tuple[str, bytes]:
    """Hash numbers of numpy as they lie in memory, the little end first: the same as through Arrow."""
    array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    kind = _ARROWS.get(array.dtype.name, array.dtype.name)
    hasher = hashlib.blake2b(json.dumps([name, kind, len(array)]).encode(), digest_size=_BYTES)
    missing = np.isnan(array) if array.dtype.kind == "f" else None
    if missing is not None and missing.any():
        hasher.update(np.packbits(missing).tobytes())
        array = np.where(missing, array.dtype.type(0), array)
    hasher.update(array.data)
    return kind, hasher.digest()


def _canonical(array: pa.Array) -> tuple[str, pa.Array]:
    """Name the type of an array, and bring it into the one layout that this type is hashed in; else its cells' texts."""
    if not (types.is_union(array.type) or types.is_interval(array.type)):  # Arrow can't cast or hash these
        with contextlib.suppress(pa.ArrowException, AttributeError):  # nor what is yet to come
            return _known(array)
    return str(array.type), _texts(array.to_pylist())


def _known(array: pa.Array) -> tuple[str, pa.Array]:
    kind = array.type
    if types.is_run_end_encoded(kind):
        return _canonical(pc.run_end_decode(array))
    if isinstance(kind, pa.BaseExtensionType):
        return f"{kind.extension_name} {kind}", _canonical(array.storage)[1]
    if types.is_dictionary(kind):
        inner, categories = _canonical(array.dictionary)
        if kind.ordered:
            inner += f" in the order {hashlib.blake2b(_text(array.dictionary.to_pylist()).encode(), digest_size=4).hexdigest()}"
        return f"category of {inner}", categories.take(array.indices)
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return "string", array.cast(pa.large_string())
    if any(is_of(kind) for is_of in _BINARY):
        return "binary", array.cast(pa.large_binary())
    if types.is_decimal(kind):
        return f"decimal of scale {kind.scale}", array.cast(pa.string()).cast(pa.large_string())
    if types.is_temporal(kind):
        return _canonical_time(array)
    if types.is_boolean(kind):
        return "bool", array.cast(pa.uint8())
    if types.is_map(kind):
        pairs = pa.struct([("key", kind.key_type), ("value", kind.item_type)])
        return "map", array.cast(pa.large_list(pairs))
    if types.is_nested(kind) and not types.is_struct(kind):
        return f"list of {_canonical(array.flatten())[0]}", array.cast(pa.large_list(kind.value_type))
    if types.is_struct(kind):  # by name and type of each field: as Arrow writes it, a text would have its layout's name
        fields = ", ".join(f"{name}: {_canonical(field)[0]}" for name, field in _fields(array))
        return f"struct<{fields}>", array
    return str(kind), array


def _fields(array: pa.StructArray) -> list[tuple[str, pa.Array]]:
    """Give the fields of a struct: null where the struct is, whatever lies in memory there."""
    return list(zip((field.name for field in array.type), array.flatten(), strict=True))


def _canonical_time(array: pa.Array) -> tuple[str, pa.Array]:
    """Count times in the finest unit that holds them all."""
    kind = array.type
    if types.is_date(kind):
        return "date", array.cast(pa.date32()).cast(pa.int32())
    if types.is_time(kind):
        return "time", array.cast(pa.time64("ns")).cast(pa.int64())
    zone = _zone(getattr(kind, "tz", None))
    for unit in ("ns", "us", "ms", "s"):
        finer = pa.timestamp(unit, zone) if types.is_timestamp(kind) else pa.duration(unit)
        try:
            return str(finer), array.cast(finer).cast(pa.int64())
        except pa.ArrowInvalid:  # too far from 1970 for this unit
            continue
    return str(kind), array.cast(pa.string()).cast(pa.large_string())  # pragma: no cover - seconds hold every time


def _zone(name: str | None) -> str | None:
    """Name a zone in one way: polars says ``Etc/GMT-2`` for the offset ``+02:00``, and means it the other way round."""
    if name in ("+00:00", "-00:00", "Etc/UTC", "Etc/GMT", "Z"):
        return "UTC"
    if fixed := re.fullmatch(r"Etc/GMT([+-])(\d\d?)", name or ""):
        return f"{'-' if fixed[1] == '+' else '+'}{int(fixed[2]):02}:00"
    return name


def _missing(array: pa.Array) -> pa.Array | None:
    """Say which cells are null or NaN, where there are any."""
    if array.null_count or (types.is_floating(array.type) and pc.any(pc.is_nan(array)).as_py()):
        return array.is_null(nan_is_null=True)
    return None


def _values(array: pa.Array, missing: pa.Array | None) -> Iterator[memoryview]:
    """Give the bytes of all cells as they lie in memory; what is missing is zero, or an empty text."""
    has_text = types.is_large_string(array.type) or types.is_large_binary(array.type)
    if missing is not None:
        nothing = pa.scalar("" if types.is_large_string(array.type) else b"" if has_text else 0).cast(array.type)
        array = pc.if_else(missing, nothing, array)
    buffers = array.buffers()
    if not has_text:
        width = array.type.bit_width // 8
        yield memoryview(buffers[1])[array.offset * width : (array.offset + len(array)) * width]
        return
    offsets = np.frombuffer(buffers[1], np.int64)[array.offset : array.offset + len(array) + 1]
    yield np.diff(offsets).data
    if len(offsets) and offsets[-1] > offsets[0]:
        yield memoryview(buffers[2])[offsets[0] : offsets[-1]]
