"""MLflow without its client, for processes that run for days: it takes seconds and a hundred megabytes to import.

What the audit, the files of a version and the side bar of JupyterLab need is asked of the REST API, under the names and in
the shapes of ``mlflow.MlflowClient``; for anything else that client is imported after all.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, Final

from ..errors import NotFound
from . import saying
from .adapter import Mlflow
from .saying import Page

_VIEWS: Final = {1: "ACTIVE_ONLY", 2: "DELETED_ONLY", 3: "ALL"}


class Light(Mlflow):
    """A tracking server, by its address."""

    def _call(self, operation: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        known = getattr(_Client(self), operation, None)
        return known(*arguments, **named) if known else super()._call(operation, arguments, named)


@lru_cache(maxsize=16)
def shared(uri: str, timeout: float, mend: str | None) -> Light:
    """Give the same one to all who ask: connections stay open, and of a server that is away all know at once."""
    return Light(uri, timeout, mend)


class _Client:
    """The operations of ``mlflow.MlflowClient`` that are asked of the REST API."""

    def __init__(self, mlflow: Mlflow) -> None:
        self._rest = mlflow.rest

    def get_experiment(self, experiment_id: str) -> Any:
        return saying.experiment(self._rest("GET", "mlflow/experiments/get", experiment_id=experiment_id)["experiment"])

    def get_experiment_by_name(self, name: str) -> Any:
        try:
            said = self._rest("GET", "mlflow/experiments/get-by-name", experiment_name=name)
        except NotFound:
            return None
        return saying.experiment(said["experiment"])

    def search_experiments(
        self,
        view_type: int = 1,
        max_results: int = 1000,
        filter_string: str | None = None,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> Page:
        asked = _given(filter=filter_string, order_by=order_by, page_token=page_token)
        said = self._rest(
            "POST", "mlflow/experiments/search", view_type=_VIEWS[view_type], max_results=max_results, **asked
        )
        return Page([saying.experiment(each) for each in said.get("experiments", ())], said.get("next_page_token"))

    def create_experiment(self, name: str) -> str:
        return str(self._rest("POST", "mlflow/experiments/create", name=name)["experiment_id"])

    def search_runs(
        self,
        experiment_ids: Sequence[str],
        filter_string: str = "",
        run_view_type: int = 1,
        max_results: int = 1000,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> Page:
        asked = {"experiment_ids": experiment_ids, "filter": filter_string, "max_results": max_results}
        more = _given(order_by=order_by, page_token=page_token)
        said = self._rest("POST", "mlflow/runs/search", **asked, run_view_type=_VIEWS[run_view_type], **more)
        return Page([saying.run(run) for run in said.get("runs", ())], said.get("next_page_token"))

    def create_run(self, experiment_id: str, *, tags: Mapping[str, str], run_name: str) -> Any:
        listed = [{"key": key, "value": value} for key, value in tags.items()]
        said = self._rest(
            "POST", "mlflow/runs/create", experiment_id=experiment_id, start_time=_now(), tags=listed, run_name=run_name
        )
        return saying.run(said["run"])

    def get_run(self, run_id: str) -> Any:
        return saying.run(self._rest("GET", "mlflow/runs/get", run_id=run_id)["run"])

    def set_terminated(self, run_id: str, status: str = "FINISHED") -> None:
        self._rest("POST", "mlflow/runs/update", run_id=run_id, status=status, end_time=_now())

    def delete_run(self, run_id: str) -> None:
        self._rest("POST", "mlflow/runs/delete", run_id=run_id)

    def get_registered_model(self, name: str) -> Any:
        said = self._rest("GET", "mlflow/registered-models/get", name=name)
        return saying.registered_model(said["registered_model"])

    def search_registered_models(
        self,
        filter_string: str | None = None,
        max_results: int = 100,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> Page:
        asked = _given(filter=filter_string, order_by=order_by, page_token=page_token)
        said = self._rest("GET", "mlflow/registered-models/search", max_results=max_results, **asked)
        found = [saying.registered_model(each) for each in said.get("registered_models", ())]
        return Page(found, said.get("next_page_token"))

    def set_registered_model_tag(self, name: str, key: str, value: str) -> None:
        self._rest("POST", "mlflow/registered-models/set-tag", name=name, key=key, value=value)

    def search_model_versions(
        self,
        filter_string: str | None = None,
        max_results: int = 10_000,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> Page:
        asked = _given(filter=filter_string, order_by=order_by, page_token=page_token)
        said = self._rest("GET", "mlflow/model-versions/search", max_results=max_results, **asked)
        found: list[SimpleNamespace] = [saying.model_version(each) for each in said.get("model_versions", ())]
        return Page(found, said.get("next_page_token"))

    def get_model_version(self, name: str, version: str) -> Any:
        said = self._rest("GET", "mlflow/model-versions/get", name=name, version=version)
        return saying.model_version(said["model_version"])


def _given(**named: Any) -> dict[str, Any]:
    return {name: value for name, value in named.items() if value}


def _now() -> int:
    return int(time.time() * 1000)
