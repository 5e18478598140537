"""How tests wait: for a condition, and for longer than a busy machine needs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psutil

PATIENCE = 90.0
"""Seconds. Only what is broken takes so long, and nothing that passes waits for it."""


def until(condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Wait for something, and give it; a question that costs much is asked less often, for others work meanwhile."""
    begin = time.monotonic()
    while True:
        asked = time.monotonic()
        if found := condition():
            return found
        now = time.monotonic()
        assert now - begin < seconds, f"it has not come about within {seconds:g} s"
        time.sleep(max(0.01, now - asked))


def is_gone(process: psutil.Process) -> bool:
    """Whether a process has ended, be it that nobody has taken its exit code yet."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
