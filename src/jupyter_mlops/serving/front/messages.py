"""What comes in and what goes out: a request as ASGI gives it, and the answer that it gets."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from starlette.types import Message, Receive, Scope

from ..wire import error_body

JSON: Final = "application/json"
Header = tuple[bytes, bytes]

_REQUEST_ID: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,126}[\x21-\x7e])?")


@dataclass(frozen=True)
class Reply:
    """Status, body and headers of an answer."""

    status: int
    body: bytes
    media_type: str = JSON
    headers: tuple[Header, ...] = ()


class Refusal(Exception):
    """An answer that says no."""

    def __init__(self, status: int, code: str, message: str, *headers: Header) -> None:
        super().__init__(message)
        self.code = code
        self.reply = Reply(status, error_body(code, message), headers=headers)


class HungUp(Exception):
    """The client has gone before it had said everything."""


@dataclass
class Request:
    """One request on its way.

    Attributes
    ----------
    path, method : str
    headers : dict of bytes to bytes
        By their names in lower case; the last one of each.
    receive : callable
    id : str
        The client's own, or a fresh one.
    version : str
        Which version answers; the champion's until it is known.
    """

    path: str
    method: str
    headers: dict[bytes, bytes]
    receive: Receive
    id: str
    version: str

    @classmethod
    def of(cls, scope: Scope, receive: Receive, version: str) -> Request:
        """Take what ASGI gives."""
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        id = given if sane_id(given) else secrets.token_hex(16)
        return cls(scope["path"], scope["method"], headers, receive, id, version)

    def refused(self, refusal: Refusal) -> Reply:
        """Write a refusal in the protocol that the request is in: v2 says ``error``, with the code beside."""
        if self.path != "/v2" and not self.path.startswith("/v2/"):
            return refusal.reply
        return replace(refusal.reply, body=error_body(refusal.code, str(refusal), v2=True))

    async def body(self, most: int) -> bytes:
        """Read all of the body.

        Raises
        ------
        Refusal
            Where it is encoded, or has more than ``most`` bytes.
        HungUp
            Where the client has gone.
        """
        if self.headers.get(b"content-encoding", b"identity") != b"identity":
            raise Refusal(415, "UNSUPPORTED_MEDIA_TYPE", "Send the body without content encoding.")
        announced = self.headers.get(b"content-length", b"")
        if announced.isdigit() and int(announced[:20]) > most:  # refused before it is sent
            raise _too_large(most)
        body, more = b"", True
        parts: list[bytes] = []
        size = 0
        while more:
            message: Message = await self.receive()
            if message["type"] == "http.disconnect":
                raise HungUp
            body, more = message.get("body", b""), message.get("more_body", False)
            size += len(body)
            if size > most:
                raise _too_large(most)
            parts.append(body)
        return body if len(parts) == 1 else b"".join(parts)


def _too_large(most: int) -> Refusal:
    return Refusal(413, "TOO_LARGE", f"A request may have {most / 2**20:g} MB; send the rows in several.")


def sane_id(given: str) -> bool:
    """Whether a request can be called by the id that its client gives it."""
    return _REQUEST_ID.fullmatch(given) is not None


class Route(NamedTuple):
    """A path's method, and who answers it; ``is_open`` is asked without a key, as those do who only look after servers."""

    method: str
    answer: Callable[[Request], Awaitable[Reply]]
    is_open: bool = False


def start(request: Request, reply: Reply) -> Message:
    """Begin an answer: each says its version and its id."""
    headers = [
        (b"content-type", reply.media_type.encode("latin-1")),
        (b"content-length", str(len(reply.body)).encode()),
        (b"x-model-version", request.version.encode()),
        (b"x-request-id", request.id.encode("latin-1")),
        *reply.headers,
    ]
    return {"type": "http.response.start", "status": reply.status, "headers": headers}
