"""What an endpoint has done by itself, on its way into the audit."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from ...errors import MlopsError
from ..priority import step_back
from .following import Registry

_log = logging.getLogger(__name__)
_AGAIN_SECONDS = 1.0
_LAST_SECONDS = 3.0


class Event(NamedTuple):
    """Something that it has done to a model."""

    model: str
    action: str
    before: int | None
    after: int | None
    evidence: str


class Record:
    """Writes events in their order, beside all else: a swap does not wait for the audit of the one before it.

    Parameters
    ----------
    registry : Registry
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._waiting: deque[Event] = deque()
        self._added, self._ending = asyncio.Event(), False
        self._task: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, initializer=step_back)  # reading the chain costs more than a swap

    def add(self, event: Event) -> None:
        """Take an event; while the server is away, it waits."""
        self._waiting.append(event)
        self._added.set()

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._write())

    async def end(self) -> None:
        """Write what is left, if the server lets it, and end."""
        self._ending = True
        self._added.set()
        if self._task is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._task, _LAST_SECONDS)

    async def _write(self) -> None:
        while not self._ending or self._waiting:
            await self._added.wait()
            self._added.clear()
            if not await self._write_all() and not self._ending:
                await asyncio.sleep(_AGAIN_SECONDS)
                self._added.set()
            if self._ending:
                return

    async def _write_all(self) -> bool:
        while self._waiting:
            event = self._waiting[0]
            try:
                await asyncio.get_running_loop().run_in_executor(self._thread, self._registry.note, *event)
            except MlopsError as error:
                _log.warning("the audit can't be written yet: %s", error)
                return False
            except Exception:  # whatever it is, those behind it go on
                _log.exception("%s could not be written into the audit", event)
            self._waiting.popleft()
        return True
