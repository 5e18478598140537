"""Ask an endpoint, as MLflow's clients do."""

from __future__ import annotations

import time
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
    frame, named = _rows(data)
    at_once = max(1, min(_ROWS_A_REQUEST, _CELLS_A_REQUEST // max(1, len(frame.columns))))
    begin = time.perf_counter()
    values: list[Any] = []
    version = endpoint.version
    for start in range(0, len(frame), at_once):
        answer = _post(endpoint, _body(frame.iloc[start : start + at_once], named=named))
        values += answer.json()["predictions"]
        version = int(answer.headers.get("X-Model-Version", version))
    milliseconds = (time.perf_counter() - begin) * 1000
    return Predictions(endpoint.name, endpoint.model, version, values, frame.index.tolist(), milliseconds)


def _rows(data: Any) -> tuple[Any, bool]:
    """Read the rows, and say whether their columns have names; a pandas series is one row of a frame."""
    import pandas as pd

    if isinstance(data, pd.Series):
        return data.to_frame().T, True
    return as_frame(data), has_names(data)


def _body(frame: Any, *, named: bool) -> str:
    if named:
        return f'{{"dataframe_split": {frame.to_json(orient="split", date_format="iso", double_precision=15)}}}'
    return f'{{"instances": {frame.to_json(orient="values", double_precision=15)}}}'


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
