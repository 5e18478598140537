"""The data of a run: name, size, schema, where it came from, and a digest of every value."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ..backend import experiments
from ..fingerprint import Fingerprint, fingerprint

_MOST_COLUMNS = 5000  # what MLflow keeps of a schema is 1 MB; the digest covers all columns


@dataclass(frozen=True)
class Dataset:
    """The data of a run.

    Attributes
    ----------
    name : str
        The name of the variable or file.
    role : str
        What it was to the run: ``data`` as it was named, ``features`` or ``target`` as the estimator had them.
    rows : int
    digest : str
        32 hex digits over every value, with names, types and order; see ``fingerprint``.
    columns : tuple of (str, str, str)
        Name, type and digest of each; of personal ones no digest.
    """

    name: str
    role: str
    rows: int
    digest: str
    columns: tuple[tuple[str, str, str], ...]

    def __str__(self) -> str:
        return f"{self.name} · {self.rows:,} × {len(self.columns):,} · {self.digest[:8]}"

    def to_dict(self) -> dict[str, Any]:
        """Give plain data, to be kept with the run."""
        return {
            "name": self.name,
            "role": self.role,
            "rows": self.rows,
            "digest": self.digest,
            "columns": [list(column) for column in self.columns[:_MOST_COLUMNS]],
        }

    def as_input(self, tags: Mapping[str, str]) -> Any:
        """Give MLflow's entity; ``tags`` are those of the run, as its source."""
        kept = self.columns[:_MOST_COLUMNS]
        schema = {"mlflow_colspec": [{"name": name, "type": kind, "required": True} for name, kind, _ in kept]}
        profile = {"num_rows": self.rows, "num_elements": self.rows * len(self.columns)}
        source = {key: value for key, value in tags.items() if key.startswith("mlflow.source.")}
        entities = experiments.entities()
        dataset = entities.Dataset(
            name=self.name[:500],
            digest=self.digest,
            source_type="code",
            source=json.dumps({"tags": source}),
            schema=_within(json.dumps(schema)),
            profile=json.dumps(profile),
        )
        context = {"data": "training", "features": "fitted features", "target": "fitted target"}[self.role]
        return entities.DatasetInput(dataset, [entities.InputTag("mlflow.data.context", context)])


def describe(data: Any, name: str, role: str = "data", personal: Collection[str] = ()) -> Dataset:
    """Describe a table; see ``fingerprint`` for what is one, and ``of_fingerprint`` for the rest.

    Raises
    ------
    InvalidUsage
        Where it is no table.
    """
    return of_fingerprint(fingerprint(data), name, role, personal)


def of_fingerprint(found: Fingerprint, name: str, role: str, personal: Collection[str] = ()) -> Dataset:
    """Describe a table whose fingerprint was taken already.

    The digests of personal columns are left out: who has a few guesses at a short column could try them. They still
    count in that of the whole.
    """
    columns = tuple((column, kind, "" if column in personal else digest) for column, kind, digest in found.columns)
    return Dataset(name, role, found.rows, found.digest, columns)


def _within(schema: str) -> str | None:
    """Leave out a schema that MLflow would refuse."""
    return schema if len(schema) < 1_000_000 else None
