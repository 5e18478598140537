"""The commands of tracking: ``run``, ``log``, ``runs``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..command import File, Metric, Pairs, Run, Values, Variable, command, name_of, pairs
from ..entities import RunRef, smaller_is_better
from ..errors import InvalidUsage
from ..workspace import Workspace
from .results import Logged, RunRow, Runs

if TYPE_CHECKING:
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
    from .dataset import describe
    from .run import ActiveRun

    dataset = None if data is None else describe(data, name_of(data, "data"))
    return ActiveRun(
        Workspace.here(), name, dataset, pairs(param, "param"), pairs(tag, "tag"), autolog=autolog, store_model=model
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
        A fitted scikit-learn estimator to store with the run.
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
def runs(where: str | None = None, *, sort: Metric | None = None, limit: int = 20, children: bool = False) -> Runs:
    """List the runs of the experiment, with only the columns in which they differ.

    Parameters
    ----------
    where
        A filter in MLflow's language, such as "metrics.accuracy > 0.9".
    sort
        The metric to sort by, best first; by default the newest run is first.
    limit
        How many runs at the most.
    children
        Also list the runs that are nested in others, such as those of a search.

    Raises
    ------
    InvalidUsage
        Where the filter can't be read.
    """
    from ..backend import experiments

    if limit < 1:
        raise InvalidUsage(f"--limit must be 1 or more, not {limit}.", "%mlops runs --limit 20")
    workspace = Workspace.here()
    mlflow = workspace.mlflow
    experiment = experiments.experiment_id(mlflow, workspace.settings.experiment, create=False)
    order = "attributes.start_time DESC"
    if sort is not None:
        experiments.find_run(
            mlflow, experiment, RunRef("best", sort, smaller_is_better(sort))
        )  # says which metrics there are
        order = experiments.best_first(sort, smaller=smaller_is_better(sort))
    found = experiments.search(mlflow, experiment, where or "", order, limit + 1, children=children)
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
    return Runs(workspace.settings.experiment, rows, sort, more=len(found) > limit)
