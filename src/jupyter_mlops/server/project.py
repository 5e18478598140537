"""One project: what its routes ask, each beside the event loop."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import InvalidUsage, MlopsError
from ..monitoring import browsing
from ..serving.pulse import Pulse
from ..session import glance
from ..session.glance import Glance
from ..workspace import Onlooker, is_project
from .answers import problem
from .watching import Watch
from .workers import Workers

if TYPE_CHECKING:
    from .projects import Projects

_Answer = TypeVar("_Answer")


class Project:
    """One project, or a folder that is none yet.

    Parameters
    ----------
    root : Path
    projects : Projects
    workers : Workers
    """

    def __init__(self, root: Path, projects: Projects, workers: Workers) -> None:
        self.root = root
        self._projects = projects
        self._workers = workers
        self._pulses: dict[str, Pulse] = defaultdict(Pulse)
        self.watch = Watch(self, projects.look)

    @property
    def shown_root(self) -> str:
        """The folder, below the server's."""
        return "" if self.root == self._projects.root else self.root.relative_to(self._projects.root).as_posix()

    @property
    def exists(self) -> bool:
        """Whether it has been begun."""
        return is_project(self.root)

    def pulse_of(self, endpoint: str) -> Pulse:
        """Give what has been counted of an endpoint."""
        return self._pulses[endpoint]

    def workspace(self) -> Onlooker:
        """Read the settings as they are now.

        Raises
        ------
        InvalidUsage
            Where there is no project, or its settings are broken.
        """
        if not self.exists:
            raise InvalidUsage(f"{self.shown_root or 'This folder'} is in no mlops project yet.", "%mlops init")
        return Onlooker(self.root)

    def glance(self) -> Glance:
        """Say how it is: always an answer."""
        name, root = self.root.name, self.shown_root
        if not self.exists:
            return glance.nothing(name, root)
        try:
            workspace = self.workspace()
            return glance.of(workspace, name, root, browsing.list_alerts(workspace).ringing)
        except MlopsError as error:
            return glance.broken(name, root, problem(error))

    def endpoints(self) -> browsing.EndpointRows:
        """List its endpoints."""
        return browsing.list_endpoints(self.workspace(), self.pulse_of)

    def endpoint(self, name: str) -> browsing.WholeEndpoint:
        """Give one of them."""
        return browsing.whole(self.workspace(), name, self.pulse_of)

    async def look(self, function: Callable[[Onlooker], _Answer]) -> _Answer:
        """Do something with its workspace beside the event loop."""
        return await self._projects.look(lambda: function(self.workspace()))

    async def glanced(self) -> Glance:
        """Say how it is, beside the event loop."""
        return await self._projects.look(self.glance)

    async def call(self, command: str, parameters: dict[str, object]) -> dict[str, Any]:
        """Call a command in a process of its own, whose working folder is the project's."""
        return await self._workers.call(self.root, command, parameters)
