"""A second pair of eyes: who has approved a version, as the audit has it."""

from __future__ import annotations

from collections.abc import Sequence

from ..backend import audit, versions
from ..backend.audit import Event
from ..entities import CHALLENGER, ModelRef
from ..workspace import Workspace
from . import aliases
from .gate import APPROVALS, Check
from .results import Approved


def approve(workspace: Workspace, ref: ModelRef, *, reason: str, dry_run: bool) -> Approved:
    """Write an approval of a version into the audit; a second one of the same person adds nothing."""
    version = int(versions.find_version(workspace.mlflow, ref, CHALLENGER).version)
    wanted = workspace.settings.gate(ref.name).approvals
    events = [stored.event for stored in audit.read(workspace.mlflow, ref.name)]
    known = approvers(events, version)
    is_new = _person(workspace.who) not in known
    if is_new and not dry_run:
        aliases.record(workspace, ref.name, "approve", after=version, why=reason)
    by = tuple(known + ([_person(workspace.who)] if is_new else []))
    return Approved(ref.name, version, by, wanted, is_new=is_new, dry_run=dry_run)


def approvers(events: Sequence[Event], version: int) -> list[str]:
    """List who has approved a version, in order."""
    return list(dict.fromkeys(_person(e.who) for e in events if e.action == "approve" and e.after == str(version)))


def check(events: Sequence[Event], version: int, wanted: int, who: str) -> Check:
    """Hold the number of approvals against the gate's.

    Those of whoever registered the version, or promotes it now, don't count: it takes another person.
    Without a server that authenticates, this is advice: a name can be set.
    """
    authors = {_person(e.who) for e in events if e.action in ("register", "import") and e.after == str(version)}
    count = sum(person not in {*authors, _person(who)} for person in approvers(events, version))
    return Check(APPROVALS, f">= {wanted}", float(count), "pass" if count >= wanted else "inconclusive")


def _person(who: str) -> str:
    """Take the name without the machine: one person has several."""
    return who.partition("@")[0]
