"""What ends a notebook before its last cell: a limit of time or memory, a dead kernel, a wish from outside."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from typing import Any

from ..display import span
from .kernel import GRACE_SECONDS, Kernel
from .limits import Limits, memory_of
from .outcome import Verdict

_LOOK_AT_MEMORY = 0.25


class Watch:
    """The watch over a notebook while it is run. What ends it first is what it is told to have ended by.

    Parameters
    ----------
    limits : Limits

    Attributes
    ----------
    ended : tuple of Verdict and str, optional
        What has ended it, and why in words; None while nothing has.
    ending : asyncio.Event
        Set from then on.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.ended: tuple[Verdict, str] | None = None
        self.ending = asyncio.Event()
        self._deadline = math.inf

    def begin(self) -> None:
        """Let the time of the notebook as a whole begin."""
        self._deadline = time.monotonic() + self.limits.total

    @property
    def left(self) -> float:
        """The seconds that the notebook has left."""
        return self._deadline - time.monotonic()

    def end(self, verdict: Verdict, why: str) -> str:
        """End it, for what ended it already or for this; give what it is told to have ended by."""
        if self.ended is None:
            self.ended = verdict, why
        self.ending.set()
        return self.ended[1]

    async def until(self, cell: asyncio.Future[Any], kernel: Kernel) -> str:
        """Wait for a cell; one that is to end is interrupted, then ended with its kernel. Say why, or nothing."""
        left = self.left
        limit = min(self.limits.cell, left)
        ending = asyncio.ensure_future(self.ending.wait())
        timeout = None if limit == math.inf else max(0, limit)
        await asyncio.wait({cell, ending}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        if cell.done() and self.ended is None:
            return ""
        if self.ended is None:
            which, seconds = ("--cell-timeout", self.limits.cell) if self.limits.cell <= left else ("--timeout", self.limits.total)  # fmt: skip
            self.end(Verdict.LIMIT, f"it was stopped after {span(seconds)} ({which})")
        assert self.ended is not None
        if not cell.done():
            with contextlib.suppress(Exception):  # a kernel that has gone can't be interrupted
                await kernel.manager.interrupt_kernel()
            await asyncio.wait({cell}, timeout=GRACE_SECONDS)
        if not cell.done():
            await kernel.kill()
            cell.cancel()
            await asyncio.wait({cell}, timeout=GRACE_SECONDS)
        return self.ended[1]

    async def memory(self, kernel: Kernel) -> None:
        """End a kernel that takes too much: at once, before it takes what others need."""
        if self.limits.memory == math.inf:
            return
        while (pid := kernel.pid) is not None:
            taken = await asyncio.to_thread(memory_of, pid)
            if taken > self.limits.memory:
                over = f"over the limit of {self.limits.memory:,.0f} MB (--memory)"
                self.end(Verdict.LIMIT, f"it took {taken:,.0f} MB, {over}")
                await kernel.kill()
                return
            await asyncio.sleep(_LOOK_AT_MEMORY)
