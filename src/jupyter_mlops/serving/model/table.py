"""The rows of a request as they came: cells of Python's types row by row, or arrays column by column."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from .columns import RequestRefused


@dataclass(frozen=True)
class Table:
    """The rows of a request as they came.

    Parameters
    ----------
    names : list of str or None
        The names of the columns; None where the request gives none, and their order counts.
    rows : sequence
        One sequence of cells a row. For a tensor, whatever nested lists came.
    text : bool
        Whether all cells are text, as in CSV: ``"2"`` is a number there, and ``""`` is null.
    """

    names: list[str] | None
    rows: Sequence[Any]
    text: bool = False

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Table:
        """Take a frame of the user's; whatever pandas knows as missing is null."""
        cells = (frame.iloc[:, i] for i in range(frame.shape[1]))
        columns = [cell.astype(object).where(cell.notna(), None).tolist() for cell in cells]
        return cls([str(name) for name in frame.columns], list(zip(*columns, strict=True)))

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def together(cls, tables: Sequence[Table]) -> Table:
        """Put the rows of several requests under each other; all name their columns in the same way."""
        first = tables[0]
        return first if len(tables) == 1 else cls(first.names, [row for t in tables for row in t.rows], first.text)

    @property
    def kind(self) -> Hashable:
        """What tables have in common that can be put under each other."""
        first = self.rows[0]
        width = len(first) if isinstance(first, list | tuple) else None
        return None if self.names is None else tuple(self.names), width, self.text

    def columns(self) -> list[tuple[Any, ...]]:
        """Turn the rows into columns; a list of bare values is one column."""
        rows = self.rows
        if not any(isinstance(row, list | tuple) for row in rows):
            rows = [(cell,) for cell in rows]
        width = width_of(rows)
        if self.names is not None and width != len(self.names):
            raise RequestRefused(
                "RAGGED_ROWS", f"The rows have {width} values, but there are {len(self.names)} names of columns."
            )
        return list(zip(*rows, strict=True))


@dataclass(frozen=True)
class Arrays:
    """The rows of a request whose cells have the types of arrays: a protocol's tensors, or columns of Arrow.

    Parameters
    ----------
    names : list of str or None
        The names of the columns; None where their order counts.
    arrays : list of array of shape (n_rows, …)
        One for each column, or a single one of more dimensions for a model that takes a tensor.
    """

    names: list[str] | None
    arrays: list[np.ndarray[Any, Any]]
    text: ClassVar[bool] = False

    def __len__(self) -> int:
        return len(self.arrays[0]) if self.arrays else 0

    @classmethod
    def together(cls, tables: Sequence[Arrays]) -> Arrays:
        """Put the rows of several requests under each other; all are of one kind."""
        first = tables[0]
        if len(tables) == 1:
            return first
        return cls(first.names, [np.concatenate(same) for same in zip(*(t.arrays for t in tables), strict=True)])

    @property
    def kind(self) -> Hashable:
        """What they have in common that can be put under each other."""
        types = tuple((array.dtype, array.shape[1:]) for array in self.arrays)
        return None if self.names is None else tuple(self.names), types

    def columns(self) -> list[np.ndarray[Any, Any]]:
        """Give the columns."""
        return self.arrays

    def tensor(self, dimensions: int) -> np.ndarray[Any, Any]:
        """Make one array of them; columns lie beside each other in it."""
        first = self.arrays[0]
        if len(self.arrays) == 1 and (first.ndim > 1 or dimensions == 1):
            return first
        same = len({array.dtype for array in self.arrays}) == 1
        # As objects: in the type that holds both, whole numbers beside fractions would lose their last digits.
        return np.stack(self.arrays if same else [array.astype(object) for array in self.arrays], axis=1)


Sent = Table | Arrays
"""The rows of a request as they came."""


def width_of(rows: Sequence[Any]) -> int:
    """Give the one length that all rows have."""
    # -1 is a row that is no list
    widths = {len(row) if isinstance(row, list | tuple) else -1 for row in rows}
    if len(widths) > 1 or -1 in widths:
        raise RequestRefused("RAGGED_ROWS", "Every row must be a list, and all of one length.")
    return widths.pop()
