"""The HTTP face of an endpoint, as plain ASGI: a frame around requests that other processes answer.

Nothing in here knows a model, numpy or pandas. A request is a known host, an id and a body of a bearable size; which
version answers is decided once; what it says is passed on with its name. Starlette's routes and requests would cost
as much again as all of this.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.types import Message, Receive, Scope, Send

from ..wire import MAX_BYTES, Frame, error_body
from .figures import Figures
from .links import ModelGone
from .routing import Arm, Routing

_log = logging.getLogger(__name__)

_LOCAL: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
_REQUEST_ID: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,126}[\x21-\x7e])?")
_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]/@\s]+)(:[0-9]{1,5})?", re.IGNORECASE)
_JSON: Final = "application/json"
_TAGS: Final = 1024  # bytes of tags that are kept
_SHADOWS: Final = 64  # requests that a shadow may be behind
_PATIENCE: Final = 10.0  # seconds that a request waits for a process that is being started again


@dataclass(frozen=True)
class Limits:
    """What a client may ask at the most."""

    body: int = MAX_BYTES
    waiting: int = 1000


@dataclass(frozen=True)
class Reply:
    """Status, body and headers of an answer."""

    status: int
    body: bytes
    media_type: str = _JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Refusal(Exception):
    """An answer that says no."""

    def __init__(self, status: int, code: str, message: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(message)
        self.reply = Reply(status, error_body(code, message), headers=headers)


class _HungUp(Exception):
    """The client has gone before it had said everything."""


@dataclass
class _Request:
    """One request on its way."""

    path: str
    method: str
    headers: dict[bytes, bytes]
    receive: Receive
    id: str
    version: str


class Front:
    """The application.

    Parameters
    ----------
    endpoint : str
        The name that ``/health`` gives.
    hosts : collection of str
        Names beside 127.0.0.1, localhost and [::1] that a request may call this server by.
    limits : Limits
    """

    def __init__(self, endpoint: str, hosts: Collection[str] = (), limits: Limits = Limits()) -> None:
        self._endpoint = endpoint
        self._hosts = _LOCAL | {host.lower() for host in hosts}
        self._known: set[bytes] = set()
        self._limits = limits
        self._routing: Routing | None = None
        self._changed = asyncio.Event()
        self.waiting = 0
        self.figures: dict[tuple[str, str], Figures] = {}
        self._paths: dict[str, tuple[str, Callable[[_Request], Awaitable[Reply]]]] = {
            "/invocations": ("POST", self._invocations),
            "/ping": ("GET", self._ping),
            "/health": ("GET", self._health),
            "/version": ("GET", self._version),
        }

    @property
    def routing(self) -> Routing | None:
        """Who answers now."""
        return self._routing

    @routing.setter
    def routing(self, routing: Routing) -> None:
        self._routing = routing
        self._changed.set()
        self._changed = asyncio.Event()

    def figures_of(self, role: str, version: str) -> Figures:
        """Give what is counted of a version in a role; it goes on where it was when the version comes back."""
        return self.figures.setdefault((role, version), Figures())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        request = _read(scope, receive, self._routing)
        try:
            reply = await self._reply(request, scope)
        except Refusal as refusal:
            reply = refusal.reply
        except _HungUp:
            _log.info("request %s: the client hung up", request.id)
            return
        except Exception:
            _log.exception("request %s failed", request.id)
            message = f"The server failed. Its log has the reason, under request {request.id}."
            reply = Refusal(500, "INTERNAL_ERROR", message).reply
        await send(_start(request, reply))
        await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else reply.body})

    async def _reply(self, request: _Request, scope: Scope) -> Reply:
        self._check_host(scope)
        method, answer = self._paths.get(request.path, ("", None))
        if answer is None:
            raise Refusal(404, "NOT_FOUND", "There is nothing at this path.")
        if request.method not in (method, "HEAD" if method == "GET" else method):
            allowed = b"GET, HEAD" if method == "GET" else method.encode()
            raise Refusal(405, "METHOD_NOT_ALLOWED", f"This path takes {method}.", (b"allow", allowed))
        return await answer(request)

    def _check_host(self, scope: Scope) -> None:
        given = [value for name, value in scope["headers"] if name == b"host"]
        if len(given) == 1 and given[0] in self._known:
            return
        match = _HOST.fullmatch(given[0].decode("latin-1")) if len(given) == 1 else None
        if match is None or match[1].lower() not in self._hosts:
            raise Refusal(403, "FOREIGN_HOST", "This server is not known by the name in the Host header.")
        if len(self._known) < 100:  # a port may be anything
            self._known.add(given[0])

    async def _invocations(self, request: _Request) -> Reply:
        if request.headers.get(b"content-encoding", b"identity") != b"identity":
            raise Refusal(415, "UNSUPPORTED_MEDIA_TYPE", "Send the body without content encoding.")
        body = await _body(request, self._limits.body)
        if self.waiting >= self._limits.waiting:
            message = f"{self.waiting} requests are waiting already."
            raise Refusal(503, "QUEUE_FULL", message, (b"retry-after", b"1"))
        self.waiting += 1
        try:
            return await self._ask(request, body)
        finally:
            self.waiting -= 1

    async def _ask(self, request: _Request, body: bytes) -> Reply:
        media_type = request.headers.get(b"content-type")
        about: dict[str, Any] = {
            "id": request.id,
            "type": None if media_type is None else media_type.decode("latin-1"),
            "time": time.time(),
        }
        if tags := request.headers.get(b"x-request-tags"):
            about["tags"] = tags[:_TAGS].decode("latin-1")
        deadline = asyncio.get_running_loop().time() + _PATIENCE
        while True:
            routing, changed = self._routing, self._changed
            try:
                if routing is None:
                    raise ModelGone
                arm = routing.choose(request.id)
                asked = arm.link().ask(about | {"role": arm.role}, body)
                break
            except ModelGone:
                left = deadline - asyncio.get_running_loop().time()
                try:
                    await asyncio.wait_for(changed.wait(), left)
                except TimeoutError:
                    raise _unavailable() from None
        request.version = arm.version
        begin = time.perf_counter()
        try:
            answer = await asked
        except ModelGone:
            arm.figures.count(503, 0)
            raise _unavailable() from None
        status = answer.about["status"]
        arm.figures.count(status, time.perf_counter() - begin)
        if routing.shadow is not None and status == 200:
            asyncio.get_running_loop().call_soon(_shadow, routing.shadow, about, body, answer.body)
        return Reply(status, answer.body, answer.about["type"])

    async def _ping(self, request: _Request) -> Reply:
        self._there()
        return Reply(200, b"\n")  # as MLflow's server answers

    async def _health(self, request: _Request) -> Reply:
        routing = self._there()
        about = {"model": routing.model, "version": routing.champion.version}
        return Reply(200, orjson.dumps({"status": "ok", "endpoint": self._endpoint, **about}))

    async def _version(self, request: _Request) -> Reply:
        text = str(self._there().champion.about.get("mlflow_version", "unknown"))
        return Reply(200, text.encode(), "text/plain; charset=utf-8")

    def _there(self) -> Routing:
        if self._routing is None or not any(link.is_open for link in self._routing.champion.links):
            raise _unavailable()
        return self._routing


def _shadow(arm: Arm, about: dict[str, Any], body: bytes, given: bytes) -> None:
    """Ask the shadow what has just been answered: never before, and not when it is behind."""
    try:
        link = arm.link()
        if link.waiting >= _SHADOWS:
            arm.figures.dropped += 1
            return
        asked = link.ask(about | {"role": arm.role}, body)
    except ModelGone:
        arm.figures.failed += 1
        return
    begin = time.perf_counter()

    def compare(done: asyncio.Future[Frame]) -> None:
        if done.cancelled() or done.exception() is not None:
            arm.figures.failed += 1
            return
        answer = done.result()
        arm.figures.count(answer.about["status"], time.perf_counter() - begin)
        if answer.about["status"] == 200:
            arm.figures.compare(given, answer.body)

    asked.add_done_callback(compare)


def _unavailable() -> Refusal:
    return Refusal(503, "MODEL_UNAVAILABLE", "The model is being started again.", (b"retry-after", b"1"))


def _read(scope: Scope, receive: Receive, routing: Routing | None) -> _Request:
    headers = dict(scope["headers"])
    given = headers.get(b"x-request-id", b"").decode("latin-1")
    return _Request(
        scope["path"],
        scope["method"],
        headers,
        receive,
        given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16),
        routing.champion.version if routing else "",
    )


async def _body(request: _Request, most: int) -> bytes:
    body, more = b"", True
    parts: list[bytes] = []
    size = 0
    while more:
        message: Message = await request.receive()
        if message["type"] == "http.disconnect":
            raise _HungUp
        body, more = message.get("body", b""), message.get("more_body", False)
        size += len(body)
        if size > most:
            raise Refusal(413, "TOO_LARGE", f"A request may have {most / 2**20:g} MB; send the rows in several.")
        parts.append(body)
    return body if len(parts) == 1 else b"".join(parts)


def _start(request: _Request, reply: Reply) -> Message:
    headers = [
        (b"content-type", reply.media_type.encode("latin-1")),
        (b"content-length", str(len(reply.body)).encode()),
        (b"x-model-version", request.version.encode()),
        (b"x-request-id", request.id.encode("latin-1")),
        *reply.headers,
    ]
    return {"type": "http.response.start", "status": reply.status, "headers": headers}
