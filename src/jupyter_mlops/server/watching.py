"""What has changed in a project, told to all who listen: one look for all of them, and none where nobody does."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ..errors import MlopsError
from ..monitoring import browsing
from ..registry import browsing as models
from ..session.glance import Glance
from ..tracking import browsing as runs
from ..workspace import Onlooker
from .answers import as_json

if TYPE_CHECKING:
    from .project import Project

PAUSE: Final = 2.0
"""Seconds between two looks."""
_FEW: Final = 25  # of the newest runs and models: what is older changes by itself only while it runs
_WAITING: Final = 100  # events that somebody may not have fetched yet
_log = logging.getLogger(__name__)

Event = dict[str, Any]


@dataclass(frozen=True)
class Sight:
    """What a look has seen of one kind.

    Attributes
    ----------
    kind : str
    seen : object
        Another one where it has changed, and else the same.
    more : dict
        What is told with the event, also to who has just come.
    experiment : str, optional
        Whose runs they are, where they are not the project's own: only who listens for it is told.
    """

    kind: str
    seen: object
    more: dict[str, Any] = field(default_factory=dict)
    experiment: str | None = None

    @property
    def mark(self) -> str:
        """A word that stands for what was seen."""
        return hashlib.sha256(as_json(self.seen).encode()).hexdigest()


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
        self._listeners: dict[asyncio.Queue[Event], str | None] = {}
        self._task: asyncio.Task[None] | None = None
        self._now: dict[str, Event] = {}
        self.looks = 0
        """How often it has looked: a test sees that it rests."""

    @contextmanager
    def listening(self, experiment: str | None = None) -> Iterator[asyncio.Queue[Event]]:
        """Listen: to what becomes of the project's own runs, and of those of an experiment beside them."""
        queue: asyncio.Queue[Event] = asyncio.Queue(_WAITING)
        if self._task is None or self._task.done():
            self._now.clear()
            self._task = asyncio.get_running_loop().create_task(self._watch())
        for event in ({"kind": "hello"}, *self._now.values()):
            queue.put_nowait(event)
        self._listeners[queue] = experiment
        try:
            yield queue
        finally:
            del self._listeners[queue]

    async def close(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        known: dict[tuple[str, str | None], str] = {}
        while self._listeners:
            chosen = {name for name in self._listeners.values() if name}
            try:
                found = await self._look(lambda: self._seen(chosen))  # noqa: B023 - it is waited for
            except MlopsError as error:  # it took too long
                _log.debug("a look at %s: %s", self._project.root, error.message)
                found = []
            except Exception:  # the watch goes on
                _log.exception("a look at %s failed, and is tried again", self._project.root)
                found = []
            self.looks += 1
            for sight in found:
                self._compare(sight, known)
            await asyncio.sleep(PAUSE)

    def _compare(self, sight: Sight, known: dict[tuple[str, str | None], str]) -> None:
        which, mark = (sight.kind, sight.experiment), sight.mark
        event = {"kind": sight.kind, **sight.more}
        if sight.more:
            self._now[sight.kind] = event
        if known.get(which) != mark:
            # What is there at first is asked for by whoever needs it; but of an experiment that somebody has just chosen,
            # runs may have come since it was asked for and before the first look at it.
            if which in known or sight.more or sight.experiment:
                self._tell(event, sight.experiment)
            known[which] = mark

    def _tell(self, event: Event, experiment: str | None) -> None:
        for queue, chosen in self._listeners.items():
            if experiment not in (None, chosen):
                continue
            if queue.full():  # somebody sleeps: what is told next is worth more
                queue.get_nowait()
            queue.put_nowait(event)

    def _seen(self, chosen: set[str]) -> list[Sight]:
        """Look at everything."""
        glance = self._project.glance()
        told = [Sight("status", _lasting(glance), {"status": glance})]
        if not glance.initialised or glance.problem is not None:
            return told
        endpoints = self._project.endpoints().endpoints
        told.append(Sight("endpoints", _moving(endpoints), {"endpoints": endpoints}))
        workspace = self._project.workspace()
        told.append(Sight("alerts", browsing.list_alerts(workspace)))
        if glance.tracking.state in ("up", "slow"):
            for experiment in (None, *chosen):
                told += self._asked(lambda: Sight("runs", _newest(workspace, experiment), {}, experiment))  # noqa: B023
            told += self._asked(lambda: Sight("models", models.list_models(workspace, limit=_FEW)))
        return told

    def _asked(self, look: Callable[[], Sight]) -> list[Sight]:
        try:
            return [look()]
        except MlopsError as error:  # it has gone in between: the next look says so
            _log.debug("a look at %s: %s", self._project.root, error.message)
            return []


def _lasting(glance: Glance) -> object:
    """Leave out what is another each time, such as how long the server took."""
    tracking = glance.tracking
    return [vars(glance) | {"tracking": [tracking.uri, tracking.state]}]


def _moving(endpoints: list[browsing.EndpointRow]) -> object:
    """Leave out the moments of a series in which nothing was asked: they are others at each look."""
    return [vars(row) | {"series": row.series if any(rate > 0 for _, rate in row.series) else []} for row in endpoints]


def _newest(workspace: Onlooker, experiment: str | None) -> object:
    """List the newest runs, and those that still run: they may be older, or have more children than are listed."""
    return [
        runs.list_runs(workspace, experiment, where, limit=_FEW, children=True).runs
        for where in ("", "attributes.status = 'RUNNING'")
    ]
