"""In which pieces of time labels have come: by that a window knows whether what was reckoned of it still holds.

A label may come for any row, however old, so the rows of labels that are new are looked up by their ids, once, and their pieces
marked. A window is reckoned again where one of its own pieces has been; never because a label came for another.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from ..disk import write_whole
from ..errors import NotWritable
from ..serving.log import labels, reader

_LENGTH: Final = 3600  # seconds of a piece: windows of minutes share one, which costs them no more than it did
_OVERLAP: Final = 60.0  # seconds in which a label may be written with the time of an earlier one: SQLite waits for 30
_EPOCH: Final = pa.int64()


class Arrivals:
    """The labels of one endpoint's log, by when was predicted what they are of.

    Parameters
    ----------
    log, folder : Path
        Where the prediction log lies, and where monitoring keeps what it has reckoned.
    """

    def __init__(self, log: Path, folder: Path) -> None:
        self._log, self._file = log, folder / "performance" / "labels.json"
        self.state = labels.state(log)
        """What changes whenever a label is written."""
        self._pieces: dict[int, str] | None = None

    def of(self, start: float, end: float) -> str:
        """Give what changes whenever a label comes for something that was predicted between two moments."""
        if self._pieces is None:
            self._pieces = self._marked()
        first = math.floor(start / _LENGTH) * _LENGTH
        marks = [self._pieces[place] for place in range(first, math.ceil(end), _LENGTH) if place in self._pieces]
        return hashlib.sha256(" ".join(marks).encode()).hexdigest()[:16] if marks else ""

    def _marked(self) -> dict[int, str]:
        """Read the marks, with those of labels that have come since they were written."""
        state, seen, pieces = "", 0.0, dict[int, str]()
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):  # it is found again, by all labels
            said = json.loads(self._file.read_text())
            state, seen = str(said["state"]), float(said["seen"])
            pieces = {int(place): str(mark) for place, mark in said["pieces"].items()}
        if state == self.state or not self.state:
            return pieces
        if ids := labels.since(self._log, seen - _OVERLAP):
            rows = reader.read(self._log, ids=ids, columns=["time", "labelled"])
            times, came = (rows[name].cast(_EPOCH).to_numpy() / 1e6 for name in ("time", "labelled"))
            pieces |= {int(place): self.state for place in np.unique(times // _LENGTH * _LENGTH)}
            seen = max(seen, float(np.nanmax(came, initial=0.0)))
        with contextlib.suppress(NotWritable):
            write_whole(self._file, json.dumps({"state": self.state, "seen": seen, "pieces": pieces}))
        return pieces
