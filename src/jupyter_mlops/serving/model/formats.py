"""Requests and answers as MLflow's scoring protocol writes them.

A body is JSON with exactly one of ``dataframe_split``, ``dataframe_records``, ``instances`` and
``inputs``, or CSV with a header; an answer is ``{"predictions": [...]}``.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator
from decimal import Decimal
from email.message import Message
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final

import orjson

from .columns import RequestRefused
from .signature import Rows, Schema
from .table import Table

_FORMATS: Final = ("dataframe_split", "dataframe_records", "instances", "inputs")
JSON: Final = "application/json"
CSV: Final = "text/csv"
_CHARSETS: Final = ("utf-8", "utf8", "us-ascii", "ascii")
_MOST_DIGITS: Final = 4000
_HALF: Final = re.compile(
    r"\\u[dD][89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]"
)  # of a surrogate pair


class TooLarge(RequestRefused):
    """More rows than one request may have."""

    status = 413


class UnsupportedMediaType(RequestRefused):
    """A body in a format that isn't served."""

    status = 415


def read_table(body: bytes, content_type: str | None) -> Table:
    """Read the body of ``POST /invocations``; whether it fits the model is the schema's to say.

    Parameters
    ----------
    body : bytes
        Of a bearable size: the front sees to that.
    content_type : str or None
        None is JSON: many clients send nothing.

    Returns
    -------
    Table, of at least one row

    Raises
    ------
    RequestRefused
        With the HTTP status, a code and, where there is one, the column at fault.
    """
    media_type = media_type_of(content_type, (JSON, CSV), "Send application/json, or text/csv with a header.")
    table = _csv(body) if media_type == CSV else _json(body)
    if not table.rows:
        raise no_rows()
    return table


def read_request(body: bytes, content_type: str | None, schema: Schema) -> Rows:
    """Read the body of ``POST /invocations`` and check it against the model's schema, ``model.signature.inputs``."""
    return schema.frame(read_table(body, content_type))


def check_rows(count: int, most: int) -> None:
    """Refuse more rows than one request may have."""
    if count > most:
        raise TooLarge("TOO_MANY_ROWS", f"{count} rows are more than the {most} of one request; send several.")


def no_rows() -> RequestRefused:
    """Make the refusal of a request that asks for nothing."""
    return RequestRefused("NO_ROWS", "The request has no rows.")


@lru_cache(maxsize=64)
def media_type_of(content_type: str | None, spoken: tuple[str, ...], hint: str) -> str:
    """Read the type of a body: one of those spoken, the first where none is given."""
    if content_type is None or not content_type.strip():
        return spoken[0]
    header = Message()
    header["content-type"] = content_type
    media_type = header.get_content_type()
    if media_type not in spoken:
        raise UnsupportedMediaType("UNSUPPORTED_MEDIA_TYPE", hint)
    if header.get_content_charset("utf-8") not in _CHARSETS:
        raise UnsupportedMediaType("UNSUPPORTED_MEDIA_TYPE", "The only charset is utf-8.")
    return media_type


def _csv(body: bytes) -> Table:
    # strict: a broken quote is an error; otherwise the csv module guesses.
    try:
        lines = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        names, *rows = [line for line in lines if line]
    except UnicodeDecodeError as error:
        raise _bad_encoding(error) from None
    except csv.Error as error:
        raise RequestRefused("INVALID_CSV", f"The body is no CSV: {error}.") from None
    except ValueError:
        raise RequestRefused("NO_ROWS", "The request has no rows, and not even a header.") from None
    return Table(names, rows, text=True)


def _json(body: bytes) -> Table:
    document = parse_json(body)
    if not isinstance(document, dict):
        raise RequestRefused("INVALID_INPUT", f"The body must be an object with one of {', '.join(_FORMATS)}.")
    if unknown := [key for key in document if key not in (*_FORMATS, "params")]:
        raise RequestRefused("INVALID_INPUT", f"The body has an unknown field: {unknown[0][:60]!r}.")
    formats = [key for key in _FORMATS if key in document]
    if len(formats) != 1:
        raise RequestRefused("INVALID_INPUT", f"The body must have exactly one of {', '.join(_FORMATS)}.")
    # MLflow hands no parameters to scikit-learn models either.
    if not isinstance(document.get("params"), dict | None):
        raise RequestRefused("INVALID_INPUT", "params must be an object.")
    (name,) = formats
    data = document[name]
    if name == "dataframe_split":
        return _split(data)
    if name == "inputs" and isinstance(data, dict):
        return _columnar(data)
    if not isinstance(data, list):
        raise RequestRefused("INVALID_INPUT", f"{name} must be a list of rows.")
    if name == "dataframe_records" or any(isinstance(row, dict) for row in data):
        return _records(data)
    return Table(None, data)


