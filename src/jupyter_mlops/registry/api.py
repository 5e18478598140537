"""The commands of the registry: ``register``, ``models``, ``promote``, ``rollback``, ``audit``."""

from __future__ import annotations

import re

from ..command import Alias, Model, Name, Run, Variable, command
from ..entities import CHALLENGER, CHAMPION, ModelRef, RunRef, model_name, typed
from ..errors import Inconclusive, InvalidUsage, NotFound, ValidationFailed
from ..workspace import Workspace
from .results import Audit, Change, Models, Registered, VersionRow


@command(changes=True)
def register(
    name: Name,
    *,
    run: Run | None = None,
    model: Variable = None,
    data: Variable = None,
    alias: Alias | None = None,
    dry_run: bool = False,
) -> Registered:
    """Register the model of a run, or a live estimator, as a version; the same model again is the same version.

    Parameters
    ----------
    name
        The registered model; it is made where it isn't there.
    run
        The run whose model it is; by default the last one.
    model
        A fitted estimator, in place of a run.
    data
        What the estimator was fitted on: its signature is taken from it.
    alias
        The alias to give to the version, such as challenger.
    dry_run
        Only show what would be done.

    Raises
    ------
    NotFound
        Where there is no such run, or it has stored no model.
    InvalidUsage
        Where the alias is champion: that takes a gate.
    """
    from . import registration

    model_name(name)
    if alias is not None and alias.lower() == CHAMPION:
        raise InvalidUsage(
            "Only promote makes a champion: it asks the gate.", f"%mlops register {typed(name)} --alias {CHALLENGER}"
        )
    if alias is not None:
        ModelRef.of(f"{name}@{alias}")
    if model is not None and run is not None:
        raise InvalidUsage("register takes a run or a model, not both.", f"%mlops register {typed(name)} --run last")
    workspace = Workspace.here()
    if model is not None:
        if dry_run:
            return registration.planned(workspace, name, alias, f"a {type(model).__name__} of this notebook")
        run = registration.run_of(workspace, name, model, data)
    return registration.register(workspace, name, RunRef.of("last" if run is None else run), alias, dry_run=dry_run)


@command()
def models(name: Name | None = None) -> Models:
    """List the registered models, or the versions of one with its aliases and metrics.

    Parameters
    ----------
    name
        The model whose versions to list.

    Raises
    ------
    NotFound
        Where there is no such model, with the nearest names.
    """
    from ..backend import versions
    from . import registration

    mlflow = Workspace.here().mlflow
    names = [name] if name else [model.name for model in versions.models(mlflow)]
    rows: list[VersionRow] = []
    for each in names:
        aliases = versions.model(mlflow, each).aliases
        found = versions.versions(mlflow, each)
        rows += [registration.row(mlflow, version, aliases) for version in (found if name else found[:1])]
    return Models(tuple(rows), name)


@command(changes=True)
def promote(
    model: Model, *, to: Alias = CHAMPION, force: bool = False, reason: str = "", dry_run: bool = False
) -> Change:
    """Make a version the champion, if the gate in mlops.toml says so.

    Parameters
    ----------
    model
        The version, such as churn@challenger; of a bare name the challenger.
    to
        The alias to move.
    force
        Promote although the gate did not pass; needs a reason, which stays in the audit.
    reason
        Why, for the audit.
    dry_run
        Only show what would be done.

    Raises
    ------
    ValidationFailed
        Where the gate says no, with the failed checks.
    Inconclusive
        Where it can't say: no gate, or a metric is missing.
    Conflict
        Where another kernel moves the alias at the same time.
    """
    from ..backend import versions
    from . import aliases, gate, registration

    ref = ModelRef.of(model)
    ModelRef.of(f"{ref.name}@{to}")
    if force and not reason.strip():
        raise InvalidUsage(
            "A forced promotion needs a reason: it stays in the audit.",
            f'%mlops promote {typed(ref)} --force --reason "…"',
        )
    workspace = Workspace.here()
    version = versions.find_version(workspace.mlflow, ref, CHALLENGER)
    before, after = aliases.current(workspace, ref.name, to), int(version.version)
    verdict = gate.judge(workspace.settings.gates.get(ref.name, {}), registration.metrics(workspace.mlflow, version))
    plan = Change("promote", ref.name, to, before, after, verdict, done=False, why=reason)
    if dry_run or before == after:
        return plan
    if verdict.outcome != "pass" and not force:
        raise _refusal(plan)
    forced = verdict.outcome != "pass"
    aliases.move(
        workspace,
        ref.name,
        to,
        before=before,
        after=after,
        action="promote",
        why=reason,
        evidence=verdict.evidence + " (forced)" * forced,
    )
    return Change("promote", ref.name, to, before, after, verdict, done=True, why=reason, forced=forced)


