"""Take in a version that another project has exported: all of it is checked before any of it is stored."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from ... import signing
from ...backend import experiments, models, origin, profiles, versions
from ...backend.adapter import Mlflow
from ...display import Badge, Card, Cell, Link, View, ago
from ...display.progress import Progress
from ...entities import ModelRef, model_name, typed
from ...errors import Conflict, InvalidUsage, MlopsError, NotFound, writing_to
from ...result import Result
from ...workspace import Workspace
from .. import registration
from ..card import files, modelcard
from . import marks, records
from .content import Content, content_of
from .exporting import AUDIT, LINEAGE, MODEL, PROFILE, SNAPSHOT

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

    from ...statistics.profile import Profile

ORIGIN = "origin"
"""The folder of a run with what the archive tells of the other server: lineage and audit."""

_PATIENCE = 600.0  # seconds, for another import of the project


@dataclass(frozen=True, repr=False)
class Imported(Result):
    """A version that came from another project, newly made or found.

    Attributes
    ----------
    name, version
        Which it is here.
    original : str
        Which it was there: ``tumour/2``.
    project, server, by, at
        From where, by whom and when it was exported, as the file says.
    signature : str
        ``verified``, ``signed, not verified`` or ``not signed``.
    """

    name: str
    version: int
    is_new: bool
    alias: str | None
    run: str
    digest: str
    original: str
    project: str
    server: str
    by: str
    at: float
    signature: str
    url: str
    dry_run: bool = False

    @property
    def ref(self) -> ModelRef:
        """The version, as other commands take it."""
        return ModelRef(self.name, version=self.version)

    def view(self) -> View:
        """Draw which version it is, where it came from and who vouches for it."""
        state = "was imported before" if not self.is_new else "would be new" if self.dry_run else "new"
        facts: list[tuple[str, Cell]] = [
            ("from", f"{self.original} of {self.project} at {self.server}"),
            ("exported", f"by {self.by}, {ago(self.at)}"),
            ("digest", self.digest),
            ("signature", Badge(self.signature, "good" if self.signature == "verified" else "warn")),
        ]
        if self.run:
            facts.append(("run", self.run))
        if self.alias:
            facts.append(("alias", f"{self.name}@{self.alias}"))
        facts.append(("MLflow", Link("open the version" if "/versions/" in self.url else "open the model", self.url)))
        target = f"{self.name}@{self.alias}" if self.alias else str(self.ref)
        return Card(
            str(self.ref),
            Badge(state, "good" if self.is_new and not self.dry_run else "idle"),
            facts,
            next="" if self.dry_run else f"%mlops promote {typed(target)}",
        )


def take_in(
    workspace: Workspace, file: Path, *, name: str | None, key: Path | None, alias: str | None, dry_run: bool
) -> Imported:
    """Make the version in an archive a version here, or find the one that it already is.

    Raises
    ------
    MlopsError
        Where the file is not to be taken; see ``content_of``.
    Conflict
        Where another import of the project does not come to its end.
    """
    if key is not None:
        signing.need(key)
    with (
        Progress() as progress,
        writing_to(Path(tempfile.gettempdir())),
        tempfile.TemporaryDirectory(prefix="mlops-import-") as scratch,
    ):
        progress.say(f"Checking {file.name} …")
        folder = Path(scratch, "content")
        folder.mkdir()
        content = content_of(file, folder, key)
        name = model_name(name or content.archive.manifest.model)
        with contextlib.nullcontext() if dry_run else _alone(workspace):
            known = registration.versions_so_far(workspace.mlflow, name)
            same = next((v for v in known or () if v.tags.get(marks.TAG, "").startswith(content.archive.digest)), None)
            number = int(same.version) if same else registration.next_number(known)
            run = f"run:{same.run_id[:8]}" if same and same.run_id else ""
            if not dry_run:
                if same is None:
                    progress.say(f"Storing {name}/{number} …")
                    number, run = _store(workspace, name, content, is_new=known is None)
                else:
                    _complete(workspace, same, content)
                if alias:
                    registration.give(workspace, name, alias, number)
    return _imported(workspace, content, ModelRef(name, version=number), run, alias, same, dry_run=dry_run)


@contextlib.contextmanager
def _alone(workspace: Workspace) -> Iterator[None]:
    """Wait for another import of the project: of the same file, both would make a version."""
    try:
        with FileLock(workspace.state.folder / "import.lock", timeout=_PATIENCE):
            yield
    except Timeout:
        raise Conflict("Another import of this project is still at work.", "wait for it, then run it again") from None


def _store(workspace: Workspace, name: str, content: Content, *, is_new: bool) -> tuple[int, str]:
    """Make the run, the model and the version; all of them, or none."""
    mlflow, record, folder = workspace.mlflow, content.run, content.archive.folder
    experiment = experiments.experiment_id(mlflow, workspace.settings.experiment) or ""
    _remove_leftovers(mlflow, experiment, content)
    with _run(mlflow, experiment, content, name if is_new else "") as run:
        records.fill(mlflow, run.info.run_id, record, content.datasets)
        if (folder / SNAPSHOT).is_dir():
            mlflow.write("log_artifacts", run.info.run_id, str(folder / SNAPSHOT), SNAPSHOT)
        for told in (LINEAGE, AUDIT):
            if (folder / told).is_file():
                mlflow.write("log_artifact", run.info.run_id, str(folder / told), ORIGIN)
        kind = {"mlops.class": record.estimator} if record.estimator else {}
        model_id = models.store(mlflow, run, folder / MODEL, {marks.TAG: content.mark.text, **kind})
        if (folder / PROFILE).is_file():
            profiles.write(mlflow, run.info.run_id, model_id, _profile(folder / PROFILE))
        number = registration.make_version(
            workspace,
            name,
            run,
            model_id,
            action="import",
            evidence=content.evidence,
            is_new=is_new,
            tags={marks.TAG: content.mark.text} | _card_tag(content),
            before_it_is_told=lambda number: _finish(mlflow, run, name, number, content),
        )
    return number, registration.label(run)


def _profile(file: Path) -> Profile:
    from ...statistics.profile import Profile

    try:
        return Profile.of_bytes(file.read_bytes())
    except ValueError as error:
        raise InvalidUsage(f"The profile in the file can't be read: {error}.", "pip install -U jupyter-mlops") from None


def _finish(mlflow: Mlflow, run: Run, name: str, number: int, content: Content) -> None:
    """Put the card where that of the version is looked for, and end the run: one that runs is not whole yet."""
    if content.card is not None:
        path = files.file_of(content.archive.folder.parent, name, number)
        files.write_both(path, content.card, modelcard.page(content.card, f"{name}/{number}"))
        for file in (path.with_suffix(".html"), path):
            mlflow.write("log_artifact", run.info.run_id, str(file), files.FOLDER)
    mlflow.write("set_terminated", run.info.run_id, content.run.status, end_time=content.run.end)


def _complete(workspace: Workspace, version: ModelVersion, content: Content) -> None:
    """Do what an import of the same archive has not come to that was stopped after it had made the version."""
    mlflow, number = workspace.mlflow, int(version.version)
    with contextlib.suppress(NotFound):  # the run has been deleted since
        run = mlflow.read("get_run", version.run_id)
        is_whole = run.info.status == content.run.status and run.info.end_time == content.run.end
        if not is_whole or (content.card is not None and files.fetch(mlflow, version) is None):
            _finish(mlflow, run, version.name, number, content)
    registration.note_if_unknown(workspace, version.name, number, "import", content.evidence)


@contextlib.contextmanager
def _run(mlflow: Mlflow, experiment: str, content: Content, new_name: str) -> Iterator[Run]:
    """Make the run for what is done within; if that fails, nothing of it stays, and no name that is new."""
    tags = {marks.TAG: content.mark.text, origin.OWNER: origin.owner()}
    record = content.run
    run: Run = mlflow.write("create_run", experiment, start_time=record.start, run_name=record.name, tags=tags)
    try:
        yield run
    except BaseException:
        with contextlib.suppress(MlopsError):  # what went wrong first is what is told
            _remove(mlflow, run)
            if new_name and registration.versions_so_far(mlflow, new_name) == []:
                mlflow.write("delete_registered_model", new_name)
        raise


def _remove(mlflow: Mlflow, run: Run) -> None:
    """Remove a run with all that was made of it, also what the server has made and nobody heard of any more."""
    run_id, experiment = run.info.run_id, run.info.experiment_id
    for version in mlflow.read("search_model_versions", f"run_id = '{run_id}'"):
        mlflow.write("delete_model_version", version.name, version.version)
    for model in mlflow.read("search_logged_models", [experiment], filter_string=f"source_run_id = '{run_id}'"):
        mlflow.write("delete_logged_model", model.model_id)
    mlflow.write("delete_run", run_id)


def _remove_leftovers(mlflow: Mlflow, experiment: str, content: Content) -> None:
    """Remove what an earlier import of this archive has left that was killed, or lost the server.

    Its run has no version, and still runs; or was ended by whoever found that its process is dead.
    """
    unfinished = f"tags.`{marks.TAG}` LIKE '{content.archive.digest}%' AND attributes.status != 'FINISHED'"
    runs = experiments.search(mlflow, experiment, unfinished)
    taken = {version.run_id for version in versions.of_runs(mlflow, {run.info.run_id for run in runs})}
    for run in runs:
        owner = run.data.tags.get(origin.OWNER, "")
        if run.info.run_id not in taken and (owner == origin.owner() or origin.is_dead(owner)):
            _remove(mlflow, run)


def _card_tag(content: Content) -> dict[str, str]:
    return {} if content.card is None else {files.TAG: hashlib.sha256(content.card.encode()).hexdigest()}


def _imported(
    workspace: Workspace,
    content: Content,
    ref: ModelRef,
    run: str,
    alias: str | None,
    same: ModelVersion | None,
    *,
    dry_run: bool,
) -> Imported:
    manifest = content.archive.manifest
    exported = manifest.exported
    page = f"models/{ref.name}" if dry_run and same is None else f"models/{ref.name}/versions/{ref.version}"
    return Imported(
        name=ref.name,
        version=ref.version or 0,
        is_new=same is None,
        alias=alias,
        run=run,
        digest=content.archive.digest,
        original=f"{manifest.model}/{manifest.version}",
        project=exported.project,
        server=exported.server,
        by=exported.by,
        at=exported.at.timestamp(),
        signature=content.signature,
        url=workspace.mlflow.link(page),
        dry_run=dry_run,
    )
