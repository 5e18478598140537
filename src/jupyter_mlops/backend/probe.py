"""Is there an MLflow server, and does it answer? Asked before it is relied on, so that nothing hangs."""

from __future__ import annotations

import re
from pathlib import Path

import requests

from ..errors import BackendUnreachable

# Long enough for a busy server, short enough that a hanging one is told within 5 s.
TIMEOUT = (1.5, 2.2)


def check(uri: str, mend: str | None = None) -> str:
    """Ask a server who it is.

    Parameters
    ----------
    uri : str
    mend : str, optional
        The line that brings it back; by default that of an outside server.

    Returns
    -------
    str
        MLflow's version.

    Raises
    ------
    BackendUnreachable
        Where it is down, hangs, answers with an error, or isn't MLflow: one line each.
    """
    mend = mend or f"start it, or set tracking_uri in mlops.toml or MLFLOW_TRACKING_URI (now {uri})"
    try:
        health = requests.get(f"{uri}/health", timeout=TIMEOUT)
        answer = requests.get(f"{uri}/version", timeout=TIMEOUT) if health.ok else health
    except requests.Timeout:
        raise BackendUnreachable(f"The MLflow server at {uri} does not answer: it hangs.", mend) from None
    except requests.ConnectionError:
        raise BackendUnreachable(f"The MLflow server at {uri} is down: nothing answers there.", mend) from None
    except requests.RequestException as error:
        raise BackendUnreachable(f"{uri} can't be asked: {error}.", mend) from None
    if answer.status_code in (401, 403):
        raise BackendUnreachable(
            f"The MLflow server at {uri} refuses us ({answer.status_code}).",
            "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN",
        )
    if answer.status_code >= 500:
        raise BackendUnreachable(f"The MLflow server at {uri} answers with an error ({answer.status_code}).", mend)
    if health.text.strip() != "OK" or not re.fullmatch(r"\d+\.\d+\S*", answer.text.strip()):
        raise BackendUnreachable(f"What answers at {uri} is not MLflow.", mend)
    return answer.text.strip()


def is_healthy(uri: str) -> bool:
    """Whether a server answers that it is well."""
    try:
        return requests.get(f"{uri}/health", timeout=TIMEOUT).ok
    except requests.RequestException:
        return False


def was_ready(log: Path) -> bool:
    """Whether a server's log says that it has once been up."""
    try:
        return b"Application startup complete" in log.read_bytes()
    except OSError:
        return False
