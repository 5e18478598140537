"""What a reference means: a run, or the run that a version was made of."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from ..backend import experiments, versions
from ..entities import CHAMPION, ModelRef, RunRef
from ..errors import InvalidUsage, NotFound
from ..workspace import Workspace

if TYPE_CHECKING:
    from mlflow.entities import Run


def subject(workspace: Workspace, ref: object) -> tuple[str, Run]:
    """Find a run by itself, or by the version that was made of it: ``churn@champion``, ``churn/3``, ``churn``.

    A name may be that of a run although it looks like a version's; and that of a model, where no run is called so.
    """
    text = str(getattr(ref, "ref", ref))
    if not hasattr(ref, "run_id") and ("@" in text or "/" in text):
        try:
            return text, _made_into(workspace, ModelRef.of(text))
        except (NotFound, InvalidUsage):
            with contextlib.suppress(NotFound):
                return _labelled(_run(workspace, RunRef("name", text)))
            raise
    meant = RunRef.of(ref)
    try:
        return _labelled(_run(workspace, meant))
    except NotFound:
        if meant.kind == "name":
            with contextlib.suppress(NotFound, InvalidUsage):
                return text, _made_into(workspace, ModelRef.of(text))
        raise


def _run(workspace: Workspace, ref: RunRef) -> Run:
    experiment = experiments.experiment_id(workspace.mlflow, workspace.settings.experiment, create=False)
    return experiments.find_run(workspace.mlflow, experiment, ref)


def _labelled(run: Run) -> tuple[str, Run]:
    return f"{run.info.run_name} ({run.info.run_id[:6]})", run


def _made_into(workspace: Workspace, ref: ModelRef) -> Run:
    """Find the run of a version; of a bare name the champion's, or the newest's where there is none."""
    try:
        version = versions.find_version(workspace.mlflow, ref, CHAMPION)
    except NotFound:
        if ref.alias or ref.version:
            raise
        version = versions.find_version(workspace.mlflow, ref)
    if not version.run_id:
        raise NotFound(f"{ref} was registered without a run.", f"%mlops models {ref.name}")
    return workspace.mlflow.read("get_run", version.run_id)  # type: ignore[no-any-return]
