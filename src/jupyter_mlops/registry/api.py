"""The commands of the registry; those that carry versions elsewhere are in ``sharing``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .. import signing
from ..command import Alias, File, Model, Name, Run, Subject, Variable, command, name_of
from ..entities import CHAMPION, ModelRef, RunRef, model_name, typed
from ..errors import InvalidUsage
from ..workspace import Workspace
from .results import Approved, Audit, Change, Registered

if TYPE_CHECKING:
    from .card.modelcard import ModelCard
    from .graph import Lineage
    from .listing import Models


@command(changes=True)
def register(
    name: Name,
    *,
    run: Run | None = None,
    model: Variable = None,
    data: Variable = None,
    alias: Alias | None = None,
    sign: bool = False,
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
        A fitted estimator, in place of a run; also a native booster or a PythonModel, which are not served.
    data
        What the estimator was fitted on: its signature is taken from it.
    alias
        The alias to give to the version, such as challenger.
    sign
        Sign the model's files with the project's own key, in .mlops; the first time it is made.
    dry_run
        Only show what would be done.

    Raises
    ------
    NotFound
        Where there is no such run, or it has stored no model.
    InvalidUsage
        Where the alias is champion: that takes a gate.
    MissingDependency
        Where it is to be signed, and model-signing is not installed.
    UntrustedModel
        Where it is to be signed, and its files are not those that were logged.
    """
    from . import registration

    model_name(name)
    registration.check_alias(alias, f"register {typed(name)}")
    if model is not None and run is not None:
        raise InvalidUsage("register takes a run or a model, not both.", f"%mlops register {typed(name)} --run last")
    workspace = Workspace.here()
    if sign:
        signing.need()
    if model is not None:
        if dry_run:
            return registration.planned(workspace, name, alias, f"a {type(model).__name__} of this notebook")
        run = registration.run_of(workspace, name, model, data)
    ref = RunRef.of("last" if run is None else run)
    return registration.register(workspace, name, ref, alias, sign=sign, dry_run=dry_run)


@command()
def models(name: Name | None = None) -> Models:
    """List the registered models, or the versions of one with aliases, endpoints and metrics.

    Parameters
    ----------
    name
        The model whose versions to list.

    Returns
    -------
    Models
        With ``.frame()``, and for one model ``.plot()``.

    Raises
    ------
    NotFound
        Where there is no such model, with the nearest names.
    """
    from . import listing

    return listing.models(Workspace.here(), name)


@command(changes=True)
def card(model: Model, *, dry_run: bool = False) -> ModelCard:
    """Write the card of a version from what is known; what you write into its open parts is kept.

    Parameters
    ----------
    model
        The version, such as churn@champion; of a bare name the newest.
    dry_run
        Only show what would be written.

    Returns
    -------
    ModelCard
        With ``.markdown``, ``.html()`` and ``.open``; it is in the folder cards/, as Markdown and as a page, and
        both are stored with the version.

    Raises
    ------
    NotFound
        Where there is no such version.
    Conflict
        Where the lines around your parts are broken, something is written outside of them, or a colleague has written
        the same part; what only one of you has written is put together.
    """
    from ..backend import versions
    from .card import modelcard

    workspace = Workspace.here()
    return modelcard.write(workspace, versions.find_version(workspace.mlflow, ModelRef.of(model)), dry_run=dry_run)


@command()
def lineage(subject: Subject | None = None, *, data: Variable = None) -> Lineage:
    """Show what a model, version or run came from and what became of it, or all that depends on some data.

    Parameters
    ----------
    subject
        Such as churn, churn@champion, churn/3, last, run:3f2a or data:4f76f5bb.
    data
        The data itself: a frame or an array, known again by its values.

    Returns
    -------
    Lineage
        With ``.frame()`` and ``.plot()``.

    Raises
    ------
    NotFound
        Where there is no such model, version or run, or no run has used the data.
    Conflict
        Where the beginning of a digest or an id fits more than one.
    """
    from . import lineage as lines

    if (subject is None) == (data is None):
        raise InvalidUsage("lineage takes a model, version or run, or --data.", "%mlops lineage last")
    if data is None:
        return lines.lineage(Workspace.here(), subject)
    from ..fingerprint import fingerprint

    return lines.of_data(Workspace.here(), fingerprint(data).digest, name_of(data, "") or None)


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
    from . import promotion

    ref = ModelRef.of(model)
    ModelRef.of(f"{ref.name}@{to}")
    if force and not reason.strip():
        raise InvalidUsage(
            "A forced promotion needs a reason: it stays in the audit.",
            f'%mlops promote {typed(ref)} --force --reason "…"',
        )
    return promotion.promote(Workspace.here(), ref, to, force=force, reason=_masked(reason), dry_run=dry_run)


@command(changes=True)
def approve(model: Model, *, reason: str = "", dry_run: bool = False) -> Approved:
    """Approve a version, where its gate asks for another person: approvals = 1 in mlops.toml.

    Parameters
    ----------
    model
        The version, such as churn@challenger; of a bare name the challenger.
    reason
        What was looked at, for the audit.
    dry_run
        Only show what would be done.

    Raises
    ------
    NotFound
        Where there is no such version.
    """
    from . import approvals

    return approvals.approve(Workspace.here(), ModelRef.of(model), reason=_masked(reason), dry_run=dry_run)


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
    from . import promotion

    return promotion.rollback(Workspace.here(), name, to, reason=_masked(reason), dry_run=dry_run)


@command()
def audit(name: Name | None = None, *, verify: bool = False, export: File | None = None) -> Audit:
    """Show who did what to a model, when, from where and why; changes that others made without us too.

    Parameters
    ----------
    name
        The registered model; by default all of them.
    verify
        Check the chain: was an event changed or added, is one missing, does one stand elsewhere? It says the hash of the
        last event, too: who can write to MLflow could write all of it anew, but not to this hash, nor past this machine,
        which remembers the last event it has seen. Keep an exported audit as the proof.
    export
        A file to write the events to: .jsonl for one a line, .html for a page.

    Raises
    ------
    ValidationFailed
        Where the chain does not hold, with the events concerned.
    """
    from . import chain

    return chain.show(Workspace.here(), name, verify=verify, export=export)


def _masked(reason: str) -> str:
    """Take secrets out of what is to stay in the audit for good, and say so in their place."""
    from .. import secrets

    masked, found = secrets.mask(reason, secrets.secret_values({}, os.environ))
    return f"{masked} (masked: {', '.join(dict.fromkeys(each.kind for each in found))})" if found else reason
