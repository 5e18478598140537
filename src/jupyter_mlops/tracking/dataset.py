"""What a run says of its data: name, size, schema and a digest of every value."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from ..frames import as_frame


@dataclass(frozen=True)
class Dataset:
    """The data of a run.

    Attributes
    ----------
    name : str
        The name of the variable or file.
    rows, columns : int
    digest : str
        16 hex digits over every value, with names, types and order.
    schema : list of (str, str)
        Names and types of the columns.
    """

    name: str
    rows: int
    columns: int
    digest: str
    schema: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return f"{self.name} · {self.rows:,} × {self.columns:,} · {self.digest[:8]}"

    @property
    def schema_json(self) -> str:
        """The schema as MLflow's UI shows it."""
        return json.dumps(
            {"mlflow_colspec": [{"name": name, "type": kind, "required": True} for name, kind in self.schema]}
        )


def describe(data: Any, name: str) -> Dataset:
    """Describe a table; see ``frames.as_frame`` for what is one."""
    frame = as_frame(data)
    schema = tuple((str(column), str(kind)) for column, kind in zip(frame.columns, frame.dtypes, strict=True))
    return Dataset(name, len(frame), len(frame.columns), _digest(frame, schema), schema)


def _digest(frame: Any, schema: tuple[tuple[str, str], ...]) -> str:
    import pandas as pd

    digest = hashlib.sha256(json.dumps(schema).encode())
    for place in range(len(frame.columns)):
        column = frame.iloc[:, place]
        try:
            hashes = pd.util.hash_pandas_object(column, index=False)
        except TypeError:  # lists, dicts and other objects in cells
            hashes = pd.util.hash_pandas_object(column.map(repr), index=False)
        digest.update(hashes.to_numpy().tobytes())
    return digest.hexdigest()[:16]
