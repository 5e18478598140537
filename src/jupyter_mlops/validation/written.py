"""Checks that people write in a cell: assertions, or a last line that is true, or a number within its bound."""

from __future__ import annotations

import contextlib
import os
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from ..backend import experiments, fluent, reports, runs
from ..command import REPRODUCES
from ..display import figure
from ..entities import RunRef, typed
from ..errors import InvalidUsage, MlopsError, ValidationFailed
from ..limits import Threshold
from ..workspace import Workspace
from .results import Written

if TYPE_CHECKING:
    from mlflow.entities import Run

_LONGEST = 300


class WrittenCheck:
    """The context of ``%%mlops check``. After it, ``result`` says what it came to.

    Attributes
    ----------
    source : str, optional
        The cell's source; set by the magic.
    value : object
        The cell's last line; set by the magic, and in Python within the block: ``check.value = …``.
    result : Written
        Once it has ended.
    """

    def __init__(self, workspace: Workspace, name: str, bound: str | None, run: object) -> None:
        try:
            self._bound = None if bound is None else Threshold.of(bound)
        except ValueError as error:
            raise InvalidUsage(f"{error}.", f"%%mlops check {typed(name)} --bound '>= 0.9'") from None
        self.source: str | None = None
        self.value: Any = None
        self.result: Written
        self._name = name
        self._mlflow = workspace.mlflow
        experiment = experiments.experiment_id(self._mlflow, workspace.settings.experiment, create=False)
        ref = run if run is not None else fluent.active_run_id() or "last"
        self._run: Run = experiments.find_run(self._mlflow, experiment, RunRef.of(ref))

    def __enter__(self) -> WrittenCheck:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is None:
            passed, seen = self._judged()
            self._keep(passed, seen)
            if not passed:
                raise ValidationFailed(f"The check {self._name} has failed: {seen}.", f"it stands with run:{self._run.info.run_id[:8]}, and a gate that names it says no")  # fmt: skip
        elif isinstance(error, Exception):  # the user's own, which comes through unchanged
            said = " ".join(str(error).split())
            with contextlib.suppress(MlopsError):
                self._keep(False, f"{type(error).__name__}: {said}" if said else type(error).__name__)

    def _judged(self) -> tuple[bool, str]:
        """Say whether what the cell's last line gives is good, and what it is."""
        value = self.value.item() if getattr(self.value, "shape", None) == () else self.value
        if self._bound is None:
            if value is None:
                return True, "no assertion failed"
            if isinstance(value, bool):
                return value, f"it is {value}"
            if isinstance(value, int | float):
                raise InvalidUsage(f"The check {self._name} gives {figure(value)}, and no bound for it.", f"%%mlops check {typed(self._name)} --bound '>= {figure(value)}'")  # fmt: skip
        elif isinstance(value, int | float) and not isinstance(value, bool):
            return self._bound.holds(value), f"{figure(value)}, must be {self._bound}"
        raise InvalidUsage(
            f"The last line of {self._name} is a {type(value).__name__}, and neither true, false nor a number.",
            "end the cell with a comparison, such as (df.price >= 0).all()",
        )

    def _keep(self, passed: bool, seen: str) -> None:
        outcome: Literal["pass", "fail"] = "pass" if passed else "fail"
        run_id = self._run.info.run_id
        repeats = os.environ.get(REPRODUCES)
        if not repeats or self._run.data.tags.get(runs.REPRODUCES, "").startswith(repeats):  # else it is of another run
            self._mlflow.write("set_tag", run_id, reports.CELL + self._name, f"{outcome} {seen[:_LONGEST]}")
            if self.source:
                self._mlflow.write("log_text", run_id, self.source, f"{reports.FOLDER}/checks/{self._name}.py")
        self.result = Written(self._name, outcome, seen, run_id)
