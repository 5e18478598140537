"""Processes that are killed: ``python killing.py writers|compactions FOLDER …``; it forks, so that each costs milliseconds."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[3]))

from jupyter_mlops.serving.log import compaction
from jupyter_mlops.settings import LogSettings
from tests.serving.log.support import NOON, answered, numbers, writer


def write_until_killed(folder: Path, number: int, out: int, begun: int) -> None:
    """Append batches, and tell each id when its append has returned; ``begun`` is told of the first."""
    chance = random.Random(number)
    log = writer(folder, version=number)
    for batch in range(1_000_000):
        requests = [
            answered(chance.choice([1, 1, 1, 5, 400]), id=f"{number}-{batch}-{part}", time=time.time())
            for part in range(chance.choice([1, 2, 16]))
        ]
        count = sum(request.rows for request in requests)
        log.append(requests, numbers(count), np.arange(count) * 3)
        for request in requests:
            os.write(out, f"{request.id} {request.rows}\n".encode())
        if batch == 0:
            os.write(begun, b".")


def writers(folder: Path, rounds: int) -> None:
    """Kill writers, three at a time, at moments that nobody chose; what they have told goes to the output.

    In two rounds of three each has begun by then, however slow the machine is.
    """
    chance = random.Random(0)
    for number in range(rounds):
        children = []
        begun, tell = os.pipe()
        for place in range(3):
            if (child := os.fork()) == 0:
                write_until_killed(folder, number * 3 + place, sys.stdout.fileno(), tell)
            children.append(child)
        for _ in children if number % 3 else ():
            os.read(begun, 1)
        time.sleep(chance.uniform(0.01, 0.25))
        for child in children:
            time.sleep(chance.uniform(0, 0.01))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        os.close(begun)
        os.close(tell)


def die_at(line: int, last: list[int]) -> Any:
    """Make a tracer that kills this process at the so-many-th line of the compaction's own code."""
    files = {"compaction.py", "part.py"}

    def trace(frame: FrameType, event: str, arg: object) -> Any:
        path = Path(frame.f_code.co_filename)
        if path.name not in files or path.parent.name != "log":
            return None
        if event == "line":
            last[0] += 1
            if last[0] == line:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    return trace


def compactions(source: Path, folder: Path, step: int) -> None:
    """Compact copies of a log, and kill each compaction a line later than the one before, until one gets through."""
    line = 1
    while True:
        copy = folder / f"{line:05}"
        shutil.copytree(source, copy)
        if (child := os.fork()) == 0:
            sys.settrace(die_at(line, [0]))
            compaction.compact(copy, LogSettings(days=10, megabytes=1024), now=NOON)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(copy.name, flush=True)
        if os.WIFEXITED(status):
            sys.exit(os.WEXITSTATUS(status))
        line += step


if __name__ == "__main__":
    what, *words = sys.argv[1:]
    if what == "writers":
        writers(Path(words[0]), int(words[1]))
    else:
        compactions(Path(words[0]), Path(words[1]), int(words[2]))
