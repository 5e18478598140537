"""The template that processes of versions are forked from: one is there in milliseconds, and shares its memory."""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing import forkserver
from typing import Any, Final

_MODULE: Final = "jupyter_mlops.serving.model.template"


def begin() -> None:
    """Let it import what models need, which takes a second or two; whoever forks from it waits for that.

    One thread for linear algebra: a request is small, and ``--workers`` is how to use more cores.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    context().set_forkserver_preload([_MODULE])
    forkserver.ensure_running()


def context() -> Any:
    """Give what starts processes from it."""
    return multiprocessing.get_context("forkserver")
