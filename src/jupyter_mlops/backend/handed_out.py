"""Files that the MLflow server itself hands out, fetched without MLflow's client.

The process that looks after an endpoint fetches a version in the middle of traffic: importing the client would take two
seconds of a processor that answers requests, and four times the memory that the process needs.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import quote

from ..errors import BackendUnreachable
from .adapter import Mlflow

_LOGGED: Final = "models:/m-"
_HANDED_OUT: Final = "mlflow-artifacts:/"
_FILES: Final = "mlflow-artifacts/artifacts"


def fetch(mlflow: Mlflow, source: str, into: Path) -> Path | None:
    """Fetch the files of a version into a folder that is not there yet.

    Parameters
    ----------
    mlflow : Mlflow
    source : str
        Where the registry says they are.
    into : Path

    Returns
    -------
    Path or None
        None where they lie somewhere else, such as in a bucket: MLflow's client knows how to get them.

    Raises
    ------
    NotFound
        Where the server knows of no such model.
    """
    if source.startswith(_LOGGED):
        told = mlflow.rest("GET", f"mlflow/logged-models/{source.removeprefix('models:/')}")
        source = str(told["model"]["info"]["artifact_uri"])
    if not source.startswith(_HANDED_OUT) or source.startswith(f"{_HANDED_OUT}/"):
        return None
    _fetch(mlflow, source.removeprefix(_HANDED_OUT).strip("/"), into)
    return into


def _fetch(mlflow: Mlflow, path: str, into: Path) -> None:
    into.mkdir(parents=True)
    for file in mlflow.rest("GET", _FILES, path=path).get("files", []):
        name = PurePosixPath(file["path"]).name
        if name in ("", "..") or "\\" in name:
            raise BackendUnreachable(f"The server names a file {name!r}, which can't be one.")
        if file.get("is_dir"):
            _fetch(mlflow, f"{path}/{name}", into / name)
            continue
        mlflow.save(f"{_FILES}/{quote(f'{path}/{name}')}", into / name)
        if (got := (into / name).stat().st_size) != int(file.get("file_size", got)):
            message = f"Of {path}/{name} came {got} bytes in place of {file['file_size']}."
            raise BackendUnreachable(message, "try again: the server may have been stopped meanwhile")
