"""MLflow's own ``mlflow.…`` calls in a user's cell: which run they go to, and what is logged by itself."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import warnings
from collections.abc import Iterator
from typing import Any

from .adapter import Mlflow


@contextlib.contextmanager
def active(mlflow: Mlflow, run_id: str, experiment_id: str, *, autolog: bool) -> Iterator[None]:
    """Make a run the one that ``mlflow.log_metric`` and autologging write to, for a while.

    How it ends is said by whoever began it: leaving here says nothing of success.
    """
    import mlflow as fluent

    _ = mlflow.client  # sets the short time-outs before the first request
    _point_at(mlflow.uri)
    # MLflow's autologging passes an argument that scikit-learn 1.9 has renamed; the user can't mend that.
    warnings.filterwarnings("ignore", message="`y_pred` was renamed to `y_proba`", category=FutureWarning)
    with _quiet():
        fluent.set_experiment(experiment_id=experiment_id)
        # Nested: a run that an earlier cell or a crash left active must not be in the way ("run … is already active").
        fluent.start_run(run_id=run_id, nested=True, log_system_metrics=False)
        if autolog:
            fluent.autolog(log_models=False, log_datasets=False, silent=True)
    try:
        with _nested_by_default():
            yield
    finally:
        with _quiet():
            if autolog:
                fluent.autolog(disable=True, silent=True)
            _leave(run_id)


def active_run_id() -> str | None:
    """Give the run that the cell around us is."""
    import mlflow

    run = mlflow.active_run()
    return None if run is None else str(run.info.run_id)


def _point_at(uri: str) -> None:
    """Point MLflow's own calls at a server, but leave the environment as the user has set it.

    MLflow also writes the address into ``MLFLOW_TRACKING_URI``; it would then look as if the user had
    asked for this server, also when the project's own has moved to another port.
    """
    import mlflow

    before = {name: os.environ.get(name) for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")}
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _leave(run_id: str) -> None:
    """Take a run off MLflow's stack of active ones, and end the children that the cell left open above it.

    ``mlflow.end_run`` would also set its status on the server, which is for its owner to say.
    """
    import mlflow

    stack = _stack()
    if not any(run.info.run_id == run_id for run in stack):  # the cell has ended it itself
        return
    while stack[-1].info.run_id != run_id:
        mlflow.end_run()
        stack = _stack()
    stack.pop()


def _stack() -> list[Any]:
    from mlflow.tracking import fluent

    return fluent._active_run_stack.get()  # type: ignore[no-any-return,no-untyped-call]


@contextlib.contextmanager
def _nested_by_default() -> Iterator[None]:
    """Let ``mlflow.start_run()`` in the cell open a child run.

    Without ``nested=True`` MLflow would fail: "run … is already active", which is ours.
    """
    import mlflow

    start_run = mlflow.start_run

    @functools.wraps(start_run)
    def start_child(*args: Any, **kwargs: Any) -> Any:
        nested = mlflow.active_run() is not None
        return start_run(*args, **({"nested": nested} | kwargs))

    mlflow.start_run = start_child
    try:
        yield
    finally:
        mlflow.start_run = start_run


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hold back MLflow's remarks on what we ask of it; its warnings and errors stay."""
    logger = logging.getLogger("mlflow")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
