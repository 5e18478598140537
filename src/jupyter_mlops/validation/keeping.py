"""Keep a report with its run on the server, where the gate, the card and CI find it."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Literal

from ..backend import experiments, fluent, reports
from ..display import html
from ..entities import RunRef
from ..errors import NotFound
from ..workspace import Workspace
from .results import Report, read


def keep(workspace: Workspace, report: Report, run: object = None) -> Report:
    """Store a report with a run: as JSON for programs, as a page for people, and in short as a tag.

    Parameters
    ----------
    workspace : Workspace
    report : Report
    run : object, optional
        Which run; by default that of the cell around it. Where there is none, nothing is stored.

    Raises
    ------
    NotFound
        Where there is no such run.
    """
    ref = run if run is not None else _active()
    if ref is None:
        return report
    mlflow = workspace.mlflow
    experiment = experiments.experiment_id(mlflow, workspace.settings.experiment, create=False)
    run_id = experiments.find_run(mlflow, experiment, RunRef.of(ref)).info.run_id
    kept = replace(report, stored=f"run:{run_id[:8]}")
    title = f"{kept.kind.capitalize()} report of {kept.about}"
    reports.write(mlflow, run_id, kept.kind, kept.to_dict(), kept.outcome, html.page(kept.view(), title))
    return kept


def find(workspace: Workspace, run: object, kind: Literal["data", "model"] = "data") -> Report:
    """Read the report that is kept with a run.

    Raises
    ------
    NotFound
        Where there is no such run, or none with it.
    """
    mlflow = workspace.mlflow
    experiment = experiments.experiment_id(mlflow, workspace.settings.experiment, create=False)
    run_id = experiments.find_run(mlflow, experiment, RunRef.of(run)).info.run_id
    text = reports.text_of(mlflow, run_id, kind)
    if text is None:
        mend = (
            "%mlops validate data df --run last"
            if kind == "data"
            else "%mlops validate model MODEL --data test --target y"
        )
        raise NotFound(f"There is no report of {'data' if kind == 'data' else 'a model'} with run:{run_id[:8]}.", mend)
    return read(json.loads(text))


def _active() -> str | None:
    """Give the run of the cell around us; where MLflow was not imported yet, there is none, and it is not for this."""
    return fluent.active_run_id() if "mlflow" in sys.modules else None
