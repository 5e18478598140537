"""Experiments and runs on the server: find them by the words that people use."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..entities import RunRef
from ..errors import Conflict, InvalidUsage, NotFound, nearest
from .adapter import Mlflow
from .git import without_credentials

if TYPE_CHECKING:
    from mlflow.entities import Run

REPRODUCES = "mlops.reproduces"
"""The tag of a run that repeats another: it begins with the other's id."""

_PARENT = "mlflow.parentRunId"
NOT_NESTED = f"tags.`{_PARENT}` IS NULL"
PAGE = 1000  # MLflow takes more at a time; a page of this size is quick
NEWEST_FIRST = "attributes.start_time DESC"

# What holds of every run that has the metric, parameter or tag: no metric is by chance exactly this number.
_HAS = {"metrics": "!= -1.2345e-300", "params": "LIKE '%'", "tags": "LIKE '%'"}
_NAME = re.compile(r"[\w./: -]+")  # what MLflow takes for a name


def experiment_id(mlflow: Mlflow, name: str, *, create: bool = True, is_only: bool = False) -> str | None:
    """Find an experiment by its name, and make it where it isn't there; ``is_only``: no other would do.

    Raises
    ------
    Conflict
        Where it has been deleted: MLflow keeps the name.
    """
    found = mlflow.read("get_experiment_by_name", name)
    if found is not None:
        if found.lifecycle_stage == "deleted":
            address = without_credentials(mlflow.uri)
            restore = f"MLFLOW_TRACKING_URI={address} mlflow experiments restore --experiment-id {found.experiment_id}"
            other = "" if is_only else "%mlops init --experiment ANOTHER, or restore it: "
            raise Conflict(f"The experiment {name!r} has been deleted.", f"{other}!{restore}")
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
    order: str = NEWEST_FIRST,
    most: int = PAGE,
    *,
    children: bool = True,
    skip: int = 0,
) -> list[Run]:
    """Search for runs, newest first; without ``children``, only those that nobody has nested in another.

    Parameters
    ----------
    mlflow : Mlflow
    experiment : str, optional
        Its id; where there is no experiment, there is no run.
    where, order : str
        In MLflow's language.
    most : int
        How many at the most.
    children : bool
    skip : int
        How many to leave out at the beginning: those of earlier pages.
    """
    if children:
        return list(_runs(mlflow, experiment, where, order, most, skip))
    try:
        not_nested = " AND ".join(filter(None, (where, NOT_NESTED)))
        return list(_runs(mlflow, experiment, not_nested, order, most, skip))
    except InvalidUsage:
        # An older server knows no IS NULL; where it minds something else, it says so again.
        runs = (run for run in _runs(mlflow, experiment, where, order) if _PARENT not in run.data.tags)
        return list(itertools.islice(runs, skip, skip + most))


def _runs(
    mlflow: Mlflow, experiment: str | None, where: str, order: str, most: float = math.inf, skip: int = 0
) -> Iterator[Run]:
    """Give what a search finds, asking for one page after the other."""
    token = _token(skip) if skip else None
    while experiment is not None and most > 0:
        page = mlflow.read(
            "search_runs",
            [experiment],
            filter_string=where,
            max_results=int(min(PAGE, most)),
            order_by=[order],
            page_token=token,
        )
        yield from page
        most -= len(page)
        token = page.token
        if not token:
            return


def _token(skip: int) -> str:
    """Make the token of a page from how many runs are before it, as MLflow does: there is no other way to a late page."""
    from mlflow.utils.search_utils import SearchUtils

    return SearchUtils.create_page_token(skip).decode()  # type: ignore[no-any-return, no-untyped-call]


class Names:
    """What the runs of an experiment have, by name; the server is asked when somebody asks.

    Parameters
    ----------
    mlflow : Mlflow
    experiment : str, optional
        Its id.
    """

    def __init__(self, mlflow: Mlflow, experiment: str | None) -> None:
        self._mlflow = mlflow
        self._experiment = experiment

    def kind(self, name: str) -> str | None:
        """Say what a name is: ``metrics`` if any run has such a metric, else ``params``, else ``tags``."""
        return next((kind for kind in _HAS if self._any(kind, name)), None)

    def need_metric(self, name: str) -> None:
        """Make sure that a run has this metric.

        Raises
        ------
        NotFound
            Where none has, with the nearest names.
        """
        if not self._any("metrics", name):
            known = {metric for run in self._newest() for metric in run.data.metrics}
            said = nearest(name, known) if known else " None has any."
            raise NotFound(f"No run has a metric {name!r}.{said}", "%mlops runs")

    def known(self) -> set[str]:
        """List the names that the newest runs have."""
        data = [run.data for run in self._newest()]
        names = {name for entry in data for name in (*entry.metrics, *entry.params, *entry.tags)}
        return {name for name in names if not name.startswith("mlflow.")}

    def _any(self, kind: str, name: str) -> bool:
        # The newest run often has it, and is found faster than all that have it.
        if any(name in getattr(run.data, kind) for run in self._last):
            return True
        has = f"{kind}.`{name}` {_HAS[kind]}"
        return bool(_NAME.fullmatch(name) and search(self._mlflow, self._experiment, has, most=1))

    @cached_property
    def _last(self) -> list[Run]:
        return search(self._mlflow, self._experiment, most=1)

    def _newest(self) -> list[Run]:
        return search(self._mlflow, self._experiment, most=100)


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
        named = f"attributes.run_name {equals(ref.value)}"
        # A run that was nested in another of the same name, such as one that repeats it, is not meant.
        runs = search(mlflow, experiment, named, most=1, children=False) or search(mlflow, experiment, named, most=1)
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
    if not _NAME.fullmatch(metric):
        return []
    found = search(mlflow, experiment, "attributes.status = 'FINISHED'", best_first(metric, smaller=smaller), most)
    originals = [run for run in found if REPRODUCES not in run.data.tags]
    if len(found) < most or originals:
        return originals
    return _ranked(mlflow, experiment, metric, smaller=smaller, most=10 * most)  # all of them were repetitions


def equals(text: str) -> str:
    """Write a comparison in MLflow's filter language; where it can't be written exactly, nearly."""
    written = literal(text)
    return f"= {written}" if written else f"LIKE '{like(text)}'"


def literal(text: str) -> str | None:
    """Write a text in MLflow's filter language, which knows two quotes and no escape.

    Returns
    -------
    str or None
        ``None`` where it can't be written: with both quotes in it, or a backslash before the closing one.
    """
    quotes = [quote for quote in "'\"" if quote not in text]
    return f"{quotes[0]}{text}{quotes[0]}" if quotes and not text.endswith("\\") else None


def like(text: str) -> str:
    """Write a text for a ``LIKE '…'``: any character stands there for the one that can't be written."""
    return re.sub(r"'|\\\Z", "_", text)


def entities() -> Any:
    """MLflow's own entities (metrics, params, tags), imported when first needed."""
    import mlflow.entities

    return mlflow.entities
