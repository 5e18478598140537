"""A circuit breaker for MLflow's own calls in a cell: the first that gets no answer is the last that waits."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import requests

# How long (in seconds) a server that gave no answer is not asked again.
REST = 30.0


@contextlib.contextmanager
def breaker(uri: str) -> Iterator[None]:
    """Let calls to a server that has given no answer fail at once, for a while.

    Each would wait its time-out, and a fit with autologging or a loop that logs makes many: the cell
    would be held for minutes.

    Parameters
    ----------
    uri : str
        Of the server; calls to others are left alone.
    """
    import mlflow.utils.rest_utils

    rest_utils: Any = mlflow.utils.rest_utils  # every call of MLflow's passes one function of it
    send = rest_utils._get_http_response_with_retries
    gave_none = -REST

    def send_unless_open(method: str, url: str, *args: Any, **named: Any) -> Any:
        nonlocal gave_none
        ours = url.startswith(uri)
        if ours and time.monotonic() - gave_none < REST:
            raise requests.ConnectionError(
                f"the server at {uri} did not answer in time just now; it is asked again after {REST:.0f} s"
            )
        try:
            return send(method, url, *args, **named)
        except (requests.ConnectionError, requests.Timeout):
            if ours:
                gave_none = time.monotonic()
            raise

    rest_utils._get_http_response_with_retries = send_unless_open
    try:
        yield
    finally:
        rest_utils._get_http_response_with_retries = send
