"""The open inference protocol v2: tensors in, tensors out, in JSON or in bytes behind it.

A model that was trained on a frame takes one tensor a column, of shape ``[n]`` or ``[n, 1]``; or a single one of shape
``[n, n_columns]``, called as none of the columns is, whose columns are then in the order of the signature. A model
that was trained on an array takes one tensor, whatever it is called.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from ..wire import Frame
from . import tensors
from .columns import RequestRefused, quoted
from .formats import media_type_of, no_rows, parse_json
from .loader import LoadedModel
from .replies import Question, Reply
from .signature import ColumnSchema, TensorSchema
from .table import Arrays

_SPOKEN: Final = ("application/json", "application/octet-stream")
_MOST_DIMENSIONS: Final = 32
_MOST_CELLS: Final = 2**40
_UNSPOKEN: Final = ("classification", "shared_memory_region")  # other parameters are for other servers, and no harm


@dataclass(frozen=True)
class V2:
    """The protocol for one version of a model.

    Parameters
    ----------
    model : LoadedModel
    name, version : str
        As they are told to clients.
    outputs : list of str, optional
        The names of the tensors that it answers with; None where they are not known beforehand.
    """

    model: LoadedModel
    name: str = ""
    version: str = ""
    outputs: list[str] | None = None

    def read(self, frame: Frame) -> Question:
        """Read the body of a request for predictions.

        Raises
        ------
        RequestRefused
        """
        media_type_of(frame.about.get("type"), _SPOKEN, "Send application/json, or application/octet-stream behind it.")
        split = _split(frame)
        document = _object(parse_json(frame.body[:split]), "The body", {"id", "parameters", "inputs", "outputs"})
        if not isinstance(document.get("id", ""), str):
            raise RequestRefused("INVALID_INPUT", "id must be a text.")
        answer = Answer(
            self,
            document.get("id"),
            binary=_flag(_parameters(document, "the request"), "binary_data_output"),
            wanted=self._wanted(document.get("outputs")),
        )
        sent = self._sent(_tensors(document.get("inputs"), frame.body[split:]))
        return Question(frame, sent, answer)

    def _sent(self, given: dict[str, tensors.Tensor]) -> Arrays:
        for name, tensor in given.items():
            if not len(tensor):
                raise no_rows()
            if len(tensor) != len(next(iter(given.values()))):
                raise RequestRefused("RAGGED_ROWS", f"The tensor {quoted(name)} has other rows than the first.", name)
        schema, first = self.model.signature.inputs, next(iter(given))
        if isinstance(schema, TensorSchema):
            if len(given) > 1:
                raise RequestRefused("EXTRA_COLUMN", "The model takes one tensor.", list(given)[1])
            is_bytes = schema.cell.dtype.kind == "S"
            return Arrays(None, [given[first] if is_bytes else tensors.as_text(first, given[first])])
        texts = {label for label, column in zip(schema.labels, schema.columns, strict=True) if column.dtype.kind != "S"}
        if len(given) == 1 and first not in schema.labels and given[first].ndim == 2:
            return _columns_of(tensors.as_text(first, given[first]), schema)
        arrays = [
            tensors.as_text(name, _flat(name, tensor)) if name in texts else _flat(name, tensor)
            for name, tensor in given.items()
        ]
        return Arrays(list(given), arrays)

    def _wanted(self, given: object) -> dict[str, bool | None] | None:
        if given is None or given == []:
            return None
        wanted: dict[str, bool | None] = {}
        for output in _list(given, "outputs"):
            name = _name(_object(output, "An output", {"name", "parameters"}))
            parameters = _parameters(output, f"the output {quoted(name)}")
            wanted[name] = _flag(parameters, "binary_data") if "binary_data" in parameters else None
        if self.outputs is not None:
            check_known(wanted, self.outputs)
        return wanted


@dataclass(frozen=True)
class Answer:
    """How one request wants to be answered."""

    protocol: V2
    id: str | None
    binary: bool
    wanted: Mapping[str, bool | None] | None
    kind: str = field(default="v2", init=False)

    def prepare(self, predictions: Any) -> dict[str, tensors.Tensor]:
        """Name the outputs."""
        return tensors.outputs(predictions, self.protocol.model.method)

    def write(self, prepared: dict[str, tensors.Tensor], rows: slice) -> Reply:
        """Write those that are wanted, each in JSON or behind it.

        Raises
        ------
        RequestRefused
            Where one is wanted that there is not.
        """
        wanted = dict.fromkeys(prepared) if self.wanted is None else self.wanted
        check_known(wanted, prepared)
        outputs, blobs = [], []
        for name, binary in wanted.items():
            tensor = prepared[name][rows]
            about: dict[str, Any] = {
                "name": name,
                "datatype": tensors.datatype_of(tensor.dtype),
                "shape": list(tensor.shape),
            }
            if self.binary if binary is None else binary:
                blobs.append(tensors.to_bytes(tensor))
                outputs.append(about | {"parameters": {"binary_data_size": len(blobs[-1])}})
            else:
                outputs.append(about | {"data": tensor.reshape(-1).tolist()})
        said = {"model_name": self.protocol.name, "model_version": self.protocol.version}
        header = orjson.dumps(said | ({} if self.id is None else {"id": self.id}) | {"outputs": outputs})
        if not blobs:
            return Reply(200, header)
        length = {"inference-header-content-length": str(len(header))}
        return Reply(200, b"".join([header, *blobs]), "application/octet-stream", length)


def check_known(wanted: Mapping[str, object], known: Mapping[str, object] | list[str]) -> None:
    """Refuse a tensor that the model does not answer with."""
    if unknown := [name for name in wanted if name not in known]:
        message = f"The model has no output {quoted(unknown[0])}, but {', '.join(map(quoted, list(known)[:5]))}."
        raise RequestRefused("UNKNOWN_OUTPUT", message, unknown[0])


def _split(frame: Frame) -> int:
    """Find where the JSON ends."""
    given = frame.about.get("header")
    if given is None:
        return len(frame.body)
    if not (given.isascii() and given.isdigit() and len(given) < 20 and int(given) <= len(frame.body)):
        message = "Inference-Header-Content-Length must be the length of the JSON that the body begins with."
        raise RequestRefused("INVALID_HEADER", message)
    return int(given)


def _tensors(given: object, rest: bytes) -> dict[str, tensors.Tensor]:
    read: dict[str, tensors.Tensor] = {}
    place = 0
    for tensor in _list(given, "inputs"):
        name = _name(_object(tensor, "A tensor", {"name", "datatype", "shape", "parameters", "data"}))
        if name in read:
            raise RequestRefused("DUPLICATE_COLUMN", f"The tensor {quoted(name)} is there twice.", name)
        datatype, shape = tensor.get("datatype"), _shape(name, tensor.get("shape"))
        if not isinstance(datatype, str):
            raise RequestRefused("INVALID_INPUT", f"The tensor {quoted(name)} has no datatype.", name)
        size = _parameters(tensor, f"the tensor {quoted(name)}").get("binary_data_size")
        if size is None:
            read[name] = tensors.from_json(name, datatype, shape, tensor.get("data"))
            continue
        if type(size) is not int or not 0 <= size <= len(rest) - place or "data" in tensor:
            message = f"binary_data_size of {quoted(name)} must be how many of the bytes behind the JSON are its data."
            raise RequestRefused("INVALID_INPUT", message, name)
        read[name] = tensors.from_bytes(name, datatype, shape, rest[place : place + size])
        place += size
    if not read:
        raise RequestRefused("NO_ROWS", "The request has no tensors.")
    if place < len(rest):
        raise RequestRefused("INVALID_INPUT", f"{len(rest) - place} bytes behind the JSON belong to no tensor.")
    return read


def _columns_of(matrix: tensors.Tensor, schema: ColumnSchema) -> Arrays:
    width, wanted = matrix.shape[1], len(schema.columns)
    if width != wanted:
        message = f"A tensor of all columns has {wanted} of them, in the order of the signature, not {width}."
        raise RequestRefused("WRONG_SHAPE", message)
    return Arrays(schema.labels, list(matrix.T))


def _flat(name: str, tensor: tensors.Tensor) -> tensors.Tensor:
    if tensor.ndim > 2 or (tensor.ndim == 2 and tensor.shape[1] != 1):
        message = f"The tensor {quoted(name)} is a column: of shape [n] or [n, 1], not {list(tensor.shape)}."
        raise RequestRefused("WRONG_SHAPE", message, name)
    return tensor.reshape(-1)


def _shape(name: str, given: object) -> list[int]:
    if (
        not isinstance(given, list)
        or not 0 < len(given) <= _MOST_DIMENSIONS
        or not all(type(length) is int and length >= 0 for length in given)
        or math.prod(max(length, 1) for length in given) > _MOST_CELLS  # beside a zero, any length would do
    ):
        raise RequestRefused("WRONG_SHAPE", f"The shape of the tensor {quoted(name)} must be a list of lengths.", name)
    return given


def _name(said: dict[str, Any]) -> str:
    name = said.get("name")
    if not isinstance(name, str):
        raise RequestRefused("INVALID_INPUT", "A tensor has no name.")
    return name


def _parameters(said: dict[str, Any], of: str) -> dict[str, Any]:
    parameters = said.get("parameters")
    if parameters is None:
        return {}
    if not isinstance(parameters, dict):
        raise RequestRefused("INVALID_INPUT", f"The parameters of {of} must be an object.")
    if unspoken := [name for name in _UNSPOKEN if name in parameters]:
        raise RequestRefused("INVALID_INPUT", f"This server has no {unspoken[0]}, which {of} asks for.")
    return parameters


def _flag(parameters: dict[str, Any], name: str) -> bool:
    flag = parameters.get(name, False)
    if not isinstance(flag, bool):
        raise RequestRefused("INVALID_INPUT", f"{name} must be true or false.")
    return flag


def _list(given: object, name: str) -> list[Any]:
    if not isinstance(given, list):
        raise RequestRefused("INVALID_INPUT", f"{name} must be a list.")
    return given


def _object(given: object, what: str, known: set[str]) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise RequestRefused("INVALID_INPUT", f"{what} must be an object.")
    if unknown := [key for key in given if key not in known]:
        raise RequestRefused("INVALID_INPUT", f"{what} has an unknown field: {quoted(unknown[0])}.")
    return given
