"""MLflow's own ``mlflow.…`` calls in a user's cell: which run they go to, and what is logged by itself."""

from __future__ import annotations

import contextlib
import copy
import functools
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from .adapter import Mlflow
from .breaker import breaker

if TYPE_CHECKING:
    from mlflow.entities import Run


@contextlib.contextmanager
def active(mlflow: Mlflow, run: Run, *, autolog: bool) -> Iterator[None]:
    """Make a run the one that ``mlflow.log_metric`` and autologging write to, for a while.

    How it ends is said by whoever began it: leaving here says nothing of success. What the user has
    set up with MLflow before (a server, an experiment, autologging, an active run) is theirs again afterwards.
    """
    import mlflow as fluent

    _ = mlflow.client  # sets the short time-outs before the first request
    # MLflow's autologging passes an argument that scikit-learn 1.9 has renamed; the user can't mend that.
    warnings.filterwarnings("ignore", message="`y_pred` was renamed", category=FutureWarning, append=True)
    with breaker(mlflow.uri), _pointed_at(mlflow.uri), _autologging() if autolog else contextlib.nullcontext():
        # Not by start_run: it would refuse where a run was left active, or another experiment was set.
        _stack().append(fluent.ActiveRun(run))  # type: ignore[no-untyped-call]
        try:
            with _children_by_default(run.info.experiment_id):
                yield
        finally:
            with quiet():
                _leave(run.info.run_id)


def when_imported(module: str, act: Callable[[Any], None]) -> None:
    """Call a function with a module as soon as it is there: MLflow's autologging has the means to know."""
    from mlflow.utils.import_hooks import register_post_import_hook

    register_post_import_hook(act, module, overwrite=False)


@contextlib.contextmanager
def unlogged() -> Iterator[None]:
    """Let autologging rest while we fit models of our own: they are no part of the user's run."""
    if "mlflow" not in sys.modules:  # then it logs nothing
        yield
        return
    from mlflow.utils.autologging_utils import disable_autologging

    with disable_autologging():
        yield


def active_run_id() -> str | None:
    """Give the run that the cell around us is."""
    import mlflow

    run = mlflow.active_run()
    return None if run is None else str(run.info.run_id)


@contextlib.contextmanager
def _pointed_at(uri: str) -> Iterator[None]:
    """Point MLflow's own calls at a server, and back at the user's where they had chosen one.

    MLflow also writes the address into the environment. It is taken out there: it would look as if
    the user had asked for this server, also when the project's own has moved to another port.
    """
    import mlflow

    chosen = mlflow.is_tracking_uri_set()  # type: ignore[no-untyped-call]
    tracking, registry = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    _point_at(uri, uri)
    try:
        yield
    finally:
        # A registry that was not chosen follows the tracking server again, wherever that is set to later.
        _point_at(tracking if chosen else uri, registry if registry != tracking else None)


def _point_at(tracking_uri: str, registry_uri: str | None) -> None:
    import mlflow

    before = {name: os.environ.get(name) for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")}
    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_registry_uri(registry_uri)  # type: ignore[arg-type]
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@contextlib.contextmanager
def _autologging() -> Iterator[None]:
    """Let MLflow log what the imported libraries tell of a fit, except the model: that is for us to store."""
    import mlflow
    from mlflow.utils.autologging_utils import AUTOLOGGING_INTEGRATIONS

    theirs = copy.deepcopy(AUTOLOGGING_INTEGRATIONS)
    with quiet():
        mlflow.autolog(log_models=False, log_datasets=False, silent=True)
    for config in AUTOLOGGING_INTEGRATIONS.values():  # what the user has turned on for one library is not touched by it
        if "log_models" in config:
            config["log_models"] = False
    try:
        yield
    finally:
        with quiet():
            mlflow.autolog(disable=True, silent=True)
            for name, config in theirs.items():
                if config and not config.get("disable"):
                    (mlflow if name == "mlflow" else getattr(mlflow, name)).autolog(**config)


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
def _children_by_default(experiment_id: str) -> Iterator[None]:
    """Let ``mlflow.start_run()`` in the cell open a child run, in the same experiment.

    Without ``nested=True`` MLflow would fail: "run … is already active", which is ours.
    """
    import mlflow

    start_run = mlflow.start_run

    @functools.wraps(start_run)
    def start_child(*args: Any, **kwargs: Any) -> Any:
        given: dict[str, Any] = {"nested": mlflow.active_run() is not None}
        if not args and not kwargs.get("run_id"):
            given["experiment_id"] = experiment_id
        return start_run(*args, **(given | kwargs))

    mlflow.start_run = start_child
    try:
        yield
    finally:
        mlflow.start_run = start_run


@contextlib.contextmanager
def quiet(least: int = logging.WARNING) -> Iterator[None]:
    """Hold back MLflow's remarks on what we ask of it; what is at ``least`` as grave stays."""
    logger = logging.getLogger("mlflow")
    level = logger.level
    logger.setLevel(least)
    try:
        yield
    finally:
        logger.setLevel(level)
