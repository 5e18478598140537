"""Processes that call commands: each in the folder of its project, and ended where a command takes too long.

A command works in a folder, reads MLflow's client (seconds, and hundreds of megabytes), and may take minutes: none of that is
for the process that answers everybody. One that has answered is kept for a while, so that the next command finds all imported.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, Final

from ..errors import ProcessFailed
from .answers import TimedOut, Told, TooLarge

_AT_ONCE: Final = 4
_KEPT: Final = 300.0  # seconds without a command
_MOST_IDLE: Final = 2
MOST: Final = 32_000_000
"""Bytes of an answer."""


class Workers:
    """The processes.

    Parameters
    ----------
    seconds : float
        How long a command may take, with waiting for its turn.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._idle: dict[Path, list[_Worker]] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._tidying: asyncio.TimerHandle | None = None

    async def call(self, root: Path, command: str, parameters: dict[str, object]) -> dict[str, Any]:
        """Call a command.

        Raises
        ------
        MlopsError
            What the command has raised; ``TimedOut``, where it took too long.
        """
        try:
            async with asyncio.timeout(self._seconds):
                async with self._turn:
                    said = await self._asked(root, {"command": command, "parameters": parameters})
        except TimeoutError:
            raise TimedOut(
                f"{command} was ended after {self._seconds:g} s; what it had done by then stands.",
                f"%mlops {command} in a cell, where it may take its time",
            ) from None
        if (error := said.get("error")) is not None:
            raise Told(error)
        return said

    async def close(self) -> None:
        """End those that wait."""
        if self._tidying is not None:
            self._tidying.cancel()
        for worker in [worker for kept in self._idle.values() for worker in kept]:
            await worker.end()
        self._idle.clear()
        await asyncio.gather(*self._leaving)

    async def _asked(self, root: Path, question: dict[str, Any]) -> dict[str, Any]:
        kept = self._idle.get(root, [])
        while kept and not kept[-1].is_alive:
            self._let_go(kept.pop())
        worker = kept.pop() if kept else await _Worker.begin(root)
        try:
            said = await worker.ask(question)
        except BaseException:  # the time is over, or it has died
            await worker.end()
            raise
        self._idle.setdefault(root, []).append(worker)
        waiting = sorted((one.used, root) for root, kept in self._idle.items() for one in kept)
        for _, place in waiting[:-_MOST_IDLE]:  # each has hundreds of megabytes in it
            self._let_go(self._idle[place].pop(0))
        self._tidy_later()
        return said

    def _let_go(self, worker: _Worker) -> None:
        task = asyncio.get_running_loop().create_task(worker.let_go())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    def _tidy_later(self) -> None:
        if self._tidying is None:
            self._tidying = asyncio.get_running_loop().call_later(_KEPT, self._tidy)

    def _tidy(self) -> None:
        self._tidying = None
        for kept in self._idle.values():
            for worker in [worker for worker in kept if time.monotonic() - worker.used > _KEPT / 2]:
                kept.remove(worker)
                self._let_go(worker)
        if any(self._idle.values()):
            self._tidy_later()


class _Worker:
    """One process; see ``worker.py``."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.used = time.monotonic()

    @classmethod
    async def begin(cls, root: Path) -> _Worker:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "jupyter_mlops.server.worker"),
            cwd=root,
            env=os.environ | {"MPLBACKEND": "agg"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=MOST + 1_000_000,
            start_new_session=True,  # an interrupt of the server is not one of a promotion
        )
        return cls(process)

    async def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
            await self._process.stdin.drain()
            line = await self._process.stdout.readline()
        except (ConnectionError, ValueError) as error:
            if isinstance(error, ValueError):
                raise TooLarge(
                    "The command has given more than can be sent.", f"%mlops {question['command']} in a cell"
                ) from None
            line = b""
        if not line:
            raise ProcessFailed("The process of the command has ended in the middle.", "the log of the Jupyter server")
        self.used = time.monotonic()
        found: dict[str, Any] = json.loads(line)
        return found

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.returncode is None

    async def let_go(self) -> None:
        """Tell it to end: it has nothing to do."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), 5)
        await self.end()

    async def end(self) -> None:
        """End it."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        transport = getattr(self._process, "_transport", None)  # else its pipes stay open until they are collected
        if transport is not None:
            transport.close()
