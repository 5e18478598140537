"""The commands of validation: ``validate data``."""

from __future__ import annotations

from typing import Literal

from ..command import Run, Variable, command, name_of
from ..workspace import Workspace
from .results import Report


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
    run: Run | None = None,
) -> Report:
    """Check data: its quality, by itself and beside a reference.

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
    run
        The run that the report is kept with; by default the one of this cell.

    Returns
    -------
    Report
        With ``.ok``, ``.failed``, ``report["DQ003"]``, ``.frame()`` and ``.plot()``.

    Raises
    ------
    InvalidUsage
        Where it is no table, or lacks a column that is named.
    NotFound
        Where there is no such run.
    """
    from . import keeping
    from .reporting import report_on

    workspace = Workspace.here()
    report = report_on(
        data,
        name_of(data, "data"),
        workspace.settings.validation,
        target=target,
        reference=reference,
        reference_name=name_of(reference, "the reference"),
        key=key or (),
        time=time,
        group=group,
        only=only,
        skip=skip,
        severity=severity,
    )
    return keeping.keep(workspace, report, run)
