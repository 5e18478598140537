"""Where a log lies, and whose its files are.

::

    segments/2026-11-24.1764000000000-9f0c….arrows   written by one process, row by row, and never changed afterwards
    days/2026-11-24-000.parquet                      what compaction has made of the finished segments of that day
    labels.db                                        labels that came later

A segment belongs to its writer for as long as the writer holds its lock. The system lets go of a lock when
the process ends, however it ends: a pid may be used again, or be one of another container, and a lock is neither.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

SEGMENTS: Final = "segments"
DAYS: Final = "days"
UNFINISHED: Final = ".part"
DAY_MICROSECONDS: Final = 86_400_000_000

_SEGMENT: Final = re.compile(r"(\d{4}-\d\d-\d\d)\.\d+-[0-9a-f]{32}\.arrows")
_PART: Final = re.compile(r"(\d{4}-\d\d-\d\d)-(\d{3,})\.parquet")


@dataclass(frozen=True, order=True)
class SegmentFile:
    """A segment: its rows are all of one day (UTC), and its name is never given again."""

    name: str
    path: Path
    day: date


@dataclass(frozen=True, order=True)
class PartFile:
    """A Parquet file of one day; a day has a second one only where the first has grown large."""

    day: date
    number: int
    path: Path


def segments(folder: Path) -> list[SegmentFile]:
    """List the segments, by day and then as they were begun."""
    found = ((_SEGMENT.fullmatch(path.name), path) for path in _files(folder / SEGMENTS))
    return sorted(SegmentFile(path.name, path, date.fromisoformat(match[1])) for match, path in found if match)


def parts(folder: Path) -> list[PartFile]:
    """List the Parquet files, oldest day first."""
    found = ((_PART.fullmatch(path.name), path) for path in _files(folder / DAYS))
    return sorted(PartFile(date.fromisoformat(match[1]), int(match[2]), path) for match, path in found if match)


def new_segment(folder: Path, day: date) -> Path:
    """Make up the name of a segment."""
    return folder / SEGMENTS / f"{day}.{time.time_ns()}-{uuid.uuid4().hex}.arrows"


def part_path(folder: Path, day: date, number: int) -> Path:
    """Give the place of a day's Parquet file."""
    return folder / DAYS / f"{day}-{number:03}.parquet"


def leftovers(folder: Path) -> Iterator[Path]:
    """List what was begun and never came to its name: its process was killed."""
    for path in _files(folder / SEGMENTS):
        if path.suffix == UNFINISHED and not is_held(path):
            yield path
    for path in _files(folder / DAYS):
        if path.suffix == UNFINISHED:
            yield path


def hold(descriptor: int) -> None:
    """Take the lock of a file that this process has just made."""
    if sys.platform == "win32":
        import msvcrt

        with _at_the_lock(descriptor):
            msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
    else:
        import fcntl

        # flock and not lockf: closing another descriptor of the same file, as a reader in this process does, keeps it.
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def is_held(path: Path) -> bool:
    """Whether somebody who lives still writes this file; one that is not held, or not there, is never written again."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        if sys.platform == "win32":
            import msvcrt

            with _at_the_lock(descriptor):
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except OSError:
        return True
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _at_the_lock(descriptor: int) -> Iterator[None]:
    # Windows locks bytes against reading too: one far behind the end is in nobody's way.
    place = os.lseek(descriptor, 0, os.SEEK_CUR)
    os.lseek(descriptor, 1 << 40, os.SEEK_SET)
    try:
        yield
    finally:
        os.lseek(descriptor, place, os.SEEK_SET)


def _files(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []
