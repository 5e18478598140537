"""The versions that take part, with the front that asks them: the only place where either is changed."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Mapping
from pathlib import Path

from ..files import EndpointFiles, Wanted
from . import versions
from .fronting import Front, FrontGone
from .orders import Orders
from .versions import Version

_log = logging.getLogger(__name__)

CHAMPION, CANARY, SHADOW = "champion", "canary", "shadow"
_IMPORTS = 30.0  # seconds that a front may take until it listens


class Lineup:
    """Who answers, who answers a share, who only listens, and who answered before.

    Parameters
    ----------
    files : EndpointFiles
    listener : socket
        Where clients come in.
    orders : Orders
        What the processes of the versions are told.
    """

    def __init__(self, files: EndpointFiles, listener: socket.socket, orders: Orders) -> None:
        self._files = files
        self._listener = listener
        self._orders = orders
        self._alone = asyncio.Lock()
        self._wanted: Wanted | None = None
        self.front: Front | None = None
        self.by_role: dict[str, Version] = {}
        self.previous: Version | None = None

    @property
    def champion(self) -> Version | None:
        """The version that answers."""
        return self.by_role.get(CHAMPION)

    @property
    def all(self) -> list[Version]:
        """All that are there, each once."""
        held = [*self.by_role.values(), *([self.previous] if self.previous else [])]
        return list(dict.fromkeys(held))

    async def start_front(self) -> None:
        """Start a front, in place of one that has died, and tell it who answers."""
        front = await Front.start(self._files, self._listener)
        await front.tell("rules", patience=_IMPORTS, **self._orders.rules())
        async with self._alone:
            self.front = front
            if self.by_role:
                await self._tell(self.by_role)

    async def tell_rules(self) -> None:
        """Tell the front whom it lets in: that may have changed.

        Raises
        ------
        FrontGone
        """
        if self.front is None:
            raise FrontGone
        await self.front.tell("rules", **self._orders.rules())

    async def ready(self, wanted: Wanted, number: int, folder: Path) -> Version:
        """Give a version that can answer: one that is there, or a fresh one beside them.

        Raises
        ------
        MlopsError
            Why it can't be served.
        """
        order, seconds = self._orders.order(wanted.model, number, folder)
        for version in self.all:
            if version.fulfils(order) and version.is_whole and len(version.workers) == wanted.workers:
                return version
        return await versions.start(order, wanted.workers, seconds)

    async def put(self, wanted: Wanted, role: str, version: Version) -> bool:
        """Let a version take a role, and give whether that is a change; the champion before stays warm.

        Raises
        ------
        FrontGone
            Where the front has died meanwhile: nothing has changed.
        """
        async with self._alone:
            before, self._wanted = self.champion, wanted
            try:
                await self._tell({**self.by_role, role: version})
            except BaseException:
                if version not in self.all:
                    version.end()
                raise
            there = self.all
            changed = self.by_role.get(role) is not version
            self.by_role[role] = version
            if role == CHAMPION and before is not None and before is not version:
                self.previous = before
            self._retire(there)
            return changed

    async def drop(self, role: str) -> None:
        """Let a role be nobody's."""
        async with self._alone:
            if role in self.by_role:
                there = self.all
                del self.by_role[role]
                await self._tell(self.by_role)
                self._retire(there)

    async def replace(self, old: Version) -> None:
        """Start the processes of a version anew, of which some have died.

        Raises
        ------
        MlopsError
            Why it can't be started again.
        FrontGone
        """
        assert self._wanted is not None
        order, seconds = self._orders.order(self._wanted.model, old.number, old.folder)
        fresh = await versions.start(order, self._wanted.workers, seconds)
        async with self._alone:
            roles = [role for role, version in self.by_role.items() if version is old]
            if not roles:  # a swap was quicker
                fresh.end()
                return
            self.by_role.update(dict.fromkeys(roles, fresh))
            old.end()
            await self._tell(self.by_role)

    async def end(self) -> None:
        """Let the front answer what it has accepted, and end all."""
        if self.front is not None:
            await self.front.end()
        for version in self.all:
            version.end()

    def _retire(self, there: list[Version]) -> None:
        for version in there:
            if version not in self.all:
                version.end()

    async def _tell(self, by_role: Mapping[str, Version]) -> None:
        if self.front is None or self._wanted is None:
            raise FrontGone
        arms = {
            role: {"version": version.number, "sockets": version.sockets, "about": version.about}
            for role, version in by_role.items()
        }
        warm = [path for version in self.all for path in version.sockets]
        await self.front.tell("route", model=self._wanted.model, arms=arms, share=self._wanted.share, warm=warm)
