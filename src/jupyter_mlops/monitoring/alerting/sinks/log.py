"""A line in a file, and one of Python's logging."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime
from pathlib import Path

from ..message import Message, line_of
from .way import NotSent

_logger = logging.getLogger("jupyter_mlops.alerts")
_logger.addHandler(logging.NullHandler())


def send(message: Message, file: Path) -> None:
    """Write a line; lines of two processes don't mix."""
    line = line_of(message)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, f"{datetime.now(UTC).isoformat(timespec='seconds')} {line}\n".encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        raise NotSent(f"{file.name} can't be written: {(error.strerror or str(error)).lower()}") from None
    _logger.log(logging.WARNING if message.event == "fired" else logging.INFO, line)
