"""What the front and a model process say to each other: frames over a socket, the same in both directions.

A frame is a length, the key of the request that it belongs to, a short text of JSON, and a body that stays
as it came. Nothing that runs code is on it: the model process is not trusted with the front.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

ARROW = "application/vnd.apache.arrow.stream"
"""The type of a stream of Arrow."""
MAX_BYTES = 10 * 1024 * 1024
"""Bytes that a request may have, if the settings say nothing else."""
MAX_ROWS = 50_000
"""Rows that it may have."""
GRACE = 10
"""Seconds that accepted requests have when the front is to end."""
_HEAD = struct.Struct("!IQH")  # the length of all that follows it, the key, the length of the JSON


def error_body(code: str, message: str, column: str | None = None, *, v2: bool = False) -> bytes:
    """Write what a client is told that gets no prediction; the open inference protocol v2 calls the message ``error``."""
    return orjson.dumps({"error_code": code, "error" if v2 else "message": message, "column": column})


def row_ids(request: str, rows: int) -> list[str]:
    """Name the predictions of a request, as the log has them: the first by the request's own id."""
    return [request, *(f"{request}/{number}" for number in range(1, rows))]


class Frame(NamedTuple):
    """One request, or the answer to it."""

    key: int
    about: dict[str, Any]
    body: bytes


def pack(key: int, about: dict[str, Any], body: bytes) -> bytes:
    """Write a frame."""
    text = orjson.dumps(about)
    return b"".join((_HEAD.pack(len(text) + len(body), key, len(text)), text, body))


class Unpacker:
    """Put frames together again from what arrives in pieces."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take what has arrived, and give every frame that is whole now."""
        buffer = self._buffer
        buffer += data
        start, end = 0, len(buffer)
        while end - start >= _HEAD.size:
            length, key, split = _HEAD.unpack_from(buffer, start)
            begin = start + _HEAD.size
            if end - begin < length:
                break
            start = begin + length
            about = orjson.loads(memoryview(buffer)[begin : begin + split])
            yield Frame(key, about, bytes(memoryview(buffer)[begin + split : start]))
        if start:
            del buffer[:start]
