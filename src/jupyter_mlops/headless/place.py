"""The place of an executed notebook: it takes it, and nobody else writes there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from ..disk import write_whole
from ..errors import Conflict, need_space, writing_to


@contextlib.contextmanager
def alone(target: Path) -> Iterator[None]:
    """Be the only one who writes a notebook, and know beforehand that it can be written.

    The lock is beside it: two who write there may each have temporary files of their own.

    Raises
    ------
    Conflict
        Where another run writes it.
    NotWritable
        Where its place takes nothing.
    """
    with writing_to(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            raise IsADirectoryError(21, "Is a directory")
    need_space(target.parent)
    write_whole(target.with_name(f".{target.name}.try"), "")
    target.with_name(f".{target.name}.try").unlink(missing_ok=True)
    path = target.with_name(f".{target.name}.lock")
    lock = FileLock(path)
    try:
        with writing_to(path):
            lock.acquire(timeout=0)
    except Timeout:
        raise Conflict(
            f"Another run is just writing {target}.", "--output ANOTHER_FOLDER, or wait until it has ended"
        ) from None
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        lock.release()
