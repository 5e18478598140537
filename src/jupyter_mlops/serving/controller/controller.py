"""What an endpoint does by itself: it follows its alias, and brings back what has died."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from ...backend.state import State
from ...entities import ModelRef
from ...errors import BackendUnreachable, InvalidUsage, MlopsError
from ..files import EndpointFiles, Standing, Wanted
from . import versions
from .following import Registry
from .fronting import Front, FrontGone
from .versions import Limits, Version

_log = logging.getLogger(__name__)

LOOK = 1.0
"""Seconds from one look at the registry to the next; a move by our own commands is told at once."""
BEAT = 0.25
HUNG = float(os.environ.get("MLOPS_HUNG_SECONDS", "30"))
"""Seconds that a request may take before its process is thought to hang."""
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


class Controller:
    """One endpoint.

    Parameters
    ----------
    root : Path
        The project.
    files : EndpointFiles
    listener : socket
        Where clients come in; it is open for as long as the endpoint is.
    sockets : Path
        A folder of this process alone, for the sockets between the processes.
    """

    def __init__(self, root: Path, files: EndpointFiles, listener: socket.socket, sockets: Path) -> None:
        self._files = files
        self._state = State(root / ".mlops")
        self._registry = Registry(root, files)
        self._listener = listener
        self._sockets = sockets
        self._limits = Limits()
        self._front: Front | None = None
        self._champion: Version | None = None
        self._previous: Version | None = None
        self._wanted: Wanted | None = None
        self._standing = Standing(state="starting")
        self._refused: int | None = None
        self._front_backoff, self._model_backoff = Backoff(), Backoff()
        self._unsaid: list[tuple[str, int | None, int | None, str]] = []
        self._nudged = asyncio.Event()

    @property
    def name(self) -> str:
        """What the endpoint is called."""
        return self._files.folder.name

    def nudge(self) -> None:
        """Look now: what is wanted has changed, or an alias has moved."""
        self._nudged.set()

    async def run(self) -> None:
        """Serve until cancelled."""
        versions.prepare()
        self._stand(state="starting", version=None, refused="")
        starting = asyncio.create_task(Front.start(self.name, self._listener))
        tasks = [asyncio.create_task(self._look())]
        self._front = await starting
        tasks.append(asyncio.create_task(self._watch()))
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await self._end()

    async def _end(self) -> None:
        if self._front is not None:
            await self._front.end()
        for version in (self._champion, self._previous):
            if version is not None:
                version.end()
        self._stand(state="stopped")

    # What is wanted, and where the alias stands

    async def _look(self) -> None:
        while True:
            wanted = self._files.wanted()
            if wanted is not None and wanted != self._wanted:
                await self._fulfil(wanted)
            elif wanted is not None and wanted.alias is not None:
                await self._follow(wanted)
            await self._say()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._nudged.wait(), LOOK)
            self._nudged.clear()

    async def _fulfil(self, wanted: Wanted) -> None:
        """Do what a person has asked for: another version is taken as it is, also where it wants other columns."""
        self._wanted, self._refused = wanted, None
        try:
            await self._swap(wanted, wanted.version, self._files.folder / wanted.files)
        except MlopsError as error:
            self._refuse(wanted.version, error, stamp=wanted.stamp)
        except FrontGone:
            _log.warning("the front died while it was told of version %d", wanted.version)  # _watch tells the next one
        else:
            self._stand(refused="", hint=None, kind="", stamp=wanted.stamp)

    async def _follow(self, wanted: Wanted) -> None:
        """Go where the alias has gone, if that version can take over."""
        assert wanted.alias is not None
        with contextlib.suppress(BackendUnreachable, FrontGone):
            number = await asyncio.to_thread(self._registry.alias, wanted.model, wanted.alias)
            before = self._champion.number if self._champion else None
            if number is None or number in (before, self._refused):
                return
            try:
                folder = await asyncio.to_thread(self._registry.fetch, wanted.model, number)
                await self._swap(wanted, number, folder, compatible_with=self._champion)
            except BackendUnreachable:
                raise
            except MlopsError as error:
                self._refuse(number, error)
                ref = ModelRef(wanted.model, alias=wanted.alias)
                self._unsaid.append(("refuse", before, number, f"{ref} is not followed: {error.message}"))
            else:
                self._refused = None
                self._stand(refused="", hint=None, kind="")
                self._unsaid.append(("deploy", before, number, f"endpoint {self.name} follows @{wanted.alias}"))

    async def _swap(self, wanted: Wanted, number: int, folder: Path, compatible_with: Version | None = None) -> None:
        """Let another version answer; until it can, the one before does.

        Raises
        ------
        MlopsError
            Why it can't.
        """
        version = await self._ready(wanted, number, folder)
        try:
            if compatible_with is not None and (
                why := versions.difference(compatible_with.about["inputs"], version.about["inputs"])
            ):
                raise InvalidUsage(f"Its clients can't ask it as they ask version {compatible_with.number}: {why}.")
            await self._route(version, wanted)
        except BaseException:
            if version not in (self._champion, self._previous):
                version.end()
            raise
        if version is self._champion:
            return
        retired, self._previous, self._champion = self._previous, self._champion, version
        if retired is not None and retired is not version:
            retired.end()
        _log.info("%s/%d answers", wanted.model, number)
        self._stand(state="serving", version=number, warm=[self._previous.number] if self._previous else [])
        self._remember(wanted.model, number)
        for left in self._files.versions.iterdir():
            if left not in (version.folder, self._previous and self._previous.folder):
                shutil.rmtree(left, ignore_errors=True)

    async def _ready(self, wanted: Wanted, number: int, folder: Path) -> Version:
        for version in (self._champion, self._previous):
            if version and version.folder == folder and version.is_whole and len(version.workers) == wanted.workers:
                return version
        return await versions.start(number, folder, wanted.model, wanted.workers, self._sockets, self._limits)

    async def _route(self, version: Version, wanted: Wanted) -> None:
        while self._front is None:
            await asyncio.sleep(0.01)
        warm = [socket for other in (self._champion, self._previous) if other for socket in other.sockets]
        arms = {"champion": {"version": version.number, "sockets": version.sockets, "about": version.about}}
        await self._front.tell("route", model=wanted.model, arms=arms, warm=warm)

    def _refuse(self, number: int, error: MlopsError, **more: str) -> None:
        self._refused = number
        _log.warning("refused: version %d: %s", number, error)
        state = "serving" if self._champion else "failed"
        self._stand(state=state, refused=error.message, hint=error.hint, kind=type(error).__name__, **more)

    # What has died, or hangs

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(BEAT)
            try:
                await self._watch_front()
                await self._watch_version()
            except FrontGone:
                _log.warning("the front does not answer")

    async def _watch_front(self) -> None:
        assert self._front is not None
        if self._front.is_alive:
            oldest = (await self._front.tell("stats"))["oldest"]
            for version in (self._champion, self._previous):
                for worker in version.workers if version else ():
                    if oldest.get(str(worker.socket), 0) > HUNG:
                        _log.warning("a process of version %d hangs, and is ended", version.number if version else 0)
                        worker.process.kill()
            return
        if not await self._pause(self._front_backoff, "The front"):
            return
        self._front = await Front.start(self.name, self._listener)
        if self._champion and self._wanted:
            await self._route(self._champion, self._wanted)

    async def _watch_version(self) -> None:
        version, wanted = self._champion, self._wanted
        if version is None or wanted is None or version.is_whole:
            return
        if not await self._pause(self._model_backoff, f"The process of version {version.number}"):
            return
        try:
            fresh = await versions.start(
                version.number, version.folder, wanted.model, wanted.workers, self._sockets, self._limits
            )
        except MlopsError as error:
            _log.warning("version %d can't be started again: %s", version.number, error)
            return
        if version is self._champion:
            await self._route(fresh, wanted)
            self._champion = fresh
            version.end()
        else:  # a swap was quicker
            fresh.end()

    async def _pause(self, backoff: Backoff, what: str) -> bool:
        seconds = backoff.next()
        if seconds is None:
            if self._standing.state != "failed":
                _log.error("%s keeps dying, and is not started again", what)
                self._stand(state="failed", refused=f"{what} keeps dying.", hint=f"%mlops logs {self.name}")
            await asyncio.sleep(LOOK)
            return False
        _log.warning("%s has ended, and is started again in %.1f s", what, seconds)
        self._stand(restarts=self._standing.restarts + 1)
        await asyncio.sleep(seconds)
        return True

    # What is told

    def _stand(self, **changes: object) -> None:
        self._standing = self._standing.model_copy(update=changes)
        self._files.stand(self._standing)

    def _remember(self, model: str, number: int) -> None:
        process = self._state.get("endpoint", self.name)
        if process is not None and process.pid == os.getpid():
            process.details.update(model=model, version=number)
            self._state.put(process)

    async def _say(self) -> None:
        """Write into the audit what it does not have yet; while the server is away, it waits."""
        assert self._wanted is not None or not self._unsaid
        while self._unsaid:
            action, before, after, evidence = self._unsaid[0]
            try:
                await asyncio.to_thread(
                    self._registry.note, self._wanted.model, action, before=before, after=after, evidence=evidence  # type: ignore[union-attr]
                )  # fmt: skip
            except MlopsError as error:
                _log.warning("the audit can't be written yet: %s", error)
                return
            del self._unsaid[0]
