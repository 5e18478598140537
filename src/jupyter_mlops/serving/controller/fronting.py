"""The front as its controller knows it: a process that is told what to do, one line at a time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys
from typing import Any

import orjson

from ..files import EndpointFiles
from ..wire import GRACE

_log = logging.getLogger(__name__)
_PATIENCE = 5.0


class FrontGone(Exception):
    """The front has died, or does not answer its controller."""


class Front:
    """One process of the front; a dead one is not brought back, another takes its place."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._alone = asyncio.Lock()

    @classmethod
    async def start(cls, files: EndpointFiles, listener: socket.socket) -> Front:
        """Start one that accepts from a socket that stays open when it dies: clients wait, and are not turned away."""
        command = ["-P", "-m", "jupyter_mlops.serving.front.process", "--endpoint", files.folder.name]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            "--history",
            str(files.history),
            "--fd",
            str(listener.fileno()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=(listener.fileno(),),
        )
        return cls(process)

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.returncode is None

    async def tell(self, do: str, *, patience: float = _PATIENCE, **what: Any) -> dict[str, Any]:
        """Give an order, and wait until it is done.

        Raises
        ------
        FrontGone
            Where it does not answer in time.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        async with self._alone:
            try:
                self._process.stdin.write(orjson.dumps({"do": do, **what}) + b"\n")
                await self._process.stdin.drain()
                line = await asyncio.wait_for(self._process.stdout.readline(), patience)
            except (OSError, TimeoutError):
                self.kill()  # an answer that comes too late would be taken for that to the next order
                raise FrontGone from None
        if not line:
            raise FrontGone
        answer: dict[str, Any] = orjson.loads(line)
        return answer

    def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def end(self) -> None:
        """Let it answer what it has accepted, and end it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), GRACE + 2)
        except TimeoutError:
            self.kill()
            await self._process.wait()
