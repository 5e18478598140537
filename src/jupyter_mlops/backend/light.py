"""MLflow without its client, for processes that run for days: it takes seconds and a hundred megabytes to import.

What the audit and the files of a version need is asked of the REST API, under the names and in the shapes of
``mlflow.MlflowClient``; for anything else that client is imported after all.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from ..errors import NotFound
from .adapter import Mlflow
from .versions import tags_of


class Light(Mlflow):
    """A tracking server, by its address."""

    def _call(self, operation: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        known = getattr(_Client(self), operation, None)
        return known(*arguments, **named) if known else super()._call(operation, arguments, named)


class _Client:
    """The operations of ``mlflow.MlflowClient`` that are asked of the REST API."""

    def __init__(self, mlflow: Mlflow) -> None:
        self._rest = mlflow.rest

    def get_experiment_by_name(self, name: str) -> Any:
        try:
            said = self._rest("GET", "mlflow/experiments/get-by-name", experiment_name=name)
        except NotFound:
            return None
        return SimpleNamespace(**said["experiment"])

    def create_experiment(self, name: str) -> str:
        return str(self._rest("POST", "mlflow/experiments/create", name=name)["experiment_id"])

    def search_runs(
        self,
        experiment_ids: Sequence[str],
        filter_string: str,
        max_results: int,
        order_by: Sequence[str],
        page_token: str | None = None,
    ) -> _Page:
        asked = {"experiment_ids": experiment_ids, "filter": filter_string, "max_results": max_results}
        more = {"page_token": page_token} if page_token else {}
        said = self._rest("POST", "mlflow/runs/search", **asked, order_by=order_by, **more)
        return _Page([_run(run) for run in said.get("runs", ())], said.get("next_page_token"))

    def create_run(self, experiment_id: str, *, tags: Mapping[str, str], run_name: str) -> Any:
        listed = [{"key": key, "value": value} for key, value in tags.items()]
        said = self._rest(
            "POST", "mlflow/runs/create", experiment_id=experiment_id, start_time=_now(), tags=listed, run_name=run_name
        )
        return _run(said["run"])

    def get_run(self, run_id: str) -> Any:
        return _run(self._rest("GET", "mlflow/runs/get", run_id=run_id)["run"])

    def set_terminated(self, run_id: str) -> None:
        self._rest("POST", "mlflow/runs/update", run_id=run_id, status="FINISHED", end_time=_now())

    def delete_run(self, run_id: str) -> None:
        self._rest("POST", "mlflow/runs/delete", run_id=run_id)

    def get_registered_model(self, name: str) -> Any:
        said = self._rest("GET", "mlflow/registered-models/get", name=name)["registered_model"]
        return SimpleNamespace(name=said["name"], tags=tags_of(said))

    def set_registered_model_tag(self, name: str, key: str, value: str) -> None:
        self._rest("POST", "mlflow/registered-models/set-tag", name=name, key=key, value=value)


class _Page(list[Any]):
    """Runs, and the token of the next page."""

    def __init__(self, runs: Sequence[Any], token: str | None) -> None:
        super().__init__(runs)
        self.token = token


def _run(said: Mapping[str, Any]) -> Any:
    info = said["info"]
    times = {name: int(info[name]) for name in ("start_time", "end_time") if info.get(name)}
    whole = {"start_time": None, "end_time": None, **info, **times}
    return SimpleNamespace(info=SimpleNamespace(**whole), data=SimpleNamespace(tags=tags_of(said["data"])))


def _now() -> int:
    return int(time.time() * 1000)
