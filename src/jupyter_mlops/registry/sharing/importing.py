"""Take in a version that another project has exported: all of it is checked before any of it is stored."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...backend import experiments, models, origin
from ...backend.adapter import Mlflow
from ...display import Badge, Card, Cell, Link, View, ago
from ...display.progress import Progress
from ...entities import ModelRef, model_name, typed
from ...errors import MlopsError, ValidationFailed, writing_to
from ...result import Result
from ...workspace import Workspace
from .. import registration
from ..card import modelcard
from . import archive, records, signing
from .archive import Archive
from .exporting import CARD, MODEL, SNAPSHOT, refuse_untrusted
from .records import DatasetRecord, RunRecord

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

IMPORTED = "mlops.imported"
"""The tag of a run and of a version that came from an archive: it begins with the archive's digest."""


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


@dataclass(frozen=True)
class _Content:
    """What is in an archive, checked."""

    archive: Archive
    signature: str
    run: RunRecord
    datasets: list[DatasetRecord]

    @property
    def where(self) -> str:
        """The words of the audit for where it came from."""
        return str(self.archive.manifest.exported)

    @property
    def tag(self) -> str:
        """What the run and the version are marked with."""
        manifest = self.archive.manifest
        return f"{self.archive.digest} from {manifest.model}/{manifest.version} of {self.where}"

    @property
    def evidence(self) -> str:
        """What the audit is told that it stands on."""
        return f"archive {self.archive.digest[:8]} from {self.where}, {self.signature}"

    @property
    def card(self) -> bytes | None:
        """The card, where there is one."""
        path = self.archive.folder / CARD
        return path.read_bytes() if path.is_file() else None


def take_in(
    workspace: Workspace, file: Path, *, name: str | None, key: Path | None, alias: str | None, dry_run: bool
) -> Imported:
    """Make the version in an archive a version here, or find the one that it already is.

    Raises
    ------
    NotFound, InvalidUsage, ValidationFailed
        Where the file is missing, is no archive, or was changed; see ``archive.unpack``.
    UntrustedModel
        Where its model would run code when it is loaded.
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
        content = _checked(file, folder, key)
        name = model_name(name or content.archive.manifest.model)
        known = registration.versions_so_far(workspace.mlflow, name)
        same = next((v for v in known or () if v.tags.get(IMPORTED, "").startswith(content.archive.digest)), None)
        number = int(same.version) if same else registration.next_number(known)
        run = f"run:{same.run_id[:8]}" if same and same.run_id else ""
        if not dry_run:
            if same is None:
                progress.say(f"Storing {name}/{number} …")
                number, run = _store(workspace, name, content, is_new=known is None)
            else:
                registration.note_if_unknown(workspace, name, number, "import", content.evidence)
            if alias:
                registration.give(workspace, name, alias, number)
    return _imported(workspace, content, ModelRef(name, version=number), run, alias, same, dry_run=dry_run)


def _checked(file: Path, folder: Path, key: Path | None) -> _Content:
    """Check everything that can be checked without the server."""
    found = archive.unpack(file, folder)
    if key is None:
        signature = "signed, not verified" if found.signature else "not signed"
    elif found.signature is None:
        raise ValidationFailed(
            f"{file.name} is refused: it is not signed, and --key asks for a signature.",
            "export it with --sign KEY.pem, or import it without --key",
        )
    else:
        signing.verify(found.text, found.signature, key, file.name)
        signature = "verified"
    content = _Content(found, signature, *records.load(folder, file.name))
    refuse_untrusted(folder / MODEL)
    return content


def _store(workspace: Workspace, name: str, content: _Content, *, is_new: bool) -> tuple[int, str]:
    """Make the run, the model and the version; all of them, or none."""
    mlflow, record, folder = workspace.mlflow, content.run, content.archive.folder
    experiment = experiments.experiment_id(mlflow, workspace.settings.experiment) or ""
    _remove_leftovers(mlflow, experiment, content)
    with _run(mlflow, experiment, content, name if is_new else "") as run:
        records.fill(mlflow, run.info.run_id, record, content.datasets)
        if (folder / SNAPSHOT).is_dir():
            mlflow.write("log_artifacts", run.info.run_id, str(folder / SNAPSHOT), SNAPSHOT)
        kind = {"mlops.class": record.estimator} if record.estimator else {}
        model_id = models.store(mlflow, run, folder / MODEL, {IMPORTED: content.tag, **kind})
        mlflow.write("set_terminated", run.info.run_id, record.status, end_time=record.end)
        number = registration.make_version(
            workspace,
            name,
            run,
            model_id,
            action="import",
            evidence=content.evidence,
            is_new=is_new,
            tags={IMPORTED: content.tag} | _card_tag(content),
            before_it_is_told=lambda number: _store_card(mlflow, run, name, number, content),
        )
    return number, registration.label(run)


@contextlib.contextmanager
def _run(mlflow: Mlflow, experiment: str, content: _Content, new_name: str) -> Iterator[Run]:
    """Make the run for what is done within; if that fails, nothing of it stays, and no name that is new."""
    tags = {IMPORTED: content.tag, origin.OWNER: origin.owner()}
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


def _remove_leftovers(mlflow: Mlflow, experiment: str, content: _Content) -> None:
    """Remove what an earlier import of this archive has left that was killed, or lost the server."""
    unfinished = f"tags.`{IMPORTED}` LIKE '{content.archive.digest}%' AND attributes.status = 'RUNNING'"
    for run in experiments.search(mlflow, experiment, unfinished):
        owner = run.data.tags.get(origin.OWNER, "")
        if owner == origin.owner() or origin.is_dead(owner):
            _remove(mlflow, run)


def _store_card(mlflow: Mlflow, run: Run, name: str, number: int, content: _Content) -> None:
    """Put the card where the card of the new version is looked for."""
    if content.card is not None:
        path = modelcard.file_of(content.archive.folder.parent, name, number)
        path.parent.mkdir()
        path.write_bytes(content.card)
        mlflow.write("log_artifact", run.info.run_id, str(path), modelcard.FOLDER)


def _card_tag(content: _Content) -> dict[str, str]:
    return {} if content.card is None else {modelcard.TAG: hashlib.sha256(content.card).hexdigest()}


def _imported(
    workspace: Workspace,
    content: _Content,
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
