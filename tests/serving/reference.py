"""A second reader of requests, as slow and plain as the protocol's own words; what it takes, the endpoint must take."""

from __future__ import annotations

import json
import math
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError


def _whole(value: Any) -> Any:
    """Take 2.0 for 2, as long as a float is exact."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) <= 2**53 else value


class Row(BaseModel):
    """The signature: a double, a long, a string and a boolean."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=True)

    a: float | None
    b: Annotated[int, BeforeValidator(_whole), Field(ge=-(2**63), lt=2**63)]
    c: str
    d: bool


_ROWS = TypeAdapter(Annotated[list[Row], Field(min_length=1)])
_NAMES = list(Row.model_fields)


def read(body: bytes) -> list[Row] | None:
    """Read a request; None where it is none."""
    try:
        document = json.loads(body.decode("utf-8"), object_pairs_hook=_object, parse_float=_number)
        json.dumps(document, default=str, ensure_ascii=False).encode()  # half a surrogate pair is no text
        rows = _ROWS.validate_python(list(_records(document)))
        for row in rows:
            float(row.a or 0)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError, ValidationError):
        return None
    return rows


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key twice")
    return dict(pairs)


def _number(text: str) -> object:
    return float(text) if math.isfinite(float(text)) else object()  # nothing holds 1e400


def _records(document: Any) -> list[dict[str, Any]]:
    if not isinstance(_dict(document).get("params"), dict | None):
        raise ValueError("params")
    ((name, data),) = [(key, value) for key, value in document.items() if key != "params"]
    if name == "dataframe_split":
        if not _dict(data).keys() <= {"columns", "data", "index"}:
            raise ValueError("a field too many")
        if data.get("index") is not None and not (
            isinstance(data["index"], list) and len(data["index"]) == len(data["data"])
        ):
            raise ValueError("index")
        names = data.get("columns")
        if names is not None and not all(type(each) in (str, int) for each in _list(names)):
            raise ValueError("names")
        return _named(_NAMES if names is None else [str(each) for each in names], data["data"])
    if name == "dataframe_records":
        return [_dict(row) for row in _list(data)]
    if name == "inputs" and isinstance(data, dict):
        if not any(isinstance(cells, list) for cells in data.values()):
            return [data]
        return _named(list(data), list(zip(*map(_list, data.values()), strict=True)))
    if name not in ("instances", "inputs"):
        raise ValueError("an unknown field")
    if any(isinstance(row, dict) for row in _list(data)):
        return [_dict(row) for row in data]
    return _named(_NAMES, data)


def _named(names: list[str], rows: Any) -> list[dict[str, Any]]:
    if len(set(names)) < len(names):
        raise ValueError("a column twice")
    return [dict(zip(names, _list(row), strict=True)) for row in _list(rows)]


def _list(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        raise TypeError("no list")
    return value


def _dict(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("no object")
    return value
