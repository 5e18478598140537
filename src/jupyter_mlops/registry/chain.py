"""Show the audit, check it, and write it into a file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from ..backend import audit, faults, versions
from ..backend.audit import Stored
from ..errors import InvalidUsage, ValidationFailed, writing_to
from ..workspace import Workspace
from . import outside
from .results import Audit

_MOST_FAULTS = 3


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
    chains = _chains(workspace, name)
    if name is not None and not chains[name] and workspace.seen.head(name) is None:
        versions.model(workspace.mlflow, name)  # says which there are
    if verify:  # before anything is added to it
        _verify(workspace, chains)
    noticed = [event for each, chain in chains.items() for event in outside.notice(workspace, each, chain)]
    if noticed:
        chains = _chains(workspace, name)
    for each, chain in chains.items():
        if not faults.in_links(chain):
            workspace.seen.note(each, chain)
    # A model that was renamed has the events from before in its chain, and so has its earlier name.
    once = {stored.run_id: stored for chain in chains.values() for stored in chain}
    stored = sorted(once.values(), key=lambda each: each.event.time)
    ends = {each: f"{len(chain)} {chain[-1].hash}" for each, chain in chains.items() if chain} if verify else {}
    shown = Audit(name, tuple(each.event for each in stored), verify, ends)
    if export is not None:
        file = os.path.expanduser(export)  # noqa: PTH111 - the other one raises where there is no such user
        _write(Path(file), shown, stored)
    return shown


def _chains(workspace: Workspace, name: str | None) -> dict[str, list[Stored]]:
    """Read one chain, or all: of models that have been deleted too, and of those that should have one."""
    if name is not None:
        return {name: audit.read(workspace.mlflow, name)}
    found = audit.read_all(workspace.mlflow)
    others = {*(model.name for model in versions.models(workspace.mlflow)), *workspace.seen.models()} - set(found)
    return found | {other: audit.read(workspace.mlflow, other) for other in sorted(others)}


def _verify(workspace: Workspace, chains: Mapping[str, Sequence[Stored]]) -> None:
    found = []
    for name, chain in chains.items():
        registered = versions.registered(workspace.mlflow, name)
        told = faults.of(chain, registered, workspace.seen.head(name))
        if told:  # an event may have come between the two; what is missing is missing the second time too
            told = faults.of(audit.read(workspace.mlflow, name), registered, workspace.seen.head(name))
        found += [f"{name}: {fault}" for fault in told]
    if found:
        more = f"; and {len(found) - _MOST_FAULTS} more" if len(found) > _MOST_FAULTS else ""
        raise ValidationFailed(
            f"The audit does not hold. {'; '.join(found[:_MOST_FAULTS])}{more}.",
            "compare with an audit that was exported before; if the server was set back to a backup: remove .mlops/audit",
        )


def _write(path: Path, shown: Audit, stored: Sequence[Stored]) -> None:
    if path.suffix == ".html":
        from ..display import html

        text = html.page(shown.table(exact=True), f"Audit of {shown.name}" if shown.name else "Audit")
    else:
        text = "".join(f"{json.dumps(_line(each))}\n" for each in stored)
    with writing_to(path):
        path.write_text(text, encoding="utf-8")


def _line(stored: Stored) -> dict[str, object]:
    """Write an event with the hash that it was stored with; one that was changed also as it stands there."""
    changed = {} if stored.is_intact else {"stored": stored.text}
    return {**asdict(stored.event), "hash": stored.hash, **changed}
