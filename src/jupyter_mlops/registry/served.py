"""Which versions the endpoints of this project serve."""

from __future__ import annotations

from ..backend.processes import Process
from ..workspace import Workspace


def served(workspace: Workspace) -> dict[tuple[str, int], list[Process]]:
    """List the endpoints by the model and the version that they serve, those that have stopped too."""
    found: dict[tuple[str, int], list[Process]] = {}
    for process in workspace.state.all("endpoint"):
        key = str(process.details.get("model", "")), int(process.details.get("version", 0))
        found.setdefault(key, []).append(process)
    return found
