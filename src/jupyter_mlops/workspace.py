"""A project: the folder with ``mlops.toml``, its settings, its local state and its way to MLflow."""

from __future__ import annotations

import getpass
import os
import socket
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from . import config
from .display.progress import Progress
from .errors import BackendUnreachable, InvalidUsage
from .settings import Settings

if TYPE_CHECKING:
    from .backend.adapter import Mlflow
    from .backend.heads import Seen
    from .backend.state import State

LOCAL = ".mlops"


class Workspace:
    """One project, as a command sees it. The settings are read anew for each command.

    Parameters
    ----------
    root : Path
        The folder of ``mlops.toml`` and ``.mlops/``.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.configuration = config.load(root)

    @classmethod
    def here(cls) -> Workspace:
        """Find the project that the working folder is in.

        Raises
        ------
        InvalidUsage
            Where there is none: ``%mlops init`` makes one.
        """
        root = find(Path.cwd())
        if root is None:
            raise InvalidUsage(f"{Path.cwd()} is not in an mlops project yet.", "%mlops init")
        return cls(root)

    @property
    def settings(self) -> Settings:
        """The settings as they are now."""
        return self.configuration.settings

    @cached_property
    def state(self) -> State:
        """The facts of this machine."""
        from .backend.state import State

        return State(self.root / LOCAL)

    @cached_property
    def mlflow(self) -> Mlflow:
        """The tracking server; the project's own is started where it isn't running."""
        from .backend.adapter import Mlflow

        uri, mend = self.settings.tracking_uri, None
        if uri is None:
            from .backend import server

            mend = server.MEND
            with Progress() as progress:
                guarded = self.settings.guard.enabled
                uri = server.ensure(self.state, progress.say, guarded=guarded).process.url
        return Mlflow(uri, self.settings.timeout, mend)

    @cached_property
    def seen(self) -> Seen:
        """How far this machine has seen the audit of each model."""
        from .backend.heads import Seen

        return Seen(self.state.folder / "audit", self.settings.tracking_uri or "")

    @property
    def who(self) -> str:
        """Who acts, for the audit: ``name@host``."""
        return self.settings.user or f"{_login()}@{socket.gethostname()}"


class Onlooker(Workspace):
    """One project, as a process sees it that looks at it for days: it starts nothing, and imports no client of MLflow."""

    @cached_property
    def mlflow(self) -> Mlflow:
        """The tracking server, where there is one or the project's own runs.

        Raises
        ------
        BackendUnreachable
            Where the project's own does not run: the next command starts it.
        """
        from .backend import light, server

        uri, mend = self.uri, None if self.settings.tracking_uri else server.MEND
        if uri is None:
            raise BackendUnreachable("The project's MLflow server does not run.", "%mlops init")
        return light.shared(uri, self.settings.timeout, mend)

    @property
    def uri(self) -> str | None:
        """Where the tracking server is; None where it is the project's own and does not run."""
        own = self.state.get("server", "mlflow")
        return self.settings.tracking_uri or (own.url if own and own.alive else None)


def find(folder: Path) -> Path | None:
    """Look for a project in this folder and those above it."""
    return next((candidate for candidate in (folder, *folder.parents) if is_project(candidate)), None)


def is_project(folder: Path) -> bool:
    """Whether a folder is the root of a project."""
    return (folder / config.FILE_NAME).is_file() or (folder / LOCAL / "state.db").is_file()


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return str(os.getuid())
