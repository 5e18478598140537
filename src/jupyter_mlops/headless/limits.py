"""What a run of notebooks may take."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psutil

from ..errors import InvalidUsage


@dataclass(frozen=True)
class Limits:
    """Time in seconds, memory and output in megabytes; infinite where nothing was said.

    Attributes
    ----------
    cell, total : float
        For one cell, and for a notebook as a whole.
    memory : float
        That a kernel and the processes it has started may take together.
    output : float
        That is kept of what a cell shows.
    start : float
        Until a kernel answers.
    """

    cell: float = math.inf
    total: float = math.inf
    memory: float = math.inf
    output: float = 10.0
    start: float = 60.0

    @classmethod
    def of(cls, **given: float | None) -> Limits:
        """Take what was given.

        Raises
        ------
        InvalidUsage
            For one that is not more than 0.
        """
        for name, value in given.items():
            if value is not None and not value > 0:
                flag = {"cell": "--cell-timeout", "total": "--timeout", "output": "--max-output"}.get(name, f"--{name}")
                raise InvalidUsage(
                    f"{flag} must be more than 0, not {value:g}.", f"leave {flag} out where there is no limit"
                )
        return cls(**{name: value for name, value in given.items() if value is not None})


def memory_of(pid: int) -> float:
    """Measure what a process and those below it take, in megabytes; 0 where it has ended."""
    return sum(_resident(pid)) / 1e6


def _resident(pid: int) -> Iterator[int]:
    try:
        process = psutil.Process(pid)
        family: list[Any] = [process, *process.children(recursive=True)]
    except psutil.Error:
        return
    for member in family:
        try:
            yield member.memory_info().rss
        except psutil.Error:
            continue
