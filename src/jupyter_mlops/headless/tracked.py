"""The execution of a notebook as a run of its own: what it was given, what came of it, and who had started it."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import secrets
from ..backend import experiments, origin, runs, versions
from ..backend.processes import stop
from ..entities import CHAMPION, is_own
from ..errors import BackendUnreachable, InvalidUsage, MlopsError, NotFound, writing_to
from ..workspace import Workspace, find
from .results import Executed, RunSeen
from .summary import escape, link

if TYPE_CHECKING:
    from mlflow.entities import Run

    from ..backend.adapter import Mlflow

_MOST_DESCRIBED = 20
# Ours, and that of MLflow: `mlflow run` and others set it for what they start.
_PARENTS = (origin.PARENT, "MLFLOW_RUN_ID")

EXPERIMENT = "{} notebooks"
"""Executions have an experiment of their own: in that of the runs they would be its last ones, and have no metrics."""


class Tracked:
    """The run that an execution is.

    Where the folder is in no project there is none; the runs that the notebook makes are found by ``execution`` all the same.

    Parameters
    ----------
    folder : Path
        That the notebook works in.
    wanted : bool
    told : bool
        Whether the notebook's runs are told in a report: a server that it has stopped is started for them.

    Attributes
    ----------
    outside : bool
        Whether it was to be a run, and there was no project when it began.
    notes : list of str
        What else there is to know.
    """

    def __init__(self, folder: Path, *, wanted: bool, told: bool) -> None:
        self.execution = uuid.uuid4().hex
        self.run_id = ""
        self.failure: MlopsError | None = None
        self.outside = False
        self.notes: list[str] = []
        self._folder = folder
        self._wanted = wanted
        self._told = told

    @property
    def env(self) -> dict[str, str]:
        """What the kernel is to know."""
        parent = {origin.PARENT: self.run_id} if self.run_id else {}
        return {origin.EXECUTION: self.execution} | parent

    def begin(self, path: Path, params: dict[str, Any]) -> None:
        """Begin the run; a server that is down does not keep the notebook from being run, and is told."""
        root = find(self._folder)
        self.outside = self._wanted and root is None
        if not self._wanted or root is None:
            return
        try:
            workspace = Workspace(root)
            mlflow = workspace.mlflow
            name = EXPERIMENT.format(workspace.settings.experiment)
            experiment = experiments.experiment_id(mlflow, name)
            where = origin.here(root)
            tags = {
                origin.OWNER: origin.owner(),
                "mlflow.user": workspace.who.partition("@")[0],
                "mlflow.source.name": path.name,
                "mlflow.source.type": "NOTEBOOK",
                "mlops.host": where.host,
                origin.EXECUTION_TAG: self.execution,
            }
            optional = {
                "mlflow.source.git.commit": where.commit,
                "mlops.job": where.job,
                "mlops.change_request": origin.change_request(),
                "mlflow.parentRunId": self._parent(mlflow),
            }
            tags |= {name: value for name, value in optional.items() if value}
            run = mlflow.write("create_run", experiment, tags=tags, run_name=path.name)
            self.run_id = str(run.info.run_id)
            if params:
                entities = experiments.entities()
                written, _ = secrets.mask_pairs(params)
                mlflow.write("log_batch", self.run_id, params=[entities.Param(*each) for each in written.items()])
        except MlopsError as error:
            self.failure = error

    def _parent(self, mlflow: Mlflow) -> str | None:
        """Find the run that has started this: the one that the environment names, where the server knows it."""
        unknown = []
        for name in _PARENTS:
            if run_id := os.environ.get(name):
                try:
                    return str(mlflow.read("get_run", run_id).info.run_id)
                except (NotFound, InvalidUsage):
                    unknown.append(
                        f"{name} names the run {run_id!r}, which the MLflow server does not know: it has no parent"
                    )
        self.notes += unknown
        return None

    def end(self, executed: Executed, page: str) -> tuple[tuple[RunSeen, ...], str]:
        """End the run, with the executed notebook and its page; give the runs of the notebook, and the address of this one."""
        root = find(self._folder)
        if not self._wanted or root is None or not (self.run_id or self._told):
            return (), ""
        try:
            workspace = Workspace(root)
            server = None if workspace.settings.tracking_uri else workspace.state.get("server", "mlflow")
            rests = server is not None and not server.alive
            if workspace.settings.tracking_uri is None and server is None:
                return (), ""
            try:
                return self._end(workspace, executed, page)
            finally:
                if rests:  # the notebook had stopped it: it is left as it was found
                    stop(workspace.state.get("server", "mlflow") or server)  # type: ignore[arg-type]
        except MlopsError as error:
            self.failure = error
            return (), ""

    def _end(self, workspace: Workspace, executed: Executed, page: str) -> tuple[tuple[RunSeen, ...], str]:
        mlflow = workspace.mlflow
        found = runs.of_execution(mlflow, self.execution)
        # A run that repeats another proves something, and is no news.
        made = [run for run in found if run.info.run_id != self.run_id and runs.REPRODUCES not in run.data.tags]
        seen = tuple(_seen(mlflow, made))
        if not self.run_id:
            return seen, ""
        entities = experiments.entities()
        now = int(time.time() * 1000)
        counts = {"seconds": executed.seconds, "exit_code": float(executed.exit_code)}
        for cell in executed.cells:
            counts[f"cells {cell.status}"] = counts.get(f"cells {cell.status}", 0.0) + 1
        metrics = [entities.Metric(name, round(value, 3), now, 0) for name, value in counts.items()]
        tags = [
            entities.RunTag("mlops.verdict", executed.verdict.word),
            entities.RunTag("mlops.why", executed.message[:500]),
            *([entities.RunTag("mlflow.note.content", _described(seen))] if seen else []),
        ]
        killed = executed.exit_code in (130, 143)
        status = "FINISHED" if executed.ok else "KILLED" if killed else "FAILED"
        try:
            mlflow.write("log_batch", self.run_id, metrics=metrics, tags=tags)
            with contextlib.ExitStack() as stack:
                with writing_to(Path(tempfile.gettempdir())):
                    scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="mlops-execution-"))
                    _store(Path(scratch), executed, page)
                mlflow.write("log_artifacts", self.run_id, scratch)
        except BaseException:
            status = "FAILED" if status == "FINISHED" else status
            raise
        finally:  # a run that nobody ends would be running for ever
            mlflow.write("set_terminated", self.run_id, status)
        experiment = mlflow.read("get_run", self.run_id).info.experiment_id
        return seen, mlflow.link(f"experiments/{experiment}/runs/{self.run_id}")

    @property
    def why(self) -> str:
        """What kept it from being tracked; empty where nothing did."""
        if self.failure is None or isinstance(self.failure, BackendUnreachable):
            return self.failure.message if self.failure else ""
        return f"it could not be tracked: {self.failure.message}"


def _described(seen: Sequence[RunSeen]) -> str:
    """Write what MLflow's UI shows of the execution: a way to each of the notebook's runs, which are no children of it."""
    lines = [f"- {escape(link(run.name, run.url))}, {run.status.lower()}" for run in seen[:_MOST_DESCRIBED]]
    more = len(seen) - len(lines)
    return "\n".join(["Runs of the notebook:\n", *lines, *([f"- … and {more} more"] if more else [])])


def _store(folder: Path, executed: Executed, page: str) -> None:
    """Lay out what is kept with the run: without secrets, as in every other place."""
    from ..tracking.snapshot import environment
    from ..tracking.snapshot.seeds import seeds_of

    if executed.executed:
        text = Path(executed.executed).read_text(encoding="utf-8")
        masked, _ = secrets.mask_file(Path(executed.executed).name, text)
        (folder / Path(executed.executed).name).write_text(masked, encoding="utf-8")
        import nbformat

        book: Any = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
        seeds = seeds_of([cell.source for cell in book.cells if cell.cell_type == "code"], executed.params)
        if seeds:
            (folder / "seeds.txt").write_text("\n".join(seeds) + "\n", encoding="utf-8")
    if page:
        (folder / Path(executed.notebook).with_suffix(".html").name).write_text(secrets.mask(page)[0], encoding="utf-8")
    (folder / "environment.lock").write_text(environment.here().lock, encoding="utf-8")


def _seen(mlflow: Any, made: list[Run]) -> Iterator[RunSeen]:
    """Say of each run how it stands to the champion of the model that it was registered as."""
    registered = {version.run_id: version for version in versions.of_runs(mlflow, [run.info.run_id for run in made])}
    champions: dict[str, Any] = {}
    for run in made:
        metrics = {name: value for name, value in run.data.metrics.items() if is_own(name)}
        version = registered.get(run.info.run_id)
        standing, beside = "", {}
        if version is not None:
            name = str(version.name)
            if name not in champions:
                champions[name] = _champion(mlflow, name)
            number, theirs = champions[name]
            standing = f"{name}/{version.version}"
            if number == str(version.version):
                standing += ", the champion"
            elif number:
                standing += f", beside the champion {name}/{number}"
                beside = theirs
        yield RunSeen(
            run.info.run_id, str(run.info.run_name), run.info.status, metrics, beside, standing,
            mlflow.link(f"experiments/{run.info.experiment_id}/runs/{run.info.run_id}"),
        )  # fmt: skip


def _champion(mlflow: Any, name: str) -> tuple[str, dict[str, float]]:
    found = versions.named(mlflow, name, CHAMPION)
    if found is None:
        return "", {}
    metrics = dict(mlflow.read("get_run", found.run_id).data.metrics) if found.run_id else {}
    return str(found.version), metrics
