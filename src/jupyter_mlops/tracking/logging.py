"""Things to add to a run: checked first, and then written, so that nothing is half logged."""

from __future__ import annotations

import io
import math
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import secrets
from ..backend import experiments, fluent, runs
from ..command import REPRODUCES
from ..entities import RunRef
from ..errors import Conflict, InvalidUsage, NotFound, nearest
from ..workspace import Workspace
from .results import Logged


class Log:
    """What is to be added to one run. Each method checks and collects; ``write`` writes it all.

    Parameters
    ----------
    workspace : Workspace
    run : object, optional
        Which run; by default the active one, else the last one.
    """

    def __init__(self, workspace: Workspace, run: object = None) -> None:
        self._mlflow = workspace.mlflow
        self._personal = workspace.settings.privacy.personal
        experiment = experiments.experiment_id(self._mlflow, workspace.settings.experiment, create=False)
        ref = run if run is not None else fluent.active_run_id() or "last"
        self._run = experiments.find_run(self._mlflow, experiment, RunRef.of(ref))
        self._batch: dict[str, list[Any]] = {"metrics": [], "params": [], "tags": []}
        self._files: list[Path] = []
        self._figure: bytes | None = None
        self._model: Any = None
        self._logged: dict[str, str] = {}

    def metrics(self, metrics: Mapping[str, Any], step: int) -> None:
        """Collect metrics of a step; each must be a number."""
        now = int(time.time() * 1000)
        for name, value in metrics.items():
            try:
                number = float(value)
            except (TypeError, ValueError):
                raise InvalidUsage(
                    f"The metric {name} is no number: {str(value)[:60]!r}.", f"%mlops log {name}=0.9"
                ) from None
            self._batch["metrics"].append(experiments.entities().Metric(name, number, now, step))
            self._logged[name] = "NaN" if math.isnan(number) else f"{number:g}" + (f" at step {step}" if step else "")

    def params(self, params: Mapping[str, Any]) -> None:
        """Collect parameters; MLflow keeps the first value of each for good."""
        written = self._masked(params)
        for name, value in written.items():
            if self._run.data.params.get(name, str(value)) != str(value):
                raise Conflict(
                    f"The parameter {name} of this run is {self._run.data.params[name]!r} already; it can't be changed.",
                    f"another name, or a tag: %mlops log --tag {name}={value}",
                )
        self._batch["params"] += [experiments.entities().Param(name, value) for name, value in written.items()]
        self._logged |= written

    def tags(self, tags: Mapping[str, Any]) -> None:
        """Collect tags."""
        written = self._masked(tags)
        self._batch["tags"] += [experiments.entities().RunTag(name, value) for name, value in written.items()]
        self._logged |= written

    def _masked(self, pairs: Mapping[str, Any]) -> dict[str, str]:
        """Write values as text; secrets among them are masked, and shown so in what was logged."""
        return secrets.mask_pairs(pairs, secrets.secret_values({}, os.environ))[0]

    def figure(self, figure: Any) -> None:
        """Draw a matplotlib figure, or the one that an axes belongs to."""
        if figure is None:
            return
        drawn = figure if hasattr(figure, "savefig") else getattr(figure, "figure", None)
        if drawn is None or not hasattr(drawn, "savefig"):
            raise InvalidUsage(f"A {type(figure).__name__} is no figure.", "--figure takes a matplotlib figure or axes")
        picture = io.BytesIO()
        drawn.savefig(picture, format="png", bbox_inches="tight")
        self._figure = picture.getvalue()

    def files(self, files: Sequence[str]) -> None:
        """Collect files that are there."""
        for name in files:
            path = Path(name)
            if not path.exists():
                beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
                raise NotFound(f"There is no file {name!r}.{nearest(path.name, beside)}")
            self._files.append(path)
            self._logged[path.name] = "kept as a file"

    def model(self, estimator: Any, fitted_on: Any) -> None:
        """Take an estimator, to be stored when all is written."""
        self._model, self._fitted_on = estimator, fitted_on

    def write(self) -> Logged:
        """Write all that was collected; where a run is made again, to no other one."""
        run_id = self._run.info.run_id
        repeats = os.environ.get(REPRODUCES)
        if repeats and not self._run.data.tags.get(runs.REPRODUCES, "").startswith(repeats):
            return Logged(run_id, str(self._run.info.run_name), {"nothing": "as another run is made again here"})
        if self._model is not None:  # first: it may be one that can't be stored
            from ..backend import models

            models.log_model(self._mlflow, self._run, self._model, self._fitted_on, self._personal)
            self._logged["model"] = models.not_served(self._model) or type(self._model).__name__
        if any(self._batch.values()):
            self._mlflow.write("log_batch", run_id, **self._batch)
        if self._figure is not None:
            with tempfile.TemporaryDirectory() as folder:
                name = f"figure-{int(time.time() * 1000)}.png"
                (Path(folder) / name).write_bytes(self._figure)
                self._mlflow.write("log_artifact", run_id, str(Path(folder) / name), "figures")
                self._logged[name] = "kept as a figure"
        for path in self._files:
            self._mlflow.write("log_artifacts" if path.is_dir() else "log_artifact", run_id, str(path))
        if not self._logged:
            raise InvalidUsage("There is nothing to log.", "%mlops log accuracy=0.93")
        return Logged(run_id, str(self._run.info.run_name), self._logged)
