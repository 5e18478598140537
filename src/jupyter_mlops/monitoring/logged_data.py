"""The rows that a run was given, where a file on this machine still holds them: a version without a profile gets one from them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from ..backend import datasets, runs
from ..errors import MlopsError
from ..frames import READERS, read_file
from ..workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

_MOST_BYTES: Final = 2_000_000_000  # of a file: to know that it is as it was takes reading it whole
_NOT_OF_THE_FIT: Final = ("target", "test", "valid", "eval", "predict")
_other: set[tuple[Path, str, tuple[int, ...]]] = set()


@dataclass(frozen=True)
class Logged:
    """What a run has logged of its data.

    Attributes
    ----------
    name : str
        What it was called there: a variable, or a file.
    frame : DataFrame, optional
        Its rows, where a file still holds them as they were.
    why : str
        Why they can't be had, where it was a file.
    can_be_given : bool
        Whether it is worth giving by its name: not where it has changed, or is gone.
    """

    name: str
    frame: pd.DataFrame | None = None
    why: str = ""
    can_be_given: bool = True


def of_run(workspace: Workspace, run_id: str) -> Logged | None:
    """Find the data of a run; None where it has logged none.

    A file is used only where its digest is the one that was logged: ours, or that of MLflow's own data sets. What has changed
    since is another reference.
    """
    run = runs.by_ids(workspace.mlflow, [run_id]).get(run_id)
    found = [_found(workspace, dataset) for dataset in _in_order(run)] if run is not None else []
    return next((one for one in found if one.frame is not None), found[0] if found else None)


def _in_order(run: Any) -> Iterator[Any]:
    """Give the data that a model may have been fitted on, what is named so first."""
    given = [(dataset, context.lower()) for dataset, context in runs.data_of(run)]
    usable = [(dataset, context) for dataset, context in given if not any(word in context for word in _NOT_OF_THE_FIT)]
    return (dataset for dataset, _ in sorted(usable, key=lambda one: "fitted" not in one[1]))


def _found(workspace: Workspace, dataset: Any) -> Logged:
    name, digest = str(dataset.name), str(dataset.digest)
    path = _path(dataset)
    if path is None or path.suffix.lower() not in READERS:
        return Logged(name)
    file = path if path.is_absolute() else workspace.root / path
    said = str(path)
    try:
        facts = file.stat()
        if facts.st_size > _MOST_BYTES:
            return Logged(said, why="is too large to be read unasked")
        if not file.is_file():
            return Logged(said, why="is no file", can_be_given=False)
        frame = _as_it_was(file, digest, facts.st_mtime_ns, facts.st_size)
    except FileNotFoundError:
        return Logged(said, why="is not on this machine any more", can_be_given=False)
    except OSError as error:
        return Logged(said, why=f"can't be read: {error.strerror}", can_be_given=False)
    except MlopsError as error:
        return Logged(said, why=f"can't be read: {error.message}", can_be_given=False)
    return Logged(said, frame) if frame is not None else Logged(said, why="has changed since", can_be_given=False)


def _path(dataset: Any) -> Path | None:
    """Give the file that a data set came from: MLflow's by its source, ours where it was given as a file."""
    if str(dataset.source_type) == "code":
        return Path(str(dataset.name))
    if str(dataset.source_type) != "local":
        return None
    try:
        uri = str(json.loads(dataset.source)["uri"])
    except (ValueError, KeyError, TypeError):
        return None
    parts = urlsplit(uri)
    return Path(unquote(parts.path)) if parts.scheme == "file" else Path(uri) if not parts.scheme else None


def _as_it_was(file: Path, digest: str, *state: int) -> pd.DataFrame | None:
    """Read a file whose rows have a digest; one that has another is read once for each state of it (its time and size)."""
    from ..fingerprint import fingerprint

    if (file, digest, state) in _other:
        return None
    frame = read_file(file)
    if digest in (fingerprint(frame).digest, datasets.digest(frame)):
        return frame
    _other.add((file, digest, state))
    return None
