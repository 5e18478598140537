"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Final

from .errors import writing_to

LOG_BYTES: Final = 16 << 20
_LOG_KEPT: Final = 1 << 20


def write_whole(path: Path, text: str) -> None:
    """Write a text as it is, in place of what was there; an interrupt or a full disk costs neither.

    Two who write at once don't disturb one another: the later one's text stays. The folder is made where it isn't there.

    Raises
    ------
    NotWritable
        Where the disk is full, or the folder may not be written.
    """
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.part")
    with writing_to(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("w", encoding="utf-8", newline="") as file:
                file.write(text)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


def write_private(path: Path, content: bytes) -> None:
    """Write what nobody but the owner may read; whole, and on the disk when this returns.

    Raises
    ------
    NotWritable
    """
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.part")
    with writing_to(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


def shorten(log: Path, most: int = LOG_BYTES) -> bool:
    """Keep only the last MB of a log that has grown beyond ``most`` bytes, and say so in its first line.

    Who appends to it goes on at its new end; what is written in this very moment may be lost, as lines of a log may be.

    Returns
    -------
    bool
        Whether it was cut.
    """
    if not log.exists() or log.stat().st_size <= most:
        return False
    with log.open("r+b") as file:
        file.seek(-min(_LOG_KEPT, most), os.SEEK_END)
        file.readline()  # the rest of one
        kept = file.read()
        file.truncate(0)
    with log.open("ab") as file:
        file.write("… what was before has been left out, to save room\n".encode() + kept)
    return True
