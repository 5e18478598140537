"""Experiments and runs page by page, for a face that shows many and looks often: 100,000 runs are never read at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..backend import experiments, saying
from ..entities import own_first, smaller_is_better
from ..errors import InvalidUsage, NotFound
from ..workspace import Workspace
from . import filters

MOST: Final = 200
"""Runs on a page."""
_MOST_NAMES: Final = 50
_ORDERS: Final = {"started": "attributes.start_time", "name": "attributes.run_name", "ended": "attributes.end_time"}
_RUN: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")


@dataclass(frozen=True)
class Experiment:
    """An experiment of the server; ``current`` is that of the project's settings."""

    id: str
    name: str
    current: bool
    updated: float


@dataclass(frozen=True)
class Experiments:
    """A page of them, the newest first; ``next`` is the token of the page after."""

    experiments: list[Experiment]
    next: str | None


@dataclass(frozen=True)
class Row:
    """A run, as a list shows it; ``more`` says how many metrics and parameters are left out."""

    run_id: str
    name: str
    status: str
    started: float
    ended: float | None
    user: str
    notebook: str | None
    parent: str | None
    metrics: dict[str, float]
    params: dict[str, str]
    more: dict[str, int]
    models: list[str]


@dataclass(frozen=True)
class Named:
    """The id and the name of an experiment."""

    id: str
    name: str


@dataclass(frozen=True)
class Rows:
    """A page of runs."""

    experiment: Named | None
    runs: list[Row]
    next: str | None


@dataclass(frozen=True)
class Change:
    """How a piece of code differs: a unified diff."""

    title: str
    text: str


@dataclass(frozen=True)
class Compared:
    """Runs side by side: of each metric and parameter a value for each run, and rows of what else differs."""

    run_ids: list[str]
    runs: list[str]
    metrics: dict[str, list[float | None]]
    params: dict[str, list[str | None]]
    data: list[list[str | None]]
    packages: list[list[str | None]]
    code: list[Change]
    view: dict[str, Any] | None


def list_experiments(workspace: Workspace, limit: int = 100, page: str | None = None) -> Experiments:
    """List the experiments of the server, those in which something has happened last first."""
    found = workspace.mlflow.read(
        "search_experiments", max_results=limit, order_by=["last_update_time DESC"], page_token=page
    )
    current = workspace.settings.experiment
    listed = [
        Experiment(str(one.experiment_id), one.name, one.name == current, (one.last_update_time or 0) / 1000)
        for one in found
    ]
    return Experiments(listed, found.token)


def list_runs(
    workspace: Workspace,
    experiment: str | None = None,
    where: str = "",
    sort: str = "",
    *,
    descending: bool | None = None,
    limit: int = 50,
    page: str | None = None,
    children: bool = False,
) -> Rows:
    """List a page of runs.

    Parameters
    ----------
    workspace : Workspace
    experiment : str, optional
        Its id or name; by default the project's.
    where : str
        A filter, as ``runs`` takes it.
    sort : str
        ``started``, ``ended``, ``name`` or a metric; by default the newest is first.
    descending : bool, optional
        By default what is newest or best is first.
    limit : int
    page : str, optional
        MLflow's token, from the page before.
    children : bool
        Also those that are nested in others.

    Raises
    ------
    InvalidUsage
        Where the filter can't be read, or the token is none.
    NotFound
        Where there is no such experiment.
    """
    mlflow = workspace.mlflow
    chosen = _experiment(workspace, experiment)
    if chosen is None:
        return Rows(None, [], None)
    condition = filters.to_mlflow(where, experiments.Names(mlflow, chosen.id))
    if not children:
        condition = " AND ".join(filter(None, (condition, experiments.NOT_NESTED)))
    with filters.told_plainly(where):
        found = mlflow.read(
            "search_runs",
            [chosen.id],
            filter_string=condition,
            max_results=max(1, min(MOST, limit)),
            order_by=[_order(sort, descending)],
            page_token=page,
        )
    return Rows(chosen, [row_of(run) for run in found], found.token)


