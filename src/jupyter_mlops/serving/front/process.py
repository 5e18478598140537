"""The process of the front: ``python -m jupyter_mlops.serving.front.process --endpoint NAME --fd N``.

It is told what to do by lines of JSON on its standard input, and answers each with a line on its output. When its
input ends, its controller has gone or wants it to: it answers what it has accepted, and ends.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import uvicorn

from ..wire import GRACE
from .app import Front
from .dispatcher import Limits
from .door import Door
from .links import Link
from .protocol import Protocol, most_connections
from .routing import Arm, Routing

_log = logging.getLogger(__name__)


class Process:
    """The front, and what its controller tells it."""

    def __init__(self, front: Front, server: uvicorn.Server) -> None:
        self._front, self._dispatcher = front, front.dispatcher
        self._server = server
        self._links: dict[str, Link] = {}

    async def obey(self, lines: asyncio.StreamReader) -> None:
        """Do what each line says, until there are no more."""
        while await self.obey_next(lines):
            pass
        self._server.should_exit = True

    async def obey_next(self, lines: asyncio.StreamReader) -> bool:
        """Do what the next line says; give whether there was one."""
        line = await lines.readline()
        if not line:
            return False
        order = orjson.loads(line)
        try:
            answer = await getattr(self, f"do_{order['do']}")(order)
        except OSError as error:  # a model process that has just died: the controller knows, or will soon
            answer = {"failed": str(error)}
        os.write(1, orjson.dumps(answer) + b"\n")
        return True

    async def do_rules(self, order: dict[str, Any]) -> dict[str, Any]:
        """Let in whom the rules say, and as much as they say."""
        self._front.door = Door(order["hosts"], order["key"])
        self._dispatcher.limits = Limits(order["body"], order["waiting"])
        return {}

    async def do_route(self, order: dict[str, Any]) -> dict[str, Any]:
        """Let other versions answer from now on; ``warm`` are the sockets to stay connected with."""
        arms = {role: await self._arm(role, told) for role, told in order["arms"].items()}
        self._dispatcher.routing = Routing(
            order["model"], arms["champion"], arms.get("canary"), order.get("share", 0.0), arms.get("shadow")
        )
        wanted = {path for told in order["arms"].values() for path in told["sockets"]} | set(order["warm"])
        for path in self._links.keys() - wanted:
            asyncio.get_running_loop().create_task(_close(self._links.pop(path)))
        return {}

    async def do_stats(self, order: dict[str, Any]) -> dict[str, Any]:
        """Say how it is."""
        return {
            "waiting": self._dispatcher.waiting,
            "oldest": {path: link.oldest for path, link in self._links.items()},
            "arms": [
                {"role": role, "version": version, **figures.told()}
                for (role, version), figures in self._dispatcher.figures.items()
            ],
        }

    async def do_compare(self, order: dict[str, Any]) -> dict[str, Any]:
        """Begin to compare versions: latencies of other times are forgotten."""
        for figures in self._dispatcher.figures.values():
            figures.seconds.clear()
        return await self.do_stats(order)

    async def _arm(self, role: str, told: dict[str, Any]) -> Arm:
        links = [await self._link(path) for path in told["sockets"]]
        version = str(told["version"])
        return Arm(role, version, links, told["about"], self._dispatcher.figures_of(role, version))

    async def _link(self, path: str) -> Link:
        link = self._links.get(path)
        if link is None or not link.is_open:
            link = self._links[path] = await Link.to(path)
        return link


async def _close(link: Link) -> None:
    """Hang up when everything has been answered."""
    while link.waiting:
        await asyncio.sleep(0.05)
    link.close()


def config_of(front: Front, protocol: type[Protocol] = Protocol) -> uvicorn.Config:
    """Say how a front is served."""
    # log_config=None: everything goes to the one log of the endpoint. Nobody reads an access log of a server that
    # answers thousands of requests a second, and it would cost a tenth of them.
    return uvicorn.Config(
        front,  # type: ignore[arg-type]  # no ASGI: it is our own protocol that asks it
        http=protocol,
        interface="asgi3",
        proxy_headers=False,
        log_config=None,
        access_log=False,
        ws="none",
        lifespan="off",
        backlog=2048,
        timeout_graceful_shutdown=GRACE,
    )


async def _run(options: argparse.Namespace) -> None:
    front = Front(options.endpoint, history=options.history)
    server = uvicorn.Server(config_of(front))
    lines = asyncio.StreamReader(limit=1 << 24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    with socket.socket(fileno=options.fd) as listener:
        process = Process(front, server)
        if not await process.obey_next(lines):  # the rules: nobody is let in without them
            return
        orders = asyncio.create_task(process.obey(lines))
        gc.freeze()  # what has been imported stays for good: no collection looks at it
        await server.serve(sockets=[listener])
        orders.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await orders


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until the input ends."""
    parser = argparse.ArgumentParser(prog="python -m jupyter_mlops.serving.front.process", description="Serve HTTP.")
    parser.add_argument("--endpoint", required=True, help="the name of the endpoint")
    parser.add_argument("--history", type=Path, help="the file that says which version has answered from when on")
    parser.add_argument("--fd", required=True, type=int, help="the socket that listens, as a number")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # of strange requests it tells line after line
    Protocol.most = most_connections()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_run(parser.parse_args(argv)))


def _loop_factory() -> Any:
    try:
        import uvloop
    except ImportError:  # not for every platform
        return None
    return uvloop.new_event_loop


if __name__ == "__main__":
    main()
