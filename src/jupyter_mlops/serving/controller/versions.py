"""A version with its processes: started beside the one that answers, tried, and ended when nobody needs it."""

from __future__ import annotations

import asyncio
import itertools
import logging
import multiprocessing
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import orjson

from ... import errors
from ...errors import ProcessFailed
from ..model.order import Order
from . import template

_log = logging.getLogger(__name__)
_MOST_SAID = 1 << 24
_numbers = itertools.count()


@dataclass
class Worker:
    """One process of a version."""

    process: BaseProcess
    socket: Path
    about: dict[str, Any]

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self.process.is_alive()


@dataclass(eq=False)
class Version:
    """A version that can answer."""

    order: Order
    workers: list[Worker] = field(default_factory=list)

    @property
    def number(self) -> int:
        """Which version of the model it is."""
        return self.order.version

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return self.order.folder

    def fulfils(self, order: Order) -> bool:
        """Whether it is what an order would start: the settings may have changed."""
        return self.order == order

    @property
    def about(self) -> dict[str, Any]:
        """What it says of itself."""
        return self.workers[0].about

    @property
    def is_whole(self) -> bool:
        """Whether all its processes run."""
        return bool(self.workers) and all(worker.is_alive for worker in self.workers)

    @property
    def sockets(self) -> list[str]:
        """Where its processes listen."""
        return [str(worker.socket) for worker in self.workers if worker.is_alive]

    def end(self) -> None:
        """Tell its processes to end when they have answered what they have accepted."""
        for worker in self.workers:
            worker.process.terminate()


async def start(order: Order, workers: int, seconds: float) -> Version:
    """Start the processes of a version, and wait until each has loaded it and answered its example.

    Parameters
    ----------
    order : Order
        For all of them; its ``socket`` is the folder for theirs.
    workers : int
    seconds : float
        How long they may take.

    Raises
    ------
    MlopsError
        Why it can't be served.
    """
    orders = [replace(order, socket=order.socket / f"{next(_numbers)}") for _ in range(workers)]
    started = await asyncio.gather(*(_start_worker(each, seconds) for each in orders), return_exceptions=True)
    good = [worker for worker in started if isinstance(worker, Worker)]
    bad = [error for error in started if isinstance(error, BaseException)]
    version = Version(order, good)
    if bad:
        version.end()
        raise bad[0]
    return version


async def _start_worker(order: Order, seconds: float) -> Worker:
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = template.context().Process(
        target=_run, args=(order, theirs), name=f"{order.model}/{order.version}", daemon=True
    )
    await asyncio.to_thread(process.start)
    theirs.close()
    try:
        said = await asyncio.to_thread(_report, ours, process, seconds)
    except BaseException:
        process.kill()
        raise
    finally:
        ours.close()
    if "refused" in said:
        raise errors.named(said["refused"])(said["message"], said["hint"])
    return Worker(process, order.socket, said)


def _run(order: Order, report: Connection) -> None:
    from ..model.process import run

    run(order, report)


def _report(ours: Connection, process: BaseProcess, seconds: float) -> dict[str, Any]:
    if not ours.poll(seconds):
        raise ProcessFailed(f"It was not ready after {seconds:.0f} s.")
    try:
        said: dict[str, Any] = orjson.loads(ours.recv_bytes(_MOST_SAID))
    except (EOFError, OSError):
        process.join(5)
        raise ProcessFailed(f"Its process ended while it was loaded (exit code {process.exitcode}).") from None
    return said
