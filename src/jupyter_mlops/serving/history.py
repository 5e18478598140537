"""Which version has answered from when on, and which one could not: the latest of it, in a file of the endpoint."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any, Final

import orjson

from ..disk import write_whole
from ..errors import NotWritable

_LATEST: Final = 50


def read_history(path: Path) -> list[dict[str, Any]]:
    """Read it, the latest first: ``time``, ``role``, ``version`` and ``refused``, which says why or is empty."""
    try:
        events: list[dict[str, Any]] = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return []
    return events


def add_to_history(path: Path, role: str, version: int, refused: str = "") -> None:
    """Write down that a version answers from now on, or why it does not; a full disk stops no swap."""
    event = {"time": time.time(), "role": role, "version": str(version), "refused": refused}
    with contextlib.suppress(NotWritable):
        write_whole(path, orjson.dumps([event, *read_history(path)][:_LATEST]).decode())
