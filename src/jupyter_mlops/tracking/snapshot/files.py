"""The files of a snapshot: written beside the run, and read again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import secrets
from ...backend.adapter import Mlflow
from ...errors import InvalidUsage, NotFound
from .executed import Cell
from .hidden import Hidden

if TYPE_CHECKING:
    from mlflow.entities import Run

FORMAT = 1
FOLDER = "snapshot"
_MANIFEST = "snapshot.json"


@dataclass(frozen=True)
class Snapshot:
    """What was taken of one run.

    Attributes
    ----------
    files : dict of str to str
        By name: ``cell.py``, ``executed.ipynb``, ``notebook.ipynb``, ``uncommitted.diff``, ``requirements.txt``.
    manifest : dict
        The facts: format, git, environment, data, seeds, resources, hidden state.
    hidden : list of Hidden
    masked : tuple of Finding
        The secrets that were taken out of the files.
    """

    files: dict[str, str]
    manifest: dict[str, Any]
    hidden: Sequence[Hidden] = ()
    masked: tuple[secrets.Finding, ...] = ()

    @property
    def notes(self) -> list[str]:
        """What a person should know of it, in words."""
        told = [f"hidden state: {hidden}" for hidden in self.hidden]
        kinds = dict.fromkeys(finding.kind for finding in self.masked)
        if kinds:
            told.append(f"masked before it was stored: {', '.join(kinds)}")
        if note := self.manifest["git"]["note"]:
            told.append(str(note))
        return told

    @property
    def tags(self) -> dict[str, str]:
        """What of it MLflow's own UI can show and search for."""
        at = self.manifest["git"]
        found = {
            "mlflow.source.git.branch": at["branch"],
            "mlflow.source.git.repoURL": at["remote"],
            "mlops.uncommitted": "yes" if "uncommitted.diff" in self.files else None,
            "mlops.hidden_state": "; ".join(map(str, self.hidden))[:5000] or None,
        }
        return {key: str(value) for key, value in found.items() if value}

    def write(self, folder: Path) -> None:
        """Write the files into a folder."""
        manifest = {_MANIFEST: json.dumps(self.manifest, indent=1)}
        for name, text in {**self.files, **manifest}.items():
            (folder / name).write_text(text, encoding="utf-8", errors="surrogateescape")


def read(mlflow: Mlflow, run: Run, folder: Path) -> Snapshot:
    """Fetch the snapshot of a run into a folder.

    Raises
    ------
    NotFound
        Where the run has none, or its files are missing on the server.
    InvalidUsage
        Where it is of a newer format than is known here.
    """
    label = f"The run {run.info.run_name} (run:{run.info.run_id[:8]})"
    listed = mlflow.read("list_artifacts", run.info.run_id, FOLDER)
    if not any(Path(file.path).name == _MANIFEST for file in listed):
        raise NotFound(
            f"{label} has no snapshot: it was not made by %%mlops run, or its files are gone.", "%mlops runs"
        )
    path = Path(mlflow.read("download_artifacts", run.info.run_id, FOLDER, str(folder)))
    try:
        manifest = json.loads((path / _MANIFEST).read_text(encoding="utf-8"))
        if int(manifest["format"]) > FORMAT:
            raise InvalidUsage(
                f"{label} was logged by a newer jupyter-mlops ({manifest['jupyter_mlops']}).",
                "pip install --upgrade jupyter-mlops",
            )
        files = {
            file.name: file.read_text(encoding="utf-8", errors="surrogateescape")
            for file in path.iterdir()
            if file.name != _MANIFEST
        }
        return Snapshot(files, manifest, [Hidden(tuple(h["names"]), h["number"], h["why"]) for h in manifest["hidden"]])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotFound(
            f"The snapshot of {label[0].lower()}{label[1:]} can't be read: {error}.", "%mlops runs"
        ) from error


def cells_of(snapshot: Snapshot) -> list[Cell]:
    """Read the cells that were executed, the run's own last."""
    try:
        cells = json.loads(snapshot.files["executed.ipynb"])["cells"]
    except KeyError:
        return []
    return [Cell(cell["execution_count"], cell["source"]) for cell in cells]
