"""The card of a version: what is known is written anew each time, what people have written stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...display import Badge, Card, Cell, View, markdown
from ...display.markdown import Raw
from ...entities import ModelRef, typed
from ...result import Result
from ...workspace import Workspace
from ..results import move
from . import files, known, parts
from .people import People

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion


@dataclass(frozen=True, repr=False)
class ModelCard(Result):
    """The card of a version: data, metrics, gate, making and history, and what people have written.

    Attributes
    ----------
    name, version
    markdown : str
        The card, as it is in its file.
    file, page : str
        In Markdown and in HTML, within the project.
    open : tuple of str
        The sections that nobody has written yet.
    taken_from : str or None
        Where parts of people are from, if not from the file: ``tumour/1``, or ``the server``.
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
    page: str
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
        return page(self.markdown, str(self.ref))

    def view(self) -> View:
        """Draw the card, and say where it is and what is still open."""
        facts: list[tuple[str, Cell]] = [("file", self.file), ("as a page", self.page), ("on the server", self.stored)]
        if self.taken_from:
            facts.append(("written parts", f"taken over from {self.taken_from}"))
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
    """Write the card of a version into the project, and store it with the version's run, both as Markdown and HTML.

    Raises
    ------
    Conflict
        Where people have broken the lines around their parts, written elsewhere, or the same part as a colleague;
        the card is not written then.
    """
    people = People(workspace, version)
    written = people.written(dry_run=dry_run)
    found = known.gather(workspace, version)
    ref, before = f"{version.name}/{version.version}", people.local
    text = _render(ref, found, written.parts)
    stored = "not stored: the version has no run to keep it"
    if dry_run:
        stored = "it would be stored with the run"
    else:
        files.write_both(people.path, text, page(text, ref))
        if found.has_run and version.run_id:
            files.store(workspace.mlflow, version, people.path, people.there)
            people.remember(text)
            stored = f"run:{version.run_id[:8]} has {people.file}"
    return ModelCard(
        name=version.name,
        version=int(version.version),
        markdown=text,
        file=people.file,
        page=f"{files.FOLDER}/{people.path.with_suffix('.html').name}",
        open=parts.still_open(written.parts),
        taken_from=written.source,
        gaps=tuple(found.gaps),
        state="new" if before is None else "changed" if text != before else "the same",
        stored=stored,
        dry_run=dry_run,
    )


def page(text: str, ref: str) -> str:
    """Draw a card as a page of its own."""
    from ...display.html import page

    return page(Card("", markdown=parts.unmarked(text)), f"Card of {ref}")


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
