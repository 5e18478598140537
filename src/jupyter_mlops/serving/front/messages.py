"""What comes in and what goes out: a request from a connection, and the answer that it gets."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, NamedTuple

from ..wire import error_body

JSON: Final = "application/json"
Header = tuple[bytes, bytes]

_STATUS: Final = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}
_CLOSE: Final = "connection: close\r\n"
_REQUEST_ID: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,126}[\x21-\x7e])?")


class Reply(NamedTuple):
    """Status, body and headers of an answer."""

    status: int
    body: bytes
    media_type: str = JSON
    headers: Sequence[tuple[str, str]] = ()


class Refusal(Exception):
    """An answer that says no."""

    def __init__(self, status: int, code: str, message: str, *headers: tuple[str, str]) -> None:
        super().__init__(message)
        self.code = code
        self.reply = Reply(status, error_body(code, message), headers=headers)


@dataclass(slots=True)
class Request:
    """One request on its way.

    Attributes
    ----------
    method, path : str
    headers : dict of bytes to bytes
        By their names in lower case; the last one of each.
    id : str
        The client's own, or a fresh one.
    version : str
        Which version answers; the champion's until it is known.
    body : bytes
    is_last : bool
        Whether there is nothing more on this connection.
    """

    method: str
    path: str
    headers: dict[bytes, bytes]
    id: str
    version: str
    body: bytes = b""
    is_last: bool = False

    @classmethod
    def of(cls, method: str, path: str, headers: Sequence[Header], version: str) -> Request:
        """Begin with its head."""
        named = dict(headers)
        given = named.get(b"x-request-id", b"").decode("latin-1")
        return cls(method, path, named, given if sane_id(given) else secrets.token_hex(16), version)

    def refused(self, refusal: Refusal) -> Reply:
        """Write a refusal in the protocol that the request is in: v2 says ``error``, with the code beside."""
        if self.path != "/v2" and not self.path.startswith("/v2/"):
            return refusal.reply
        return refusal.reply._replace(body=error_body(refusal.code, str(refusal), v2=True))


def sane_id(given: str) -> bool:
    """Whether a request can be called by the id that its client gives it."""
    return _REQUEST_ID.fullmatch(given) is not None


class Route(NamedTuple):
    """A path's method, and who answers it; ``is_open`` is asked without a key, as those do who only look after servers."""

    method: str
    answer: Callable[[Request], Awaitable[Reply]]
    is_open: bool = False


def written(request: Request, reply: Reply, *, is_last: bool) -> bytes:
    """Write an answer as it goes over the wire: each says its version and its id."""
    more = "".join([f"{name}: {value}\r\n" for name, value in reply.headers]) if reply.headers else ""
    head = (
        f"{_STATUS[reply.status]}content-type: {reply.media_type}\r\ncontent-length: {len(reply.body)}\r\n"
        f"x-model-version: {request.version}\r\nx-request-id: {request.id}\r\n{more}"
        f"{_CLOSE if is_last else ''}\r\n"
    )
    return head.encode("latin-1") + (b"" if request.method == "HEAD" else reply.body)
