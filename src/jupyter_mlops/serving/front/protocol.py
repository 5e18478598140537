"""HTTP on a connection: requests are read with an end to them, and answered one after the other.

httptools reads, uvicorn listens and stops. What would lie between, ASGI's messages, cost as much as all the rest of
an answer, and knows no end to a head.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import re
import sys
from collections import deque
from collections.abc import Mapping
from typing import Any, Final, cast
from urllib.parse import unquote

import httptools
import uvicorn
from uvicorn.server import ServerState

from .app import Front
from .messages import Header, Refusal, Reply, Request, Route, written

MOST_HEAD: Final = 1 << 16
"""Bytes that the line of a request and its headers may have."""
_SPARE: Final = 64  # files for what is no client: model processes, the log, the event loop
_LINGER: Final = 2.0  # seconds in which what is still sent is read: else the system takes the answer back

_NO_HTTP: Final = Refusal(400, "INVALID_HTTP", "This is no request that HTTP allows.")
_LARGE_HEAD: Final = Refusal(431, "HEADERS_TOO_LARGE", f"The headers may have {MOST_HEAD >> 10} KB.")
_ENCODED: Final = Refusal(415, "UNSUPPORTED_MEDIA_TYPE", "The only transfer encoding is chunked.")
_SLOW: Final = Refusal(408, "REQUEST_TIMEOUT", "The request did not arrive in time.")
_FULL: Final = Refusal(503, "TOO_MANY_CONNECTIONS", "There are too many connections.", ("retry-after", "1"))


class Protocol(asyncio.Protocol):
    """One connection, as uvicorn makes them.

    Attributes
    ----------
    head_seconds, body_seconds : float
        How long nobody need say anything, how long a head may take from its first byte on, and a body from its head on.
    most : int
        Connections that are served at once.
    """

    head_seconds = 30.0
    body_seconds = 120.0
    most = sys.maxsize

    def __init__(
        self, config: uvicorn.Config, server_state: ServerState, app_state: Mapping[str, Any], **rest: Any
    ) -> None:
        self._front = cast("Front", config.app)
        self._server = server_state
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport
        # What is being read.
        self._url = b""
        self._headers: list[Header] = []
        self._request: Request | None = None  # None also where it is refused already
        self._route: Route
        self._parts: list[bytes] = []
        self._size = 0
        self._begun = False  # a head has, and is not whole
        self._in_body = False
        self._is_suspect = False  # the head may be too large, and is measured
        self._has_moved = False  # a piece has brought anything to its end, or some body
        self._stuck = 0  # bytes that have not
        self._deadline = math.inf
        self._timer: asyncio.TimerHandle | None = None
        # What is answered.
        self._queue: deque[tuple[Request, Route | Reply]] = deque()
        self._is_busy = False
        self._is_full = False  # the client does not read
        self._is_ending = False
        self._is_refused = False
        self._refusal = _NO_HTTP

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, or say that there are too many."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by name
        self._server.connections.add(self)  # type: ignore[arg-type]
        if (many := len(self._server.connections)) > self.most:
            self._refuse(_FULL)
            if many > self.most + _SPARE // 2:
                transport.close()  # there is no room to linger in either
            return
        self._deadline = self._loop.time() + self.head_seconds
        self._timer = self._loop.call_at(self._deadline, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """End; what is under way is answered, and nobody hears it."""
        self._server.connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()

    def shutdown(self) -> None:
        """End when what has been accepted is answered: uvicorn is to stop."""
        self._is_ending = True
        if not (self._is_busy or self._queue or self._in_body):
            self._transport.close()

    # Reading

    def data_received(self, data: bytes) -> None:
        """Read on, as long as it comes to something."""
        if self._is_refused:
            return
        self._has_moved = False
        self._is_suspect = self._begun or len(data) > MOST_HEAD
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # it is answered here all the same, as the last one
            self._is_ending = True
        except httptools.HttpParserError:
            self._refuse(self._refusal)
        if self._has_moved:
            self._stuck = 0
            return
        # The end of a line is missing, in a head or behind the last piece of a body.
        self._stuck += len(data)
        if self._stuck > MOST_HEAD:
            self._refuse(_LARGE_HEAD)
        elif self._deadline == math.inf:
            self._deadline = self._loop.time() + self.head_seconds

    def on_message_begin(self) -> None:
        """Begin a head."""
        self._url, self._headers = b"", []
        self._begun = self._has_moved = True
        self._deadline = self._loop.time() + self.head_seconds

    def on_url(self, url: bytes) -> None:
        """Take a piece of the target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Look at the head before anybody waits for the body."""
        headers = self._headers
        if self._is_suspect and _size(self._url, headers) > MOST_HEAD:
            self._stop(_LARGE_HEAD)
        for name, value in headers:
            if name == b"transfer-encoding" and value.strip().lower() != b"chunked":
                self._stop(_ENCODED)
        if not self._url.startswith(b"/") and b"://" in self._url:
            # It is the name in the target that is asked for, whatever the header says.
            authority = re.split(rb"[/?#]", self._url.partition(b"://")[2], maxsplit=1)[0]
            headers[:] = [(name, authority if name == b"host" else value) for name, value in headers]
        path = httptools.parse_url(self._url).path.decode("ascii")
        request = Request.of(
            self._parser.get_method().decode("ascii"),
            unquote(path) if "%" in path else path,
            headers,
            self._front.dispatcher.version,
        )
        parser = self._parser
        request.is_last = (
            parser.get_http_version() == "1.0" or not parser.should_keep_alive() or parser.should_upgrade()
        )
        self._begun, self._in_body, self._has_moved = False, True, True
        self._deadline = self._loop.time() + self.body_seconds
        self._parts, self._size = [], 0
        try:
            self._route = self._front.find(request, headers)
        except Refusal as refusal:
            self._request = None
            self._put(request, self._front.refuse(request, refusal))
            return
        self._request = request
        if request.headers.get(b"expect", b"").lower() == b"100-continue" and not self._is_busy:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._has_moved = True
        if self._request is None:
            return
        self._size += len(body)
        if self._size > self._front.dispatcher.limits.body:
            request, self._request = self._request, None
            self._put(request, self._front.refuse(request, self._front.too_large()))
            return
        self._parts.append(body)

    def on_message_complete(self) -> None:
        """Wait for the answer: that may take as long as it takes."""
        self._in_body, self._has_moved = False, True
        self._deadline = math.inf
        if self._request is not None:
            request, self._request = self._request, None
            request.body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
            self._put(request, self._route)
        elif not self._is_busy:
            self._deadline = self._loop.time() + self.head_seconds

    def _stop(self, refusal: Refusal) -> None:
        self._refusal = refusal
        raise ValueError(refusal.code)  # the parser passes it on as an error of its own

    def _look(self) -> None:
        """Look at the time: one timer for all requests of a connection."""
        now = self._loop.time()
        if now >= self._deadline and (self._queue or self._is_full):  # meanwhile it is not read
            self._deadline = now + self.body_seconds
        if now < self._deadline:
            self._timer = self._loop.call_at(min(self._deadline, now + self.head_seconds), self._look)
        elif self._begun or self._in_body:
            self._refuse(_SLOW)
        else:
            self._transport.close()

    # Answering

    def pause_writing(self) -> None:
        """Ask for no more than the client takes."""
        self._is_full = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        self._is_full = False
        self._next()

    def _put(self, request: Request, answer: Route | Reply) -> None:
        """Answer a request, or give the answer, when those before it have theirs."""
        self._queue.append((request, answer))
        if self._is_busy or self._is_full:
            self._transport.pause_reading()
        else:
            self._next()

    def _next(self) -> None:
        while self._queue and not (self._is_busy or self._is_full):
            request, answer = self._queue.popleft()
            if isinstance(answer, Reply):
                self._give(request, answer)
                continue
            self._is_busy = True
            task = self._loop.create_task(self._answer(request, answer))
            self._server.tasks.add(task)
            task.add_done_callback(self._server.tasks.discard)
        if not (self._queue or self._is_full or self._transport.is_closing()):
            self._transport.resume_reading()

    async def _answer(self, request: Request, route: Route) -> None:
        reply = await self._front.answer(request, route)
        self._is_busy = False
        self._give(request, reply)
        self._next()

    def _give(self, request: Request, reply: Reply) -> None:
        transport = self._transport
        if transport.is_closing():
            self._queue.clear()
            return
        self._server.total_requests += 1
        is_last = request.is_last or (self._is_ending and not self._queue)
        transport.write(written(request, reply, is_last=is_last))
        if is_last:
            self._queue.clear()
            self._hang_up()
        elif not (self._begun or self._in_body):
            self._deadline = self._loop.time() + self.head_seconds

    def _refuse(self, refusal: Refusal) -> None:
        """Say no in JSON, as everywhere, and hang up."""
        if self._is_refused or self._transport.is_closing():
            return
        self._is_refused = True
        if self._is_busy or self._queue:  # the requests before this one are answered first, and last
            self._is_ending = True
            return
        if self._in_body and self._request is None:  # it has an answer, and nobody would know what this answers
            self._transport.close()
            return
        request = self._request or Request.of("", self._url.decode("latin-1"), self._headers, "")
        reply = self._front.refuse(request, refusal)
        self._transport.write(written(request, reply, is_last=True))
        self._hang_up()

    def _hang_up(self) -> None:
        if not (self._is_refused or self._in_body):
            self._transport.close()
            return
        self._is_refused = True
        self._transport.write_eof()
        self._transport.resume_reading()
        self._loop.call_later(_LINGER, self._transport.abort)


def most_connections() -> int:
    """Let this process open as many files as it may, and say how many of them are for clients."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # some systems name a limit that they do not allow
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return sys.maxsize if soft == resource.RLIM_INFINITY else max(soft - _SPARE, 1)


def _size(url: bytes, headers: list[Header]) -> int:
    return len(url) + sum(len(name) + len(value) + 4 for name, value in headers)
