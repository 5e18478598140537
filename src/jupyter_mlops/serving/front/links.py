"""The way from the front to a model process, and back."""

from __future__ import annotations

import asyncio
import time
from itertools import count
from typing import Any, cast

from ..wire import Frame, Unpacker, pack


class ModelGone(Exception):
    """The model process has ended with requests unanswered."""


class Link(asyncio.Protocol):
    """A connection to a model process, over which many requests are under way at once."""

    def __init__(self) -> None:
        self._unpacker = Unpacker()
        self._keys = count()
        self._waiting: dict[int, tuple[float, asyncio.Future[Frame]]] = {}  # oldest first
        self._transport: asyncio.Transport | None = None
        self._parts: list[bytes] = []  # of this turn of the event loop

    @classmethod
    async def to(cls, path: str) -> Link:
        """Connect."""
        _, link = await asyncio.get_running_loop().create_unix_connection(cls, path)
        return link

    @property
    def is_open(self) -> bool:
        """Whether the process is there."""
        return self._transport is not None

    @property
    def waiting(self) -> int:
        """How many requests are under way."""
        return len(self._waiting)

    @property
    def oldest(self) -> float:
        """Seconds that the oldest request has been under way."""
        return next((time.monotonic() - since for since, _ in self._waiting.values()), 0.0)

    def ask(self, about: dict[str, Any], body: bytes) -> asyncio.Future[Frame]:
        """Send a request; the future is its answer.

        Raises
        ------
        ModelGone
            Where the process has ended, now or before it answers.
        """
        if self._transport is None:
            raise ModelGone
        key = next(self._keys)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Frame] = loop.create_future()
        self._waiting[key] = time.monotonic(), future
        if not self._parts:
            loop.call_soon(self._send)
        self._parts.append(pack(key, about, body))
        return future

    def _send(self) -> None:
        """Send together what has come together: it is also predicted together, and the process is woken once."""
        parts, self._parts = self._parts, []
        if self._transport is not None:
            self._transport.write(b"".join(parts))

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by name

    def data_received(self, data: bytes) -> None:
        """Give answers to those who wait for them."""
        for frame in self._unpacker.feed(data):
            _, future = self._waiting.pop(frame.key)
            if not future.done():  # its client may have gone
                future.set_result(frame)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell all who wait."""
        self._transport = None
        for _, future in self._waiting.values():
            if not future.done():
                future.set_exception(ModelGone())
        self._waiting.clear()
