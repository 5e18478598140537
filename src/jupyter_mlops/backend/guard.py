"""Whether an MLflow server has the guard on: asked of the server itself, by its route."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import requests

from . import probe
from .adapter import Mlflow

APP: Final = "jupyter-mlops-guard"
"""What the guard is called, after ``mlflow server --app-name``."""
PROJECT: Final = "MLOPS_GUARD_PROJECT"
"""The environment variable of a server with the folder whose ``mlops.toml`` has the gates."""
ROUTE: Final = "/api/2.0/jupyter-mlops/guard"
TAG: Final = "mlops.guard."
"""The tag of a version that has had a protected alias, by the alias; only the guard writes it."""
REFUSED: Final = f"Refused by {APP}"
MEND: Final = " → "
"""What is before the line that mends it, in a refusal."""


@dataclass(frozen=True)
class Guard:
    """What a server's guard protects.

    Attributes
    ----------
    aliases : tuple of str
    forced : bool
        Whether it lets forced promotions through.
    """

    aliases: tuple[str, ...]
    forced: bool

    def __str__(self) -> str:
        forced = "forced promotions pass" if self.forced else "forced promotions are refused"
        return f"on: it protects {', '.join(self.aliases)}; {forced}"


def of(mlflow: Mlflow) -> Guard | None:
    """Ask a server for its guard; None where it has none, or does not say so.

    Raises
    ------
    BackendUnreachable
        Where the server is away.
    """
    mlflow.check()
    try:
        answer = probe.session_for(mlflow.uri).get(mlflow.uri + ROUTE, timeout=probe.TIMEOUT, allow_redirects=False)
        said = answer.json() if answer.ok else {}
        return Guard(tuple(map(str, said["aliases"])), bool(said["forced"])) if said else None
    except (requests.RequestException, KeyError, TypeError):  # what is no JSON, too
        return None
