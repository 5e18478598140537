"""The way to MLflow: every read and every write of ours goes through here, and its errors end here."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from ..errors import BackendUnreachable, Conflict, Inconclusive, InvalidUsage, MlopsError, NotFound, ValidationFailed
from . import probe

if TYPE_CHECKING:
    from mlflow import MlflowClient

# A server that has answered within this time (in seconds) is not asked again whether it is there.
_FRESH = 2.0

# One that has not is not waited for again within this time by the same command: what ends a cell asks twice.
_SILENT = 5.0

_PATIENCE = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",  # an answer that was lost would be a second run or version
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_JITTER": "0",
    # Nor should a cell be filled with its progress bars and addresses: the card has the link.
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}

# The variables that were set here, and to what.
_set: dict[str, str] = {}

_MEANING: dict[str, type[MlopsError]] = {
    "RESOURCE_DOES_NOT_EXIST": NotFound,
    "RESOURCE_ALREADY_EXISTS": Conflict,
    "RESOURCE_CONFLICT": Conflict,
    "INVALID_STATE": Conflict,
    "INVALID_PARAMETER_VALUE": InvalidUsage,
    "BAD_REQUEST": InvalidUsage,
}

# What MLflow's client says of a file that is not there, and as well where the server has gone while it was fetched.
_OF_AN_OUTAGE = "Failed to download artifacts"

# What the guard of a server says (see ``guarding``): whether it can't say or says no, why, and what mends it.
_REFUSED = re.compile(r"Refused by jupyter-mlops-guard \((\w+)\): (.*?)(?: → (.*))?$")


class Mlflow:
    """A tracking server, by its address, for the time of one command.

    Parameters
    ----------
    uri : str
        ``http://host:port``.
    timeout : float
        Seconds that one request may take.
    mend : str, optional
        The line that brings it back when it is away.
    """

    def __init__(self, uri: str, timeout: float, mend: str | None = None) -> None:
        self.uri = uri
        self._timeout = timeout
        self._mend = mend
        self._answered = 0.0
        self._silence: tuple[float, BackendUnreachable] | None = None

    def read(self, operation: str, /, *arguments: Any, **named: Any) -> Any:
        """Call an operation of ``mlflow.MlflowClient`` that changes nothing."""
        return self._call(operation, arguments, named)

    def write(self, operation: str, /, *arguments: Any, **named: Any) -> Any:
        """Call an operation of ``mlflow.MlflowClient`` that changes something.

        The only way that anything of ours is written: a journal for the time without a server goes here.
        """
        return self._call(operation, arguments, named)

    def rest(self, method: str, path: str, /, **arguments: Any) -> dict[str, Any]:
        """Call MLflow's REST API itself: its client takes seconds and a hundred megabytes to import.

        For processes that run for days and ask one thing.

        Parameters
        ----------
        method : str
        path : str
            Below ``/api/2.0/``; with a slash before it, of the server itself, as what only MLflow's own pages ask for.
        **arguments
            Of the query of a ``GET``, else of the JSON body.
        """
        said = self._ask(method, path, **{"params" if method == "GET" else "json": arguments})
        return dict(said.json())

    def text(self, run_id: str, path: str) -> str | None:
        """Read a small file of a run as MLflow's own pages do; None where it is not there."""
        try:
            answer = self._ask("GET", "/get-artifact", params={"run_uuid": run_id, "path": path})
        except (NotFound, InvalidUsage):
            return None
        return answer.content.decode("utf-8", "replace")

    def save(self, path: str, into: Path) -> None:
        """Write what the REST API gives at a path into a file, however much it is."""
        with self._ask("GET", path, stream=True) as answer, into.open("wb") as file:
            try:
                for piece in answer.iter_content(1 << 20):
                    file.write(piece)
            except requests.RequestException as error:
                raise self._translate(f"GET {path}", error) from error

    def _ask(self, method: str, path: str, **options: Any) -> requests.Response:
        self.check()
        url = f"{self.uri}{path}" if path.startswith("/") else f"{self.uri}/api/2.0/{path}"
        try:
            answer = self._session.request(method, url, timeout=self._timeout, allow_redirects=False, **options)
            if not answer.ok:
                said = answer.json()
                code, message = str(said.get("error_code")), str(said.get("message", answer.reason))
                raise self._meaning(code, message, f"{method} {path}")
        except requests.RequestException as error:  # what is no JSON, too
            raise self._translate(f"{method} {path}", error) from error
        self._answered = time.monotonic()
        return answer

    def check(self) -> None:
        """Make sure that the server answers, unless it has just done so.

        Raises
        ------
        BackendUnreachable
            Within 5 s, where it does not.
        """
        if time.monotonic() - self._answered <= _FRESH:
            return
        if self._silence and time.monotonic() - self._silence[0] < _SILENT:
            raise self._silence[1]
        try:
            probe.check(self.uri, self._mend)
        except BackendUnreachable as error:
            self._silence = time.monotonic(), error
            raise
        self._answered = time.monotonic()

    def link(self, path: str) -> str:
        """Give the address of a page in MLflow's UI."""
        return f"{self.uri}/#/{path}"

    @cached_property
    def _session(self) -> requests.Session:
        return probe.session_for(self.uri)

    @cached_property
    def client(self) -> MlflowClient:
        """MLflow's own client, with short patience."""
        # MLflow's defaults hold a cell for 4 to 20 minutes when the server is down or hangs. These are
        # read at each request, so they also bound what a user's own mlflow calls wait.
        patience = {"MLFLOW_HTTP_REQUEST_TIMEOUT": str(max(1, round(self._timeout)))} | _PATIENCE
        for name, value in patience.items():
            if os.environ.get(name) == _set.get(name):  # what the user has set is left alone
                os.environ[name] = _set[name] = value
        if probe.is_local(self.uri):  # a proxy of the company can't reach what runs here
            os.environ["NO_PROXY"] = ",".join(filter(None, (os.environ.get("NO_PROXY"), "127.0.0.1,localhost")))
        import mlflow

        return mlflow.MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)

    def _call(self, operation: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        self.check()
        client = self.client
        with self.translated(operation):
            return getattr(client, operation)(*arguments, **named)

    @contextlib.contextmanager
    def translated(self, what: str) -> Iterator[None]:
        """Turn what MLflow raises within into errors of ours, and note that the server has answered."""
        from mlflow.exceptions import MlflowException

        try:
            yield
        except (MlflowException, requests.RequestException) as error:
            raise self._translate(what, error) from error
        self._answered = time.monotonic()

    def _translate(self, operation: str, error: Exception) -> MlopsError:
        """Say what MLflow's error means: its own code, or a server that has gone meanwhile."""
        self._answered = 0.0
        text = " ".join(str(error).split())
        if any(sign in text for sign in ("timed out", "Max retries", "did not answer in time")):
            gone = BackendUnreachable(
                f"The MLflow server at {self.uri} did not answer in time.", self._mend or probe.mend_of(self.uri)
            )
            self._silence = time.monotonic(), gone
            return gone
        if "must be in the 'active' state" in text:
            gone_run = next((word for word in text.split() if re.fullmatch(r"[0-9a-f]{32}", word)), "")
            return NotFound(
                f"The run:{gone_run[:8]} was deleted meanwhile.", "restore it in MLflow's UI, or run the cell again"
            )
        return self._meaning(str(getattr(error, "error_code", "")), text, operation)

    def _meaning(self, code: str, text: str, operation: str) -> MlopsError:
        if found := _REFUSED.search(text):
            return (Inconclusive if found[1] == "inconclusive" else ValidationFailed)(found[2], found[3])
        meaning = _MEANING.get(code)
        if meaning is not None and _OF_AN_OUTAGE not in text:
            return meaning(text.removeprefix(f"{code}: "))
        try:
            self.check()
        except BackendUnreachable as unreachable:
            return unreachable
        if meaning is not None:
            return meaning(text.removeprefix(f"{code}: "))
        hint = "%mlops logs mlflow" if self._mend else f"the log of the MLflow server at {self.uri} says more"
        return BackendUnreachable(f"MLflow could not do {operation}: {text[:300]}", hint)
