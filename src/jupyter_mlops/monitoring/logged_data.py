"""The rows that a run was given, where a file on this machine still holds them: a version without a profile gets one from them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
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


@dataclass(frozen=True)
class Logged:
    """What a run has logged of its data.

    Attributes
    ----------
    name : str
        What it was called there: a variable, or a file.
    file : Path, optional
        Where it lies, as it was.
    why : str
        Why it can't be read, where that is so.
    """

    name: str
    file: Path | None = None
    why: str = ""

    def frame(self) -> pd.DataFrame:
        """Read it."""
        assert self.file is not None
        return read_file(self.file)


def of_run(workspace: Workspace, run_id: str) -> Logged | None:
    """Find the data of a run; None where it has logged none.

    A file is used only where its digest is the one that was logged: ours, or that of MLflow's own data sets. What has changed
    since is another reference.
    """
    run = runs.by_ids(workspace.mlflow, [run_id]).get(run_id)
    found = [_found(workspace, dataset) for dataset in _in_order(run)] if run is not None else []
    return next((one for one in found if one.file is not None), found[0] if found else None)


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
        if not file.is_file() or facts.st_size > _MOST_BYTES:
            return Logged(said, why="is no file, or too large to be read whole")
        same = _is_same(file, digest, facts.st_mtime_ns, facts.st_size)
    except OSError:
        return Logged(said, why="is not on this machine any more")
    except MlopsError as error:
        return Logged(said, why=f"can't be read: {error.message}")
    return Logged(said, file) if same else Logged(said, why="has changed since")


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


@lru_cache(maxsize=32)
def _is_same(file: Path, digest: str, changed: int, size: int) -> bool:
    """Whether the rows of a file have a digest; looked at once for each state of the file (``changed``, ``size``)."""
    from ..fingerprint import fingerprint

    frame = read_file(file)
    return digest in (fingerprint(frame).digest, datasets.digest(frame))
