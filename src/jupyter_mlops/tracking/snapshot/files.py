"""The files of a snapshot: written beside the run, and read again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import secrets
from ...backend.adapter import Mlflow
from ...errors import InvalidUsage, NotFound
from . import notebook
from .executed import Cell
from .hidden import Hidden

if TYPE_CHECKING:
    from mlflow.entities import Run

FORMAT = 1
FOLDER = "snapshot"
_MANIFEST = "snapshot.json"
_MADE_BY_US = "mlops.host"  # a tag that each run of ours has


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
        Where the run has none, or its files are missing on the server or broken.
    InvalidUsage
        Where it is of a newer format than is known here.
    """
    label = f"run {run.info.run_name} (run:{run.info.run_id[:8]})"
    listed = mlflow.read("list_artifacts", run.info.run_id, FOLDER)
    if not any(Path(file.path).name == _MANIFEST for file in listed):
        why = "it was not made by %%mlops run"
        if listed or _MADE_BY_US in run.data.tags:
            why = f"{f'{FOLDER}/{_MANIFEST}' if listed else 'its files'} can't be found on the server"
        raise NotFound(f"The {label} has no snapshot: {why}.", "%mlops runs")
    path = Path(mlflow.read("download_artifacts", run.info.run_id, FOLDER, str(folder)))
    try:
        # As bytes: a diff keeps its ends of lines.
        files = {file.name: file.read_bytes().decode("utf-8", "surrogateescape") for file in path.iterdir()}
        manifest = json.loads(files.pop(_MANIFEST))
        if int(manifest["format"]) > FORMAT:
            raise InvalidUsage(
                f"The {label} was logged by a newer jupyter-mlops ({manifest['jupyter_mlops']}).",
                "pip install --upgrade jupyter-mlops",
            )
        manifest = _completed(manifest)
        hidden = [Hidden(tuple(each["names"]), each["number"], each["why"]) for each in manifest["hidden"]]
        if "executed.ipynb" in files and "cell.py" not in files:
            files["cell.py"] = notebook.cells(files["executed.ipynb"])[-1].source
        return Snapshot(files, manifest, hidden)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise NotFound(f"The snapshot of the {label} can't be read: {error}.", "%mlops runs") from error


def cells_of(snapshot: Snapshot) -> list[Cell]:
    """Read the cells that were executed, the run's own last.

    Raises
    ------
    NotFound
        Where they are broken.
    """
    text = snapshot.files.get("executed.ipynb")
    try:
        return notebook.cells(text) if text is not None else []
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotFound(
            f"The cells of the snapshot, executed.ipynb, can't be read: {error}.",
            "restore the server's artifacts, or %mlops runs for another",
        ) from error


def _completed(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Put in place what an older format, or a hand, has left out; each value is of the kind of its default."""
    nothing: dict[str, Any] = {
        "jupyter_mlops": "",
        "notebook": None,
        "folder": ".",
        "cell": None,
        "ordinal": 0,
        "git": {"commit": None, "branch": None, "remote": None, "note": ""},
        "environment": {"python": "", "platform": "", "hardware": {}, "packages": {}, "sources": {}},
        "seeds": [],
        "resources": {},
        "data": [],
        "hidden": [],
        "masked": [],
        "answers": None,
    }
    found = dict(manifest) | {name: _filled(manifest.get(name), default) for name, default in nothing.items()}
    each_of_data: dict[str, Any] = {"role": "data", "name": "", "rows": None, "digest": "", "columns": []}
    found["data"] = [_filled(each, each_of_data) for each in found["data"]]
    return found


def _filled(value: Any, default: Any) -> Any:
    if value is None:
        return default
    if isinstance(default, dict) and default:
        return dict(value) | {name: _filled(value.get(name), default[name]) for name in default}
    if default is not None and not isinstance(value, type(default)):
        raise TypeError(f"{value!r} stands where a {type(default).__name__} should be")
    return value
