"""From challenger to champion, through the gate; and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..backend import audit, guard, versions
from ..backend.events import Event, Stored
from ..entities import CHALLENGER, CHAMPION, ModelRef, typed
from ..errors import Inconclusive, NotFound, ValidationFailed
from ..settings import GateSettings
from ..workspace import Workspace
from . import aliases, approvals, outside, registration, reports
from .gate import APPROVALS, Check, Gate, judge
from .results import Change, key

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion


def promote(workspace: Workspace, ref: ModelRef, to: str, *, force: bool, reason: str, dry_run: bool) -> Change:
    """Point an alias at a version, if the gate says so.

    Raises
    ------
    ValidationFailed
        Where it says no; ``Inconclusive`` where it can't say.
    """
    version = versions.find_version(workspace.mlflow, ref, CHALLENGER)
    chain = _chain(workspace, ref.name, notices=not dry_run)
    before, after = aliases.current(workspace, ref.name, to), int(version.version)
    events = [stored.event for stored in chain]
    asked = reports.asked_of(workspace, ref.name, version)
    if not dry_run:  # before it judges: who tries one gate after the other is on record, too
        _note_gate(workspace, ref.name, str(asked), events)
    verdict = gate_of(workspace, asked, version, to, events, workspace.who)
    held = guard.of(workspace.mlflow)
    plan = Change(
        "promote", ref.name, to, before, after, verdict, False, reason, guarded=bool(held and to in held.aliases)
    )
    if dry_run or before == after:
        return plan
    forced = verdict.outcome != "pass"
    if forced and not force:
        raise refusal(plan)
    evidence = verdict.evidence(forced)
    followers = aliases.move(
        workspace, ref.name, to, chain, before=before, after=after, action="promote", why=reason, evidence=evidence
    )
    return replace(plan, done=True, forced=forced, followers=followers)


def rollback(workspace: Workspace, name: str, to: int | None, *, reason: str, dry_run: bool) -> Change:
    """Put the champion before this one back, or an earlier one.

    Raises
    ------
    NotFound
        Where there is none, or it has been deleted.
    """
    if not dry_run:
        versions.model(workspace.mlflow, name)  # says which models there are
    chain = _chain(workspace, name, notices=not dry_run)
    before = aliases.current(workspace, name, CHAMPION)
    line = aliases.line_of_champions([stored.event for stored in chain], CHAMPION, before)
    if to is not None and to not in line:
        raise NotFound(f"{name}/{to} was not the champion before this one.", f"%mlops promote {typed(f'{name}/{to}')}")
    earlier = [version for version in line if version != before]
    if to is None and not earlier:
        raise NotFound(f"{name} has had no other champion to go back to.", f"%mlops audit {typed(name)}")
    after = earlier[-1] if to is None else to
    moves = not dry_run and after != before
    followers: tuple[str, ...] = ()
    if moves:
        try:
            versions.find_version(workspace.mlflow, ModelRef(name, version=after))
        except NotFound:
            raise aliases.deleted_is_told(name, after) from None
        followers = aliases.move(
            workspace, name, CHAMPION, chain, before=before, after=after, action="rollback", why=reason, evidence=""
        )
    return Change("rollback", name, CHAMPION, before, after, None, done=moves, why=reason, followers=followers)


def _chain(workspace: Workspace, name: str, *, notices: bool) -> list[Stored]:
    """Read the audit of a model; what somebody else has done is written into it first, where it ``notices``."""
    chain = audit.read(workspace.mlflow, name)
    if notices and outside.notice(workspace, name, chain):
        chain = audit.read(workspace.mlflow, name)
    return chain


def gate_of(
    workspace: Workspace, asked: GateSettings, version: ModelVersion, to: str, events: Sequence[Event], who: str
) -> Gate:
    """Hold a version against its gate, by what is on the server.

    Parameters
    ----------
    workspace : Workspace
    asked : GateSettings
    version : ModelVersion
    to : str
        The alias that it would get.
    events : sequence of Event
        Its model's.
    who : str
        Who promotes it: an own approval does not count.
    """
    more = [*_strange(workspace, version), *reports.checks(workspace, asked, version, to)]
    if asked.approvals:
        more.append(approvals.check(events, version, asked.approvals, who))
    return judge(asked.bounds, registration.metrics(workspace.mlflow, version), more)


def _strange(workspace: Workspace, version: ModelVersion) -> list[Check]:
    """Refuse a version that names a run which has not made its model: the run's metrics and reports are of another."""
    if versions.is_of_its_run(workspace.mlflow, version):
        return []
    return [
        Check("run", "its own", None, "fail", f"it is not seen that run:{str(version.run_id)[:8]} has made this model")
    ]


def _note_gate(workspace: Workspace, name: str, now: str, events: Sequence[Event]) -> None:
    """Write down that the gate is another one than when it was asked last: it is a file that anybody can edit."""
    before = next((event.after for event in reversed(events) if event.action == "gate"), "")
    if before != now:
        aliases.record(workspace, name, "gate", before=before, after=now)


def refusal(plan: Change) -> ValidationFailed:
    """Say why a version is not promoted, and what would settle it."""
    gate = plan.gate
    assert gate is not None
    what = f"{plan.name}/{plan.after} is not promoted"
    if not gate.checks:
        return Inconclusive(
            f"{what}: there is no gate for {plan.name}.", f'in mlops.toml: [gates.{key(plan.name)}] and accuracy = ">= 0.9", or %mlops validate model {typed(plan.ref)} --data test --target y'
        )  # fmt: skip
    if gate.outcome == "fail":
        return ValidationFailed(
            f"{what}, the gate says no: {gate.reasons}.",
            f'a better version, or %mlops promote {typed(plan.ref)} --force --reason "…"',
        )
    waiting = all(check.outcome == "pass" or check.metric == APPROVALS for check in gate.checks)
    mend = next((check.mend for check in gate.checks if check.outcome != "pass" and check.mend), "")
    hint = f"%mlops approve {typed(plan.ref)}, by somebody else" if waiting else mend or "%mlops log NAME=VALUE --run RUN, then promote again"  # fmt: skip
    return Inconclusive(f"{what}, the gate can't say: {gate.reasons}.", hint)
