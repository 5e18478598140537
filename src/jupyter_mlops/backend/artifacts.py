"""Files that a run has left on the server."""

from __future__ import annotations

import posixpath
import tempfile
from pathlib import Path

from .adapter import Mlflow

_MOST = 20_000_000  # bytes; a text that a person or a program of ours wrote is far smaller


def read_text(mlflow: Mlflow, run_id: str, path: str) -> str | None:
    """Read a text file of a run.

    Parameters
    ----------
    mlflow : Mlflow
    run_id : str
    path : str
        Within the run's artifacts: ``snapshot/snapshot.json``.

    Returns
    -------
    str or None
        ``None`` where there is no such file, or it is no text.
    """
    found = read_bytes(mlflow, run_id, path)
    try:
        return None if found is None else found.decode()
    except UnicodeDecodeError:
        return None


def read_bytes(mlflow: Mlflow, run_id: str, path: str) -> bytes | None:
    """Read a file of a run; None where there is no such file."""
    listed = mlflow.read("list_artifacts", run_id, posixpath.dirname(path) or None)
    if not any(file.path == path and not file.is_dir and (file.file_size or 0) <= _MOST for file in listed):
        return None
    with tempfile.TemporaryDirectory(prefix="mlops-artifact-") as folder:
        return Path(mlflow.read("download_artifacts", run_id, path, folder)).read_bytes()
