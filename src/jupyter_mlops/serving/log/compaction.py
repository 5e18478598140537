"""From segments to days: what writers have finished becomes one Parquet file a day, and what is too old goes.

``python -m jupyter_mlops.serving.log.compaction FOLDER [--days 30] [--megabytes 1024]``

It may be killed anywhere. A Parquet file is put in place whole, and names the segments whose rows it has; only then do they
go. What a killed one has left behind is taken up by the next.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Final

import pyarrow as pa
from filelock import FileLock, Timeout

from ...errors import MlopsError, writing_to
from ...settings import LogSettings
from . import labels, part, segment
from .folder import DAYS, PartFile, SegmentFile, is_held, leftovers, part_path, parts, segments
from .layout import Layout, expanded
from .part import Part

LOCK: Final = "compaction.lock"
BROKEN: Final = ".broken"
PART_BYTES: Final = 128_000_000
"""How large a Parquet file may be before the day gets another one: so much is written again at the most."""


@dataclass(frozen=True)
class Compacted:
    """What a compaction has done.

    Attributes
    ----------
    segments, rows : int
        How many segments were taken in, and how many rows they had.
    removed : tuple of str
        The Parquet files that were too old or too much.
    gave_way : bool
        Another one is at work, so nothing was done.
    """

    segments: int = 0
    rows: int = 0
    removed: tuple[str, ...] = ()
    gave_way: bool = False


def compact(folder: Path, settings: LogSettings, *, now: float | None = None) -> Compacted:
    """Turn finished segments into Parquet files, and remove what the settings don't keep.

    Parameters
    ----------
    folder : Path
        The log.
    settings : LogSettings
    now : float, optional
        Seconds since the epoch; the clock's by default.

    Raises
    ------
    NotWritable
        Where the disk is full; everything is still there then.
    """
    if not folder.is_dir():
        return Compacted()
    now = time.time() if now is None else now
    with writing_to(folder):
        try:
            with FileLock(folder / LOCK, timeout=0):
                (folder / DAYS).mkdir(exist_ok=True)
                left = _clean_up(folder)
                count, rows = _take_in(folder, left, min(PART_BYTES, settings.megabytes * 1_000_000 // 8))
                return Compacted(count, rows, tuple(_remove(folder, settings, now)))
        except Timeout:
            return Compacted(gave_way=True)


def _clean_up(folder: Path) -> set[str]:
    """Finish what a killed compaction has begun, and give the names of all segments that are in Parquet files."""
    for path in leftovers(folder):
        path.unlink(missing_ok=True)
    taken_in = {name for file in parts(folder) for name in Part(file).segments}
    for file in segments(folder):
        if file.name in taken_in:
            _unlink(file.path)
    return taken_in


def _take_in(folder: Path, taken_in: Collection[str], part_bytes: int) -> tuple[int, int]:
    count = rows = 0
    finished = [file for file in segments(folder) if file.name not in taken_in and not is_held(file.path)]
    for day, of_day in groupby(finished, key=lambda file: file.day):
        for group in _groups(list(of_day), part_bytes):
            rows += _merge(folder, day, group, part_bytes)
            count += len(group)
    return count, rows


def _groups(files: Sequence[SegmentFile], part_bytes: int) -> Iterator[list[SegmentFile]]:
    """Split many segments, so that none of the files they become is much larger than ``part_bytes``."""
    group: list[SegmentFile] = []
    size = 0
    for file in files:
        if group and size > 2 * part_bytes:  # numbers in Parquet take about half of what they take in a segment
            yield group
            group, size = [], 0
        group.append(file)
        size += _size(file)
    if group:
        yield group


def _merge(folder: Path, day: date, files: Sequence[SegmentFile], part_bytes: int) -> int:
    """Put segments of a day into its last Parquet file, or into a new one where that is large."""
    readable: dict[SegmentFile, pa.Schema] = {}
    for file in files:
        if (schema := segment.schema_of(file.path)) is not None:
            readable[file] = schema
        else:  # a loss of power has taken its beginning: nobody can read it, and we throw nothing away
            file.path.replace(file.path.with_name(file.path.name + BROKEN))
    if not readable:
        return 0
    of_day = [file for file in parts(folder) if file.day == day]
    last = of_day[-1] if of_day and of_day[-1].path.stat().st_size < part_bytes else None
    before = Part(last) if last else None
    number = last.number if last else of_day[-1].number + 1 if of_day else 0
    schemas = [*([before.schema] if before else []), *(_as_read(s.empty_table()).schema for s in readable.values())]
    names = [*(before.segments if before else []), *(file.name for file in readable)]

    def tables() -> Iterator[pa.Table]:
        if before:
            yield from before.groups()
        for file in readable:
            yield _as_read(segment.read(file.path))

    already = before.rows if before else 0
    rows = part.write(part_path(folder, day, number), tables, schemas, names) - already
    for file in readable:
        _unlink(file.path)
    return rows


def _as_read(stored: pa.Table) -> pa.Table:
    return expanded(stored, Layout.of(stored.schema))


def _remove(folder: Path, settings: LogSettings, now: float) -> Iterator[str]:
    """Remove the days that are over their time, then the oldest while there is too much."""
    oldest = datetime.fromtimestamp(now, UTC).date() - timedelta(days=settings.days)
    kept: list[PartFile] = []
    for file in parts(folder):
        if file.day < oldest:
            yield from _remove_part(file, folder)
        else:
            kept.append(file)
    sizes = [file.path.stat().st_size for file in kept]
    surplus = sum(sizes) + sum(map(_size, segments(folder))) - settings.megabytes * 1_000_000
    for file, size in zip(kept, sizes, strict=True):
        if surplus > 0:
            yield from _remove_part(file, folder)
            surplus -= size
    labels.forget_before(folder, datetime(oldest.year, oldest.month, oldest.day, tzinfo=UTC).timestamp())


def _remove_part(file: PartFile, folder: Path) -> Iterator[str]:
    left = {written.name for written in segments(folder)}
    if left.isdisjoint(Part(file).segments):  # else they would come to light again
        file.path.unlink()
        yield file.path.name


def _size(file: SegmentFile) -> int:
    return file.path.stat().st_size


def _unlink(path: Path) -> None:
    with contextlib.suppress(PermissionError):  # Windows removes nothing that somebody reads; the next one does
        path.unlink(missing_ok=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Compact one log.

    Returns
    -------
    int
        The exit code: 0, also where another one is at work; else that of the error.
    """
    defaults = LogSettings()
    parser = argparse.ArgumentParser(
        prog="python -m jupyter_mlops.serving.log.compaction", description="Compact a log."
    )
    parser.add_argument("folder", type=Path, help="the log of an endpoint")
    parser.add_argument("--days", type=int, default=defaults.days, help="how long a prediction is kept")
    parser.add_argument("--megabytes", type=int, default=defaults.megabytes, help="how large the log may grow")
    options = parser.parse_args(argv)
    try:
        done = compact(options.folder, LogSettings(days=options.days, megabytes=options.megabytes))
    except MlopsError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return error.exit_code
    if done.gave_way:
        print("another compaction is at work")
    else:
        print(f"{done.segments} segments with {done.rows:,} rows taken in, {len(done.removed)} files removed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
