"""What a run carries to be rebuilt: cells, notebook, git, environment, seeds; secrets are masked first."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from .. import secrets
from ..backend import git
from ..backend.adapter import Mlflow
from ..errors import InvalidUsage, NotFound
from . import environment, notebook
from .dataset import Dataset
from .executed import Cell, recorder
from .hidden import Hidden, hidden_state

if TYPE_CHECKING:
    from mlflow.entities import Run

FORMAT = 1
FOLDER = "snapshot"
_MANIFEST = "snapshot.json"
_SEED = re.compile(r"[\w.]*(?:seed|default_rng|RandomState)\(\s*\d+\s*\)|\brandom_state\s*=\s*\d+")


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


@dataclass
class Camera:
    """Takes the snapshot of a run: it looks when the run begins, and develops when it ends.

    Git and the list of packages are asked in threads meanwhile: they would hold the cell for 0.2 s.

    Parameters
    ----------
    root : Path
        The project's folder.
    source : str, optional
        The cell that is the run; without it the cell that runs right now, or the script.
    """

    root: Path
    source: str | None
    _began: float = field(default_factory=time.perf_counter)
    _cpu: float = field(default_factory=lambda: sum(os.times()[:4]))

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="snapshot")
        self._git = self._pool.submit(git.look, self.root)
        self._environment = self._pool.submit(environment.here)
        self._ip = _ipython()
        self._cells = self._executed()
        self._notebook = notebook.find() if self._ip else None
        self._known = self._secrets()

    def take(self, data: Sequence[Dataset], answers: Mapping[str, Any] | None) -> Snapshot:
        """Put together what was seen.

        Parameters
        ----------
        data : sequence of Dataset
        answers : dict, optional
            What the model answers to some of the rows it was fitted on, to be compared when it is rebuilt.
        """
        at, environment_now = self._git.result(), self._environment.result()
        self._pool.shutdown(wait=False)
        hidden = hidden_state(self._cells, self._cells[-1], self._notebook) if self._cells else []
        files, masked = self._masked(self._files(at.diff, environment_now.lock))
        manifest = {
            "format": FORMAT,
            "jupyter_mlops": version("jupyter-mlops"),
            "notebook": self._notebook.path.name if self._notebook else None,
            "folder": _within(Path.cwd(), self.root),
            "cell": self._cells[-1].number if self._cells else None,
            "git": {"commit": at.commit, "branch": at.branch, "remote": at.remote, "note": at.note},
            "environment": asdict(environment_now),
            "seeds": self._seeds(),
            "resources": self._resources(),
            "data": [each.to_dict() for each in data],
            "hidden": [asdict(each) for each in hidden],
            "masked": [asdict(each) for each in masked],
            "answers": answers,
        }
        return Snapshot(files, manifest, hidden, masked)

    def _executed(self) -> list[Cell]:
        if self._ip is None:
            return []
        cells = recorder.cells(self._ip)
        if self.source is not None and (not cells or cells[-1].source.split() != self.source.split()):
            cells.append(Cell(self._ip.execution_count, self.source))  # it leaves no history
        return cells

    def _files(self, diff: str, lock: str) -> dict[str, str]:
        found = {"requirements.txt": lock}
        if self._cells:
            found["cell.py"] = self._cells[-1].source
            found["executed.ipynb"] = notebook.write([cell for cell in self._cells if not cell.failed])
        elif script := _script():
            found[script.name] = script.read_text(encoding="utf-8", errors="replace")
        if self._notebook:
            found["notebook.ipynb"] = self._notebook.text
        if diff:
            found["uncommitted.diff"] = diff
        return found

    def _masked(self, files: Mapping[str, str]) -> tuple[dict[str, str], tuple[secrets.Finding, ...]]:
        known = self._known | self._secrets()  # with those that the cell itself has made
        masked = {name: secrets.mask(text, known) for name, text in files.items()}
        found = dict.fromkeys(finding for _, findings in masked.values() for finding in findings)
        return {name: text for name, (text, _) in masked.items()}, tuple(found)

    def _secrets(self) -> frozenset[str]:
        return secrets.secret_values(self._ip.user_ns if self._ip else {}, os.environ)

    def _seeds(self) -> list[str]:
        sources = [cell.source for cell in self._cells] or [script.read_text() for script in [_script()] if script]
        return list(dict.fromkeys(seed for source in sources for seed in _SEED.findall(source)))[:20]

    def _resources(self) -> dict[str, float]:
        return {
            "seconds": round(time.perf_counter() - self._began, 3),
            "cpu_seconds": round(sum(os.times()[:4]) - self._cpu, 3),
            "memory": psutil.Process().memory_info().rss,
        }


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


def _ipython() -> Any:
    if "IPython" not in sys.modules:
        return None
    from IPython.core.getipython import get_ipython

    ip: Any = get_ipython()
    return ip if ip is not None and ip.history_manager is not None else None


def _within(folder: Path, root: Path) -> str:
    """Say where a folder is within the project; elsewhere counts as its top."""
    return folder.relative_to(root).as_posix() if folder.is_relative_to(root) else "."


def _script() -> Path | None:
    """Give the file of the program that runs, where it is Python."""
    path = Path(sys.argv[0])
    return path if path.suffix == ".py" and path.is_file() and path.stat().st_size < 1_000_000 else None
