"""Find what came of what: from data to runs, versions, aliases and endpoints, and back."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..backend import experiments, runs, versions
from ..entities import ModelRef, RunRef, typed
from ..errors import Conflict, InvalidUsage, NotFound, nearest
from ..workspace import Workspace
from .graph import Edge, Kind, Lineage, Node
from .served import served
from .sharing import marks

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

# What data was to its run, from the word that MLflow has for it.
ROLES = {"training": "training", "fitted features": "features", "fitted target": "target"}
_SHOWN = 8  # characters of an id or a digest


def lineage(workspace: Workspace, subject: object) -> Lineage:
    """Find what a word means, and where it came from and what became of it.

    Raises
    ------
    NotFound
        Where there is no such model, version, run or data.
    """
    text = str(getattr(subject, "ref", subject)).strip()
    is_run = hasattr(subject, "run_id") or text == "last" or text.startswith(("run:", "best:"))
    if not is_run and text.startswith("data:"):
        return of_data(workspace, text.removeprefix("data:"))
    if not is_run and ("@" in text or "/" in text):
        found = versions.find_version(workspace.mlflow, ModelRef.of(text))
        return of_versions(workspace, text, [found])
    if not is_run and text in (names := [model.name for model in versions.models(workspace.mlflow)]):
        listed = versions.versions(workspace.mlflow, text)
        if not listed:
            raise NotFound(f"{text} has no version yet.", f"%mlops register {typed(text)} --run last")
        return of_versions(workspace, text, listed)
    experiment = experiments.experiment_id(workspace.mlflow, workspace.settings.experiment, create=False)
    try:
        run = experiments.find_run(workspace.mlflow, experiment, RunRef.of(subject))
    except NotFound as missing:
        if is_run:
            raise
        near = nearest(text, names)
        raise NotFound(f"There is no registered model and no run {text!r}.{near}", missing.hint) from None
    return of_run(workspace, run)


def of_data(workspace: Workspace, digest: str, called: str | None = None) -> Lineage:
    """Find all that came of data.

    Parameters
    ----------
    workspace : Workspace
    digest : str
        Of the data, or how it begins.
    called : str, optional
        What the data is called where it was named.

    Raises
    ------
    NotFound
        Where no run of the server has used it.
    Conflict
        Where the beginning of the digest fits other data too.
    """
    mlflow = workspace.mlflow
    if not digest:
        raise InvalidUsage("The digest is missing.", "%mlops lineage data:4f76f5bb, or --data X_train")
    used = runs.that_used(mlflow, digest)
    fits = {dataset.digest for run in used for dataset, _ in runs.data_of(run) if runs.begins(dataset, digest)}
    if not fits:
        raise _unknown(workspace, digest, called)
    if len(fits) > 1:
        shown = ", ".join(f"data:{each[: len(digest) + 4]}" for each in sorted(fits)[:3])
        raise Conflict(f"data:{digest} fits more than one: {shown}.", "one more character of the digest decides")
    graph = _Graph(workspace)
    made = versions.of_runs(mlflow, {run.info.run_id for run in used})
    registered = {version.run_id for version in made}
    told = [run for run in used if runs.REPRODUCES not in run.data.tags or run.info.run_id in registered]
    graph.add_runs(told, only=fits)
    graph.add_versions(made)
    whole = fits.pop()
    return graph.lineage(f"{called} (data:{whole[:_SHOWN]})" if called else f"data:{whole[:_SHOWN]}", [f"data:{whole}"])


def of_run(workspace: Workspace, run: Run) -> Lineage:
    """Find what a run came from, what became of it, and which runs were made to reproduce it."""
    mlflow, run_id = workspace.mlflow, run.info.run_id
    graph = _Graph(workspace)
    graph.add_runs([run])
    original = run.data.tags.get(runs.REPRODUCES, "").partition(" ")[0]
    if original and original != run_id:
        graph.add_runs(runs.by_ids(mlflow, [original]).values(), data=False)
        graph.join(f"run:{original}", f"run:{run_id}", "reproduced")
    for repeated in runs.that_repeat(mlflow, run_id):
        if repeated.info.run_id not in (original, run_id):
            graph.add_runs([repeated], data=False)
            graph.join(f"run:{run_id}", f"run:{repeated.info.run_id}", "reproduced")
    graph.add_versions(versions.of_runs(mlflow, {run_id}))
    return graph.lineage(f"{run.info.run_name} (run:{run_id[:_SHOWN]})", [f"run:{run_id}"])


def of_versions(workspace: Workspace, called: str, found: Sequence[ModelVersion]) -> Lineage:
    """Find what versions came from, and what points at them."""
    graph = _Graph(workspace)
    ids = [version.run_id for version in found if version.run_id]
    by_id = runs.by_ids(workspace.mlflow, ids)
    graph.add_runs(by_id[run_id] for run_id in dict.fromkeys(ids) if run_id in by_id)
    graph.add_versions(found)
    gaps = [
        f"{version.name}/{version.version}: "
        + (f"its run (run:{version.run_id[:_SHOWN]}) is gone" if version.run_id else "it was registered without a run")
        for version in found
        if version.run_id not in by_id
    ]
    return graph.lineage(called, [f"{version.name}/{version.version}" for version in found], gaps)


class _Graph:
    """Nodes and edges while they are put together."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._nodes: dict[str, Node] = {}
        self._edges: dict[tuple[str, str], Edge] = {}
        self._experiments: dict[str, str] | None = None

    def add_runs(self, found: Iterable[Run], *, data: bool = True, only: Collection[str] | None = None) -> None:
        """Add runs with their data; ``only`` names the digests that are meant."""
        for run in found:
            run_id, at = run.info.run_id, run.info.start_time / 1000
            self._add(f"run:{run_id}", "run", str(run.info.run_name), run_id[:_SHOWN], at, self._note(run))
            for dataset, context in runs.data_of(run) if data else ():
                if only is None or dataset.digest in only:
                    self._add(
                        f"data:{dataset.digest}", "data", dataset.name, dataset.digest[:_SHOWN], at, _size(dataset)
                    )
                    self.join(f"data:{dataset.digest}", f"run:{run_id}", ROLES.get(context, context))

    def add_versions(self, found: Sequence[ModelVersion]) -> None:
        """Add versions with the aliases that point at them and the endpoints that serve them."""
        endpoints = served(self._workspace)
        aliases = {name: versions.model(self._workspace.mlflow, name).aliases for name in {v.name for v in found}}
        for version in sorted(found, key=lambda version: -version.creation_timestamp):
            number, at = int(version.version), version.creation_timestamp / 1000
            mine = f"{version.name}/{number}"
            self._add(mine, "version", mine, at=at)
            if f"run:{version.run_id}" in self._nodes:
                self.join(f"run:{version.run_id}", mine, "registered")
            if mark := marks.of(version):
                self._add(f"{mark} at {mark.server}", "version", mark.original, f"of {mark.project}")
                self.join(f"{mark} at {mark.server}", mine, "imported")
            for alias, points_at in sorted(aliases[version.name].items()):
                if int(points_at) == number:
                    self._add(f"{version.name}@{alias}", "alias", f"@{alias}", at=at)
                    self.join(mine, f"{version.name}@{alias}", "alias")
            for process in endpoints.get((version.name, number), ()):
                self._add(f"endpoint {process.name}", "endpoint", process.name,
                          "" if process.alive else "stopped", process.started)  # fmt: skip
                followed = f"{version.name}@{process.details.get('alias')}"
                follows = aliases[version.name].get(process.details.get("alias")) == version.version
                self.join(followed if follows else mine, f"endpoint {process.name}", "serves")

    def join(self, source: str, target: str, how: str) -> None:
        """Add an edge, where both ends are there."""
        if source in self._nodes and target in self._nodes:
            known = self._edges.get((source, target))
            if known is None:
                self._edges[source, target] = Edge(source, target, how)
            elif how not in known.how.split(", "):
                self._edges[source, target] = replace(known, how=f"{known.how}, {how}")

    def lineage(self, called: str, roots: Sequence[str], gaps: Sequence[str] = ()) -> Lineage:
        """Give what was put together."""
        return Lineage(called, tuple(roots), tuple(self._nodes.values()), tuple(self._edges.values()), tuple(gaps))

    def _add(self, name: str, kind: Kind, called: str, detail: str = "", at: float = 0.0, note: str = "") -> None:
        """Add a node; one that people call by several names bears them all, the newest first."""
        known = self._nodes.setdefault(name, Node(name, kind, called, detail, at, note))
        if called not in known.name.split(", "):
            self._nodes[name] = replace(known, name=f"{known.name}, {called}")

    def _note(self, run: Run) -> str:
        """Say where a run is, if not in the project's experiment, and how it ended, if not well."""
        if self._experiments is None:
            self._experiments = runs.names_of_experiments(self._workspace.mlflow)
        experiment = self._experiments.get(run.info.experiment_id, "")
        away = f"in {experiment}" if experiment != self._workspace.settings.experiment else ""
        state = "deleted" if run.info.lifecycle_stage != "active" else ""
        ended = run.info.status.lower() if run.info.status != "FINISHED" else ""
        return ", ".join(filter(None, (away, state, ended)))


def _size(dataset: Any) -> str:
    with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError, ZeroDivisionError):
        profile = json.loads(dataset.profile)
        rows = int(profile["num_rows"])
        return f"{rows:,} × {round(profile['num_elements'] / rows):,}"
    return ""


def _unknown(workspace: Workspace, digest: str, called: str | None) -> NotFound:
    """Say that no run has used the data; and whether one has used other data of that name."""
    what = f"{called} as it is now (data:{digest[:_SHOWN]})" if called else f"data:{digest}"
    other = runs.with_data_named(workspace.mlflow, called) if called else None
    if called and other:
        was = next(dataset.digest for dataset, _ in runs.data_of(other) if dataset.name == called)
        return NotFound(
            f"No run has used {what}. What {other.info.run_name} used as {called} was other data.",
            f"%mlops lineage data:{was[:_SHOWN]}",
        )
    return NotFound(f"No run has used {what}.", f"%%mlops run NAME --data {typed(called)}" if called else "%mlops runs")
