"""Runs in all experiments of the server, deleted ones too: by their ids, by their data, by the run that they repeat."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from . import experiments
from .adapter import Mlflow
from .experiments import NEWEST_FIRST, PAGE, equals, like
from .origin import EXECUTION_TAG

if TYPE_CHECKING:
    from mlflow.entities import Dataset, DatasetInput, Run

REPRODUCES = experiments.REPRODUCES

_AT_ONCE = 200  # ids in one filter
_ALL = 3  # of MLflow's ViewType: what was deleted may still be in use


def names_of_experiments(mlflow: Mlflow) -> dict[str, str]:
    """Give the names of all experiments by their ids, those in the trash too."""
    found: dict[str, str] = {}
    token = None
    while True:
        page = mlflow.read("search_experiments", view_type=_ALL, max_results=PAGE, page_token=token)
        found |= {str(experiment.experiment_id): str(experiment.name) for experiment in page}
        token = page.token
        if not token:
            return found


def by_ids(mlflow: Mlflow, ids: Collection[str]) -> dict[str, Run]:
    """Read runs, also those in the trash; one that is gone for good is left out."""
    if not ids:
        return {}
    experiments = list(names_of_experiments(mlflow))
    found: dict[str, Run] = {}
    wanted = sorted(set(ids))
    for begin in range(0, len(wanted), _AT_ONCE):
        listed = ", ".join(f"'{run_id}'" for run_id in wanted[begin : begin + _AT_ONCE])
        runs = _search(mlflow, experiments, f"attributes.run_id IN ({listed})")
        found |= {run.info.run_id: run for run in runs}
    return found


def that_used(mlflow: Mlflow, digest: str) -> list[Run]:
    """List the runs that used data whose digest begins so, in small or capital letters, newest first."""
    found = _search(mlflow, list(names_of_experiments(mlflow)), f"datasets.digest ILIKE '{like(digest)}%'")
    return [run for run in found if any(begins(dataset, digest) for dataset, _ in data_of(run))]


def begins(dataset: Dataset, digest: str) -> bool:
    """Whether the digest of data begins so; other tools write theirs in capitals."""
    return str(dataset.digest).lower().startswith(digest.lower())


def with_data_named(mlflow: Mlflow, name: str) -> Run | None:
    """Find the newest run whose data was called so."""
    found = _search(mlflow, list(names_of_experiments(mlflow)), f"datasets.name {equals(name)}", most=1)
    return found[0] if found else None


def that_repeat(mlflow: Mlflow, run_id: str) -> list[Run]:
    """List the runs that were made to reproduce this one, newest first."""
    return _search(mlflow, list(names_of_experiments(mlflow)), f"tags.`{REPRODUCES}` LIKE '{like(run_id)}%'")


def of_execution(mlflow: Mlflow, execution: str) -> list[Run]:
    """List the runs that a notebook has made while it was executed, oldest first."""
    where = f"tags.`{EXECUTION_TAG}` {equals(execution)}"
    return _search(mlflow, list(names_of_experiments(mlflow)), where)[::-1]


def data_of(run: Run) -> list[tuple[Dataset, str]]:
    """List the data of a run, and what each was to it, in MLflow's word: its context."""
    inputs = run.inputs.dataset_inputs if run.inputs else []
    return [(each.dataset, _context(each)) for each in inputs]


def _context(used: DatasetInput) -> str:
    return next((str(tag.value) for tag in used.tags if tag.key == "mlflow.data.context"), "")


def _search(mlflow: Mlflow, experiments: list[str], where: str, *, most: int = 10_000) -> list[Run]:
    found: list[Run] = []
    token = None
    while experiments and len(found) < most:
        page = mlflow.read(
            "search_runs",
            experiments,
            filter_string=where,
            run_view_type=_ALL,
            max_results=min(PAGE, most),
            order_by=[NEWEST_FIRST],
            page_token=token,
        )
        found += page
        token = page.token
        if not token:
            break
    return found
