"""In which pieces of time labels have come: by that a window knows whether what was reckoned of it still holds.

A label may come for any row, however old, so the rows of labels that are new are looked up by their ids, once, and their pieces
marked. A window is reckoned again where one of its own pieces has been; never because a label came for another. Which labels are new
is by the number of their write and not by the clock, which may have been ahead.
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
_EPOCH: Final = pa.int64()


class Arrivals:
    """The labels of one endpoint's log, by when was predicted what they are of.

    Parameters
    ----------
    log, folder : Path
        Where the prediction log lies, and where monitoring keeps what it has reckoned.
    before : float
        Up to when windows are not kept any more, in seconds since the epoch: nor is when their labels came.
    """

    def __init__(self, log: Path, folder: Path, before: float = 0.0) -> None:
        self._log, self._file, self._before = log, folder / "performance" / "labels.json", before
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
        state, mark, pieces = "", "", dict[int, str]()
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):  # it is found again, by all labels
            said = json.loads(self._file.read_text())
            state, mark = str(said["state"]), str(said["mark"])
            pieces = {int(place): str(when) for place, when in said["pieces"].items()}
        if state == self.state or not self.state:
            return pieces
        ids, mark = labels.since(self._log, mark)
        if ids:
            times = reader.read(self._log, ids=ids, columns=["time"])["time"].cast(_EPOCH).to_numpy() / 1e6
            pieces |= {int(place): self.state for place in np.unique(times // _LENGTH * _LENGTH)}
        pieces = {place: when for place, when in pieces.items() if place + _LENGTH > self._before}
        with contextlib.suppress(NotWritable):
            write_whole(self._file, json.dumps({"state": self.state, "mark": mark, "pieces": pieces}))
        return pieces
