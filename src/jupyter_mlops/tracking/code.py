"""The code of a run (its cells, the commit, what was not committed) and how that of two runs differs."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from ..errors import NotFound
from .snapshot import files
from .snapshot.executed import Cell, needed
from .snapshot.files import Snapshot

_BETWEEN = "\n\n# %%\n"  # between two cells
_MAGIC = re.compile(r"(\s*%%mlops\s+run)\b([^\n]*)")
# A word of the magic's line, with the space before it and the option that it is the value of.
_WORD = re.compile(r"""(?P<option>\s+--(?:data|param|tag|into))?\s+(?P<word>(?:"[^"]*"|'[^']*'|[^\s"'])+)""")
_DIFF = "uncommitted.diff"
_MOST_LINES = 200


@dataclass(frozen=True)
class CodeOf:
    """The code of one run.

    Attributes
    ----------
    source : str
        The cells that the run needed, in the order in which they ran, its own last; or the script.
    commit : str, optional
        None where the folder was no repository, or nothing is committed.
    uncommitted : dict of str to str
        The diff to the commit, by file.
    is_whole : bool
        Whether that is all: without git nobody knows what the modules were that it has imported.
    """

    source: str
    commit: str | None
    uncommitted: dict[str, str]
    is_whole: bool

    @classmethod
    def of(cls, snapshot: Snapshot) -> CodeOf:
        """Read it from a snapshot."""
        git = snapshot.manifest["git"]
        is_whole = bool(git["commit"]) and not git["note"]
        return cls(_source(snapshot), git["commit"], _by_file(snapshot.files.get(_DIFF, "")), is_whole)


def unified(before: str, after: str) -> str:
    """Write a unified diff of two texts, without the names of files."""
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2))
    return "\n".join(lines[2:])


def uncommitted(label: str, mine: CodeOf, theirs: CodeOf) -> list[tuple[str, str]]:
    """List the files of which one run has other changes than the other: a title and the changes."""
    changed = [name for name, text in mine.uncommitted.items() if theirs.uncommitted.get(name) != text]
    return [(f"Uncommitted in {label}: {name}", _shortened(mine.uncommitted[name])) for name in changed]


def _source(snapshot: Snapshot) -> str:
    own = snapshot.files.get("cell.py")
    if own is None:
        scripts = [text for name, text in snapshot.files.items() if name.endswith(".py")]
        return "\n".join(scripts)
    try:
        cells = files.cells_of(snapshot)
    except (NotFound, ValueError, KeyError, TypeError):  # broken on the server: its own cell is there
        cells = []
    number = snapshot.manifest["cell"] or (cells[-1].number if cells else 0)
    target = Cell(number, own)
    return _BETWEEN.join(_nameless(cell.source).strip() for cell in [*needed(cells, target), target])


def _nameless(source: str) -> str:
    """Take the run's name out of its magic: it is no part of what the run does."""
    magic = _MAGIC.match(source)
    if magic is None:
        return source
    words = list(_WORD.finditer(magic[2]))
    name = next((each for each in words if not each["option"] and not each["word"].startswith("-")), None)
    line = magic[2].replace(name[0], "", 1) if name else magic[2]
    return magic[1] + line + source[magic.end() :]


def _by_file(diff: str) -> dict[str, str]:
    """Cut a diff into those of its files."""
    parts = re.split(r"^(?=diff --git )", diff, flags=re.MULTILINE)
    found = {}
    for part in filter(str.strip, parts):
        name = re.match(r"diff --git (?:\"?a/.*?\"? )?\"?b/(.*?)\"?$", part, re.MULTILINE)
        body = re.search(r"^@@.*", part, re.MULTILINE | re.DOTALL)
        found[name[1] if name else part.partition("\n")[0]] = (body[0] if body else part).rstrip("\n")
    return found


def _shortened(text: str) -> str:
    lines = text.splitlines()
    more = [f"… {len(lines) - _MOST_LINES:,} more lines"] if len(lines) > _MOST_LINES else []
    return "\n".join([*lines[:_MOST_LINES], *more])
