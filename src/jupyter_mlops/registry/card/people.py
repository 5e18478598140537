"""What people wrote into the card of a version, here and on the server, made one: nobody's words are lost.

``.mlops/cards`` keeps the server's card as it was when this project last wrote or took it. What differs from it
here was written here, and what differs from it there by a colleague.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...backend import versions
from ...disk import write_whole
from ...entities import typed
from ...errors import Conflict
from ...workspace import Workspace
from ..sharing import marks
from . import files, parts

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion


@dataclass(frozen=True)
class Written:
    """The parts of people by their names, and where they are from, if not from the file."""

    parts: dict[str, str]
    source: str | None = None


class People:
    """Those who write into the card of one version.

    Parameters
    ----------
    workspace : Workspace
    version : ModelVersion
    """

    def __init__(self, workspace: Workspace, version: ModelVersion) -> None:
        self._workspace, self._version = workspace, version
        self.path = files.file_of(workspace.root, version.name, int(version.version))
        self.local = files.read(self.path)
        self.there = files.fetch(workspace.mlflow, version)
        self._theirs = self.path.with_suffix(".theirs.md")
        self._seen = workspace.state.folder / files.FOLDER / f"{version.run_id}-{self.path.name}"

    @property
    def file(self) -> str:
        """The card, within the project."""
        return f"{files.FOLDER}/{self.path.name}"

    def written(self, *, dry_run: bool) -> Written:
        """Find what people wrote: in the file and on the server, else in the card of the version before.

        Raises
        ------
        Conflict
            Where the lines around a part are broken, somebody has written elsewhere, or a part was written here and
            there; then the server's card is put beside the file, unless it is a dry run.
        """
        if self.local is not None:
            if self._theirs.exists():
                raise self._two(f"{self._place} is still there")
            mine = parts.read(self.local, self.file)
            parts.need_own(self.local, self.file)
            return self._one(mine, dry_run=dry_run)
        if self.there is None:
            return self._of_the_version_before()
        try:
            mark = marks.of(self._version)
            source = f"the server, imported from {mark}" if mark else "the server"
            return Written(parts.read(self.there, self.file), source)
        except Conflict:  # to be mended, it must be here
            if not dry_run:
                write_whole(self.path, self.there)
                self.remember(self.there)
            raise

    def remember(self, text: str) -> None:
        """Keep the card that the server has now."""
        write_whole(self._seen, text)

    def _one(self, mine: dict[str, str], *, dry_run: bool) -> Written:
        """Put together what was written here and there since the last time."""
        seen = files.read(self._seen)
        if self.there is None or self.there in (seen, self.local):
            return Written(mine)
        try:
            theirs = parts.read(self.there, f"the server's {self.file}")
            kept, twice = merged(parts.read(seen, "") if seen else {}, mine, theirs)
        except Conflict:  # the server's card is broken: somebody must look at it
            kept, twice = mine, ["its parts"]
        if not twice:
            return Written(kept, "the server" if kept != mine else None)
        what = f"on the server, somebody else has written {', '.join(map(parts.title, twice))}"
        if dry_run:
            raise Conflict(f"{self.file} would not be written: {what}.", "run it without --dry-run, to see what")
        write_whole(self._theirs, self.there)
        self.remember(self.there)
        raise self._two(what)

    @property
    def _place(self) -> str:
        return f"{files.FOLDER}/{self._theirs.name}"

    def _two(self, what: str) -> Conflict:
        return Conflict(
            f"{self.file} is not written: {what}.",
            f"take what you want of {self._place} into {self.file}, remove {self._place}, and run it again",
        )

    def _of_the_version_before(self) -> Written:
        number, mlflow = int(self._version.version), self._workspace.mlflow
        for earlier in versions.versions(mlflow, self._version.name):
            if int(earlier.version) >= number:
                continue
            ref = f"{earlier.name}/{earlier.version}"
            text = files.read(files.file_of(self._workspace.root, earlier.name, int(earlier.version)))
            if text is None and files.TAG in earlier.tags:
                text = files.fetch(mlflow, earlier)
            if text is not None:
                try:
                    return Written(parts.read(text, f"The card of {ref}"), ref)
                except Conflict as broken:
                    raise Conflict(broken.message, f"%mlops card {typed(ref)}, which says how to mend it") from None
        return Written({})


def merged(
    seen: Mapping[str, str], mine: Mapping[str, str], theirs: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """Merge the parts of two people by what both have ``seen``; an empty part gives way to a written one.

    Returns
    -------
    dict of str to str, list of str
        The parts, and the names of those that both have written.
    """
    kept: dict[str, str] = {}
    twice = []
    for name in {**mine, **theirs}:
        here, there, before = (each.get(name, "").strip() for each in (mine, theirs, seen))
        if here == there or there == before:
            chosen = mine.get(name)
        elif here in (before, ""):
            chosen = theirs.get(name)
        else:
            chosen = mine.get(name)
            if there:
                twice.append(name)
        if chosen is not None:
            kept[name] = chosen
    return kept, twice
