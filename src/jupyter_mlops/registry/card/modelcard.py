"""The card of a version: what is known is written anew each time, what people have written stays."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...backend import artifacts, versions
from ...display import Badge, Card, Cell, View, markdown
from ...display.markdown import Raw
from ...entities import ModelRef, typed
from ...errors import InvalidUsage, NotFound, writing_to
from ...result import Result
from ...workspace import Workspace
from ..results import move
from . import known, parts

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

FOLDER = "cards"
TAG = "mlops.card"
"""The tag of a version that has a card: the SHA-256 of it."""


@dataclass(frozen=True, repr=False)
class ModelCard(Result):
    """The card of a version: data, metrics, gate, making and history, and what people have written.

    Attributes
    ----------
    name, version
    markdown : str
        The card, as it is in its file.
    file : str
        Within the project.
    open : tuple of str
        The sections that nobody has written yet.
    taken_from : str or None
        Where the parts of people are from, if not from the file: ``tumour/1``, or ``the server``.
    gaps : tuple of str
        What is not known, and why.
    state : str
        ``new``, ``changed`` or ``the same``.
    stored : str
        Where it is on the server, or why it is not.
    """

    name: str
    version: int
    markdown: str
    file: str
    open: tuple[str, ...]
    taken_from: str | None
    gaps: tuple[str, ...]
    state: str
    stored: str
    dry_run: bool = False

    @property
    def ref(self) -> ModelRef:
        """The version, as other commands take it."""
        return ModelRef(self.name, version=self.version)

    def html(self) -> str:
        """Give the card as a page of its own."""
        from ...display.html import page

        return page(Card("", markdown=parts.unmarked(self.markdown)), f"Card of {self.ref}")

    def view(self) -> View:
        """Draw the card, and say where it is and what is still open."""
        facts: list[tuple[str, Cell]] = [("file", self.file), ("on the server", self.stored)]
        if self.taken_from:
            facts.append(("your parts", f"taken over from {self.taken_from}"))
        if self.open:
            facts.append(("still open", Badge(", ".join(self.open), "warn")))
        badge = f"dry run: would be {self.state}" if self.dry_run else self.state
        return Card(
            f"Card of {self.ref}",
            Badge(badge, "idle" if self.dry_run or self.state == "the same" else "good"),
            facts,
            markdown=parts.unmarked(self.markdown),
            next=f"%mlops card {typed(self.ref)}, when you have written the open parts in the file"
            if self.open
            else "",
        )


def write(workspace: Workspace, version: ModelVersion, *, dry_run: bool) -> ModelCard:
    """Write the card of a version into the project, and store it with the version's run.

    Raises
    ------
    Conflict
        Where people have broken the lines around their parts, or written elsewhere; nothing is written then.
    """
    number = int(version.version)
    path = file_of(workspace.root, version.name, number)
    file = path.relative_to(workspace.root).as_posix()
    before = _text(path, file)
    kept, taken_from = _of_people(workspace, version, before)
    found = known.gather(workspace, version)
    text = _render(f"{version.name}/{number}", found, kept)
    stored = "it would be stored with the run" if dry_run else ""
    if not dry_run:
        if text != before:
            _write(path, text)
        stored = _store(workspace, version, path, text, has_run=found.has_run)
    state = "new" if before is None else "changed" if text != before else "the same"
    return ModelCard(
        version.name, number, text, file, parts.still_open(kept), taken_from, tuple(found.gaps), state, stored, dry_run
    )


def file_of(root: Path, name: str, number: int) -> Path:
    """Name the file of a card; a model whose name is no safe one for a file gets a digest of it beside."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")[:80] or "model"
    if safe != name:
        safe += f"-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return root / FOLDER / f"{safe}-{number}.md"


def _render(title: str, found: known.Known, kept: Mapping[str, str]) -> str:
    template = markdown.template(__package__, "card.md.j2")
    return parts.sealed(
        template.render(
            title=title,
            known=found,
            section=lambda key: Raw(parts.section(key, kept.get(key))),
            part=lambda key, content: Raw(parts.written(key, content)),
            own=parts.own(kept),
            day=known.day,
            move=move,
            Raw=Raw,
        )
    )


def _of_people(workspace: Workspace, version: ModelVersion, local: str | None) -> tuple[dict[str, str], str | None]:
    """Find what people wrote: in the file, else in what the server has, else in the card of the version before."""
    number = int(version.version)
    if local is not None:
        file = file_of(workspace.root, version.name, number).relative_to(workspace.root).as_posix()
        kept = parts.read(local, file)
        parts.need_own(local, file)
        return kept, None
    stored = _stored(workspace, version)
    if stored is not None:
        return parts.read(stored, f"The card of {version.name}/{number} on the server"), "the server"
    for earlier in versions.versions(workspace.mlflow, version.name):
        if int(earlier.version) < number:
            path = file_of(workspace.root, version.name, int(earlier.version))
            file = path.relative_to(workspace.root).as_posix()
            text = _text(path, file) or _stored(workspace, earlier)
            if text is not None:
                return parts.read(text, file), f"{version.name}/{earlier.version}"
    return {}, None


def _stored(workspace: Workspace, version: ModelVersion) -> str | None:
    """Fetch the card of a version that is on the server."""
    if not version.run_id or TAG not in version.tags:
        return None
    file = file_of(Path(), version.name, int(version.version)).as_posix()
    try:
        return artifacts.read_text(workspace.mlflow, version.run_id, file)
    except NotFound:  # the run is gone
        return None


def _store(workspace: Workspace, version: ModelVersion, path: Path, text: str, *, has_run: bool) -> str:
    """Store a card with the run of its version; the same card again is not sent."""
    if not (has_run and version.run_id):
        return "not stored: the version has no run to keep it"
    digest = hashlib.sha256(text.encode()).hexdigest()
    if version.tags.get(TAG) != digest:
        workspace.mlflow.write("log_artifact", version.run_id, str(path), FOLDER)
        workspace.mlflow.write("set_model_version_tag", version.name, str(version.version), TAG, digest)
    return f"run:{version.run_id[:8]} has {FOLDER}/{path.name}"


def _text(path: Path, file: str) -> str | None:
    try:
        with path.open(encoding="utf-8", newline="") as opened:  # line ends as they are
            return opened.read()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise InvalidUsage(f"{file} is no UTF-8 text.", "save it as UTF-8, and run it again") from None


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all: it has what somebody wrote."""
    part = path.with_suffix(".part")
    with writing_to(path.parent):
        path.parent.mkdir(exist_ok=True)
        with part.open("w", encoding="utf-8", newline="") as opened:
            opened.write(text)
        part.replace(path)
