"""Where something was done: host, notebook, commit. Runs and the audit both say it."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

from . import git

OWNER = "mlops.owner"
"""The tag of a run that names the process it lives in: by it a run is ended whose process has died."""

EXECUTION = "MLOPS_EXECUTION"
"""The variable that names the execution of a notebook to its kernel."""
PARENT = "MLOPS_PARENT_RUN"
"""The variable that names the run which has started something, to what it has started."""
EXECUTION_TAG = "mlops.execution"
"""The tag of a run that a notebook has made while it was executed as a whole."""


@dataclass(frozen=True)
class Origin:
    """Host, notebook or program, git commit and CI job, as far as they are known."""

    host: str
    program: str
    commit: str | None
    job: str | None = None

    def __str__(self) -> str:
        commit = f" at {self.commit[:8]}" if self.commit else ""
        return f"{self.program} on {self.job or self.host}{commit}"


def here(folder: Path) -> Origin:
    """Say where this process works."""
    return Origin(socket.gethostname(), program(), git.commit(folder), job())


def program() -> str:
    """Name the notebook, or the program that runs."""
    # VS Code and Jupyter tell the kernel in these two; headless runners set the third.
    main = vars(sys.modules["__main__"])
    path = main.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME") or os.environ.get("IPYNB_FILE")
    if path:
        return Path(path).name
    if "ipykernel_launcher" in sys.argv[0]:
        return _of_runner() or "a notebook"
    return Path(sys.argv[0]).name or "python"


def _of_runner() -> str | None:
    """Name the notebook that the process which has started this kernel was given: ``jupyter execute a.ipynb``."""
    try:
        words = psutil.Process().parent().cmdline()  # type: ignore[union-attr]
    except (psutil.Error, AttributeError):
        return None
    return next((Path(word).name for word in words if word.endswith(".ipynb")), None)


def job() -> str | None:
    """Name the job of a CI system that this process is part of, as its own variables do."""
    if run := os.environ.get("GITHUB_RUN_ID"):
        return f"GitHub Actions {os.environ.get('GITHUB_REPOSITORY', '')} run {run}"
    for system, name in (("GitLab", "CI_JOB_URL"), ("Jenkins", "BUILD_URL"), ("Azure Pipelines", "BUILD_BUILDURI")):
        if url := os.environ.get(name):
            return f"{system} {url}"
    return "CI" if os.environ.get("CI", "").lower() in ("1", "true") else None


def change_request() -> str | None:
    """Name the change that CI looks at: ``#12`` of GitHub, ``!12`` of GitLab."""
    reference = os.environ.get("GITHUB_REF", "").split("/")
    if reference[:2] == ["refs", "pull"] and len(reference) > 2:
        return f"#{reference[2]}"
    number = os.environ.get("CI_MERGE_REQUEST_IID")
    return f"!{number}" if number else None


def of_execution() -> dict[str, str]:
    """Tag a run with the execution of the notebook that makes it, where there is one."""
    return {EXECUTION_TAG: os.environ[EXECUTION]} if os.environ.get(EXECUTION) else {}


def owner() -> str:
    """Name this process for good: host, pid and start time."""
    return f"{socket.gethostname()} {os.getpid()} {psutil.Process().create_time():.2f}"


def is_dead(owner: str) -> bool:
    """Whether a process that was named by ``owner()`` has ended; of other hosts we know nothing."""
    host, _, process = owner.partition(" ")
    pid, _, created = process.partition(" ")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        return abs(psutil.Process(int(pid)).create_time() - float(created)) > 1
    except psutil.NoSuchProcess:
        return True
    except (psutil.Error, ValueError):
        return False