def _split(data: object) -> Table:
    if not isinstance(data, dict) or not isinstance(data.get("data"), list):
        raise RequestRefused("INVALID_INPUT", "dataframe_split must be an object with columns and data.")
    if unknown := data.keys() - {"columns", "data", "index"}:
        raise RequestRefused("INVALID_INPUT", f"dataframe_split has an unknown field: {min(unknown)[:60]!r}.")
    rows, names = data["data"], data.get("columns")
    index = data.get("index")
    if index is not None and not (isinstance(index, list) and len(index) == len(rows)):
        raise RequestRefused("RAGGED_ROWS", "index must be a list as long as data.")
    if names is None:
        return Table(None, rows)
    kinds = set(map(type, names)) if isinstance(names, list) else {object}
    if not kinds <= {str, int}:
        raise RequestRefused("INVALID_INPUT", "columns must be a list of names.")
    return Table(list(map(str, names)) if int in kinds else names, rows)


def _records(records: list[Any]) -> Table:
    if not all(isinstance(record, dict) for record in records):
        raise RequestRefused("RAGGED_ROWS", "Either every row is an object or none is.")
    names = list(records[0]) if records else []
    known = set(names)
    for number, record in enumerate(records):
        if odd := record.keys() ^ known:
            name = min(odd)
            raise RequestRefused(
                "RAGGED_ROWS",
                f"Row {number} has other columns than row 0: {name[:60]!r}. Write null for a missing value.",
                name,
            )
    if len(names) > 1:
        return Table(names, list(map(itemgetter(*names), records)))
    return Table(names, [tuple(record.values()) for record in records])


def _columnar(columns: dict[str, Any]) -> Table:
    if not any(isinstance(cells, list) for cells in columns.values()):
        return Table(list(columns), [tuple(columns.values())] if columns else [])  # one row of bare values
    if not all(isinstance(cells, list) for cells in columns.values()) or len(set(map(len, columns.values()))) > 1:
        raise RequestRefused("RAGGED_ROWS", "The columns of inputs must be lists of one length.")
    return Table(list(columns), list(zip(*columns.values(), strict=True)))


def parse_json(body: bytes) -> Any:
    """Read JSON strictly: no key twice in an object, no NaN, nothing nested without end."""
    try:
        document = orjson.loads(body)
        # orjson silently keeps the last of two equal keys. Behind every key stands a colon, so where
        # there are as many colons as keys, none was lost. Only a body with more of them (colons in
        # strings, objects in cells, or a key that is doubled indeed) is read again, five times slower.
        if isinstance(document, dict) and body.count(b":") != _count_keys(document):
            json.loads(body, object_pairs_hook=_unique)
    except RecursionError:
        raise RequestRefused("INVALID_JSON", "The body is nested too deeply.") from None
    except orjson.JSONDecodeError as error:
        document = _beyond_json(body, error)
    return document


def _beyond_json(body: bytes, error: orjson.JSONDecodeError) -> Any:
    """Read what many clients write and JSON does not know: NaN, Infinity, and numbers beyond those of a machine.

    Whether they can be held is for each column to say; so it is the column that is named where they can't.
    """
    refused = RequestRefused("INVALID_JSON", f"The body is no JSON: {error}.")
    try:
        text = body.decode()
        if _HALF.search(text):  # it would be no text
            raise refused
        return json.loads(text, object_pairs_hook=_unique, parse_float=_number, parse_int=_whole)
    except UnicodeDecodeError as encoding:
        raise _bad_encoding(encoding) from None
    except (ValueError, RecursionError):
        raise refused from None


def _number(text: str) -> float | Decimal:
    number = float(text)
    return number if math.isfinite(number) else Decimal(text)  # 1e400 is not infinite


def _whole(text: str) -> int | Decimal:
    return int(text) if len(text) <= _MOST_DIGITS else Decimal(text)  # Python refuses to read a longer one


def _count_keys(document: dict[str, Any]) -> int:
    return len(document) + sum(sum(map(len, _objects_of(value))) for value in document.values())


def _objects_of(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    elif isinstance(value, list):
        yield from (row for row in value if type(row) is dict)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise RequestRefused("DUPLICATE_KEY", f"The key {twice[:60]!r} is there twice in one object.", twice)
    return unique


def _bad_encoding(error: UnicodeDecodeError) -> RequestRefused:
    return RequestRefused("INVALID_ENCODING", f"The body is not UTF-8: byte {error.start} does not belong there.")
