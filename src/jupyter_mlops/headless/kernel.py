"""The kernel of one notebook: started, watched over, and gone when this is left, with what it said where it did not come."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Mapping
from pathlib import Path
from typing import Any

import psutil
from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

from ..errors import NotFound, ProcessFailed, nearest
from .book import plain
from .client import Client
from .observer import Notes

# How long a cell that was interrupted may take to tidy up: to end its run, to close its files.
GRACE_SECONDS = 5.0
# How long a kernel may take to end: its program's own end is in it, such as that of an MLflow run that was only started.
LEAVE_SECONDS = 30.0
_SIGNALS = {-9: "SIGKILL, often for want of memory", -11: "SIGSEGV", -6: "SIGABRT", -15: "SIGTERM"}
# ipykernel sends signals to the processes that a notebook has started until they are gone, for 29 s. One that has ended and that
# nobody has waited for is never gone, since only the kernel can take note of its end: this does.
_TAKE_NOTE = """
def _take_note():
    import os, threading, time
    import psutil

    def take_note():
        while True:
            for child in psutil.Process().children():
                try:
                    if child.status() == psutil.STATUS_ZOMBIE:
                        os.waitpid(child.pid, os.WNOHANG)
                except (psutil.Error, OSError):
                    pass
            time.sleep(0.02)

    threading.Thread(target=take_note, daemon=True).start()

_take_note()
"""
_NOTE_SECONDS = 2.0


class Kernel:
    """A kernel of its own.

    Parameters
    ----------
    client : Client
    folder : Path
        Where it works.
    env : dict
        Its environment.
    notes : Notes
        Where it tells of itself.
    log : Path
        Where what it writes outside of cells goes.
    """

    gently = False
    """Whether it may end by itself, with what its program does at its end."""

    _is_python = False

    had_to_be_ended = False
    """Whether it was let go by itself, and did not go."""

    def __init__(self, client: Client, folder: Path, env: Mapping[str, str], notes: Notes, log: Path) -> None:
        self.manager: Any = client.create_kernel_manager()
        self._client = client
        self._folder = folder
        self._env = env
        self._notes = notes
        self._log = log

    @contextlib.asynccontextmanager
    async def begun(self, stopping: asyncio.Event) -> AsyncIterator[None]:
        """Start it, and let it go in the end; a start that somebody stops is no error.

        Raises
        ------
        NotFound
            Where there is no such kernel.
        ProcessFailed
            Where it does not start, with its last words.
        """
        self._need()
        try:
            with self._log.open("wb") as output:
                await self._begin(asyncio.ensure_future(self._start(output)), stopping)
            yield
        finally:
            await self._shut_down(stopping)

    @property
    def pid(self) -> int | None:
        """Its process."""
        return getattr(self._process, "pid", None)

    @property
    def last_word(self) -> str:
        """How a dead one has ended."""
        code = self._process.poll() if self._process is not None else None
        if code is None:
            return ""
        return f"(ended by {_SIGNALS.get(code, f'signal {-code}')})" if code < 0 else f"(exit code {code})"

    async def kill(self) -> None:
        """End it and what it has started that has not left its family: nothing of it waits for us."""
        with contextlib.suppress(psutil.Error, OSError):
            family = psutil.Process(self.pid).children(recursive=True) if self.pid else []
            own = [each for each in family if os.getsid(each.pid) == os.getsid(self.pid or 0)]
            for member in own:
                with contextlib.suppress(psutil.Error):
                    member.kill()
        with contextlib.suppress(Exception):  # it may have gone meanwhile
            await self.manager.shutdown_kernel(now=True)

    @property
    def _process(self) -> Any:
        return getattr(getattr(self.manager, "provisioner", None), "process", None)

    def _need(self) -> None:
        name = self._client.kernel_name
        with contextlib.suppress(NoSuchKernel):
            if self.manager.kernel_spec is not None:
                return
        there = sorted(KernelSpecManager().find_kernel_specs())
        listed = f"There are: {', '.join(there)}." if there else "None is installed."
        near = nearest(name, there) if "Did you" in nearest(name, there) else ""
        raise NotFound(f"The kernel {name!r} is not installed.{near} {listed}", "--kernel NAME takes another one")

    async def _start(self, output: Any) -> None:
        await self._client.async_start_new_kernel(
            cwd=str(self._folder), env=dict(self._env), stdout=output, stderr=output
        )
        await self._client.async_start_new_kernel_client()
        assert self._client.kc is not None
        reply = await self._answer(self._client.kc.kernel_info())
        self._client.nb.metadata["language_info"] = reply.get("language_info", {})
        self._is_python = reply.get("implementation") == "ipython"
        if self._is_python:
            await self._answer(self._client.kc.execute(self._notes.begin, silent=True, store_history=False))

    async def _answer(self, message: Awaitable[str] | str) -> dict[str, Any]:
        identity = message if isinstance(message, str) else await message
        reply = await self._client.async_wait_for_reply(identity)
        return dict(reply["content"]) if reply else {}

    async def _begin(self, starting: asyncio.Future[None], stopping: asyncio.Event) -> None:
        stopped: asyncio.Future[Any] = asyncio.ensure_future(stopping.wait())
        both: set[asyncio.Future[Any]] = {starting, stopped}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not starting.done():
            await self.kill()
            starting.cancel()
            await asyncio.wait({starting}, timeout=GRACE_SECONDS)
            return
        if (error := starting.exception()) is None:
            return
        if not isinstance(error, RuntimeError | OSError | TimeoutError):
            raise error
        words = plain(self._log.read_text(encoding="utf-8", errors="replace")).strip().splitlines()[-3:]
        said = f" Its last words:\n{chr(10).join(words)}" if words else ""
        reason = " ".join(str(error).split()).removesuffix(".")
        raise ProcessFailed(f"The kernel {self._client.kernel_name!r} did not start: {reason}.{said}") from None

    async def _shut_down(self, stopping: asyncio.Event) -> None:
        """Let it go; one that does not go by itself in time is ended."""
        channels: Any = self._client.kc
        process = self._process
        with contextlib.suppress(RuntimeError):
            if await self.manager.is_alive():
                if self.gently:
                    await self._leave(stopping)
                    code = process.poll() if process is not None else None
                    self.had_to_be_ended = code is not None and code < 0
                else:
                    await self.manager.shutdown_kernel(now=True)
        with contextlib.suppress(Exception):
            await self.manager.cleanup_resources()
        if channels is not None:
            channels.stop_channels()

    async def _leave(self, stopping: asyncio.Event) -> None:
        """Ask it to end, and let its program do what it does then; a signal does not wait for it."""
        if self._is_python and self._client.kc is not None:
            source = f"exec({_TAKE_NOTE!r}, {{}})"
            with contextlib.suppress(TimeoutError, RuntimeError):
                async with asyncio.timeout(_NOTE_SECONDS):
                    await self._answer(self._client.kc.execute(source, silent=True, store_history=False))
        self.manager.shutdown_wait_time = 2 * LEAVE_SECONDS  # of which half is given before it gets a signal
        leaving = asyncio.ensure_future(self.manager.shutdown_kernel(now=False))
        stopped = asyncio.ensure_future(stopping.wait())
        await asyncio.wait({leaving, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not leaving.done():
            leaving.cancel()
            await asyncio.wait({leaving}, timeout=GRACE_SECONDS)
            await self.kill()
        elif (error := leaving.exception()) is not None:
            raise error
