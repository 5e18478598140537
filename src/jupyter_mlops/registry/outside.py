"""Changes that were made without us, in MLflow's UI or by a plain client: noticed, and written into the audit as such."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from ..backend import audit, faults, heads, versions
from ..backend.adapter import Mlflow
from ..backend.audit import Overtaken, Stored
from ..backend.events import ALIAS_MOVED, MODEL_DELETED, RENAMED, SOMEBODY, VERSION_DELETED, VERSION_MADE, Event
from ..display import Time
from ..workspace import Workspace
from . import aliases
from .said import Said

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel

# What is younger (in seconds) may be another kernel of ours that has not written its word yet.
_SETTLED = 5.0
_TRIES = 5


@dataclass(frozen=True)
class _Change:
    """What somebody else has done, in the words of an event."""

    action: str
    before: str = ""
    after: str = ""
    alias: str = ""
    evidence: str = ""


def notice(workspace: Workspace, name: str, chain: Sequence[Stored] | None = None) -> list[Event]:
    """Compare a model with its audit, and write down what somebody else has changed.

    Where the audit has gone on meanwhile, it is looked again: two who notice at once write it once.

    Parameters
    ----------
    workspace : Workspace
    name : str
    chain : sequence of Stored, optional
        Its audit, where it has been read just now.

    Returns
    -------
    list of Event
        Those that were written; empty as a rule.
    """
    written: list[Event] = []
    for _ in range(_TRIES):
        chain = audit.read(workspace.mlflow, name) if chain is None else chain
        last = audit.end(chain)
        is_young = bool(chain) and time.time() - chain[-1].event.time < _SETTLED
        if is_young and last not in {event.hash for event in written}:
            break
        try:
            for change in list(_changes(workspace.mlflow, name, chain)):
                event = aliases.record(workspace, name, **asdict(change), who=SOMEBODY, noticed=True, last=last)
                written.append(event)
                last = event.hash
        except Overtaken:
            chain = None
            continue
        break
    return written


def _changes(mlflow: Mlflow, name: str, chain: Sequence[Stored]) -> Iterator[_Change]:
    """Give each difference between a model and its audit; versions first, in their order."""
    if chain and chain[-1].model != name:
        yield _Change(RENAMED, chain[-1].model, name)
    said = Said.of([stored.event for stored in chain], name)
    registered = versions.registered(mlflow, name)
    if registered is None:
        if chain and not said.is_gone:
            heir = audit.heir(mlflow, chain)
            yield _Change(RENAMED, name, heir) if heir else _Change(MODEL_DELETED)
        return
    if not chain and heads.TAG in registered.tags:  # its events are gone: that is for --verify to say
        return
    if not said.is_gone and faults.is_made_anew(chain, registered):
        yield _Change(MODEL_DELETED)
        said = Said()
    yield from _of_versions(said, versions.versions(mlflow, name))
    yield from _of_aliases(said, registered)


def _of_versions(said: Said, found: Sequence[ModelVersion]) -> Iterator[_Change]:
    there = {str(version.version): version for version in reversed(found)}
    for number, version in there.items():
        made = version.creation_timestamp / 1000
        if number not in said.versions and time.time() - made > _SETTLED:
            run = f", run:{version.run_id[:8]}" if version.run_id else ""
            by = f" by {version.user_id}" if version.user_id else ""
            yield _Change(VERSION_MADE, after=number, evidence=f"made {Time(made).utc}{by}{run}")
    for number in sorted(said.versions - set(there), key=int):
        yield _Change(VERSION_DELETED, number)


def _of_aliases(said: Said, registered: RegisteredModel) -> Iterator[_Change]:
    for alias in sorted({*said.aliases, *registered.aliases}):
        before, after = said.aliases.get(alias, ""), str(registered.aliases.get(alias, ""))
        if before != after:
            yield _Change(ALIAS_MOVED, before, after, alias)
