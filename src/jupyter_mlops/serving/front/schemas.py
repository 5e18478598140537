"""JSON Schemas of what a model takes: written from what it says of its signature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

Schema = dict[str, Any]

_MOST: Final = {"double": 1.7976931348623157e308, "float64": 1.7976931348623157e308, "float": 3.4028234663852886e38}
# The formats of JSON Schema want a zone, and say nothing of base64.
_DAY: Final = (
    "((1[7-9]|2[01])[0-9]{2}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|"
    "02-(0[1-9]|1[0-9]|2[0-8]))|((1[7-9]|2[01])(0[48]|[2468][048]|[13579][26])|2000)-02-29)"
)
_TIME: Final = f"^{_DAY}T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{{1,9}})?)?$"
_BASE64: Final = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
_WHOLE: Final = {"integer": 31, "int32": 31, "long": 63, "int64": 63, "int16": 15, "int8": 7}


def cell(kind: str, *, required: bool = True) -> Schema:
    """Describe a cell of one of MLflow's types; of one that is handed on as it comes nothing is said."""
    if kind in _WHOLE:
        most = 2 ** _WHOLE[kind]
        schema: Schema = {"type": "integer", "minimum": -most, "maximum": most - 1}
    elif kind in _MOST or kind == "float32":
        most_of_it = _MOST.get(kind, _MOST["float"])
        schema = {"type": "number", "minimum": -most_of_it, "maximum": most_of_it}
    elif kind in ("boolean", "bool"):
        schema = {"type": "boolean"}
    elif kind in ("string", "str"):
        schema = {"type": "string"}
    elif kind == "datetime":
        schema = {"type": "string", "pattern": _TIME, "description": "ISO 8601, without a zone"}
    elif kind == "binary":
        schema = {"type": "string", "contentEncoding": "base64", "pattern": _BASE64}
    else:
        return {}
    return schema if required else schema | {"type": [schema["type"], "null"]}


def request(inputs: Sequence[Mapping[str, Any]], most_rows: int) -> Schema:
    """Describe the body of ``POST /invocations``.

    Parameters
    ----------
    inputs : sequence of mapping
        What the model wants, by column; or its one tensor.
    most_rows : int
    """
    if len(inputs) == 1 and "shape" in inputs[0]:
        rows = _rows(_nested(inputs[0]["type"], inputs[0]["shape"][1:]), most_rows)
        return {"oneOf": [_only("instances", rows), _only("inputs", rows)]}
    cells = {str(each["name"]): cell(each["type"], required=each.get("required", True)) for each in inputs}
    required = [str(each["name"]) for each in inputs if each.get("required", True)]
    row = {"type": "array", "prefixItems": list(cells.values()), "items": False, "minItems": len(cells)}
    record = {"type": "object", "properties": cells, "required": required, "additionalProperties": False}
    lists, records = _rows(row, most_rows), _rows(record, most_rows)
    split = {
        "type": "object",
        "properties": {"columns": {"enum": [list(cells), None]}, "data": lists},
        "required": ["data"],
        "additionalProperties": False,
    }
    return {
        "oneOf": [
            _only("dataframe_split", split),
            _only("dataframe_records", records),
            _only("instances", {"oneOf": [lists, records]}),
            _only("inputs", {"oneOf": [lists, records, record]}),
        ]
    }


def _rows(row: Schema, most_rows: int) -> Schema:
    return {"type": "array", "items": row, "minItems": 1, "maxItems": most_rows}


def _nested(kind: str, shape: Sequence[int]) -> Schema:
    if not shape:
        return cell(kind)
    length = {} if shape[0] < 0 else {"minItems": shape[0], "maxItems": shape[0]}
    return {"type": "array", "items": _nested(kind, shape[1:]), **length}


def _only(name: str, schema: Schema) -> Schema:
    properties = {name: schema, "params": {"type": ["object", "null"], "description": "Taken, and not looked at."}}
    return {"type": "object", "properties": properties, "required": [name], "additionalProperties": False}
