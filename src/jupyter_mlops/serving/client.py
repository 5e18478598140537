"""Ask an endpoint, as MLflow's clients do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import requests

from ..backend.probe import session_here
from ..entities import typed
from ..errors import InvalidUsage, ProcessFailed
from ..frames import as_frame
from ..workspace import Workspace
from . import access
from .files import files_of
from .predictions import Predictions
from .results import Endpoint
from .wire import ARROW, row_ids

# Under the endpoint's own limits of 50,000 rows and 10 MB: a number has up to 20 characters.
_ROWS_A_REQUEST, _CELLS_A_REQUEST = 10_000, 300_000
_SECONDS = 60.0


def ask(endpoint: Endpoint, data: Any) -> Predictions:
    """Send rows to an endpoint and collect the answers.

    Parameters
    ----------
    endpoint : Endpoint
    data : DataFrame, Series, array or nested list of shape (n_rows, n_features)

    Raises
    ------
    InvalidUsage
        Where the rows don't fit the model: which column, and why.
    ProcessFailed
        Where the endpoint does not answer.
    """
    if endpoint.state == "stopped":  # what is left of it may still refuse for a moment, with a reason that misleads
        raise _silent(endpoint)
    frame, write = _rows(data)
    media_type = "application/json"
    if write is _named and all(isinstance(kind, np.dtype) and kind.kind in "biuf" for kind in frame.dtypes):
        write, media_type = _streamed, ARROW
    at_once = max(1, min(_ROWS_A_REQUEST, _CELLS_A_REQUEST // max(1, len(frame.columns))))
    begin = time.perf_counter()
    values: list[Any] = []
    ids: list[str] = []
    version = endpoint.version
    for start in range(0, len(frame), at_once):
        answer = send(endpoint, "/invocations", write(frame.iloc[start : start + at_once]), media_type)
        predictions = answer.json()["predictions"]
        values += predictions
        ids += row_ids(answer.headers["X-Request-Id"], len(predictions))
        version = int(answer.headers.get("X-Model-Version", version))
    milliseconds = (time.perf_counter() - begin) * 1000
    return Predictions(endpoint.name, endpoint.model, version, values, frame.index.tolist(), ids, milliseconds)


def _rows(data: Any) -> tuple[Any, Callable[[Any], bytes]]:
    """Read the rows, and say how they are written.

    A pandas series of numbers is one row of a frame; texts are a row each.
    """
    import pandas as pd

    if isinstance(data, pd.Series) and not pd.api.types.is_string_dtype(data):
        return data.to_frame().T, _named
    frame = as_frame(data)
    if not isinstance(frame.columns, pd.RangeIndex) and not isinstance(data, pd.Series):
        return frame, _named
    return frame, _flat if len(frame.columns) == 1 and np.ndim(data) < 2 else _unnamed


def _named(frame: Any) -> bytes:
    return orjson.dumps({"dataframe_split": {"columns": [str(name) for name in frame.columns], "data": _cells(frame)}})


def _streamed(frame: Any) -> bytes:
    """Write numbers as they lie in memory, 20 times faster than as JSON."""
    import pyarrow as pa

    columns = [_finite(frame, place).to_numpy() for place in range(frame.shape[1])]
    table = pa.Table.from_arrays([pa.array(column) for column in columns], [str(name) for name in frame.columns])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _unnamed(frame: Any) -> bytes:
    return orjson.dumps({"instances": _cells(frame)})


def _flat(frame: Any) -> bytes:
    return orjson.dumps({"instances": [row[0] for row in _cells(frame)]})


def _cells(frame: Any) -> list[list[Any]]:
    """Turn a frame into rows that JSON can carry exactly; what is missing is null."""
    columns = []
    for place in range(frame.shape[1]):
        column = _finite(frame, place)
        if column.dtype.kind in "mM":
            column = column.map(lambda value: value.isoformat(), na_action="ignore")
        columns.append(column.astype(object).where(column.notna(), None).tolist())
    return [list(row) for row in zip(*columns, strict=True)]


def _finite(frame: Any, place: int) -> Any:
    """Give a column of a frame.

    Raises
    ------
    InvalidUsage
        For an infinite number: JSON has none, and null would be another value.
    """
    column = frame.iloc[:, place]
    if column.dtype.kind == "f" and np.isinf(column.to_numpy(dtype=float, na_value=np.nan)).any():
        raise InvalidUsage(
            f"The column {frame.columns[place]!r} holds an infinite number, which JSON can't carry.", "replace it first"
        )
    return column


def send(
    endpoint: Endpoint, path: str, body: bytes | None = None, media_type: str = "application/json"
) -> requests.Response:
    """Post a body to an endpoint, or get what it says of itself, with the key that it takes.

    Raises
    ------
    InvalidUsage
        Where it refuses: why.
    ProcessFailed
        Where it does not answer, or fails.
    """
    try:
        answer = session_here().request(
            "GET" if body is None else "POST",
            f"{endpoint.url}{path}",
            data=body,
            headers={"Content-Type": media_type, **_key(endpoint)},
            timeout=(2, _SECONDS),
        )
    except requests.RequestException:
        raise _silent(endpoint) from None
    if answer.ok:
        return answer
    if answer.status_code == 401:
        raise InvalidUsage(
            f"The endpoint {endpoint.name} asks for a key that is not here.",
            f"set {access.VARIABLE} in the environment; where nobody has the key: %mlops undeploy {endpoint.name}, and deploy --auth",
        )
    try:
        problem = answer.json().get("message", answer.text)
    except ValueError:
        problem = answer.text[:200]
    if answer.status_code < 500:
        raise InvalidUsage(f"{endpoint.ref} can't take these rows: {problem}")
    raise ProcessFailed(f"The endpoint {endpoint.name} failed: {problem}", _mend(endpoint))


def _key(endpoint: Endpoint) -> dict[str, str]:
    key = access.key_to_send(files_of(Workspace.here().state.folder, endpoint.name)) if endpoint.auth else None
    return {} if key is None else {"Authorization": f"Bearer {key}"}


def _silent(endpoint: Endpoint) -> ProcessFailed:
    return ProcessFailed(f"The endpoint {endpoint.name} does not answer at {endpoint.url}.", _mend(endpoint))


def _mend(endpoint: Endpoint) -> str:
    return f"%mlops logs {typed(endpoint.name)}, then %mlops deploy {typed(endpoint.ref)}"
