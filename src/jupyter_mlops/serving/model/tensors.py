"""Tensors as the open inference protocol v2 names, carries and describes them."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from ..log.inputs import unique
from ..log.types import text_of
from .columns import Column, RequestRefused, quoted
from .replies import dense, is_parts
from .signature import Schema, Signature, TensorSchema, dtype_of

INPUT: Final = "input"
"""The one tensor of a model that takes an array."""
BYTES: Final = "BYTES"
_DTYPES: Final = {
    "BOOL": "?",
    **{f"INT{8 * size}": f"<i{size}" for size in (1, 2, 4, 8)},
    **{f"UINT{8 * size}": f"<u{size}" for size in (1, 2, 4, 8)},
    **{f"FP{8 * size}": f"<f{size}" for size in (2, 4, 8)},
}
_DATATYPES: Final = {np.dtype(dtype): name for name, dtype in _DTYPES.items()}
_LENGTH: Final = struct.Struct("<I")

Tensor = np.ndarray[Any, Any]


def datatype_of(dtype: np.dtype[Any]) -> str:
    """Name a type of numpy's; whatever has no name in the protocol goes as text."""
    return _DATATYPES.get(dtype, BYTES)


def from_json(name: str, datatype: str, shape: Sequence[int], data: object) -> Tensor:
    """Read a tensor from lists, flat or nested; a number must fit the type that is said.

    Raises
    ------
    RequestRefused
    """
    cells = _flat(name, shape, data)
    dtype = _dtype(name, datatype)
    required = dtype.kind != "O"
    read = Column(name, datatype, required, dtype if required else np.dtype("str")).read(cells)
    return np.asarray(read if required else cells, dtype).reshape(shape)


def from_bytes(name: str, datatype: str, shape: Sequence[int], data: bytes) -> Tensor:
    """Read a tensor from bytes: numbers as they lie in memory, a text after its length.

    Raises
    ------
    RequestRefused
    """
    dtype, count = _dtype(name, datatype), math.prod(shape)
    if dtype.kind == "O":
        cells = _split(name, data)
        if len(cells) != count:
            raise _misshapen(name, shape, len(cells))
        flat = np.empty(count, dtype)
        flat[:] = cells
        return flat.reshape(shape)
    if len(data) != count * dtype.itemsize:
        message = (
            f"The tensor {quoted(name)} has {len(data)} bytes, but its shape and type say {count * dtype.itemsize}."
        )
        raise RequestRefused("WRONG_SHAPE", message, name)
    if datatype == "BOOL" and not set(data) <= {0, 1}:
        raise RequestRefused("WRONG_TYPE", f"The tensor {quoted(name)} wants a 0 or a 1 for each BOOL.", name)
    return np.frombuffer(data, dtype).reshape(shape)


def as_text(name: str, tensor: Tensor) -> Tensor:
    """Decode a tensor of bytes for a column that wants text; numbers stay as they are."""
    if tensor.dtype.kind != "O":
        return tensor
    flat = np.empty(tensor.size, object)
    try:
        flat[:] = [cell.decode() if isinstance(cell, bytes) else cell for cell in tensor.reshape(-1)]
    except UnicodeDecodeError as error:
        message = f"The tensor {quoted(name)} is not UTF-8: byte {error.start} of a text does not belong there."
        raise RequestRefused("INVALID_ENCODING", message, name) from None
    return flat.reshape(tensor.shape)


def to_bytes(tensor: Tensor) -> bytes:
    """Write a tensor as bytes."""
    if tensor.dtype.kind != "O":
        return np.ascontiguousarray(tensor, tensor.dtype.newbyteorder("<")).tobytes()
    texts = [cell.encode() for cell in tensor.reshape(-1)]
    return b"".join(part for text in texts for part in (_LENGTH.pack(len(text)), text))


