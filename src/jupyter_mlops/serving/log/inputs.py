"""The rows of requests as columns of the log: ``input.NAME``, typed as the model's signature says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from ..model.columns import Column
from ..model.signature import ColumnSchema, Rows, Schema, TensorSchema
from . import cells
from .layout import Stored
from .privacy import Privacy

PREFIX: Final = "input."
"""Before the name of each of the model's columns, so that none can be taken for one of ours."""
TENSOR: Final = "input"
"""The one column of a model that takes an array."""


class Inputs:
    """Turns checked rows into stored columns.

    Numbers of one type lie together in one block, row by row: a request then costs one column and not thirty,
    to write as well as to read.

    Raises
    ------
    InvalidUsage
        Where a personal column is none of the model's.
    """

    def __init__(self, schema: Schema, privacy: Privacy) -> None:
        privacy.check(names_of(schema))
        self._tensor = schema if isinstance(schema, TensorSchema) else None
        self._blocks: dict[np.dtype[Any], list[int]] = {}
        self._singles: list[tuple[int, Callable[[Any], pa.Array]]] = []
        self._labels = unique([PREFIX + name for name in names_of(schema)])
        self.names: list[str] = [TENSOR] if self._tensor else []
        """The columns of the log, in the model's order."""
        for place, (name, column) in enumerate(zip(names_of(schema), columns_of(schema), strict=True)):
            if name in privacy.drop:
                continue
            self.names.append(self._labels[place])
            if name in privacy.hash:
                self._singles.append((place, privacy.hashed))
            elif column.dtype.kind == "f" or (column.dtype.kind in "iu" and column.required):
                self._blocks.setdefault(column.dtype, []).append(place)
            else:
                self._singles.append((place, _converter(column)))
        whole = list(range(len(self._labels)))
        self._is_one_block = list(self._blocks.values()) == [whole]

    def columns(self, rows: Rows) -> list[Stored]:
        """Convert the rows of a batch.

        Parameters
        ----------
        rows : DataFrame of shape (n_rows, n_columns), or array of shape (n_rows, …)
        """
        if self._tensor:
            return [([TENSOR], _tensor(np.asarray(rows), self._tensor.cell))]
        if self._is_one_block:
            (dtype,) = self._blocks
            return [(self._labels, cells.block(np.asarray(rows, dtype)))]
        if not isinstance(rows, pd.DataFrame):  # a model that takes a frame of doubles as an array
            rows = pd.DataFrame(rows)
        given = [column for _, column in rows.items()]
        stored: list[Stored] = []
        for dtype, places in self._blocks.items():
            values = np.empty((len(rows), len(places)), dtype)
            for number, place in enumerate(places):
                values[:, number] = given[place]
            stored.append(([self._labels[place] for place in places], cells.block(values)))
        stored += [([self._labels[place]], convert(given[place].array)) for place, convert in self._singles]
        return stored


def names_of(schema: Schema) -> list[str]:
    """List a model's columns by name, or by number where they have none; an array has no columns."""
    return [str(number if column.name is None else column.name) for number, column in enumerate(columns_of(schema))]


def columns_of(schema: Schema) -> Sequence[Column]:
    """List the columns of a signature."""
    return schema.columns if isinstance(schema, ColumnSchema) else ()


def unique(names: Sequence[str]) -> list[str]:
    """Tell doubled names apart: the second ``a`` is ``a (2)``."""
    found: dict[str, None] = {}
    for name in names:
        again, number = name, 1
        while again in found:
            number += 1
            again = f"{name} ({number})"
        found[again] = None
    return list(found)


def _converter(column: Column) -> Callable[[Any], pa.Array]:
    match column.dtype.kind:
        case "b":
            return lambda given: pa.array(given, pa.bool_(), from_pandas=True)
        case "i" | "u":
            kind = pa.from_numpy_dtype(column.dtype)
            return lambda given: pa.array(given, kind, from_pandas=True)
        case "U":
            return cells.text
        case "S":
            return lambda given: pa.array(given, pa.binary(), from_pandas=True)
        case "M":
            return lambda given: pa.array(given, pa.timestamp("ns"), from_pandas=True)
    return cells.as_json


def _tensor(array: np.ndarray[Any, Any], cell: Column) -> pa.Array:
    flat = array.reshape(-1)
    if cell.dtype.kind == "f" or flat.dtype.kind in "biuf":
        return cells.nested(cells.column(flat), array.shape)
    return cells.nested(_converter(cell)(flat), array.shape)
