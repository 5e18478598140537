"""Hidden state: what a run has used that the notebook, run from top to bottom, would not give it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .executed import Cell, needed
from .notebook import Notebook


@dataclass(frozen=True)
class Hidden:
    """Names that come from somewhere else than the notebook says.

    Attributes
    ----------
    names : tuple of str
    number : int
        The execution that they are from, as in ``In [3]``.
    why : str
    """

    names: tuple[str, ...]
    number: int
    why: str

    def __str__(self) -> str:
        return f"{', '.join(self.names)} from In [{self.number}], {self.why}"


def hidden_state(cells: Sequence[Cell], target: Cell, notebook: Notebook | None) -> list[Hidden]:
    """Look for hidden state behind a cell.

    Parameters
    ----------
    cells : sequence of Cell
        All that were run, in order.
    target : Cell
        The one that is the run.
    notebook : Notebook, optional
        As it was saved; without it, only cells that ran twice or failed can be told.
    """
    before = needed(cells, target)
    found = [*_failed(before, target), *_ran_twice(before)]
    # Where it has none of the cells, it is another notebook than this one.
    if notebook is not None and any(notebook.place(cell.source) is not None for cell in [*cells, target]):
        found += _gone(before, target, notebook)
        found += _out_of_order([*before, target], notebook)
    return found


def _failed(cells: Sequence[Cell], target: Cell) -> Iterator[Hidden]:
    """Find cells that have failed after they had given a name: the notebook would stop there."""
    for cell in cells:
        if cell.failed and (names := _read_after(cells, target, cell)):
            yield Hidden(names, cell.number, "which was interrupted" if cell.interrupted else "which failed")


def _read_after(cells: Sequence[Cell], target: Cell, cell: Cell) -> tuple[str, ...]:
    """Name what a cell has given, as far as a later one reads it."""
    later = [each.names for each in [*cells, target] if each.number > cell.number]
    read = frozenset().union(*(names.used | names.later | names.changed for names in later))
    return tuple(sorted(cell.given & read))


def _ran_twice(cells: Sequence[Cell]) -> Iterator[Hidden]:
    """Find cells that make something of itself, and ran more than once: ``x = x * 2``."""
    last = {cell.source.strip(): cell for cell in cells}
    for source, cell in last.items():
        own = cell.names.grown
        count = sum(each.source.strip() == source for each in cells)
        if own and count > 1 and not _starts_anew(cells, cell, own):
            yield Hidden(tuple(sorted(own)), cell.number, f"which ran {count} times and builds on itself")


def _starts_anew(cells: Sequence[Cell], cell: Cell, own: frozenset[str]) -> bool:
    """Whether what a cell builds on was given afresh before each time it ran."""
    runs = [each.number for each in cells if each.source.strip() == cell.source.strip()]
    return all(
        any(first < each.number < second and own <= each.surely for each in cells)
        for first, second in itertools.pairwise(runs)
    )


def _gone(cells: Sequence[Cell], target: Cell, notebook: Notebook) -> Iterator[Hidden]:
    """Find cells that the notebook no longer has; one that was run after it was saved may only not be saved yet."""
    for cell in cells:
        names = _read_after(cells, target, cell)
        if names and notebook.place(cell.source) is None and cell.at < notebook.saved:
            yield Hidden(names, cell.number, "which is no longer in the notebook")


def _out_of_order(cells: Sequence[Cell], notebook: Notebook) -> Iterator[Hidden]:
    """Find cells that ran before one that needs them, and stand below it."""
    for number, cell in enumerate(cells):
        place = notebook.place(cell.source)
        if place is None:
            continue
        for earlier in cells[:number]:
            above = notebook.place(earlier.source)
            names = earlier.given & (cell.names.used | cell.names.later)
            if (
                above is not None
                and above > place
                and names
                and not _given_again(cells[:number], earlier, names, place, notebook)
            ):
                yield Hidden(
                    tuple(sorted(names)), earlier.number, f"which stands below In [{cell.number}] but ran before it"
                )


def _given_again(cells: Sequence[Cell], by: Cell, names: frozenset[str], place: int, notebook: Notebook) -> bool:
    """Whether a cell that stands where it should has given the names anew after that."""
    return any(
        each.number > by.number and names <= each.surely and (notebook.place(each.source) or 0) <= place
        for each in cells
    )