@command(changes=True)
def rollback(name: Name, *, to: int | None = None, reason: str = "", dry_run: bool = False) -> Change:
    """Put the previous champion back, or an earlier one.

    Parameters
    ----------
    name
        The registered model.
    to
        The version to go back to; it must have been the champion before.
    reason
        Why, for the audit.
    dry_run
        Only show what would be done.

    Raises
    ------
    NotFound
        Where there is no earlier champion.
    """
    from ..backend import audit as chain
    from ..backend import versions
    from . import aliases

    workspace = Workspace.here()
    before = aliases.current(workspace, name, CHAMPION)
    line = aliases.line_of_champions([stored.event for stored in chain.read(workspace.mlflow, name)], CHAMPION, before)
    if to is not None and to not in line:
        raise NotFound(f"{name}/{to} was not the champion before this one.", f"%mlops promote {typed(f'{name}/{to}')}")
    earlier = [version for version in line if version != before]
    if to is None and not earlier:
        raise NotFound(f"{name} has had no other champion to go back to.", f"%mlops audit {typed(name)}")
    after = earlier[-1] if to is None else to
    if not dry_run and after != before:
        try:
            versions.find_version(workspace.mlflow, ModelRef(name, version=after))
        except NotFound:
            raise aliases.deleted_is_told(name, after) from None
        aliases.move(workspace, name, CHAMPION, before=before, after=after, action="rollback", why=reason, evidence="")
    return Change("rollback", name, CHAMPION, before, after, None, done=not dry_run and after != before, why=reason)


@command()
def audit(name: Name | None = None, *, verify: bool = False) -> Audit:
    """Show who did what to a model, when, from where and why.

    Parameters
    ----------
    name
        The registered model; by default all of them.
    verify
        Check the chain: was an event changed, is one missing, does one stand elsewhere?

    Raises
    ------
    ValidationFailed
        Where the chain does not hold, with the events concerned.
    """
    from ..backend import audit as chain
    from ..backend import versions

    mlflow = Workspace.here().mlflow
    names = [versions.model(mlflow, name).name] if name else [model.name for model in versions.models(mlflow)]
    chains = {each: chain.read(mlflow, each) for each in names}
    if verify:
        faults = [f"{each}: {fault}" for each, events in chains.items() for fault in chain.faults(mlflow, each, events)]
        if faults:
            raise ValidationFailed(
                f"The audit does not hold. {'; '.join(faults[:3])}.", "compare with a backup of the MLflow server"
            )
    events = sorted((stored.event for found in chains.values() for stored in found), key=lambda event: event.time)
    return Audit(name, tuple(events), verify)


def _refusal(plan: Change) -> ValidationFailed:
    gate = plan.gate
    assert gate is not None
    what = f"{plan.name}/{plan.after} is not promoted"
    if not gate.checks:
        return Inconclusive(
            f"{what}: there is no gate for {plan.name}.",
            f'in mlops.toml: [gates.{_key(plan.name)}] and accuracy = ">= 0.9"',
        )
    if gate.outcome == "fail":
        return ValidationFailed(
            f"{what}, the gate says no: {gate.reasons}.",
            f'a better version, or %mlops promote {typed(plan.ref)} --force --reason "…"',
        )
    return Inconclusive(
        f"{what}, the gate can't say: {gate.reasons}.", "%mlops log NAME=VALUE --run RUN, then promote again"
    )


def _key(name: str) -> str:
    """Write a name as a key of TOML."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else f'"{name}"'
