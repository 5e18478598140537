"""What a segment says of itself: who wrote it, and which columns of the log lie in which of its own."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa

from . import types

UTC_TIME: Final = pa.timestamp("us", tz="UTC")
_KEY: Final = b"mlops.log"
_BLOCK: Final = "block."

Stored = tuple[list[str], pa.Array]
"""Columns of the log by their names, and the array that holds them: a fixed-size list is a block of several."""

REQUEST: Final = pa.schema(
    [
        ("id", pa.string()),
        ("time", UTC_TIME),
        ("arm", pa.string()),
        ("latency_ms", pa.float64()),
        ("tags", pa.string()),
    ]
)
"""What a segment has of every row, beside inputs and predictions."""

ALWAYS: Final = pa.schema(
    [
        *list(REQUEST)[:2],
        pa.field("endpoint", pa.string()),
        pa.field("model", pa.string()),
        pa.field("version", pa.int64()),
        *list(REQUEST)[2:],
    ]
)
"""What every log has, as it is read."""


@dataclass(frozen=True)
class Layout:
    """The part of a segment that is the same for all its rows.

    Attributes
    ----------
    endpoint, model : str
    version : int
    columns : list of str
        Inputs and predictions, in the order in which they are read.
    blocks : dict of str to list of str
        For each stored column that holds several, their names.
    """

    endpoint: str
    model: str
    version: int
    columns: list[str] = field(default_factory=list)
    blocks: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, schema: pa.Schema) -> Layout:
        """Read it from the schema of a segment."""
        return cls(**json.loads(schema.metadata[_KEY]))

    @staticmethod
    def is_in(schema: pa.Schema) -> bool:
        """Whether a schema is one of a segment."""
        return _KEY in (schema.metadata or {})

    def stored_in(self, column: str) -> str | None:
        """Name the stored column that holds this column of the log, or ``None``."""
        holder = next((stored for stored, names in self.blocks.items() if column in names), column)
        return holder if column in self.columns else None


def schema_of(layout: Layout, inputs: Sequence[str], stored: Sequence[Stored]) -> pa.Schema:
    """Make the schema of a segment that takes these columns."""
    fields = list(REQUEST)
    blocks: dict[str, list[str]] = {}
    outputs = []
    for number, (names, array) in enumerate(stored):
        name = names[0]
        if pa.types.is_fixed_size_list(array.type):
            name = f"{_BLOCK}{number}"
            blocks[name] = names
        fields.append(pa.field(name, array.type))
        outputs += [column for column in names if column not in inputs]
    said = Layout(layout.endpoint, layout.model, layout.version, [*inputs, *outputs], blocks)
    return pa.schema(fields, metadata={_KEY: json.dumps(asdict(said))})


def expanded(table: pa.Table, layout: Layout, wanted: Collection[str] | None = None) -> pa.Table:
    """Turn stored rows into rows of the log.

    Parameters
    ----------
    wanted : collection of str, optional
        Only these columns, as far as there are.
    """
    count = table.num_rows
    same = {"endpoint": layout.endpoint, "model": layout.model, "version": layout.version}
    unfolded: dict[str, np.ndarray[Any, Any]] = {}
    columns: dict[str, Any] = {}
    for name in [*ALWAYS.names, *layout.columns]:
        if wanted is not None and name not in wanted:
            continue
        if name in same:
            columns[name] = pa.repeat(pa.scalar(same[name], ALWAYS.field(name).type), count)
        elif (stored := layout.stored_in(name) or name) in layout.blocks:
            names = layout.blocks[stored]
            if stored not in unfolded:
                flat = types.whole(table[stored]).flatten().to_numpy(zero_copy_only=False)
                unfolded[stored] = flat.reshape(-1, len(names))
            columns[name] = pa.array(np.ascontiguousarray(unfolded[stored][:, names.index(name)]))
        else:
            columns[name] = table[stored]
    return pa.table(columns) if columns else pa.table({"": pa.nulls(count)}).drop_columns("")
