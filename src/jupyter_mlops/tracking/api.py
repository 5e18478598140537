"""The commands of tracking: ``run``, ``log``, ``runs``."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

from ..command import REPRODUCES, File, Metric, Pairs, Run, Subject, Values, Variable, command, name_of, pairs
from ..entities import smaller_is_better
from ..errors import InvalidUsage
from ..workspace import Workspace
from .results import Logged, RunRow, Runs

if TYPE_CHECKING:
    from .comparison import Comparison
    from .history import History
    from .reproduction import Proof
    from .run import ActiveRun


@command(cell=True)
def run(
    name: str | None = None,
    *,
    data: Variable = None,
    param: Pairs = None,
    tag: Pairs = None,
    autolog: bool = True,
    model: bool = True,
) -> ActiveRun:
    """Run the cell as an experiment: metrics, parameters, data and the fitted model are logged.

    Parameters
    ----------
    name
        What the run is called.
    data
        The data it is about: a frame or an array; its size, schema and digest are logged.
    param
        A parameter to log, as k=v; again for more.
    tag
        A tag to set, as k=v; again for more.
    autolog
        Turned off, MLflow adds nothing by itself of what the libraries in use tell of a fit.
    model
        Turned off, the last estimator that the cell fits is not stored.

    Returns
    -------
    ActiveRun
        A context manager; after it, ``.result`` is the run's card.

    Raises
    ------
    BackendUnreachable
        Where the tracking server is down.
    """
    from ..display.progress import waiting
    from .dataset import describe
    from .run import ActiveRun

    workspace = Workspace.here()
    personal = workspace.settings.privacy.personal
    with waiting("Taking the digest of the data …"):
        dataset = None if data is None else describe(data, name_of(data, "data"), personal=personal)
    return ActiveRun(
        workspace, name, dataset, pairs(param, "param"), pairs(tag, "tag"), autolog=autolog, store_model=model
    )


@command()
def log(
    metrics: Values = None,
    *,
    step: int = 0,
    param: Pairs = None,
    tag: Pairs = None,
    figure: Variable = None,
    file: list[File] | None = None,
    model: Variable = None,
    data: Variable = None,
    run: Run | None = None,
) -> Logged:
    """Log metrics, parameters, tags, a figure, files or a model to a run.

    Parameters
    ----------
    metrics
        Metrics, as name=value, where the value is a number or a variable.
    step
        The step that the metrics belong to.
    param
        A parameter to log, as k=v; again for more.
    tag
        A tag to set, as k=v; again for more.
    figure
        A matplotlib figure to keep.
    file
        A file to keep; again for more.
    model
        A fitted estimator to store with the run; also a native booster or a PythonModel, which are not served.
    data
        What the model was fitted on: its signature is taken from it.
    run
        The run; by default the one of this cell, else the last one.

    Raises
    ------
    NotFound
        Where there is no such run, variable or file.
    """
    from .logging import Log

    entry = Log(Workspace.here(), run)
    entry.metrics(pairs(metrics, "metric"), step)
    entry.params(pairs(param, "param"))
    entry.tags(pairs(tag, "tag"))
    entry.figure(figure)
    entry.files(file or [])
    entry.model(model, data)
    return entry.write()


@command()
def runs(
    where: str | None = None, *, sort: Metric | None = None, limit: int = 20, page: int = 1, children: bool = False
) -> Runs:
    """List the runs of the experiment, with only the columns in which they differ.

    Parameters
    ----------
    where
        A filter, such as failed, "accuracy > 0.9 and max_depth = 3", "name ~ base", "since 7d"; or in MLflow's language.
    sort
        The metric to sort by, best first; by default the newest run is first.
    limit
        How many runs at the most.
    page
        Which of the pages of that many runs.
    children
        Also list the runs that are nested in others, such as those of a search.

    Raises
    ------
    InvalidUsage
        Where the filter can't be read, with the line that mends it.
    NotFound
        Where no run has the metric to sort by.
    """
    from ..backend import experiments
    from . import filters

    for flag, number in (("--limit", limit), ("--page", page)):
        if number < 1:
            raise InvalidUsage(f"{flag} must be 1 or more, not {number}.", "%mlops runs --limit 20 --page 1")
    workspace = Workspace.here()
    mlflow = workspace.mlflow
    experiment = experiments.experiment_id(mlflow, workspace.settings.experiment, create=False)
    names = experiments.Names(mlflow, experiment)
    condition = filters.to_mlflow(where or "", names)
    order = experiments.NEWEST_FIRST
    if sort is not None:
        names.need_metric(sort)
        order = experiments.best_first(sort, smaller=smaller_is_better(sort))
    with filters.told_plainly(where):
        found = experiments.search(
            mlflow, experiment, condition, order, limit + 1, children=children, skip=(page - 1) * limit
        )
    rows = tuple(
        RunRow(
            run_id=run.info.run_id,
            name=str(run.info.run_name),
            status=run.info.status,
            started=run.info.start_time / 1000,
            duration=(run.info.end_time - run.info.start_time) / 1000 if run.info.end_time else None,
            params=dict(run.data.params),
            metrics=dict(run.data.metrics),
        )
        for run in found[:limit]
    )
    return Runs(workspace.settings.experiment, rows, sort, len(found) > limit, where, page)


@command()
def compare(*refs: Subject) -> Comparison:
    """Compare runs, or versions of models: metrics, and what differs in parameters, code, data and environment.

    Parameters
    ----------
    refs
        Two or more: last, best:auc, run:3f2a, a run's name, churn@champion or churn/3.

    Returns
    -------
    Comparison
        With ``.frame()`` and ``.plot()``.

    Raises
    ------
    InvalidUsage
        For fewer than two, or the same one twice.
    NotFound
        For a run or version that isn't there, with the nearest names.
    """
    from . import comparison

    return comparison.compare(Workspace.here(), refs)


@command()
def history(*, metric: Metric | None = None, since: str | None = None) -> History:
    """Show how the best value of a metric has moved, with versions, promotions and rollbacks.

    Parameters
    ----------
    metric
        By default the one of your own that most runs have.
    since
        Only what happened since: 7d, 12h, 2w or a date.

    Returns
    -------
    History
        With ``.frame()`` and ``.plot()``.

    Raises
    ------
    NotFound
        Where no finished run has the metric.
    """
    from . import history as progress

    return progress.history(Workspace.here(), metric, since)


@command()
def reproduce(run: Subject, *, env: bool = False, tolerance: float = 1e-9) -> Proof:
    """Make a run again from its snapshot in a fresh kernel, and compare: REPRODUCED, or what is not the same.

    Parameters
    ----------
    run
        The run, or the version that was made of it: last, run:3f2a, churn@champion; of a bare name of a model the champion.
    env
        Build a fresh environment from the run's lock, in place of using today's.
    tolerance
        How far metrics and predictions may be apart, relative to their size.

    Returns
    -------
    Proof
        ``.ok`` where it is reproduced; the rebuilt notebook stays in the folder reproduced/.

    Raises
    ------
    NotFound
        Where there is no such run, or it has no snapshot.
    InvalidUsage
        Where it was made by a script, or within another run that is made again.
    MissingDependency
        Where nbclient is not installed.
    """
    from . import reproduction

    if not 0 <= tolerance < math.inf:
        raise InvalidUsage(
            f"--tolerance must be a number of 0 or more, not {tolerance:g}.", "%mlops reproduce last --tolerance 1e-9"
        )
    if REPRODUCES in os.environ:
        raise InvalidUsage("A run is being made again here already.", "reproduce in a cell of its own, after the run")
    return reproduction.reproduce(Workspace.here(), run, env=env, tolerance=tolerance)
