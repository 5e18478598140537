"""Where the card of a version is: in the project's ``cards/``, and beside the version's run on the server."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from ...backend import artifacts
from ...backend.adapter import Mlflow
from ...disk import write_whole
from ...entities import file_name
from ...errors import InvalidUsage, NotFound

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

FOLDER = "cards"
TAG = "mlops.card"
"""The tag of a version that has a card: the SHA-256 of it."""


def file_of(root: Path, name: str, number: int) -> Path:
    """Name the file of a card; its page is beside it, as ``.html``."""
    return root / FOLDER / f"{file_name(name)}-{number}.md"


def read(path: Path) -> str | None:
    """Read a card of the project, with its line ends as they are; ``None`` where there is none.

    Raises
    ------
    InvalidUsage
        Where it is no text, or no file.
    """
    file = f"{FOLDER}/{path.name}"
    try:
        with path.open(encoding="utf-8", newline="") as opened:
            return opened.read()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise InvalidUsage(f"{file} is no UTF-8 text.", "save it as UTF-8, and run it again") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InvalidUsage(f"{file} can't be read: {reason}.", "move it away, and run it again") from None


def write_both(path: Path, text: str, page: str) -> None:
    """Write a card and its page, where they are others than before."""
    for file, content in ((path, text), (path.with_suffix(".html"), page)):
        if content != read(file):
            write_whole(file, content)


def fetch(mlflow: Mlflow, version: ModelVersion) -> str | None:
    """Fetch the card of a version that is on the server."""
    if not version.run_id:
        return None
    file = file_of(Path(), version.name, int(version.version)).as_posix()
    try:
        return artifacts.read_text(mlflow, version.run_id, file)
    except NotFound:  # the run is gone
        return None


def store(mlflow: Mlflow, version: ModelVersion, path: Path, there: str | None) -> None:
    """Store a card and its page with the run of its version; what is ``there`` already is not sent."""
    text, page = path.read_bytes(), path.with_suffix(".html")
    pages = [file.path for file in mlflow.read("list_artifacts", version.run_id, FOLDER)]
    is_there = there is not None and there.encode() == text
    if not is_there or f"{FOLDER}/{page.name}" not in pages:
        mlflow.write("log_artifact", version.run_id, str(page), FOLDER)
    if not is_there:
        mlflow.write("log_artifact", version.run_id, str(path), FOLDER)
    if version.tags.get(TAG) != (digest := hashlib.sha256(text).hexdigest()):
        mlflow.write("set_model_version_tag", version.name, str(version.version), TAG, digest)
