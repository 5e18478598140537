"""A second pair of eyes: who has approved a version, as the audit has it."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..backend import audit, versions
from ..backend.events import Event
from ..entities import CHALLENGER, ModelRef
from ..errors import InvalidUsage
from ..workspace import Workspace
from . import aliases
from .gate import APPROVALS, Check
from .results import Approved

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion


def approve(workspace: Workspace, ref: ModelRef, *, reason: str, dry_run: bool) -> Approved:
    """Write an approval of a version into the audit; a second one of the same person adds nothing.

    Raises
    ------
    InvalidUsage
        Where it is not known who approves.
    """
    me = _person(workspace.who)
    if not me:
        raise InvalidUsage(f"{workspace.who!r} names nobody: an approval is a person's.", 'user = "ann" in mlops.toml')
    version = versions.find_version(workspace.mlflow, ref, CHALLENGER)
    wanted = workspace.settings.gate(ref.name).approvals
    events = [stored.event for stored in audit.read(workspace.mlflow, ref.name)]
    known = approvers(events, version)
    is_new = me not in known
    if is_new and not dry_run:
        aliases.record(workspace, ref.name, "approve", after=version.version, why=reason, evidence=_what_it_is(version))
    by = tuple(known + ([me] if is_new else []))
    return Approved(ref.name, int(version.version), by, wanted, is_new=is_new, dry_run=dry_run)


def approvers(events: Sequence[Event], version: ModelVersion) -> list[str]:
    """List who has approved a version, in order; what was said of a deleted one of that number is not of this."""
    of = str(version.version), _what_it_is(version)
    return list(dict.fromkeys(_person(e.who) for e in events if e.action == "approve" and (e.after, e.evidence) == of))


def check(events: Sequence[Event], version: ModelVersion, wanted: int, who: str) -> Check:
    """Hold the number of approvals against the gate's.

    Those of whoever registered the version, or promotes it now, don't count: it takes another person.
    Without a server that authenticates, this is advice: a name can be set.
    """
    made = [e for e in events if e.action in ("register", "import") and e.after == str(version.version)]
    own = {_person(who), *(_person(event.who) for event in made[-1:])}
    count = sum(person not in own for person in approvers(events, version))
    return Check(APPROVALS, f">= {wanted}", float(count), "pass" if count >= wanted else "inconclusive")


def _what_it_is(version: ModelVersion) -> str:
    """Name the model itself: a number may come again when a model is deleted and made anew."""
    return f"of {version.source}"


def _person(who: str) -> str:
    """Take the name without the machine, one person has several; and however it is written."""
    name = unicodedata.normalize("NFKC", who).partition("@")[0]
    return "".join(c for c in name if unicodedata.category(c) != "Cf").strip().casefold()
