"""The notebook that a kernel belongs to: its file, as it was last saved, and as the kernel has run it."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from ...backend.probe import session_for
from .executed import Cell

# The tag with which runners of notebooks go on after a cell that raises.
_FAILS = "raises-exception"
# Programs that run a notebook named in their command, and leave no word of it in the kernel's environment.
_RUNNERS = re.compile(r"jupyter-(execute|nbconvert|run)|papermill|execute|nbconvert")


@dataclass(frozen=True)
class Notebook:
    """A saved notebook.

    Attributes
    ----------
    path : Path
    saved : float
        When, in seconds since the epoch.
    sources : tuple of str
        Of its code cells, in order.
    text : str
        The file without what its cells show: outputs are no part of what is run, and may hold anything.
    """

    path: Path
    saved: float
    sources: tuple[str, ...]
    text: str

    def place(self, source: str) -> int | None:
        """Say which of the code cells has this source."""
        stripped = [text.strip() for text in self.sources]
        return stripped.index(source.strip()) if source.strip() in stripped else None


def find() -> Notebook | None:
    """Read the notebook of this kernel, where its file can be found.

    VS Code names it in the namespace, Jupyter's server in the environment, headless runners in their command;
    one that was renamed since is asked of the server.
    """
    main = vars(sys.modules["__main__"])
    for said in (main.get("__vsc_ipynb_file__"), os.environ.get("JPY_SESSION_NAME"), os.environ.get("IPYNB_FILE")):
        if said and Path(said).suffix == ".ipynb":
            found = read(Path(said)) or read(_renamed())
            if found:
                return found
    return read(_of_runner())


def read(path: Path | None) -> Notebook | None:
    """Read a notebook; None where there is none, or it is broken."""
    try:
        if path is None:
            return None
        content = json.loads(path.read_text(encoding="utf-8"))
        code = [cell for cell in content["cells"] if cell.get("cell_type") == "code"]
        for cell in code:
            cell |= {"outputs": [], "execution_count": None}
        text = json.dumps(content, indent=1, ensure_ascii=False)
        return Notebook(path, path.stat().st_mtime, tuple(_joined(cell["source"]) for cell in code), text)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write(cells: Sequence[Cell | str], title: str = "") -> str:
    """Write cells as a notebook: strings become Markdown, and one that has failed is marked as such."""
    written: list[dict[str, Any]] = []
    for number, cell in enumerate(cells):
        fails = isinstance(cell, Cell) and cell.failed
        common = {"id": f"cell-{number}", "metadata": {"tags": [_FAILS]} if fails else {}}
        if isinstance(cell, str):
            written.append({"cell_type": "markdown", **common, "source": cell})
        else:
            code: dict[str, Any] = {
                "cell_type": "code",
                "execution_count": cell.number or None,
                "outputs": [],
                "source": cell.source,
            }
            written.append({**code, **common})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}} | ({"title": title} if title else {})
    return json.dumps({"cells": written, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}, indent=1)


def cells(text: str) -> list[Cell]:
    """Read the cells of a notebook that ``write`` has written.

    Raises
    ------
    ValueError, KeyError, TypeError
        Where it is none.
    """
    return [
        Cell(cell["execution_count"], cell["source"], failed=_FAILS in cell["metadata"].get("tags", []))
        for cell in json.loads(text)["cells"]
        if cell["cell_type"] == "code"
    ]


def _joined(source: Any) -> str:
    return source if isinstance(source, str) else "".join(source)


def _renamed() -> Path | None:
    """Ask the Jupyter servers of this machine which notebook this kernel is of now."""
    import requests
    from jupyter_core.paths import jupyter_runtime_dir

    kernel = re.search(r"kernel-([\w-]+)\.json", " ".join(sys.argv))
    if kernel is None:
        return None
    for file in Path(jupyter_runtime_dir()).glob("jpserver-*.json"):
        try:
            server = json.loads(file.read_text())
            url, headers = server["url"].rstrip("/"), {"Authorization": f"token {server.get('token', '')}"}
            sessions = session_for(url).get(f"{url}/api/sessions", headers=headers, timeout=(0.5, 1)).json()
            path = next(s["path"] for s in sessions if s["kernel"]["id"] == kernel[1])
            return Path(server["root_dir"], path)
        except (OSError, ValueError, KeyError, TypeError, StopIteration, requests.RequestException):
            continue
    return None


def _of_runner() -> Path | None:
    """Read the notebook from the command that has started this kernel, where it is a runner's and names just one."""
    try:
        runner = psutil.Process().parent()
        words = runner.cmdline() if runner else []
        if runner is None or not any(_RUNNERS.fullmatch(Path(word).name) for word in words[:4]):
            return None
        named = [word for word in words if word.endswith(".ipynb")]
        first = 1 if any(Path(word).name == "papermill" for word in words[:3]) else None  # the second is what it writes
        return Path(runner.cwd(), named[0]) if len(named[:first]) == 1 else None
    except (psutil.Error, OSError):
        return None
