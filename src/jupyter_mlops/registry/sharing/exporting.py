"""A version as one file, with what belongs to it: model, run, data sets, snapshot, card, lineage."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import mlmodel, signing
from ...backend import audit, fetching, profiles, versions
from ...backend.audit import Stored
from ...display import Badge, Card, Cell, View, bytes_of
from ...display.progress import Progress
from ...entities import CHAMPION, ModelRef, file_name, typed
from ...errors import NotFound, UntrustedModel, writing_to
from ...result import Result
from ...workspace import Workspace
from ..card import files, known, modelcard
from . import archive, records
from .records import DatasetRecord, RunRecord

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

MODEL, SNAPSHOT, CARD, REQUIREMENTS = "model", "snapshot", "card.md", "requirements.txt"
PROFILE = "profile.json.gz"
LINEAGE, AUDIT = "lineage.json", "audit.jsonl"


@dataclass(frozen=True, repr=False)
class Exported(Result):
    """A version in a file.

    Attributes
    ----------
    name, version
        Which it is.
    file, size, digest
        Where it is, its bytes, and the SHA-256 of its manifest, which ``import`` shows too.
    contents : tuple of str
        The files and folders in it.
    masked : tuple of str
        The parameters and tags of the run, and the events of the audit, that hold what looks like a secret: ``***``
        is in its place.
    signed : bool
    """

    name: str
    version: int
    file: str
    size: int
    digest: str
    contents: tuple[str, ...]
    masked: tuple[str, ...]
    signed: bool
    dry_run: bool = False

    @property
    def ref(self) -> ModelRef:
        """The version."""
        return ModelRef(self.name, version=self.version)

    def view(self) -> View:
        """Draw what went into the file, and how it is taken in."""
        state = "dry run" if self.dry_run else "signed" if self.signed else "not signed"
        facts: list[tuple[str, Cell]] = [("file", self.file), ("holds", ", ".join(self.contents))]
        if not self.dry_run:
            facts[1:1] = [("size", bytes_of(self.size)), ("digest", self.digest)]
        if self.masked:
            facts.append(("masked", Badge(", ".join(self.masked), "warn")))
        return Card(
            f"Export of {self.ref}",
            Badge(state, "idle" if self.dry_run else "good"),
            facts,
            next="" if self.dry_run else f"%mlops import {typed(Path(self.file).name)}, in the other project",
        )


def export(workspace: Workspace, ref: ModelRef, to: Path | None, key: Path | None, *, dry_run: bool) -> Exported:
    """Put a version and what belongs to it into one file.

    Raises
    ------
    NotFound
        Where there is no such version, or its files are missing on the server.
    Conflict
        Where the file is there.
    UntrustedModel
        Where the model would run code when it is loaded: no import would take it.
    """
    if key is not None:
        signing.need(key)
    version = versions.find_version(workspace.mlflow, ref, CHAMPION)
    number = int(version.version)
    target = _target(to, f"{file_name(version.name)}-{number}.mlops.zip")
    archive.need_free(target)
    with (
        Progress() as progress,
        writing_to(Path(tempfile.gettempdir())),
        tempfile.TemporaryDirectory(prefix="mlops-export-") as scratch,
    ):
        folder = Path(scratch)
        progress.say(f"Fetching {version.name}/{number} …")
        masked = _collect(workspace, version, folder)
        contents = tuple(sorted(path.name for path in folder.iterdir()))
        digest, size = "", 0
        if not dry_run:
            sign = partial(signing.sign, key=key) if key is not None else None
            digest = archive.write(target, folder, _about(workspace, version.name, number), sign=sign)
            size = target.stat().st_size
    return Exported(version.name, number, str(target), size, digest, contents, masked, key is not None, dry_run=dry_run)


def refuse_untrusted(folder: Path) -> None:
    """Refuse the model that no endpoint would serve; nothing of it is loaded.

    Raises
    ------
    UntrustedModel
    """
    model = mlmodel.read(folder)
    mlmodel.refuse_foreign(model.library, model.flavor, model.file)


def _target(to: Path | None, default: str) -> Path:
    given = to or Path()
    return given / default if given.is_dir() else given


def _about(workspace: Workspace, name: str, number: int) -> Callable[[dict[str, archive.Entry]], archive.Manifest]:
    """Say who exports what from where, now."""
    lines = [workspace.who, workspace.root.name, workspace.mlflow.uri]
    by, project, server = ("".join(filter(str.isprintable, line))[:500] for line in lines)
    origin = archive.Exported(by, datetime.now(UTC), project, server)
    return lambda files: archive.Manifest(archive.FORMAT, installed("jupyter-mlops"), name, number, origin, files)


def _collect(workspace: Workspace, version: ModelVersion, folder: Path) -> tuple[str, ...]:
    """Lay out in a folder all that the file is to hold; give the names of what was masked."""
    mlflow = workspace.mlflow
    fetched = fetching.download(mlflow, version, folder / "fetched")
    fetched.rename(folder / MODEL)
    shutil.rmtree(folder / "fetched", ignore_errors=True)
    try:
        refuse_untrusted(folder / MODEL)
    except UntrustedModel as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise fetching.gone(version) from None
        raise
    run = _run_of(workspace, version)
    mask = records.masker(run)
    estimator = known.estimator(mlflow, version, run) or ""
    record, datasets = records.of_run(mlflow, run, estimator, mask) if run else records.without_run(version, estimator)
    records.save(folder, record, datasets)
    if run and mlflow.read("list_artifacts", run.info.run_id, SNAPSHOT):
        mlflow.read("download_artifacts", run.info.run_id, SNAPSHOT, str(folder))
    if (profile := profiles.of_version(mlflow, version)) is not None:
        (folder / PROFILE).write_bytes(profile.to_bytes())
    card = files.fetch(mlflow, version) or modelcard.write(workspace, version, dry_run=True).markdown
    (folder / CARD).write_text(mask(card), encoding="utf-8", newline="")
    (folder / LINEAGE).write_text(json.dumps(_lineage(workspace, version, record, datasets), indent=1))
    masked_events = _write_audit(folder / AUDIT, audit.read(mlflow, version.name), mask)
    for place in (SNAPSHOT, MODEL):
        if (folder / place / REQUIREMENTS).is_file() and not (folder / REQUIREMENTS).exists():
            shutil.copyfile(folder / place / REQUIREMENTS, folder / REQUIREMENTS)
    return (*(records.masked(run, record) if run else ()), *masked_events)


def _write_audit(path: Path, events: Sequence[Stored], mask: records.Mask) -> list[str]:
    """Write the events of a model, one a line and with its hash; name those of which something was masked."""
    lines, masked = [], []
    for stored in events:
        said = {**asdict(stored.event), "hash": stored.hash}
        safe = said | {name: mask(said[name]) for name in ("why", "evidence", "where", "who")}
        if safe != said:  # its hash does not fit any more, and still says what the event after it follows
            masked.append(f"audit event {stored.event.number}")
        lines.append(json.dumps(safe))
    path.write_text("".join(f"{line}\n" for line in lines))
    return masked


def _run_of(workspace: Workspace, version: ModelVersion) -> Run | None:
    if not version.run_id:
        return None
    try:
        run: Run = workspace.mlflow.read("get_run", version.run_id)
    except NotFound:  # it is gone, and the version has stayed
        return None
    return run


def _lineage(
    workspace: Workspace, version: ModelVersion, run: RunRecord, datasets: Sequence[DatasetRecord]
) -> dict[str, Any]:
    """Tell what came from what: data, run, version, and the aliases that it had when it was exported."""
    aliases = versions.model(workspace.mlflow, version.name).aliases
    return {
        "data": [{"name": each.name, "digest": each.digest, "tags": each.tags} for each in datasets],
        "run": {"id": run.id, "name": run.name},
        "version": {"name": version.name, "version": int(version.version), "made": version.creation_timestamp},
        "aliases": sorted(alias for alias, number in aliases.items() if str(number) == str(version.version)),
    }
