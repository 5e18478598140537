"""What MLflow's own ``mlflow.start_run`` learns of a notebook: its commit, and the execution that it is part of.

MLflow asks for it through the entry point ``mlflow.run_context_provider``. Of a kernel it would see only
``ipykernel_launcher.py``, which is in no repository.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mlflow.tracking.context.abstract_context import RunContextProvider

from . import git, origin


class NotebookContext(RunContextProvider):
    """Tags of a run that a notebook begins."""

    def in_context(self) -> bool:
        """Whether this is a kernel."""
        return "ipykernel" in sys.modules or origin.EXECUTION in os.environ

    def tags(self) -> dict[str, str]:
        """Give the commit of the notebook's folder, and the execution."""
        notebook = os.environ.get("IPYNB_FILE") or os.environ.get("JPY_SESSION_NAME") or ""
        folder = Path(notebook).parent if notebook and Path(notebook).parent.is_dir() else Path.cwd()
        found = origin.of_execution()
        commit = git.commit(folder)
        return found | ({"mlflow.source.git.commit": commit} if commit else {})
