"""Changes that were made without us, in MLflow's UI or by a plain client: noticed, and written into the audit as such."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..backend import audit, versions
from ..backend.audit import Event
from ..workspace import Workspace
from . import aliases

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

UNKNOWN = "somebody else"
_VERSION, _DELETED, _ALIAS = "version from outside", "version deleted outside", "alias moved outside"

# What is younger (in seconds) may be another kernel of ours that has not written its word yet.
_SETTLED = 5.0


@dataclass
class _Said:
    """What the registry should be like, by the audit."""

    aliases: dict[str, str] = field(default_factory=dict)
    versions: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, events: Sequence[Event]) -> _Said:
        said = cls()
        for event in events:
            if event.alias:
                said.aliases[event.alias] = event.after
            elif event.action in ("register", "import", _VERSION):
                said.versions.add(event.after)
            elif event.action == _DELETED:
                said.versions.discard(event.before)
        return said


def notice(workspace: Workspace, name: str) -> list[Event]:
    """Compare a model with its audit, and write down what somebody else has changed.

    Returns
    -------
    list of Event
        Those that were written; empty as a rule.
    """
    chain = [stored.event for stored in audit.read(workspace.mlflow, name)]
    if chain and time.time() - chain[-1].time < _SETTLED:
        return []
    found = versions.versions(workspace.mlflow, name)
    changes = list(_changes(_Said.of(chain), found, versions.model(workspace.mlflow, name).aliases))
    return [
        aliases.record(workspace, name, action, who=UNKNOWN, noticed=True, alias=alias, before=before, after=after, evidence=evidence)
        for action, alias, before, after, evidence in changes
    ]  # fmt: skip


def _changes(
    said: _Said, found: Sequence[ModelVersion], alias_of: dict[str, object]
) -> Iterator[tuple[str, str, str, str, str]]:
    """Give action, alias, before, after and evidence of each difference; versions first, in their order."""
    there = {str(version.version): version for version in reversed(found)}
    for number, version in there.items():
        made = version.creation_timestamp / 1000
        if number not in said.versions and time.time() - made > _SETTLED:
            run = f", run:{version.run_id[:8]}" if version.run_id else ""
            by = f" by {version.user_id}" if version.user_id else ""
            yield _VERSION, "", "", number, f"made {time.strftime('%F %T', time.localtime(made))}{by}{run}"
    for number in sorted(said.versions - set(there), key=int):
        yield _DELETED, "", number, "", ""
    for alias in sorted({*said.aliases, *alias_of}):
        before, after = said.aliases.get(alias, ""), str(alias_of.get(alias, ""))
        if before != after:
            yield _ALIAS, alias, before, after, ""
