"""MLflow's webhook: the server says that an alias has moved, and the endpoint looks at once, not with its next look."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import json
import logging
import secrets
import threading
import time
from collections.abc import Callable
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ...errors import BackendUnreachable, MlopsError
from .following import Registry

_log = logging.getLogger(__name__)

_AGAIN = 30.0  # seconds until a server that is away is asked again
_MOST = 1 << 16  # bytes of a message
_OLD = 300  # seconds after which a message is an old one that somebody repeats


class Webhook:
    """Listens on loopback for what the server of this machine says; polling goes on beside it, and does without.

    Parameters
    ----------
    registry : Registry
    model : callable
        Gives the model whose aliases are followed.
    ring : callable
        Is called, from another thread, when one of them has moved.
    """

    def __init__(self, registry: Registry, model: Callable[[], str | None], ring: Callable[[], object]) -> None:
        self._registry = registry
        self._model = model
        self._ring = ring
        self._secret = secrets.token_urlsafe(32)
        self._server: ThreadingHTTPServer | None = None

    async def listen(self) -> None:
        """Listen, and have the server tell."""
        try:
            url = self.open()
        except OSError as error:
            _log.warning("no webhook, since nothing can listen: %s", error)
            return
        while True:
            try:
                await asyncio.to_thread(self._registry.hook, url, self._secret)
            except BackendUnreachable:
                await asyncio.sleep(_AGAIN)
                continue
            except MlopsError as error:
                _log.info("the registry is looked at once a second, since it sends no webhook here: %s", error.message)
                await asyncio.to_thread(self.close)
            else:
                _log.info("MLflow says at once when an alias moves")
            return

    async def end(self) -> None:
        """Have the server tell no more, if it is there."""
        if self._server is not None:
            await asyncio.to_thread(self.close)
            with contextlib.suppress(MlopsError, TimeoutError):
                await asyncio.wait_for(asyncio.to_thread(self._registry.unhook), 3)

    def open(self) -> str:
        """Listen on a free port, and give the address."""
        listener = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 5

            def do_POST(self) -> None:
                length = self.headers.get("Content-Length", "")
                status = 413
                if length.isdecimal() and int(length) <= _MOST:
                    status = listener.hear(self.headers, self.rfile.read(int(length)))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing: what matters is in the log already."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="webhook", daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_port}/"

    def close(self) -> None:
        """Listen no more."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def hear(self, headers: Message, body: bytes) -> int:
        """Take a message, and give the status of the answer: 401 where it is not from the server."""
        if not is_signed(self._secret, headers, body):
            return 401
        try:
            name = json.loads(body)["data"]["name"]
        except (ValueError, TypeError, KeyError):
            return 400
        if name == self._model():
            _log.info("MLflow says that an alias has moved")
            self._ring()
        return 204


def is_signed(secret: str, headers: Message, body: bytes) -> bool:
    """Whether a message is the server's own, and new: HMAC-SHA-256 over its id, its time and itself."""
    delivery, sent = headers.get("X-MLflow-Delivery-Id", ""), headers.get("X-MLflow-Timestamp", "")
    if not sent.isdecimal() or abs(time.time() - int(sent)) > _OLD:
        return False
    signed = b".".join((delivery.encode(), sent.encode(), body))
    expected = base64.b64encode(hmac.digest(secret.encode(), signed, "sha256"))
    return hmac.compare_digest(b"v1," + expected, headers.get("X-MLflow-Signature", "").encode())
