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

from ...backend.probe import session_for
from .executed import Cell


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

    VS Code names it in the namespace, Jupyter's server and headless runners in the environment; one
    that was renamed since is asked of the server.
    """
    main = vars(sys.modules["__main__"])
    for said in (main.get("__vsc_ipynb_file__"), os.environ.get("JPY_SESSION_NAME"), os.environ.get("IPYNB_FILE")):
        if said and Path(said).suffix == ".ipynb":
            found = read(Path(said)) or read(_renamed())
            if found:
                return found
    return None


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
    """Write cells as a notebook: strings become Markdown."""
    written: list[dict[str, Any]] = []
    for number, cell in enumerate(cells):
        common = {"id": f"cell-{number}", "metadata": {}}
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
