"""What each process of an endpoint carries: memory, and things that could go wrong."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


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
