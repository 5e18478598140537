"""HTTP on a connection, with ends to it: how long a head is, how long it takes, how many there are at once.

uvicorn reads heads without end, waits for them for ever, and answers what is no HTTP in plain text. What is here is seen
once in a request or once in a piece of it, and costs a microsecond.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import re
import sys
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast

from starlette.types import Message
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .gathering import Gathered
from .messages import Refusal, Request, start

if TYPE_CHECKING:
    from .app import Front

MOST_HEAD: Final = 1 << 16
"""Bytes that the line of a request and its headers may have."""
_SPARE: Final = 64  # files for what is no client: model processes, the log, the event loop
_LINGER: Final = 2.0  # seconds in which what is still sent is read: else the system takes the answer back

_NO_HTTP: Final = Refusal(400, "INVALID_HTTP", "This is no request that HTTP allows.")
_LARGE_HEAD: Final = Refusal(431, "HEADERS_TOO_LARGE", f"The headers may have {MOST_HEAD >> 10} KB.")
_ENCODED: Final = Refusal(415, "UNSUPPORTED_MEDIA_TYPE", "The only transfer encoding is chunked.")
_SLOW: Final = Refusal(408, "REQUEST_TIMEOUT", "The request did not arrive in time.")
_FULL: Final = Refusal(503, "TOO_MANY_CONNECTIONS", "There are too many connections.", (b"retry-after", b"1"))


class Protocol(HttpToolsProtocol):
    """One connection.

    Attributes
    ----------
    head_seconds, body_seconds : float
        How long a head may take from its first byte or the connection on, and a body from its head on.
    most : int
        Connections that are served at once.
    """

    head_seconds = 30.0
    body_seconds = 120.0
    most = sys.maxsize

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.url = b""
        self._begun = False  # a head has, and is not whole
        self._in_body = False
        self._is_suspect = False  # the head may be too large, and is measured
        self._has_moved = False  # a piece has brought anything to its end, or some body
        self._stuck = 0  # bytes that have not
        self._deadline = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._refusal = _NO_HTTP
        self._is_refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, or say that there are too many."""
        super().connection_made(Gathered(transport, self.loop))  # type: ignore[arg-type]
        if (many := len(self.connections)) > self.most:
            self._refuse(_FULL)
            if many > self.most + _SPARE // 2:
                transport.close()  # there is no room to linger in either
            return
        self._deadline = self.loop.time() + self.head_seconds
        self._timer = self.loop.call_at(self._deadline, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, as long as it comes to something."""
        if self._is_refused:
            return
        self._has_moved = False
        self._is_suspect = self._begun or len(data) > MOST_HEAD
        super().data_received(data)
        if self._has_moved:
            self._stuck = 0
            return
        # The end of a line is missing, in a head or behind the last piece of a body.
        self._stuck += len(data)
        if self._stuck > MOST_HEAD:
            self._refuse(_LARGE_HEAD)
        elif self._deadline == math.inf:
            self._deadline = self.loop.time() + self.head_seconds

    def on_message_begin(self) -> None:
        """Begin a head."""
        super().on_message_begin()
        self._begun = self._has_moved = True
        self._deadline = min(self._deadline, self.loop.time() + self.head_seconds)

    def on_headers_complete(self) -> None:
        """Look at the head before anybody else does."""
        headers = self.headers
        if self._is_suspect and _size(self.url, headers) > MOST_HEAD:
            self._stop(_LARGE_HEAD)
        for name, value in headers:
            if name == b"transfer-encoding" and value.strip().lower() != b"chunked":
                self._stop(_ENCODED)
        if not self.url.startswith(b"/") and b"://" in self.url:
            # It is the name in the target that is asked for, whatever the header says.
            authority = re.split(rb"[/?#]", self.url.partition(b"://")[2], maxsplit=1)[0]
            headers[:] = [(name, authority if name == b"host" else value) for name, value in headers]
        super().on_headers_complete()
        self._begun, self._in_body, self._has_moved = False, True, True
        self._deadline = self.loop.time() + self.body_seconds

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._has_moved = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for the answer: that may take as long as it takes."""
        self._in_body, self._has_moved = False, True
        self._deadline = math.inf
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what the parser does not take."""
        self._refuse(self._refusal)

    def _stop(self, refusal: Refusal) -> None:
        self._refusal = refusal
        raise ValueError(refusal.code)  # the parser passes it on as an error of its own

    def _look(self) -> None:
        """Look at the time: one timer for all requests of a connection."""
        now = self.loop.time()
        if now >= self._deadline and self.pipeline:  # it is not read while a request before it is answered
            self._deadline = now + self.body_seconds
        if now < self._deadline:
            self._timer = self.loop.call_at(min(self._deadline, now + self.head_seconds), self._look)
        elif self._begun or self._in_body:
            self._refuse(_SLOW)
        else:
            self.transport.close()

    def _refuse(self, refusal: Refusal) -> None:
        """Say no in JSON, as everywhere, and hang up."""
        if self._is_refused or self.transport.is_closing():
            return
        self._is_refused = True
        self._unset_keepalive_if_required()
        cycle = self.cycle
        if self._in_body and (self.pipeline or cycle.response_started):  # nobody would know what this answers
            self.transport.close()
            return
        if cycle is not None and not cycle.response_complete:
            if not self._in_body:  # a request before this one is answered first, and last
                cycle.keep_alive = False
                return
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.write(self._written(refusal))
        self.transport.write_eof()
        self.flow.resume_reading()
        self.loop.call_later(_LINGER, self.transport.abort)

    def _written(self, refusal: Refusal) -> bytes:
        dispatcher = cast("Front", self.config.app).dispatcher
        dispatcher.refusals[refusal.reply.status] += 1
        scope = {"path": self.url.decode("latin-1"), "method": "", "headers": self.headers or []}
        request = Request.of(scope, _nothing, dispatcher.version)
        reply = request.refused(refusal)
        status = HTTPStatus(reply.status)
        lines = [f"HTTP/1.1 {status} {status.phrase}".encode(), b"connection: close"]
        lines += [name + b": " + value for name, value in start(request, reply)["headers"]]
        return b"\r\n".join([*lines, b"", reply.body])


def most_connections() -> int:
    """Let this process open as many files as it may, and say how many of them are for clients."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # some systems name a limit that they do not allow
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return sys.maxsize if soft == resource.RLIM_INFINITY else max(soft - _SPARE, 1)


def _size(url: bytes, headers: list[tuple[bytes, bytes]]) -> int:
    return len(url) + sum(len(name) + len(value) + 4 for name, value in headers)


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
