"""Ask an endpoint, as MLflow's clients do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import requests

from ..errors import InvalidUsage, ProcessFailed
from ..frames import as_frame, has_names
from .results import Endpoint, Predictions

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
    frame, write = _rows(data)
    at_once = max(1, min(_ROWS_A_REQUEST, _CELLS_A_REQUEST // max(1, len(frame.columns))))
    begin = time.perf_counter()
    values: list[Any] = []
    version = endpoint.version
    for start in range(0, len(frame), at_once):
        answer = _post(endpoint, write(frame.iloc[start : start + at_once]))
        values += answer.json()["predictions"]
        version = int(answer.headers.get("X-Model-Version", version))
    milliseconds = (time.perf_counter() - begin) * 1000
    return Predictions(endpoint.name, endpoint.model, version, values, frame.index.tolist(), milliseconds)


def _rows(data: Any) -> tuple[Any, Callable[[Any], str]]:
    """Read the rows, and say how they are written.

    A pandas series of numbers is one row of a frame; texts are a row each.
    """
    import pandas as pd

    if isinstance(data, pd.Series) and not pd.api.types.is_string_dtype(data):
        return data.to_frame().T, _named
    frame = as_frame(data)
    if isinstance(data, pd.Series) or (len(frame.columns) == 1 and not _is_nested(data)):
        return frame, _flat
    return frame, _named if has_names(data) else _unnamed


def _is_nested(data: Any) -> bool:
    """Whether each row is a list of its own, also where it has one value."""
    return hasattr(data, "columns") or len(getattr(data, "shape", ())) > 1 or isinstance(data[0], list | tuple)


def _named(frame: Any) -> str:
    return f'{{"dataframe_split": {frame.to_json(orient="split", date_format="iso", double_precision=15)}}}'


def _unnamed(frame: Any) -> str:
    return f'{{"instances": {frame.to_json(orient="values", double_precision=15)}}}'


def _flat(frame: Any) -> str:
    return f'{{"instances": {frame.iloc[:, 0].to_json(orient="values", double_precision=15)}}}'


def _post(endpoint: Endpoint, body: str) -> requests.Response:
    mend = f"%mlops logs {endpoint.name}, then %mlops deploy {endpoint.ref}"
    try:
        answer = requests.post(
            f"{endpoint.url}/invocations",
            data=body.encode(),
            headers={"Content-Type": "application/json"},
            timeout=(2, _SECONDS),
        )
    except requests.RequestException:
        raise ProcessFailed(f"The endpoint {endpoint.name} does not answer at {endpoint.url}.", mend) from None
    if answer.ok:
        return answer
    try:
        problem = answer.json().get("message", answer.text)
    except ValueError:
        problem = answer.text[:200]
    if answer.status_code < 500:
        raise InvalidUsage(f"{endpoint.ref} can't take these rows: {problem}")
    raise ProcessFailed(f"The endpoint {endpoint.name} failed: {problem}", mend)
