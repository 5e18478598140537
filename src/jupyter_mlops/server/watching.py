"""What has changed in a project, told to all who listen: one look for all of them, and none where nobody does."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from ..errors import MlopsError
from ..monitoring import browsing
from ..registry import browsing as models
from ..session.glance import Glance
from ..tracking import browsing as runs
from .answers import as_json

if TYPE_CHECKING:
    from .projects import Project

PAUSE: Final = 2.0
"""Seconds between two looks."""
_FEW: Final = 25  # of the newest runs and models: what is older does not change by itself
_WAITING: Final = 100  # events that somebody may not have fetched yet
_log = logging.getLogger(__name__)

Event = dict[str, Any]


class Watch:
    """Looks at one project while anybody listens.

    Parameters
    ----------
    project : Project
    look : callable
        Does something beside the event loop.
    """

    def __init__(self, project: Project, look: Callable[[Callable[[], Any]], Any]) -> None:
        self._project = project
        self._look = look
        self._listeners: set[asyncio.Queue[Event]] = set()
        self._task: asyncio.Task[None] | None = None
        self.looks = 0
        """How often it has looked: a test sees that it rests."""

    def join(self) -> asyncio.Queue[Event]:
        """Begin to listen."""
        queue: asyncio.Queue[Event] = asyncio.Queue(_WAITING)
        queue.put_nowait({"kind": "hello"})
        self._listeners.add(queue)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._watch())
        return queue

    def leave(self, queue: asyncio.Queue[Event]) -> None:
        """Listen no more."""
        self._listeners.discard(queue)

    async def close(self) -> None:
        """Stop looking."""
        self._listeners.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        known: dict[str, str] = {}
        while self._listeners:
            try:
                found = await self._look(self._seen)
            except MlopsError as error:  # it took too long
                _log.debug("a look at %s: %s", self._project.root, error.message)
                found = {}
            except Exception:  # the watch goes on
                _log.exception("a look at %s failed, and is tried again", self._project.root)
                found = {}
            self.looks += 1
            for kind, (mark, more) in found.items():
                if known.get(kind) != mark:
                    if kind in known or more:  # what is there at first is asked for by whoever needs it
                        self._tell({"kind": kind, **more})
                    known[kind] = mark
            await asyncio.sleep(PAUSE)

    def _tell(self, event: Event) -> None:
        for queue in self._listeners:
            if queue.full():  # somebody sleeps: what is told next is worth more
                queue.get_nowait()
            queue.put_nowait(event)

    def _seen(self) -> dict[str, tuple[str, dict[str, Any]]]:
        """Look at everything: a mark that changes with it, and what is told with the event."""
        glance = self._project.glance()
        told: dict[str, tuple[str, dict[str, Any]]] = {"status": (_mark(_lasting(glance)), {"status": glance})}
        if not glance.initialised or glance.problem is not None:
            return told
        endpoints = self._project.endpoints()
        told["endpoints"] = (_mark(endpoints), {"endpoints": endpoints.endpoints})
        workspace = self._project.workspace()
        told["alerts"] = (_mark(browsing.list_alerts(workspace)), {})
        if glance.tracking.state in ("up", "slow"):
            try:
                told["runs"] = (_mark(runs.list_runs(workspace, limit=_FEW, children=True)), {})
                told["models"] = (_mark(models.list_models(workspace, limit=_FEW)), {})
            except MlopsError as error:  # it has gone in between: the next look says so
                _log.debug("a look at %s: %s", self._project.root, error.message)
        return told


def _lasting(glance: Glance) -> object:
    """Leave out what is another each time, such as how long the server took."""
    tracking = glance.tracking
    return [vars(glance) | {"tracking": [tracking.uri, tracking.state]}]


def _mark(seen: object) -> str:
    return hashlib.sha256(as_json(seen).encode()).hexdigest()
