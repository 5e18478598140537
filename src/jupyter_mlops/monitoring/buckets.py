"""Pieces of the prediction log, each sketched once: a window is the sum of its pieces.

A piece of time is closed when it is over. Rows may still come into it: a request is logged when it has been answered, and a
clock may be set back. So for an hour after its end it is seen whether a piece has as many rows as when it was sketched, by a
look at four narrow columns; after that its sketch stands. What lies here is only ever a copy of what the log
says: two monitors may write it at once, and all of it may be deleted.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from ..disk import write_whole
from ..errors import NotWritable
from ..serving.log import reader
from ..statistics import profiling
from ..statistics.profile import Profile, added
from ..statistics.repeats import Repeats
from .rows import columns_of, inputs_of
from .stale import newest

SETTLED: Final = 3600.0  # seconds, as the log's reader allows clocks to be set back
_SIZES: Final = (10, 60, 300, 3600, 86_400)
_PIECES: Final = 12  # of a window, at the least
_WHO: Final = ("time", "model", "version", "arm")
CHAMPION: Final = "champion"
SHADOW: Final = "shadow"


@dataclass(frozen=True, order=True)
class Who:
    """Who has answered: a version in its role."""

    model: str
    version: int
    arm: str


def size_of(window: float) -> int:
    """Give the length of the pieces of a window, in seconds."""
    return max((size for size in _SIZES if size * _PIECES <= window), default=_SIZES[0])


class Buckets:
    """The pieces of one endpoint's log.

    Parameters
    ----------
    log : Path
        Where the prediction log lies.
    folder : Path
        Where sketches are kept.
    size : int
        The length of a piece, in seconds.
    now : float
    """

    def __init__(self, log: Path, folder: Path, size: int, now: float) -> None:
        self._log, self._folder, self.size, self._now = log, folder / str(size), size, now
        self._known: dict[int, dict[Who, int]] = {}
        self.read_rows = 0
        """How many rows have been read from the log and sketched."""

    def who(self, start: float, end: float) -> dict[int, dict[Who, int]]:
        """Say who has answered how many rows, for each piece that has any; pieces by their beginnings."""
        places = self._places(start, end)
        unknown = [place for place in places if place not in self._known]
        settled = self._settled() if unknown else {}
        missing = [place for place in unknown if place not in settled]
        found: dict[int, dict[Who, int]] = {place: {} for place in missing}
        for begin, until in _spans(missing, self.size):
            table = reader.read(self._log, since=float(begin), until=float(until), columns=_WHO)
            for place, part in self._split(table):
                found[place] = _counted(part)
        self._known |= {place: settled[place] for place in unknown if place in settled} | found
        if fresh := {place: who for place, who in found.items() if place + self.size + SETTLED < self._now}:
            self._keep(self._folder / "who.json", json.dumps(_plain(settled | fresh)))
        return {place: self._known[place] for place in places if self._known[place]}

    def window(self, start: float, end: float, who: Who, reference: Profile) -> Profile:
        """Add up what a version has answered between two moments, on the grid of a reference."""
        return added((piece for _, piece in self.pieces(start, end, who, reference)), reference)

    def pieces(self, start: float, end: float, who: Who, reference: Profile) -> list[tuple[float, Profile]]:
        """Give what a version has answered between two moments piece by piece, each by when it ends, or by now."""
        rows = {place: found[who] for place, found in self.who(start, end).items() if who in found}
        kept: dict[int, Profile] = {}
        for place, count in rows.items():
            stored = self._stored(place, who, reference)
            if stored is not None and stored.rows == count:
                kept[place] = stored
        missing = [place for place in rows if place not in kept]
        for begin, until in _spans(missing, self.size):
            table = reader.read(self._log, since=float(begin), until=float(until), versions=[who.version])
            table = of_who(table, who)
            for place, part in self._split(table):
                self.read_rows += part.num_rows
                known, end = columns_of(part, reference), min(place + self.size, self._now)
                counted = profiling.count(reference, known)
                repeats = Repeats.of(inputs_of(part, reference))
                kept[place] = replace(counted, repeats=repeats, newest=newest(known, reference, end))
                if place + self.size <= self._now:
                    text = base64.b64encode(kept[place].to_bytes(grid=False)).decode()
                    self._keep(self._file(place, who, reference), text)
        return [(min(place + self.size, self._now), kept[place]) for place in sorted(kept)]

    def _places(self, start: float, end: float) -> list[int]:
        first = math.floor(start / self.size) * self.size
        return list(range(first, math.ceil(end), self.size))

    def _split(self, table: pa.Table) -> Iterator[tuple[int, pa.Table]]:
        """Cut rows, which are in the order of time, at the beginnings of pieces."""
        times = table["time"].cast(pa.int64()).to_numpy() // 1_000_000 // self.size * self.size
        places, starts, counts = np.unique(times, return_index=True, return_counts=True)
        for place, begin, count in zip(places, starts, counts, strict=True):
            yield int(place), table.slice(int(begin), int(count))

    def _file(self, place: int, who: Who, reference: Profile) -> Path:
        said = hashlib.sha256(f"{who.model}/{who.version}/{who.arm}".encode()).hexdigest()[:8]
        return self._folder / reference.digest / f"{place}-{said}"

    def _stored(self, place: int, who: Who, reference: Profile) -> Profile | None:
        try:
            return Profile.of_bytes(base64.b64decode(self._file(place, who, reference).read_bytes()), reference)
        except (OSError, ValueError, KeyError):
            return None

    def _settled(self) -> dict[int, dict[Who, int]]:
        try:
            said = json.loads((self._folder / "who.json").read_text())
            return {
                int(place): {Who(*who): rows for *who, rows in found}
                for place, found in said.items()
                if int(place) + self.size + SETTLED < self._now
            }
        except (OSError, ValueError, TypeError):
            return {}

    def _keep(self, file: Path, text: str) -> None:
        with contextlib.suppress(NotWritable):  # it is read from the log again
            write_whole(file, text)


def tidy(folder: Path, before: float) -> None:
    """Remove the sketches of pieces that began before some moment."""
    for file in folder.glob("*/*/*-*"):
        with contextlib.suppress(OSError, ValueError):
            if int(file.name.partition("-")[0]) < before:
                file.unlink()


def _spans(places: Sequence[int], size: int) -> Iterator[tuple[int, int]]:
    """Put pieces that follow on one another together."""
    begin = None
    for number, place in enumerate(places):
        begin = place if begin is None else begin
        if number + 1 == len(places) or places[number + 1] != place + size:
            yield begin, place + size
            begin = None


def _counted(table: pa.Table) -> dict[Who, int]:
    found = table.group_by(["model", "version", "arm"]).aggregate([([], "count_all")]).to_pylist()
    return {Who(str(one["model"]), int(one["version"]), str(one["arm"])): int(one["count_all"]) for one in found}


def of_who(table: pa.Table, who: Who) -> pa.Table:
    """Keep what a version has answered in its role."""
    import pyarrow.compute as pc

    is_arm = pc.equal(table["arm"].cast(pa.string()), who.arm)
    return table.filter(pc.and_(pc.equal(table["model"].cast(pa.string()), who.model), is_arm))


def _plain(known: dict[int, dict[Who, int]]) -> dict[str, Any]:
    return {str(place): [[who.model, who.version, who.arm, rows] for who, rows in found.items()] for place, found in known.items()}  # fmt: skip


def total(pieces: Iterable[dict[Who, int]]) -> dict[Who, int]:
    """Add up the rows of each version."""
    found: dict[Who, int] = {}
    for piece in pieces:
        for who, rows in piece.items():
            found[who] = found.get(who, 0) + rows
    return found
