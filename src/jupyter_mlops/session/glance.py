"""The project at a glance: what a status bar shows, within seconds whatever the server does."""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

from ..backend import probe
from ..backend.git import without_credentials
from ..errors import BackendUnreachable
from ..workspace import Onlooker

_SLOW: Final = 1.0
"""Seconds that a server may take to say who it is before it is called slow."""


@dataclass(frozen=True)
class Tracking:
    """The MLflow server; ``state`` is ``up``, ``slow``, ``down``, or ``stopped``: the next command starts it."""

    uri: str | None
    state: str
    says: str
    hint: str | None = None


@dataclass(frozen=True)
class Glance:
    """The project; ``problem`` is what is wrong with its settings."""

    initialised: bool
    project: str
    root: str
    experiment: str | None
    tracking: Tracking
    version: str
    alerts: int
    problem: dict[str, Any] | None = None


NOTHING: Final = Tracking(None, "stopped", "There is no project here yet.", "%mlops init")


def nothing(name: str, root: str) -> Glance:
    """Say of a folder that it is in no project."""
    return Glance(False, name, root, None, NOTHING, version("jupyter-mlops"), 0)


def broken(name: str, root: str, problem: dict[str, Any]) -> Glance:
    """Say of a project that its settings can't be read."""
    away = Tracking(None, "down", str(problem["message"]), problem.get("hint"))
    return Glance(True, name, root, None, away, version("jupyter-mlops"), 0, problem)


def of(workspace: Onlooker, name: str, root: str, alerts: int) -> Glance:
    """Look at a project; nothing is started."""
    return Glance(
        True, name, root, workspace.settings.experiment, tracking(workspace), version("jupyter-mlops"), alerts
    )


def tracking(workspace: Onlooker) -> Tracking:
    """Ask the server who it is, within 5 s."""
    uri = workspace.uri
    if uri is None:
        return Tracking(None, "stopped", "The project's MLflow server starts when it is needed.", "%mlops init")
    shown = without_credentials(uri)
    begin = time.monotonic()
    try:
        number = probe.check(uri)
    except BackendUnreachable as error:
        return Tracking(shown, "down", error.message.replace(uri, shown), error.hint and error.hint.replace(uri, shown))
    seconds = time.monotonic() - begin
    if seconds > _SLOW:
        return Tracking(shown, "slow", f"MLflow {number}, which took {seconds:.1f} s to answer")
    return Tracking(shown, "up", f"MLflow {number}")
