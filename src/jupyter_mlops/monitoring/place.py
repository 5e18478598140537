"""Where monitoring keeps what it has seen of an endpoint on this machine."""

from __future__ import annotations

from pathlib import Path

from ..serving.files import files_of
from ..workspace import Workspace


def folder_of(workspace: Workspace, endpoint: str) -> Path:
    """Give the place of what monitoring keeps of an endpoint on this machine."""
    return folder(workspace) / files_of(workspace.state.folder, endpoint).folder.name


def folder(workspace: Workspace) -> Path:
    """Give the place of what it keeps of all endpoints."""
    return workspace.state.folder / "monitoring"
