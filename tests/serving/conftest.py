"""An endpoint that a whole module asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import jupyter_mlops as mlops


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, tracking_uri: str) -> Iterator[Callable[..., Any]]:
    """Serve estimators in a project of the module's own: ``served("name", clf, X, toml="…", auth=True)``."""
    folder = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        settings = folder / "mlops.toml"
        settings.write_text(f'tracking_uri = "{tracking_uri}"\nexperiment = "experiment of {folder.name}"\n')

        def serve(name: str, model: Any, data: Any, toml: str = "", **options: Any) -> Any:
            with settings.open("a") as file:
                file.write(f"\n[endpoints.{name}]\n{toml}\n")
            version = mlops.register(f"{name} of {Path(folder).name}", model=model, data=data)
            return mlops.deploy(version, name=name, **options)

        yield serve
        mlops.stop(all=True)
