"""Takes the snapshot of a run: it looks when the run begins, and develops when it ends."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from ... import secrets
from ...backend import git
from ..dataset import Dataset
from . import environment, notebook
from .executed import Cell, recorder
from .files import FORMAT, Snapshot
from .hidden import hidden_state

_SEED = re.compile(r"[\w.]*(?:seed|default_rng|RandomState)\(\s*\d+\s*\)|\brandom_state\s*=\s*\d+")


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
        self._masked_pairs: tuple[secrets.Finding, ...] = ()

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
        masked = tuple(dict.fromkeys(self._masked_pairs + masked))
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
            "answers": answers,
        }
        manifest = secrets.mask_texts(manifest, self._known | self._secrets()) | {
            "masked": [asdict(each) for each in masked]
        }
        return Snapshot(files, manifest, hidden, masked)

    def written(self, pairs: Mapping[str, Any]) -> dict[str, str]:
        """Write parameters or tags as text, with secrets masked; that is told with the others."""
        written, found = secrets.mask_pairs(pairs, self._known)
        self._masked_pairs += found
        return written

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
        masked = {name: secrets.mask_file(name, text, known) for name, text in files.items()}
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
            # The most that this process ever had, cells before the run included: nothing cheap tells of the run alone.
            **({"peak_memory_of_process": peak} if (peak := _peak_memory()) else {}),
        }


def _peak_memory() -> int | None:
    """Give the most memory in bytes that this process ever had, where the system tells."""
    try:
        import resource
    except ImportError:  # Windows
        return getattr(psutil.Process().memory_info(), "peak_wset", None)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


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
