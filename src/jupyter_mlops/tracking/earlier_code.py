"""The project's code as it was when a run was made: a work tree of git's, from which the fresh kernel imports."""

from __future__ import annotations

import contextlib
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

from ..backend import git
from ..backend.processes import last_words
from .snapshot.files import Snapshot

_MASK = "***"
_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@")


@dataclass(frozen=True)
class EarlierCode:
    """Where the code of a run is, and what there is to say of it.

    Attributes
    ----------
    certain : bool
        It is the code that the run was made with; else it may be that of today, or lack something.
    note : str
    tree, top : Path, optional
        The folder with the code as it was, and the one of the repository that it stands for; None where
        nothing has changed since, or it could not be brought back.
    """

    certain: bool
    note: str
    tree: Path | None = None
    top: Path | None = None


@contextlib.contextmanager
def code_as_it_was(root: Path, taken: Snapshot) -> Iterator[EarlierCode]:
    """Give the project's code as of the run, where it has changed since.

    It is a work tree of git's beside the user's own, which is left alone.
    """
    at, diff = taken.manifest["git"], taken.files.get("uncommitted.diff", "")
    then, lacking = at["commit"], at["note"]
    now = git.look(root)
    top = git.root(root) or root
    if then is None:
        why = "the repository had no commit yet" if lacking else "the run was not in git"
        yield EarlierCode(False, f"{why}: modules of the project are those of today")
        return
    if then == now.commit and diff == now.diff:
        yield EarlierCode(not lacking, lacking)
        return
    with tempfile.TemporaryDirectory(prefix="mlops-code-") as scratch:
        tree = Path(scratch).resolve() / "tree"
        added = last_words(["git", "worktree", "add", "--detach", "--quiet", str(tree), then], root)
        try:
            if added is not None:
                note = f"commit {then[:8]} is not in this repository ({added}): modules are those of today"
                yield EarlierCode(False, note)
                return
            certain, said = _apply(diff, tree, Path(scratch))
            notes = [f"the project's code is that of {then[:8]}{said}", lacking]
            if (tree / ".gitmodules").exists():
                notes.append("submodules are those of today")
            yield EarlierCode(certain and not any(notes[1:]), "; ".join(filter(None, notes)), tree, top.resolve())
        finally:
            last_words(["git", "worktree", "remove", "--force", str(tree)], root)


def _apply(diff: str, tree: Path, scratch: Path) -> tuple[bool, str]:
    """Apply what was not committed; whether all of it is there, and what there is to say."""
    if not diff:
        return True, ""
    diff, masked = _unmasked(diff, tree)
    patch = scratch / "uncommitted.diff"
    patch.write_bytes(diff.encode("utf-8", "surrogateescape"))
    refused = last_words(["git", "apply", "--whitespace=nowarn", str(patch)], tree)
    if refused is not None:
        return False, f", without its diff: {refused}"
    return not masked, " with what was not committed" + (", but for what was masked in it" if masked else "")


def _unmasked(diff: str, tree: Path) -> tuple[str, bool]:
    """Put the lines back that were in the commit and are masked in the diff; whether a new one is masked too.

    Without them git would not find the place: and they are in the commit, so nothing is lost by the mask.
    """
    lines = diff.split("\n")
    old: list[str] = []
    number = before = after = 0
    masked = False
    for place, line in enumerate(lines):
        if not (before or after):
            if line.startswith("--- "):
                old = _lines(tree / line[4:].rstrip("\t").removeprefix("a/"))
            elif found := _HUNK.match(line):
                number = int(found[1]) - 1
                before, after = (int(count) if count is not None else 1 for count in found.group(2, 3))
            continue
        sign = line[:1]
        masked |= sign == "+" and _MASK in line
        if sign in ("-", " ", ""):
            if _MASK in line and number < len(old):
                lines[place] = sign + old[number]
            number += 1
        before -= sign in ("-", " ", "")
        after -= sign in ("+", " ", "")
    return "\n".join(lines), masked


def _lines(file: Path) -> list[str]:
    return file.read_bytes().decode("utf-8", "surrogateescape").split("\n") if file.is_file() else []


class _AsItWas(MetaPathFinder):
    """Finds modules of a repository in a tree that stands for it, wherever ``sys.path`` names the repository."""

    def __init__(self, tree: Path, top: Path) -> None:
        self._tree, self._top = tree, top

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Look in the tree in place of the repository; what is not in it, such as a file that git ignores, is as today."""
        entries = [str(self._then(Path(entry)) or entry) for entry in (sys.path if path is None else path)]
        found = PathFinder.find_spec(name, entries, target)
        if found is not None:
            return found
        # An editable installation has a finder of its own.
        for finder in sys.meta_path[sys.meta_path.index(self) + 1 :]:
            spec = finder.find_spec(name, path, target)
            then = self._then(Path(spec.origin)) if spec and spec.has_location and spec.origin else None
            if spec and then:
                inside = [str(then.parent)] if spec.submodule_search_locations is not None else None
                return spec_from_file_location(name, then, submodule_search_locations=inside)
        return None

    def _then(self, place: Path) -> Path | None:
        place = place.resolve()
        if not place.is_relative_to(self._top):
            return None
        then = self._tree / place.relative_to(self._top)
        return then if then.exists() else None


def import_from(tree: str, top: str) -> None:
    """Let this process import the modules of a repository from a tree that stands for it."""
    sys.meta_path.insert(sys.meta_path.index(PathFinder), _AsItWas(Path(tree), Path(top)))
