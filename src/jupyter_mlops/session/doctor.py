"""Look for what keeps the product from working, and say what mends it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ..backend import probe
from ..display import bytes_of
from ..errors import MlopsError
from ..workspace import Workspace
from .results import Finding

_PACKAGES = ("mlflow", "scikit-learn", "skops", "pandas", "jupyterlab", "ipywidgets")
_OPTIONAL = {"jupyterlab": "lab", "ipywidgets": "lab"}
_LEAST_DISK = 500e6  # an MLflow server with a few models


def examine() -> Iterator[Finding]:
    """Look at Python, the packages, the disk, the project and its server, in this order."""
    yield Finding("Python", True, sys.version.split()[0])
    for name in _PACKAGES:
        try:
            yield Finding(name, True, version(name))
        except PackageNotFoundError:
            extra = _OPTIONAL.get(name)
            yield Finding(
                name,
                extra is not None,
                "not installed",
                f"pip install 'jupyter-mlops[{extra}]'" if extra else f"pip install {name}",
            )
    free = shutil.disk_usage(Path.cwd()).free
    yield Finding("disk", free > _LEAST_DISK, f"{bytes_of(free)} free", "" if free > _LEAST_DISK else "free some space")
    try:
        workspace = Workspace.here()
        yield Finding("project", True, str(workspace.root))
        server = workspace.state.get("server", "mlflow")
        uri = workspace.settings.tracking_uri or (server.url if server and server.alive else None)
        yield Finding(
            "server", True, f"MLflow {probe.check(uri)} at {uri}" if uri else "not running: it starts when it is needed"
        )
    except MlopsError as error:
        yield Finding("project", False, error.message, error.hint or "")
