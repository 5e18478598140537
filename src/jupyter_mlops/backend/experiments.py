"""Experiments and runs on the server: find them by the words that people use."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..entities import RunRef
from ..errors import Conflict, InvalidUsage, NotFound, nearest
from .adapter import Mlflow

if TYPE_CHECKING:
    from mlflow.entities import Run

_PARENT = "mlflow.parentRunId"
PAGE = 1000  # MLflow takes more at a time; a page of this size is quick


def experiment_id(mlflow: Mlflow, name: str, *, create: bool = True) -> str | None:
    """Find an experiment by its name, and make it where it isn't there.

    Raises
    ------
    Conflict
        Where it has been deleted: MLflow keeps the name.
    """
    found = mlflow.read("get_experiment_by_name", name)
    if found is not None:
        if found.lifecycle_stage == "deleted":
            raise Conflict(
                f"The experiment {name!r} has been deleted.",
                "%mlops init --experiment ANOTHER, or restore it in MLflow's UI",
            )
        return str(found.experiment_id)
    if not create:
        return None
    try:
        return str(mlflow.write("create_experiment", name))
    except Conflict:  # another kernel was first
        return experiment_id(mlflow, name, create=False)


def search(
    mlflow: Mlflow,
    experiment: str | None,
    where: str = "",
    order: str = "attributes.start_time DESC",
    most: int = PAGE,
    *,
    children: bool = True,
) -> list[Run]:
    """Search for runs, newest first; without ``children``, only those that nobody has nested in another."""
    found: list[Run] = []
    token = None
    while experiment is not None and len(found) < most:
        size = min(PAGE, most if children else most + 50)
        page = mlflow.read(
            "search_runs", [experiment], filter_string=where, max_results=size, order_by=[order], page_token=token
        )
        found += [run for run in page if children or _PARENT not in run.data.tags]
        token = page.token
        if not token:
            break
    return found[:most]


def find_run(mlflow: Mlflow, experiment: str | None, ref: RunRef) -> Run:
    """Find the one run that a reference means.

    Raises
    ------
    NotFound
        Where there is none, with the nearest names.
    Conflict
        Where a prefix fits more than one.
    """
    if ref.kind == "best":
        return _best(mlflow, experiment, ref)
    if ref.kind == "last":
        runs = search(mlflow, experiment, most=1, children=False)
        if not runs:
            raise NotFound("There is no run yet.", "%%mlops run NAME, and the cell that fits the model")
        return runs[0]
    if ref.kind == "name":
        runs = search(mlflow, experiment, f"attributes.run_name {equals(ref.value)}", most=1)
        if not runs:
            known = [str(run.info.run_name) for run in search(mlflow, experiment, most=200)]
            raise NotFound(f"There is no run {ref.value!r}.{nearest(ref.value, known)}", "%mlops runs")
        return runs[0]
    if not all(character in "0123456789abcdef" for character in ref.value):
        raise InvalidUsage(f"{ref} is no id: it has other characters than 0-9 and a-f.", "%mlops runs")
    runs = search(mlflow, experiment, f"attributes.run_id LIKE '{ref.value}%'", most=3)
    if not runs and len(ref.value) == 32:  # a whole id may be of another experiment
        return mlflow.read("get_run", ref.value)  # type: ignore[no-any-return]
    if not runs:
        raise NotFound(f"There is no run whose id begins with {ref.value!r}.", "%mlops runs")
    if len(runs) > 1:
        fits = ", ".join(f"run:{run.info.run_id[: len(ref.value) + 4]}" for run in runs)
        raise Conflict(f"{ref} fits more than one run: {fits}.", "one more character of the id decides")
    return runs[0]


def best_value(mlflow: Mlflow, experiment: str | None, metric: str, *, smaller: bool, but: str = "") -> float | None:
    """Give the best value of a metric over the finished runs, leaving out the run ``but``."""
    for run in _ranked(mlflow, experiment, metric, smaller=smaller, most=2):
        value = run.data.metrics.get(metric, math.nan)
        if run.info.run_id != but and not math.isnan(value):
            return float(value)
    return None


def _best(mlflow: Mlflow, experiment: str | None, ref: RunRef) -> Run:
    for run in _ranked(mlflow, experiment, ref.value, smaller=ref.smaller, most=50):
        if not math.isnan(run.data.metrics.get(ref.value, math.nan)):
            return run
    known = {metric for run in search(mlflow, experiment, most=100) for metric in run.data.metrics}
    if not known:
        raise NotFound(
            f"No finished run has a metric {ref.value!r}; none has any.",
            f"%mlops log {ref.value}=0.9 in the run's cell",
        )
    raise NotFound(f"No finished run has a metric {ref.value!r}.{nearest(ref.value, known)}", "%mlops runs")


def best_first(metric: str, *, smaller: bool) -> str:
    """Write the order of a search that has the best value of a metric first."""
    name = metric.replace("`", "")  # MLflow's names of metrics have none
    return f"metrics.`{name}` {'ASC' if smaller else 'DESC'}"


def _ranked(mlflow: Mlflow, experiment: str | None, metric: str, *, smaller: bool, most: int) -> list[Run]:
    return search(mlflow, experiment, "attributes.status = 'FINISHED'", best_first(metric, smaller=smaller), most)


def equals(text: str) -> str:
    """Write a comparison in MLflow's filter language, which knows two quotes and no escape."""
    if "'" not in text:
        return f"= '{text}'"
    if '"' not in text:
        return f'= "{text}"'
    return "LIKE '" + text.replace("'", "_") + "'"  # any character stands there for the quote


def entities() -> Any:
    """MLflow's own entities (metrics, params, tags), imported when first needed."""
    import mlflow.entities

    return mlflow.entities
