"""Data that is out of date: a column that went on with the clock and stays behind, and rows that come again and again.

A column goes on with the clock where its newest value has come forward as far as time has, however far behind it is, and however often
it is renewed: with each row, or once a day. It is stale where nothing newer comes for much longer than usual. What a column was like
is what monitoring has seen of it, in a few numbers, and so costs no row twice.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from filelock import FileLock, Timeout

from ..disk import write_whole
from ..errors import NotWritable
from ..statistics.column import Column
from ..statistics.profile import Known, Profile
from ..statistics.sketches import Numbers
from .clocks import AHEAD, Clock
from .readings import Level, Reading

_UNITS: Final = (1.0, 1e3, 1e6, 1e9)  # in a second: seconds since 1970, milliseconds …
_DECADE: Final = 3_653 * 86_400.0
_NEWEST: Final = 0.9  # of the values of a piece: a few clients whose clock is wrong are no news
_WAIT: Final = 10.0  # seconds, for another monitor
_FEW: Final = 50  # rows that say whether they are copies
_RULE_OF_THREE: Final = 3  # copies that n rows without one leave open, 95 % (Hanley and Lippman-Hand, 1983)
_COPIES: Final = 0.5  # more copies than in the reference, of all rows; our own choice, major from 0.8 on


def newest(table: pa.Table, reference: Profile, end: float) -> dict[str, tuple[float | None, int]]:
    """Give the newest time of each column that may go on with the clock, in seconds since the epoch, and how many are left out.

    It is a high quantile, and never the largest of several values: one of the future would be the newest for years. What is later
    than any clock on earth is left out before.

    Parameters
    ----------
    table : Table
        A piece of the log.
    reference : Profile
    end : float
        When the piece ends.
    """
    found: dict[str, tuple[float | None, int]] = {}
    for name in table.column_names:
        known = reference.columns.get(name)
        unit = None if known is None else _unit(known, end)
        if known is None or unit is None:
            continue
        column = Column(name, table[name].to_pandas())
        if column.kind != known.kind:
            continue
        values = column.floats() / unit
        values = values[~np.isnan(values)]
        there = values[values <= end + AHEAD]
        place = int(_NEWEST * (len(there) - 1))
        latest = float(np.partition(there, place)[place]) if len(there) else None
        if len(values):
            found[name] = latest, int(np.count_nonzero(values > max(latest or end, end)))
    return found


def _unit(known: Known, end: float) -> float | None:
    """Say how many of its own are a second; None where it can't be a time of these years."""
    if known.hidden or known.role != "feature" or not isinstance(known.sketch, Numbers):
        return None
    if known.kind == "time":
        return 1.0
    middle = known.sketch.quantile(0.5) if known.kind == "number" else 0.0
    return next((unit for unit in _UNITS if abs(middle / unit - end) < _DECADE), None)


class Clocks:
    """The columns of what an endpoint is asked that go on with time.

    Parameters
    ----------
    folder : Path
        Where monitoring keeps what it has seen.
    start : float
        From when on is looked now, window by window; before it, nobody may have looked.
    piece : float
        How long the pieces of windows are.
    """

    def __init__(self, folder: Path, start: float, piece: float) -> None:
        self._file, self._start, self._piece = folder / "clocks.json", start, piece

    def readings(self, model: str, pieces: Sequence[tuple[float, Profile]]) -> list[Reading]:
        """Take in what is new, and tell of each column that goes on with time.

        Parameters
        ----------
        model : str
        pieces : sequence of (float, Profile)
            Pieces of the log by when they end, in the order of time.
        """
        if not any(window.newest for _, window in pieces):
            return []
        with self._alone():
            all_known = self._read()
            before = _clocks(all_known.get(model))
            known = dict(before)
            left_out: dict[str, int] = {}
            for at, window in pieces:
                for name, (value, beyond) in window.newest.items():
                    left_out[name] = left_out.get(name, 0) + beyond
                    if value is not None:
                        clock = known.get(name)
                        known[name] = clock.after(at, value, self._start) if clock else Clock.begin(at, value)
            with contextlib.suppress(NotWritable):  # it is seen again
                said = {name: clock.to_dict() for name, clock in known.items()}
                write_whole(self._file, json.dumps(all_known | {model: said}))
        return [
            known[name].reading(name, self._piece, left)
            for name, left in left_out.items()
            if name in known and known[name].goes_on
        ]

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Let another monitor wait, whose models are in the same file; on a disk that takes nothing there is nothing to lose."""
        lock = FileLock(self._file.with_suffix(".lock"), timeout=_WAIT)
        with contextlib.suppress(OSError, Timeout):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _read(self) -> dict[str, object]:
        with contextlib.suppress(OSError, ValueError, TypeError):
            return dict(json.loads(self._file.read_text()))
        return {}


def _clocks(said: object) -> dict[str, Clock]:
    """Read those of a model; what is of an earlier release is seen anew."""
    try:
        return {name: Clock.read(one) for name, one in said.items()} if isinstance(said, Mapping) else {}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def repeated(reference: Profile, window: Profile) -> Iterator[Reading]:
    """Tell whether the rows of a window are copies of one another, far more than those of the reference.

    So many as a reference of n rows has, or leaves open, may n others have; of more rows chance makes copies in proportion.
    """
    if window.repeats is None or reference.distinct is None or not window.rows:
        return
    share, rows = 1 - window.repeats.distinct, window.rows
    told = f"{100 * share:.0f}% of {rows:,} rows are copies of others"
    known = reference.distinct_rows
    usual = min(1.0, (1 - reference.distinct + _RULE_OF_THREE / max(1, known)) * max(1.0, rows / max(1, known)))
    if rows < _FEW or usual > _COPIES:
        why = f"{rows:,} rows are too few" if rows < _FEW else f"{told}, and so may be those of the reference"
        yield Reading("repeats", share, "none", "inconclusive", why)
        return
    more = share - usual
    level: Level = "major" if more >= 0.8 else "minor" if more >= _COPIES else "none"
    why = f"{told}, and in the reference {100 * (1 - reference.distinct):.0f}%"
    yield Reading("repeats", share, level, "fail" if level != "none" else "pass", why)
