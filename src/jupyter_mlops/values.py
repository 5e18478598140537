"""What a word in a slot for a value means: a variable of the notebook, or a file of data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .errors import InvalidUsage, NotFound, nearest
from .frames import READERS, read_file


def from_namespace(namespace: Mapping[str, Any]) -> Callable[[str], Any]:
    """Look words up among the variables of a notebook; a path is read as a file."""

    def resolve(word: str) -> Any:
        if word in namespace:
            return namespace[word]
        if Path(word).suffix.lower() in READERS:
            return from_file(word)
        mine = [name for name in namespace if not name.startswith("_")]
        hint = None if word.isidentifier() else f"give it a name first: rows = {word}"
        raise NotFound(f"There is no variable {word!r} in this notebook.{nearest(word, mine)}", hint)

    return resolve


def from_file(word: str) -> Any:
    """Read a file of data as a pandas frame.

    Raises
    ------
    NotFound
        Where there is no such file.
    InvalidUsage
        Where it is of no known kind, or can't be read as that kind.
    """
    path = Path(word)
    if path.suffix.lower() not in READERS:
        raise InvalidUsage(f"{word!r} is no file of data: it should end in {', '.join(READERS)}.")
    if not path.is_file():
        beside = [str(file) for file in path.parent.glob("*") if file.suffix in READERS] if path.parent.is_dir() else []
        raise NotFound(f"There is no file {word!r}.{nearest(word, beside)}")
    return read_file(path)
