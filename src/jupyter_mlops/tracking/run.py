"""A run while it lasts: the body of a cell, or of a ``with`` block, is the run."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..backend import experiments, origin, runs
from ..command import REPRODUCES
from ..display.progress import waiting
from ..entities import DURATION, is_own, smaller_is_better
from ..errors import BackendUnreachable, MlopsError
from ..workspace import Workspace
from .fits import label
from .results import RunCard
from .snapshot.answers import answers_of
from .snapshot.files import FOLDER

if TYPE_CHECKING:
    from mlflow.entities import Run

    from .dataset import Dataset
    from .fits import Fits
    from .snapshot.files import Snapshot


# The runs that this process is in. One of ours that is RUNNING on the server and not in here could not be ended.
_open: set[str] = set()


class ActiveRun:
    """The context of ``%%mlops run``. After it, ``result`` is the card.

    Attributes
    ----------
    run_id : str
    source : str, optional
        The cell's source; set by the magic.
    value : object
        The cell's last line; set by the magic.
    result : RunCard
        Once it has ended.
    failed : RunCard, optional
        The card of one that has ended with an error; None where the server could not be asked for it.
    """

    def __init__(
        self,
        workspace: Workspace,
        name: str | None,
        dataset: Dataset | None,
        params: Mapping[str, Any],
        tags: Mapping[str, Any],
        *,
        autolog: bool,
        store_model: bool,
    ) -> None:
        self.source: str | None = None
        self.value: object = None
        self.result: RunCard
        self.failed: RunCard | None = None
        self._workspace = workspace
        self._personal = workspace.settings.privacy.personal
        self._name = name
        self._dataset = dataset
        self._params = params
        self._tags = tags
        self._autolog = autolog
        self._store_model = store_model
        self._stack = contextlib.ExitStack()
        self._model_id: str | None = None
        self._estimator: str | None = None
        self._snapshot: Snapshot | None = None
        self._notes: list[str] = []

    @property
    def run_id(self) -> str:
        """The id that MLflow has given."""
        return str(self._run.info.run_id)

    def __enter__(self) -> ActiveRun:
        from ..backend import fluent
        from .fits import Fits
        from .snapshot.camera import Camera

        mlflow = self._mlflow = self._workspace.mlflow
        self._camera = Camera(self._workspace.root, self.source)
        self._experiment = experiments.experiment_id(mlflow, self._workspace.settings.experiment) or ""
        self._end_dead_runs()
        self._run: Run = mlflow.write("create_run", self._experiment, tags=self._all_tags(), run_name=self._name)
        _open.add(self.run_id)
        try:
            self._log_inputs()
            # The watch goes on last and off first: autologging replaces the same methods.
            self._stack.enter_context(fluent.active(mlflow, self._run, autolog=self._autolog))
            self._fits: Fits = self._stack.enter_context(Fits())
        except BaseException as failure:
            self._stack.close()
            _open.discard(self.run_id)
            self._end(_status_after(failure))
            raise
        self._begin = time.perf_counter()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._duration = time.perf_counter() - self._begin
        try:
            with waiting("Storing the run …"):
                self._leave(error)
        finally:
            _open.discard(self.run_id)

    def _leave(self, error: BaseException | None) -> None:
        """Store what the cell has made and end the run; an error of the cell's own is left as it is."""
        if error is not None:
            notes: dict[str, str] = {}  # one for each reason
            try:
                self._stack.close()
                self._log_cell()
            except Exception as failure:
                notes[str(failure)] = f"Nor could the cell be logged: {failure}"
            try:
                self._end(_status_after(error))
                with contextlib.suppress(MlopsError):  # then there is no card of it
                    self._run = self._mlflow.read("get_run", self.run_id)
                    self.failed = self._card(_status_after(error), {})
            except Exception as failure:
                notes[str(failure)] = f"Nor could the run be ended: {failure}"
            for note in notes.values():
                error.add_note(note)
            return
        try:
            self._stack.close()
            self._log_cell()
            self._run = self._mlflow.read("get_run", self.run_id)  # with what the cell has logged
            self._log_model()
            self._end("FINISHED")
        except BaseException as failure:
            with contextlib.suppress(BackendUnreachable):  # then the next run ends it
                self._end(_status_after(failure))
            raise
        self.result = self._card("FINISHED", self._best_before())

    def _all_tags(self) -> dict[str, str]:
        where = origin.here(self._workspace.root)
        tags = {
            origin.OWNER: origin.owner(),
            "mlflow.user": self._workspace.who.partition("@")[0],
            "mlflow.source.name": where.program,
            "mlflow.source.type": "NOTEBOOK" if self.source is not None else "LOCAL",
            "mlops.host": where.host,
        }
        tags |= origin.of_execution()
        if reproduces := os.environ.get(REPRODUCES):
            # Nested in the run that it repeats: it is no news, and "last" does not mean it.
            repeats = {runs.REPRODUCES: f"{reproduces} {self._camera.place}"}
            tags |= repeats | {"mlflow.parentRunId": reproduces.split()[0]}
        if where.commit:
            tags["mlflow.source.git.commit"] = where.commit
        return tags | self._camera.written(self._tags)

    def _log_inputs(self) -> None:
        entities = experiments.entities()
        self._said = self._camera.written(self._params)
        if self._said:
            params = [entities.Param(key, value) for key, value in self._said.items()]
            self._mlflow.write("log_batch", self.run_id, params=params)
        if self._dataset:
            self._mlflow.write("log_inputs", self.run_id, [self._dataset.as_input(self._run.data.tags)])

    def _log_cell(self) -> None:
        """Log what the run can be rebuilt from, and how long it took."""
        fitted = self._fitted_on()
        fit = self._fits.last
        self._snapshot = taken = self._camera.take(
            [*([self._dataset] if self._dataset else []), *fitted], answers_of(fit) if fit else None
        )
        if fitted:
            inputs = [each.as_input(self._run.data.tags) for each in fitted]
            self._mlflow.write("log_inputs", self.run_id, inputs)
        entities = experiments.entities()
        metric = entities.Metric(DURATION, round(self._duration, 4), int(time.time() * 1000), 0)
        tags = [entities.RunTag(key, value) for key, value in taken.tags.items()]
        self._mlflow.write("log_batch", self.run_id, metrics=[metric], tags=tags)
        with tempfile.TemporaryDirectory(prefix="mlops-snapshot-") as folder:
            taken.write(Path(folder))
            self._mlflow.write("log_artifacts", self.run_id, folder, FOLDER)

    def _fitted_on(self) -> list[Dataset]:
        """Describe what the estimator was fitted on, where that is not what ``--data`` has named.

        What is no table, or of a kind that can't be read, is noted: the fit was good, and the run goes on.
        """
        from .dataset import of_fingerprint

        fit = self._fits.last
        found = []
        if fit and fit.features is None and self._dataset is None:
            self._notes.append("no digest of the data: a library's own form of them can't be read; --data X names them")
        for role, kept in (("features", fit.features), ("target", fit.target)) if fit else ():
            if kept is None:
                continue
            try:
                found.append(of_fingerprint(kept.fingerprint(), role, role, self._personal))
            except Exception as error:  # whatever a library makes of data of its own kind
                reason = error.message if isinstance(error, MlopsError) else f"{type(error).__name__}: {error}"
                self._notes.append(f"no digest of the {role}: {' '.join(reason.split())[:200]}")
        return [each for each in found if self._dataset is None or each.digest != self._dataset.digest]

    def _log_model(self) -> None:
        fit = self._fits.last
        self._estimator = label(fit.estimator) if fit else "model"
        outputs = self._run.outputs
        if outputs and outputs.model_outputs:  # the cell has logged a model itself
            self._model_id = outputs.model_outputs[-1].model_id
        elif fit and self._store_model:
            from ..backend import models

            self._notes += filter(None, [models.not_served(fit.estimator)])
            self._model_id = models.log_model(
                self._mlflow,
                self._run,
                fit.estimator,
                fit.features and fit.features.data,
                self._personal,
                fit.target and fit.target.data,
            )

    def _end(self, status: str) -> None:
        self._mlflow.write("set_terminated", self.run_id, status)

    def _end_dead_runs(self) -> None:
        """End runs that nobody else will: of kernels that have died, and of ours when the server was away."""
        ours = origin.owner()
        for run in experiments.search(self._mlflow, self._experiment, "attributes.status = 'RUNNING'", most=50):
            owner = run.data.tags.get(origin.OWNER, "")
            left = owner == ours and run.info.run_id not in _open
            if left or origin.is_dead(owner):
                with contextlib.suppress(MlopsError):  # deleted meanwhile, or ended by another kernel
                    self._mlflow.write("set_terminated", run.info.run_id, "FAILED" if left else "KILLED")

    def _card(self, status: str, best_before: dict[str, float]) -> RunCard:
        run = self._run
        return RunCard(
            run_id=self.run_id,
            name=str(run.info.run_name),
            experiment=self._workspace.settings.experiment,
            status=status,
            duration=self._duration,
            metrics=self._metrics,
            best_before=best_before,
            params=dict(run.data.params),
            said=self._said,
            model=self._estimator if self._model_id else None,
            model_id=self._model_id,
            data=str(self._dataset) if self._dataset else None,
            notes=(*(self._snapshot.notes if self._snapshot else ()), *self._notes),
            url=self._mlflow.link(f"experiments/{run.info.experiment_id}/runs/{self.run_id}"),
        )

    @property
    def _metrics(self) -> dict[str, float]:
        return {key: value for key, value in self._run.data.metrics.items() if key != DURATION}

    def _best_before(self) -> dict[str, float]:
        found = {}
        for metric in sorted(filter(is_own, self._metrics))[:6]:
            best = experiments.best_value(
                self._mlflow, self._experiment, metric, smaller=smaller_is_better(metric), but=self.run_id
            )
            if best is not None:
                found[metric] = best
        return found


def _status_after(failure: BaseException) -> str:
    return "KILLED" if isinstance(failure, KeyboardInterrupt) else "FAILED"
