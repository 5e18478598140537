"""What has died is started again, what hangs is ended, and what keeps dying is given up."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...errors import MlopsError
from .fronting import FrontGone
from .lineup import Lineup
from .versions import Version

_log = logging.getLogger(__name__)

BEAT = 0.25
TRIES = 5
"""How often something is started again that dies within CALM seconds."""
CALM = 60.0


@dataclass
class Backoff:
    """How long to wait before something is started again: twice as long each time, from a tenth of a second."""

    tries: int = 0
    last: float = 0.0

    def next(self) -> float | None:
        """Give the seconds to wait; None where it has been tried often enough."""
        now = time.monotonic()
        self.tries = 1 if now - self.last > CALM else self.tries + 1
        self.last = now
        return None if self.tries > TRIES else 0.1 * 2 ** (self.tries - 1)


class Health:
    """Looks after the processes of a line-up.

    Parameters
    ----------
    lineup : Lineup
    timeout : callable
        Gives the seconds that a prediction may take before its process is thought to hang.
    restarted, given_up, counted : callable
        Are told when something is started again, what is not any more, and the figures of the versions.
    """

    def __init__(
        self,
        lineup: Lineup,
        timeout: Callable[[], float],
        restarted: Callable[[], None],
        given_up: Callable[[str], None],
        counted: Callable[[list[dict[str, Any]]], None],
    ) -> None:
        self._timeout = timeout
        self._counted = counted
        self._lineup = lineup
        self._restarted = restarted
        self._given_up = given_up
        self._front, self._models = Backoff(), Backoff()

    def forgive(self) -> None:
        """Try again what was given up: somebody wants it."""
        self._front, self._models = Backoff(), Backoff()

    async def watch(self) -> None:
        """Look four times a second, until cancelled."""
        while True:
            await asyncio.sleep(BEAT)
            try:
                await self._watch_front()
                for version in set(self._lineup.by_role.values()):
                    await self._watch_version(version)
            except FrontGone:
                _log.warning("the front does not answer")
            except Exception:  # the watch goes on
                _log.exception("a look at the processes failed, and is tried again")

    async def _watch_front(self) -> None:
        front = self._lineup.front
        assert front is not None
        if not front.is_alive:
            if await self._pause(self._front, "The front"):
                await self._lineup.start_front()
            return
        figures = await front.tell("stats")
        self._counted(figures["arms"])
        timeout = self._timeout()
        for version in self._lineup.all:
            for worker in version.workers:
                if figures["oldest"].get(str(worker.socket), 0) > timeout:
                    _log.warning("a process of version %d hangs, and is ended", version.number)
                    worker.process.kill()

    async def _watch_version(self, version: Version) -> None:
        if version.is_whole or not await self._pause(self._models, f"The process of version {version.number}"):
            return
        try:
            await self._lineup.replace(version)
        except MlopsError as error:
            _log.warning("version %d can't be started again: %s", version.number, error)

    async def _pause(self, backoff: Backoff, what: str) -> bool:
        seconds = backoff.next()
        if seconds is None:
            if backoff.tries == TRIES + 1:
                _log.error("%s keeps dying, and is not started again", what)
                self._given_up(f"{what} keeps dying, and is given up after {TRIES} tries.")
            await asyncio.sleep(1)
            return False
        _log.warning("%s has ended, and is started again in %.1f s", what, seconds)
        self._restarted()
        await asyncio.sleep(seconds)
        return True
