"""The commands of validation: ``validate data``, ``validate model``, and ``check`` for what people write themselves."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..command import File, Model, Run, Variable, command, name_of
from ..errors import InvalidUsage
from ..workspace import Workspace
from .results import Report

if TYPE_CHECKING:
    from .written import WrittenCheck


@command(name="validate data")
def validate_data(
    data: Variable,
    *,
    target: str | None = None,
    reference: Variable = None,
    key: list[str] | None = None,
    time: str | None = None,
    group: str | None = None,
    only: list[str] | None = None,
    skip: list[str] | None = None,
    severity: Literal["error", "warning", "note"] = "error",
    contract: File | None = None,
    save_contract: File | None = None,
    force: bool = False,
    run: Run | None = None,
) -> Report:
    """Check data, alone or beside a reference or a contract: its quality, potential, correlations and privacy.

    Parameters
    ----------
    data
        A frame or an array.
    target
        The column that is to be predicted.
    reference
        What it is held against: last month's data, or what the model is trained on.
    key
        A column that names a row; again for more.
    time
        The column that says when a row was made.
    group
        The column that says whose a row is: rows of one group belong on one side of a split.
    only
        Only the checks of this code, or of those that begin so, such as DQ; again for more.
    skip
        Not the checks of this code; again for more.
    severity
        From which severity on a finding fails the report.
    contract
        A file that says what the data must be: a schema of pandera, in .yaml or .py; by default that of mlops.toml.
    save_contract
        A file to write such a contract to, as the data is now, for you to edit: .yaml.
    force
        Write it also where there is one.
    run
        The run that the report is kept with; by default the one of this cell.

    Returns
    -------
    Report
        With ``.ok``, ``.failed``, ``report["DQ003"]``, ``.frame()`` and ``.plot()``.

    Raises
    ------
    InvalidUsage
        Where it is no table, or lacks a column that is named; where the contract can't be understood: with the line.
    NotFound
        Where there is no such run, or contract.
    Conflict
        Where the contract would be written over.
    """
    from . import keeping
    from .reporting import report_on

    workspace = Workspace.here()
    settings = workspace.settings.validation
    report = report_on(
        data,
        name_of(data, "data"),
        settings,
        target=target,
        reference=reference,
        reference_name=name_of(reference, "the reference"),
        key=key or (),
        time=time,
        group=group,
        only=only,
        skip=skip,
        severity=severity,
        marked=workspace.settings.privacy.personal,
        contract=contract or (workspace.root / settings.contract if settings.contract and not save_contract else None),
        save_contract=Path(save_contract) if save_contract else None,
        force=force,
    )
    return keeping.keep(workspace, report, run)


@command(name="validate model")
def validate_model(
    model: Model,
    *,
    data: Variable,
    target: str,
    against: Model | None = None,
    slice: list[str] | None = None,
    group: list[str] | None = None,
    scorer: list[str] | None = None,
    train: Variable = None,
    predictions: Variable = None,
    security: bool = False,
    only: list[str] | None = None,
    skip: list[str] | None = None,
    severity: Literal["error", "warning", "note"] = "error",
) -> Report:
    """Check a model on data that it has not seen: whether it is good, and better than the champion.

    Parameters
    ----------
    model
        The version, such as churn@challenger; of a bare name the challenger. In Python also a fitted estimator.
    data
        The test data, with the target and the columns that slices and groups are told by.
    target
        The column that is predicted.
    against
        What it must be better than; by default the champion, where there is one.
    slice
        A column by whose values it is looked at; again for more.
    group
        A column that says of people to which group they belong: it must be fair to each. Again for more.
    scorer
        What models are compared by, of scikit-learn; with a bound as 'roc_auc>=0.9'; again for more bounds.
    train
        What it was fitted on, with the target: shows overfitting, and rows that it was tried on by mistake.
    predictions
        What it answers to the test data, of a model that can't be loaded safely; of another one they are compared.
    security
        Also what an attacker could do: flip answers, tell who was trained on, turn labels, change files (MV1).
    only
        Only the checks of this code, or of those that begin so, such as MV00; again for more.
    skip
        Not the checks of this code; again for more.
    severity
        From which severity on a finding fails the report.

    Returns
    -------
    Report
        With ``.ok``, ``.failed``, ``report["MV002"]``, ``.frame()`` and ``.plot()``; kept with the version's run.

    Raises
    ------
    InvalidUsage
        Where the data lacks a column that is named, or there is no such scorer.
    NotFound
        Where there is no such version.
    BackendUnreachable
        Where the server is away: never is that taken for "there is no champion".
    """
    from .trial import trial

    return trial(
        Workspace.here(),
        model,
        data,
        name_of(data, "data"),
        target,
        against=against,
        slices=slice or (),
        groups=group or (),
        scorers=scorer or (),
        train=train,
        predictions=predictions,
        security=security,
        only=only,
        skip=skip,
        severity=severity,
    )


@command(cell=True)
def check(name: str, *, bound: str | None = None, run: Run | None = None) -> WrittenCheck:
    """Run the cell as a check: its assertions hold, and its last line is true, or a number within a bound.

    Parameters
    ----------
    name
        What it is called; a gate asks for it by this name: checks = ["no_negative_prices"].
    bound
        What the number must be, such as '>= 0.9'.
    run
        The run that it is kept with; by default the one of this cell, else the last one.

    Returns
    -------
    WrittenCheck
        A context manager; after it, ``.result`` says what it came to.

    Raises
    ------
    ValidationFailed
        Where it has failed; an assertion's own error comes through unchanged.
    NotFound
        Where there is no such run.
    """
    from .written import WrittenCheck

    if not re.fullmatch(r"[\w.-]{1,100}", name) or re.fullmatch(r"[A-Z]{2}\d{3}", name):
        raise InvalidUsage(f"{name!r} is no name for a check of your own.", "%%mlops check no_negative_prices")
    return WrittenCheck(Workspace.here(), name, bound, run)
