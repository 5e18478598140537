"""Show the audit, check it, and write it into a file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from ..backend import audit, versions
from ..backend.adapter import Mlflow
from ..backend.audit import Event, Stored
from ..errors import InvalidUsage, ValidationFailed, writing_to
from ..workspace import Workspace
from . import outside
from .results import Audit


def show(workspace: Workspace, name: str | None, *, verify: bool, export: str | None) -> Audit:
    """Read the events of a model, or of all; what others have changed meanwhile is written down first.

    Raises
    ------
    ValidationFailed
        Where the chain does not hold, with the events concerned.
    InvalidUsage
        Where the file is to be of a kind that is not known.
    """
    if export is not None and Path(export).suffix not in (".jsonl", ".html"):
        raise InvalidUsage(f"{export!r} is no file for an audit.", "--export audit.jsonl, or --export audit.html")
    mlflow = workspace.mlflow
    there = [model.name for model in versions.models(mlflow)]
    if name is not None:
        versions.model(mlflow, name)  # says which there are
    if verify:  # before anything is added to it
        _verify(workspace, _chains(mlflow, name))
    for each in [name] if name else there:
        outside.notice(workspace, each)
    chains = _chains(mlflow, name)
    events = sorted((stored.event for found in chains.values() for stored in found), key=lambda event: event.time)
    shown = Audit(name, tuple(events), verify)
    if export is not None:
        _write(Path(export), shown, events)
    return shown


def _chains(mlflow: Mlflow, name: str | None) -> dict[str, list[Stored]]:
    """Read one chain, or all; of models that have been deleted the events stay, and are shown."""
    return audit.read_all(mlflow) if name is None else {name: audit.read(mlflow, name)}


def _verify(workspace: Workspace, chains: Mapping[str, Sequence[Stored]]) -> None:
    faults = [
        f"{name}: {fault}" for name, chain in chains.items() for fault in audit.faults(workspace.mlflow, name, chain)
    ]
    if faults:
        raise ValidationFailed(
            f"The audit does not hold. {'; '.join(faults[:3])}.", "compare with a backup of the MLflow server"
        )


def _write(path: Path, shown: Audit, events: Sequence[Event]) -> None:
    if path.suffix == ".html":
        from ..display import html

        text = html.page(shown.view(), f"Audit of {shown.name}" if shown.name else "Audit")
    else:
        text = "".join(json.dumps({**asdict(event), "hash": event.hash}) + "\n" for event in events)
    with writing_to(path):
        path.write_text(text, encoding="utf-8")
