"""MLflow as its own server sees it: its stores, and nothing over HTTP, which would wait for itself."""

from __future__ import annotations

import importlib
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .adapter import Mlflow

if TYPE_CHECKING:
    from mlflow import MlflowClient


def server() -> Any:
    """Give MLflow's server as a module: what is asked of it here is private to it, and has no types."""
    return importlib.import_module("mlflow.server")


class Inside(Mlflow):
    """The stores of the server that this process is."""

    def __init__(self) -> None:
        super().__init__(os.environ[server().BACKEND_STORE_URI_ENV_VAR], timeout=60.0)

    def check(self) -> None:
        """Do nothing: it is here."""

    @cached_property
    def client(self) -> MlflowClient:
        """MLflow's client over the stores; files that go through the server are where it keeps them."""
        from mlflow import MlflowClient

        handlers = server().handlers

        class Client(MlflowClient):
            def list_artifacts(self, run_id: str, path: str | None = None) -> Any:
                root = self.get_run(run_id).info.artifact_uri
                if not handlers._is_servable_proxied_run_artifact_root(root):
                    return super().list_artifacts(run_id, path)
                return handlers._list_artifacts_for_proxied_run_artifact_root(root, path)

            def download_artifacts(self, run_id: str, path: str, dst_path: str | None = None) -> str:
                root = self.get_run(run_id).info.artifact_uri
                if not handlers._is_servable_proxied_run_artifact_root(root):
                    return str(super().download_artifacts(run_id, path, dst_path))
                kept = handlers._get_proxied_run_artifact_destination_path(root, path)
                repository = handlers._get_artifact_repo_mlflow_artifacts()
                return str(Path(repository.download_artifacts(kept, dst_path)))

        registry = os.environ.get(server().REGISTRY_STORE_URI_ENV_VAR) or self.uri
        return Client(tracking_uri=self.uri, registry_uri=registry)
