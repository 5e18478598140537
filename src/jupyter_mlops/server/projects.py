"""Which project a request is about, and what its requests share."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from ..errors import InvalidUsage
from .answers import TimedOut
from .workers import Workers

if TYPE_CHECKING:
    from .project import Project

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
        from ..workspace import is_project
        from .project import Project

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
