"""One row to begin with: the first one that was logged with the model, or else one that its signature makes up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from .columns import RequestRefused
from .formats import read_table

_MOST: Final = 1 << 20  # bytes; a row that is larger is none that somebody reads
_BLANKS: Final[Mapping[str, Any]] = {
    "boolean": False,
    "bool": False,
    "string": "",
    "str": "",
    "binary": "",
    "datetime": "2026-01-01T00:00:00",
}


def request_like(inputs: Sequence[Mapping[str, Any]], logged: bytes | None) -> dict[str, Any]:
    """Write a request of one row.

    Parameters
    ----------
    inputs : sequence of mapping
        What the model wants, as ``schema.told()`` gives it.
    logged : bytes, optional
        The input example of the model as MLflow keeps it: a request.

    Returns
    -------
    dict
        A body for ``POST /invocations``, in the format of the example.
    """
    try:
        if logged is not None:
            table = read_table(logged, None)
            row = table.rows[0]
            request = _request(table.names, list(row) if isinstance(row, tuple) else row)
            if len(orjson.dumps(request)) <= _MOST:
                return request
    except RequestRefused:
        pass  # what MLflow has written and nobody can ask
    if "shape" in inputs[0]:
        return _request(None, _blank(inputs[0]["type"], inputs[0]["shape"][1:]))
    return _request([column["name"] for column in inputs], [_blank(column["type"]) for column in inputs])


def _request(names: list[str] | None, row: Any) -> dict[str, Any]:
    return {"instances": [row]} if names is None else {"dataframe_split": {"columns": names, "data": [row]}}


def _blank(kind: str, shape: Sequence[int] = ()) -> Any:
    if shape:
        return [_blank(kind, shape[1:])] * max(shape[0], 1)
    return _BLANKS.get(kind, 0)
