"""What each process of an endpoint carries: memory, and things that could go wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import Ridge

import jupyter_mlops as mlops
from jupyter_mlops.workspace import Workspace


@pytest.mark.parametrize(
    ("module", "never"),
    [
        ("front.process", {"mlflow", "IPython", "cyclopts", "matplotlib", "requests", "numpy", "pandas", "sklearn", "pyarrow"}),
        ("model.process", {"mlflow", "IPython", "cyclopts", "matplotlib", "requests", "uvicorn", "starlette"}),
        ("controller.process", {"IPython", "cyclopts", "matplotlib", "sklearn", "uvicorn", "starlette", "pandas", "pyarrow"}),
    ],
)  # fmt: skip
def test_a_process_imports_nothing_that_it_does_not_need(module: str, never: set[str]) -> None:
    script = f"import json, sys, jupyter_mlops.serving.{module}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert not never & set(json.loads(done.stdout))


def test_a_process_forked_from_the_template_is_there_at_once(tmp_path: Path) -> None:
    """It has what a model needs, and imports neither the controller anew nor what only tests and clusters want."""
    script = f"""
import runpy
from pathlib import Path
from jupyter_mlops.serving.controller import process, template
def main():
    told = "import json, pathlib, sys; pathlib.Path({str(tmp_path / "told")!r}).write_text(json.dumps(sorted(sys.modules)))"
    started = template.context().Process(target=exec, args=(told,))
    started.start()
    started.join(60)
    return started.exitcode
process.main = main
runpy.run_module("jupyter_mlops.serving.controller", run_name="__main__", alter_sys=True)
"""
    subprocess.run([sys.executable, "-c", script], timeout=60, check=True)
    there = set(json.loads((tmp_path / "told").read_text()))
    assert there >= {"sklearn", "skops", "jupyter_mlops.serving.model.process"}
    assert not there & {"jupyter_mlops.serving.controller.process", "pydantic", "pytest", "dask"}


def test_an_endpoint_follows_its_alias_without_mlflows_client(project: Path, name: str) -> None:
    """It takes seconds and a hundred megabytes to import, and a controller lives for months."""
    mlops.register(name, model=Ridge().fit([[1.0], [2.0]], [1.0, 2.0]), data=np.array([[1.0]]))
    Workspace.here().mlflow.write("set_registered_model_alias", name, "champion", "1")
    script = f"""
import sys
from pathlib import Path
from jupyter_mlops.serving.controller.following import Registry
from jupyter_mlops.serving.controller.process import main
from jupyter_mlops.serving.files import files_of
registry = Registry(Path(), files_of(Path(".mlops").resolve(), "tumour"))
named = registry.alias({name!r}, "champion")
assert registry.alias({name!r}, "nobody") is None
registry.hook("http://127.0.0.1:1/", "secret")
registry.hook("http://127.0.0.1:2/", "secret")
registry.unhook()
registry.note({name!r}, "deploy", None, 1, "it follows")
assert "mlflow" not in sys.modules
version = registry._mlflow.client.get_model_version_by_alias({name!r}, "champion")
for what in ("name", "version", "source", "creation_timestamp", "run_id", "tags"):
    assert (getattr(named, what) or "") == (getattr(version, what) or ""), what
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
