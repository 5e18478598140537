"""A front behind a real port, and a real browser."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
import uvicorn
from playwright.sync_api import Browser, expect, sync_playwright

from jupyter_mlops.serving.front.app import Front
from jupyter_mlops.serving.front.messages import Refusal, Request, written
from jupyter_mlops.serving.front.process import config_of
from jupyter_mlops.serving.front.protocol import Protocol

expect.set_options(timeout=30_000)  # a machine that does other things beside is slow, and not broken

# Without them a browser in a container does not start, or asks its maker for news.
# fmt: off
FLAGS = [
    "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-quic", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
]
# fmt: on


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The machine's own Chromium: what Playwright would download is not had everywhere.

    For a module and not for longer: as long as it is there, an event loop runs in this thread, and nobody else can run one.
    """
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.fail("The page is tested in a real browser, and there is none: apt-get install -y chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


class Direct(httpx.AsyncBaseTransport):
    """Hand a client's requests to a front as a connection would, with no network between."""

    def __init__(self, front: Front) -> None:
        self._front = front

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one."""
        headers = [(name.lower(), value) for name, value in request.headers.raw]
        asked = Request.of(request.method, request.url.path, headers, self._front.dispatcher.version)
        try:
            route = self._front.find(asked, headers)
        except Refusal as refusal:
            reply = self._front.refuse(asked, refusal)
        else:
            asked.body = await request.aread()
            reply = await self._front.answer(asked, route)
        head, _, body = written(asked, reply, is_last=False).partition(b"\r\n\r\n")
        lines = [line.split(b": ", 1) for line in head.split(b"\r\n")[1:]]
        return httpx.Response(reply.status, headers=[(name, value) for name, value in lines], content=body)


@contextlib.contextmanager
def served(
    front: Front, around: AbstractAsyncContextManager[Any], protocol: type[Protocol] = Protocol
) -> Iterator[int]:
    """Serve a front on a port, with something around it in the same event loop."""
    server = uvicorn.Server(config_of(front, protocol))
    listener = socket.create_server(("127.0.0.1", 0))

    async def serve() -> None:
        async with around:
            await server.serve(sockets=[listener])
        await asyncio.sleep(0.1)  # what was closed is gone a moment later

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(60)
        listener.close()
