"""The files of a version: of those that the MLflow server itself hands out, without MLflow's client.

The process that looks after an endpoint fetches a version in the middle of traffic: importing the client would take two
seconds of a processor that answers requests, and four times the memory that the process needs.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from ..entities import typed
from ..errors import BackendUnreachable, NotFound
from .adapter import Mlflow
from .versions import Named

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

_LOGGED: Final = "models:/m-"
_HANDED_OUT: Final = "mlflow-artifacts:/"
_FILES: Final = "mlflow-artifacts/artifacts"


def download(mlflow: Mlflow, model_version: ModelVersion | Named, into: Path) -> Path:
    """Fetch the files of a version into a folder, and give the one with its ``MLmodel``.

    Raises
    ------
    NotFound
        Where they are missing on the server.
    """
    into.mkdir(parents=True, exist_ok=True)
    try:
        if (fetched := fetch(mlflow, str(model_version.source), into / "model")) is not None:
            if not (fetched / "MLmodel").is_file():
                raise gone(model_version)
            return fetched
    except NotFound:
        raise gone(model_version) from None
    if not _has_files(mlflow, model_version):  # MLflow's own word for that is an error of the server
        raise gone(model_version)
    # Asked for by its own address: "models:/…" would be looked up on the server that mlflow's globals name.
    uri = mlflow.read("get_model_version_download_uri", model_version.name, model_version.version)
    from mlflow.artifacts import download_artifacts

    with mlflow.translated("fetch the model's files"):
        fetched = Path(download_artifacts(artifact_uri=uri, dst_path=str(into), tracking_uri=mlflow.uri))
    if not (fetched / "MLmodel").is_file():
        raise gone(model_version)
    (fetched / "registered_model_meta").unlink(missing_ok=True)  # MLflow writes it anew at each download
    return fetched


def gone(model_version: ModelVersion | Named) -> NotFound:
    """Say that the files of a version, or one of them, are not there any more."""
    return NotFound(
        f"The files of {model_version.name}/{model_version.version} are missing on the server.",
        f"%mlops models {typed(model_version.name)}, for another version",
    )


def _has_files(mlflow: Mlflow, model_version: ModelVersion | Named) -> bool:
    source = str(model_version.source)
    if not source.startswith("models:/m-"):
        return True  # in a place that can't be listed: the download will tell
    try:
        listed = mlflow.read("list_logged_model_artifacts", source.removeprefix("models:/"))
    except NotFound:
        return False
    return any(file.path == "MLmodel" for file in listed)


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