def brief(workspace: Workspace, run_id: str) -> Row:
    """Give a run as a list shows it: one request.

    Raises
    ------
    NotFound
        Where it is not there, or was deleted.
    """
    return row_of(read(workspace, run_id))


def with_tag(workspace: Workspace, tag: str, most: int) -> list[tuple[Row, str]]:
    """List the newest runs of the project's experiment that have a tag, with what it says."""
    chosen = _experiment(workspace, None)
    if chosen is None:
        return []
    where = f"tags.`{tag}` LIKE '%'"
    found = workspace.mlflow.read(
        "search_runs", [chosen.id], filter_string=where, max_results=most, order_by=[experiments.NEWEST_FIRST]
    )
    return [(row_of(run), run.data.tags[tag]) for run in found]


def side_by_side(compared: Mapping[str, Any], view: dict[str, Any] | None) -> Compared:
    """Turn what ``compare`` gives as plain data into a column for each run; ``view`` is how it is drawn."""
    sides: Sequence[Mapping[str, Any]] = compared["sides"]

    def rows(kind: str) -> dict[str, list[Any]]:
        names = dict.fromkeys(name for side in sides for name in side[kind])
        return {name: [side[kind].get(name) for side in sides] for name in names}

    return Compared(
        run_ids=[side["run_id"] for side in sides],
        runs=[side["label"] for side in sides],
        metrics={name: [_measured(value) for value in values] for name, values in rows("metrics").items()},
        params=rows("params"),
        data=compared["data"],
        packages=[*compared["commits"], *compared["packages"]],
        code=[Change(title, text) for title, text in [*compared["changes"], *compared["uncommitted"]]],
        view=view,
    )


def _measured(value: Any) -> Any:
    return saying.measured(value) if isinstance(value, float) else value  # or a word, such as NaN


def _experiment(workspace: Workspace, given: str | None) -> Named | None:
    mlflow = workspace.mlflow
    name = workspace.settings.experiment if given is None else given
    found = mlflow.read("get_experiment_by_name", name)
    if found is None and given is not None and given.isdecimal():
        found = mlflow.read("get_experiment", given)
    if found is None and given is not None:
        raise NotFound(f"There is no experiment {given[:100]!r}.", "%mlops status")
    return None if found is None else Named(str(found.experiment_id), found.name)


def _order(sort: str, descending: bool | None) -> str:
    if sort in ("", *_ORDERS):
        field = _ORDERS[sort or "started"]
        return f"{field} {'ASC' if descending is False or (descending is None and sort == 'name') else 'DESC'}"
    smaller = smaller_is_better(sort) if descending is None else not descending
    return experiments.best_first(sort, smaller=smaller)


def read(workspace: Workspace, run_id: str) -> Any:
    """Read a run.

    Raises
    ------
    NotFound
        Where it is not there, or was deleted.
    """
    if not _RUN.fullmatch(run_id):
        raise InvalidUsage(f"{run_id[:80]!r} is no id of a run.", "%mlops runs")
    run = workspace.mlflow.read("get_run", run_id)
    if run.info.lifecycle_stage == "deleted":
        raise NotFound(f"The run:{run_id[:8]} was deleted.", "restore it in MLflow's UI, or look at another one")
    return run


def row_of(run: Any) -> Row:
    """Describe a run for a list."""
    tags: Mapping[str, str] = run.data.tags
    program = tags.get("mlflow.source.name", "")
    metrics, params = own_first(run.data.metrics), sorted(run.data.params)
    return Row(
        run_id=run.info.run_id,
        name=str(run.info.run_name or ""),
        status=str(run.info.status),
        started=(run.info.start_time or 0) / 1000,
        ended=run.info.end_time / 1000 if run.info.end_time else None,
        user=tags.get("mlflow.user", ""),
        notebook=program if program.endswith(".ipynb") else None,
        parent=tags.get("mlflow.parentRunId"),
        metrics={name: run.data.metrics[name] for name in metrics[:_MOST_NAMES]},
        params={name: run.data.params[name] for name in params[:_MOST_NAMES]},
        more={"metrics": len(metrics[_MOST_NAMES:]), "params": len(params[_MOST_NAMES:])},
        models=[],
    )
