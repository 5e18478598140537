"""Which project a request is about, and what its requests share."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

from ..errors import InvalidUsage, MlopsError
from ..monitoring import browsing
from ..serving.pulse import Pulse
from ..session import glance
from ..session.glance import Glance
from ..workspace import Onlooker, is_project
from .answers import TimedOut, problem
from .watching import Watch
from .workers import Workers

_Answer = TypeVar("_Answer")
_DRIVE: Final = re.compile(r"^[A-Za-z][\w-]*:")
_THREADS: Final = 8


class Projects:
    """The projects below the folder that Jupyter Server shows.

    Parameters
    ----------
    root : Path
        That folder: nothing above or beside it is looked at.
    command_seconds, look_seconds : float
        How long a command and a look may take.
    body_bytes : int
        How large a request may be.
    """

    def __init__(self, root: Path, *, command_seconds: float, look_seconds: float, body_bytes: int) -> None:
        self.root = root.resolve()
        self.body_bytes = body_bytes
        self.look_seconds = look_seconds
        self._threads = ThreadPoolExecutor(_THREADS, "mlops-look")
        self._workers = Workers(command_seconds)
        self._known: dict[Path, Project] = {}

    def at(self, path: str | None) -> Project:
        """Find the project that a notebook is in, or else the root's.

        Parameters
        ----------
        path : str, optional
            Of the notebook, below the root; it need not be there yet.

        Raises
        ------
        InvalidUsage
            Where it is no path, or leads out of the root.
        """
        folder = self.root if not path else self._folder(path)
        above = (place for place in (folder, *folder.parents) if place == self.root or is_project(place))
        root = next(above, self.root)
        if root not in self._known:
            self._known[root] = Project(root, self, self._workers)
        return self._known[root]

    async def look(self, function: Callable[[], _Answer]) -> _Answer:
        """Do something that waits for files or servers beside the event loop.

        Raises
        ------
        TimedOut
            Where it takes too long; it then ends by itself.
        """
        work = asyncio.get_running_loop().run_in_executor(self._threads, function)
        try:
            return await asyncio.wait_for(asyncio.shield(work), self.look_seconds)
        except TimeoutError:
            work.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody waits for it any more
            raise TimedOut(
                f"There was no answer within {self.look_seconds:g} s.", "%mlops doctor says what is slow"
            ) from None

    async def close(self) -> None:
        """Stop everything."""
        for project in self._known.values():
            await project.watch.close()
        await self._workers.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _folder(self, path: str) -> Path:
        parts = [part for part in _DRIVE.sub("", path).split("/") if part not in ("", ".")]
        if "\0" in path or "\\" in path or ".." in parts or path.startswith("/"):
            raise InvalidUsage(f"{path[:80]!r} is no path below the folder of the server.", "at=notebooks/train.ipynb")
        found = self.root.joinpath(*parts)
        try:
            while not found.is_dir():
                found = found.parent
            found = found.resolve()
        except OSError:
            raise InvalidUsage(f"{path[:80]!r} is no path.", "at=notebooks/train.ipynb") from None
        if not found.is_relative_to(self.root):
            raise InvalidUsage(f"{path[:80]!r} leads out of the folder of the server.", "a notebook below that folder")
        return found


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
