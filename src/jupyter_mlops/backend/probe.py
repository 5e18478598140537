"""Is there an MLflow server, and does it answer? Asked before it is relied on, so that nothing hangs."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

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
    mend = mend or mend_of(uri)
    session = session_for(uri)
    try:
        health = session.get(f"{uri}/health", timeout=TIMEOUT, allow_redirects=False)
        answer = session.get(f"{uri}/version", timeout=TIMEOUT, allow_redirects=False) if health.ok else health
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
    if answer.is_redirect:  # followed, a POST would become a GET
        raise BackendUnreachable(
            f"What answers at {uri} sends us on to {answer.headers['Location'][:200]}.",
            "set tracking_uri to where MLflow itself answers, and log in with MLFLOW_TRACKING_TOKEN",
        )
    if answer.status_code >= 500:
        raise BackendUnreachable(f"The MLflow server at {uri} answers with an error ({answer.status_code}).", mend)
    if health.text.strip() != "OK" or not re.fullmatch(r"\d+\.\d+\S*", answer.text.strip()):
        raise BackendUnreachable(f"What answers at {uri} is not MLflow.", mend)
    return answer.text.strip()


def mend_of(uri: str) -> str:
    """Say what brings a server back that is not the project's own."""
    return f"start it, or set tracking_uri in mlops.toml or MLFLOW_TRACKING_URI (now {uri})"


def session_for(uri: str) -> requests.Session:
    """Make a session that asks as MLflow's client does: by its variables for credentials and certificates.

    What runs on this machine is asked directly: a proxy of the company can't reach it.
    """
    session = requests.Session()
    session.trust_env = not is_local(uri)
    user, password = (os.environ.get(f"MLFLOW_TRACKING_{name}") for name in ("USERNAME", "PASSWORD"))
    if user and password:
        session.auth = (user, password)
    elif token := os.environ.get("MLFLOW_TRACKING_TOKEN"):
        session.headers["Authorization"] = f"Bearer {token}"
    insecure = os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() == "true"
    session.verify = False if insecure else os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH") or True
    return session


def session_here() -> requests.Session:
    """Make a session for what this machine serves itself: no proxy, and nobody's credentials."""
    session = requests.Session()
    session.trust_env = False
    return session


def is_local(uri: str) -> bool:
    """Whether an address is of this machine."""
    return urlsplit(uri).hostname in ("127.0.0.1", "localhost", "::1")


def is_healthy(uri: str) -> bool:
    """Whether a server answers that it is well."""
    try:
        return session_for(uri).get(f"{uri}/health", timeout=TIMEOUT).ok
    except requests.RequestException:
        return False


def was_ready(log: Path) -> bool:
    """Whether a server's log says that it has once been up."""
    try:
        return b"Application startup complete" in log.read_bytes()
    except OSError:
        return False
