"""What the run of a version tells of how it was made, and the runs that have made it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..backend import artifacts, runs
from ..backend.adapter import Mlflow
from ..entities import DURATION
from ..errors import NotFound

_FOLDER: Final = "snapshot"
_MANIFEST: Final = f"{_FOLDER}/snapshot.json"


@dataclass(frozen=True)
class Again:
    """A run that was made to repeat another one."""

    run_id: str
    metrics: Mapping[str, float]
    digests: frozenset[str]


@dataclass(frozen=True)
class Provenance:
    """How a version was made, by its run.

    Attributes
    ----------
    run_id : str
        Empty where the version has none.
    is_there : bool
        Whether the server still has it.
    digests : tuple of str
        Of the data that it was trained on.
    metrics : mapping of str to float
    manifest : mapping
        Of its snapshot, as ``tracking.snapshot`` writes it; empty where it has none.
    files : frozenset of str
        The names of the snapshot's files.
    again : Again, optional
        The newest run that has repeated it to its end.
    """

    run_id: str = ""
    is_there: bool = False
    digests: tuple[str, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    manifest: Mapping[str, Any] = field(default_factory=dict)
    files: frozenset[str] = frozenset()
    again: Again | None = None

    @property
    def ref(self) -> str:
        """The run, as people type it."""
        return f"run:{self.run_id[:8]}"

    @property
    def answers(self) -> Mapping[str, Any] | None:
        """What the model has answered when it was fitted."""
        found = self.manifest.get("answers")
        return found if isinstance(found, Mapping) else None


def of_run(mlflow: Mlflow, run_id: str) -> Provenance:
    """Read it from the server."""
    if not run_id:
        return Provenance()
    try:
        run = mlflow.read("get_run", run_id)
    except NotFound:
        return Provenance(run_id)
    text = artifacts.read_text(mlflow, run_id, _MANIFEST)
    listed = mlflow.read("list_artifacts", run_id, _FOLDER) if text else []
    return Provenance(
        run_id,
        run.info.lifecycle_stage != "deleted",
        tuple(_digests(run)),
        _metrics(run),
        _read(text),
        frozenset(file.path.rpartition("/")[2] for file in listed),
        _again(mlflow, run_id, _read(text)),
    )


def _again(mlflow: Mlflow, run_id: str, manifest: Mapping[str, Any]) -> Again | None:
    """Find the newest one; of a cell that begins several runs, the one in the same place."""
    finished: dict[str, list[tuple[tuple[int, ...], Any]]] = {}
    for run in runs.that_repeat(mlflow, run_id):
        attempt, _, place = run.data.tags[runs.REPRODUCES].partition(" ")[2].partition(" ")
        words = place.split(".")
        if run.info.status == "FINISHED" and len(words) == 2 and all(word.isdecimal() for word in words):
            finished.setdefault(attempt, []).append((tuple(map(int, words)), run))
    for made in finished.values():  # the newest first; the cells before its own may have begun runs, too
        last = max(numbers[0] for numbers, _ in made)
        for numbers, run in made:
            if numbers == (last, manifest.get("ordinal") or 0):
                return Again(run.info.run_id, _metrics(run), frozenset(_digests(run)))
    return None


def _digests(run: Any) -> list[str]:
    return [str(dataset.digest) for dataset, _ in runs.data_of(run)]


def _metrics(run: Any) -> dict[str, float]:
    return {name: value for name, value in run.data.metrics.items() if name != DURATION}


def _read(text: str | None) -> Mapping[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}
