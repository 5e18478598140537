"""The cells that this kernel has run, in order, and which of them another one needs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .names import Names


@dataclass(frozen=True)
class Cell:
    """A cell that was run.

    Attributes
    ----------
    number : int
        Its execution count, as in ``In [3]``.
    source : str
        As it was typed.
    at : float
        When it ended, in seconds since the epoch; 0 where that is not known.
    failed : bool
        It has raised an error; what it had bound until then is there.
    interrupted : bool
        Somebody has stopped it: it can't be told where.
    """

    number: int
    source: str
    at: float = 0.0
    failed: bool = False
    interrupted: bool = False

    @cached_property
    def names(self) -> Names:
        """What it needs, gives and changes."""
        return Names.of(self.source)

    @property
    def given(self) -> frozenset[str]:
        """What may be another value after it."""
        return self.names.bound | self.names.changed

    @property
    def surely(self) -> frozenset[str]:
        """What it gives whatever was there before; one that failed may not have come to it."""
        return frozenset() if self.failed else self.names.surely


def needed(cells: Sequence[Cell], target: Cell) -> list[Cell]:
    """Choose the cells that a cell needs by its names, in the order in which they ran.

    Read backwards: a cell is needed that gives or changes a name that is needed after it.
    """
    earlier = [cell for cell in cells if cell.number < target.number]
    return _chosen(earlier, target, lambda cell: cell.names.anything)


def repeated(cells: Sequence[Cell], target: Cell) -> list[Cell]:
    """Choose the cells to run before a cell so that it finds what it found: all but those that provably don't matter.

    One is left out that gives no name that is read after it and only calls what is known to look, such as
    ``frame.describe()``. One too many costs time, one too few the result.
    """
    earlier = [cell for cell in cells if cell.number < target.number and not cell.interrupted]
    seeded = any(cell.names.seeds for cell in earlier)
    chosen = _chosen(earlier, target, lambda cell: cell.names.acts or (seeded and cell.names.draws))
    if any(cell.names.reads_anything for cell in [*chosen, target]):
        return [cell for cell in earlier if cell in chosen or cell.given]
    return chosen


def _chosen(earlier: Sequence[Cell], target: Cell, always: Callable[[Cell], bool]) -> list[Cell]:
    chosen = [target]
    while True:
        # What a function reads is looked up when it is called: a cell below the function may have given it.
        late = frozenset().union(*(cell.names.later for cell in chosen))
        before, chosen = chosen, [*_backwards(earlier, target.names.used | late, always), target]
        if len(chosen) == len(before):
            return chosen[:-1]


def _backwards(earlier: Sequence[Cell], names: frozenset[str], always: Callable[[Cell], bool]) -> list[Cell]:
    wanted = set(names)
    chosen: list[Cell] = []
    for cell in reversed(earlier):
        if always(cell) or wanted & cell.given:
            chosen.append(cell)
            wanted -= cell.surely
            wanted |= cell.names.used
    return chosen[::-1]


class Recorder:
    """Note when each cell ended, and whether it failed: IPython's history does not say."""

    def __init__(self) -> None:
        self._ended: dict[int, tuple[float, bool, bool]] = {}

    def __call__(self, result: Any) -> None:
        """Take note; IPython calls this after each cell."""
        if result.info is not None and result.info.store_history and result.execution_count:
            interrupted = isinstance(result.error_in_exec, KeyboardInterrupt)
            self._ended[result.execution_count] = time.time(), not result.success, interrupted

    def cells(self, ip: Any) -> list[Cell]:
        """List the cells so far, the running one last."""
        sources = ip.history_manager.input_hist_raw
        return [
            Cell(number, source, *self._ended.get(number, ()))
            for number, source in enumerate(sources)
            if number and source.strip()
        ]


recorder = Recorder()