def outputs(predictions: Any, method: str) -> dict[str, Tensor]:
    """Name what a model answers: by its method, or by the columns of a frame.

    Parameters
    ----------
    predictions : array, sparse matrix, DataFrame, Series or list
    method : str
        Such as ``predict``; several arrays are ``predict_proba_0``, ``predict_proba_1`` …

    Returns
    -------
    dict of str to array of shape (n_rows, …)
        Numbers as they are, everything else as texts.
    """
    predictions = dense(predictions)
    if is_parts(predictions):
        return {f"{method}_{number}": _sendable(part) for number, part in enumerate(predictions)}
    if isinstance(predictions, pd.DataFrame):
        names = unique([str(name) for name in predictions.columns])
        return {name: _sendable(column) for name, (_, column) in zip(names, predictions.items(), strict=True)}
    return {method: _sendable(predictions)}


def described(schema: Schema) -> list[dict[str, Any]]:
    """Say which tensors a model takes."""
    if isinstance(schema, TensorSchema):
        return [{"name": INPUT, "datatype": datatype_of(schema.cell.dtype), "shape": list(schema.shape)}]
    return [
        {"name": label, "datatype": datatype_of(column.dtype), "shape": [-1, 1]}
        for label, column in zip(schema.labels, schema.columns, strict=True)
    ]


def promised(signature: Signature, method: str) -> list[dict[str, Any]]:
    """Say which tensors a model answers with, by its signature alone: of a model whose example can't be asked."""
    specs = signature.outputs or []
    told = []
    for number, spec in enumerate(specs):
        name = method if len(specs) == 1 else str(spec.get("name") or f"{method}_{number}")
        if isinstance(tensor := spec.get("tensor-spec"), dict):
            told.append({"name": name, "datatype": datatype_of(np.dtype(tensor["dtype"])), "shape": tensor["shape"]})
        else:
            told.append({"name": name, "datatype": datatype_of(dtype_of(spec["type"])), "shape": [-1]})
    return told


def _sendable(values: Any) -> Tensor:
    array = np.atleast_1d(values.to_numpy() if isinstance(values, pd.Series) else np.asarray(values))
    if array.dtype in _DATATYPES:
        return array
    if array.dtype.kind == "M":
        array = np.datetime_as_string(array)
    texts = np.empty(array.size, object)
    texts[:] = [text_of(cell) for cell in array.reshape(-1).tolist()]
    return texts.reshape(array.shape)


def _dtype(name: str, datatype: str) -> np.dtype[Any]:
    if datatype == BYTES:
        return np.dtype("O")
    try:
        return np.dtype(_DTYPES[datatype])
    except KeyError:
        spoken = ", ".join([*_DTYPES, BYTES])
        message = f"The tensor {quoted(name)} has the type {quoted(datatype)}; those spoken are {spoken}."
        raise RequestRefused("UNKNOWN_DATATYPE", message, name) from None


def _flat(name: str, shape: Sequence[int], data: object) -> list[Any]:
    if not isinstance(data, list):
        raise RequestRefused("INVALID_INPUT", f"The tensor {quoted(name)} has no list of data.", name)
    level: list[Any] = data
    if len(shape) > 1 and level and isinstance(level[0], list):
        for axis, length in enumerate(shape):
            if axis:
                if not all(isinstance(part, list) and len(part) == length for part in level):
                    raise RequestRefused(
                        "WRONG_SHAPE", f"The data of {quoted(name)} are not nested as its shape.", name
                    )
                level = [cell for part in level for cell in part]
    if len(level) != math.prod(shape):
        raise _misshapen(name, shape, len(level))
    return level


def _split(name: str, data: bytes) -> list[bytes]:
    cells: list[bytes] = []
    place = 0
    while place < len(data):
        start = place + _LENGTH.size
        length = _LENGTH.unpack_from(data, place)[0] if start <= len(data) else len(data)
        place = start + length
        if place > len(data):
            raise RequestRefused("WRONG_SHAPE", f"A text of the tensor {quoted(name)} is longer than its data.", name)
        cells.append(data[start:place])
    return cells


def _misshapen(name: str, shape: Sequence[int], count: int) -> RequestRefused:
    message = f"The tensor {quoted(name)} has {count} values, but its shape {list(shape)[:8]} says {math.prod(shape)}."
    return RequestRefused("WRONG_SHAPE", message, name)
