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

import pytest
import uvicorn
from playwright.sync_api import Browser, sync_playwright

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


@contextlib.contextmanager
def served(application: Any, around: AbstractAsyncContextManager[Any], **options: Any) -> Iterator[int]:
    """Serve an application on a port, with something around it in the same event loop."""
    server = uvicorn.Server(uvicorn.Config(application, log_config=None, lifespan="off", ws="none", **options))
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
        thread.join(10)
        listener.close()
