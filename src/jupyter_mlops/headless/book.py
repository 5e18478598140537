"""A notebook's file: read, checked, and written whole."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

from ..disk import write_whole
from ..errors import InvalidUsage, MissingDependency, NotFound, nearest, writing_to

SKIPPED = ("interactive-only", "skip-execution")
"""Tags of cells that are not run without a screen; the second is nbclient's."""
FLAKY = "flaky"
RAISES = "raises-exception"
INJECTED = "injected-parameters"
PARAMETERS = "parameters"

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-_]")
# What XML can't hold, and no log wants.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def need_nbclient() -> None:
    """Make sure that notebooks can be run here.

    Raises
    ------
    MissingDependency
        With the line that installs what is missing.
    """
    missing = [name for name in ("nbclient", "nbconvert", "ipykernel") if importlib.util.find_spec(name) is None]
    if missing:
        what = f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed"
        raise MissingDependency(f"run executes notebooks, and {what}.", "%pip install 'jupyter-mlops[headless]'")
    _import_nbformat()


def _import_nbformat() -> None:
    """Import it without the grammar of international addresses, which no notebook has.

    ``jsonschema`` takes ``rfc3987_syntax`` where it is installed, and that compiles its grammar when it is imported: 2 s of
    a processor, more than everything else together. In a kernel all is left as it is: the process is the user's.
    """
    grammar = "rfc3987_syntax"
    if {"jsonschema", "ipykernel", grammar} & set(sys.modules):
        return
    sys.modules[grammar] = None  # type: ignore[assignment]  # Python's way to say that it can't be imported
    try:
        import nbformat  # noqa: F401
    finally:
        del sys.modules[grammar]


def read(path: Path) -> Any:
    """Read a notebook of format 4, as it is: without what an earlier execution has added.

    Raises
    ------
    NotFound
        Where there is no such file.
    InvalidUsage
        Where it is no notebook, or one of an older format.
    """
    import nbformat

    if path.suffix != ".ipynb" and path.is_dir():
        raise InvalidUsage(f"{path} is a folder; notebooks are named.", f"jupyter mlops run {path}/*.ipynb")
    if path.suffix != ".ipynb":
        raise InvalidUsage(
            f"{path} is no notebook: its name does not end with .ipynb.", f"%%mlops run {path} begins a cell"
        )
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        near = nearest(path.name, (each.name for each in path.parent.glob("*.ipynb"))) if path.parent.is_dir() else ""
        raise NotFound(f"There is no notebook {path}.{near}") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise InvalidUsage(f"{path} can't be read: {reason.lower()}.") from None
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InvalidUsage(f"{path} is no notebook: it is no JSON ({error}).") from None
    form = found.get("nbformat") if isinstance(found, dict) else None
    if not isinstance(form, int):
        raise InvalidUsage(f"{path} is no notebook: it does not say which format it has (nbformat).")
    if form != 4:
        mend = f"jupyter nbconvert --to notebook --inplace {path}" if form < 4 else "save it in format 4"
        raise InvalidUsage(f"{path} is a notebook of format {form}; format 4 is needed.", mend)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of cells without ids: they are given some
            _, found = nbformat.validator.normalize(found)
            nbformat.validate(found)
            book: Any = nbformat.reads(sound(json.dumps(found, ensure_ascii=False)), as_version=4)  # type: ignore[no-untyped-call]
    except (nbformat.ValidationError, AttributeError, KeyError, TypeError, ValueError) as error:
        reason = " ".join(str(getattr(error, "message", error)).split())[:200]
        raise InvalidUsage(f"{path} is a broken notebook: {reason}.", "open it in JupyterLab and save it") from None
    return book


def origins(book: Any) -> list[int]:
    """Say where the cells that ``fresh`` leaves stand in the notebook's own file."""
    return [index for index, cell in enumerate(book.cells) if INJECTED not in tags_of(cell)]


def fresh(book: Any) -> Any:
    """Take out what an earlier execution has left: outputs, counts, times, the parameters that it was given."""
    book.cells = [cell for cell in book.cells if INJECTED not in tags_of(cell)]
    for cell in book.cells:
        cell.metadata.pop("mlops", None)
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = []
            cell.execution_count = None
    book.metadata.pop("mlops", None)
    book.metadata.pop("widgets", None)
    return book


def tags_of(cell: Any) -> list[str]:
    """Give the tags of a cell, where it has any."""
    tags = cell.metadata.get("tags", [])
    return [str(tag) for tag in tags] if isinstance(tags, list) else []


def code_cells(book: Any) -> list[tuple[int, Any]]:
    """List the cells that have code, with their places."""
    return [(index, cell) for index, cell in enumerate(book.cells) if cell.cell_type == "code" and cell.source.strip()]


def title_of(cell: Any) -> str:
    """Give the first line of a cell that says something."""
    lines = [line.strip() for line in cell.source.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith("#")]
    return str((told or lines or [""])[0])[:80]


def write(book: Any, path: Path) -> None:
    """Write a notebook whole.

    Raises
    ------
    NotWritable
        Where its place does not take it.
    """
    import nbformat

    write_whole(path, sound(nbformat.writes(book)) + "\n")  # type: ignore[no-untyped-call]


def write_elsewhere(book: Any, name: str) -> Path:
    """Write a notebook beside the system's temporary files.

    Raises
    ------
    NotWritable
        Where they take nothing either.
    """
    with writing_to(Path(tempfile.gettempdir())):
        path = Path(tempfile.mkdtemp(prefix="mlops-executed-")) / name
    write(book, path)
    return path


def sound(text: str) -> str:
    """Put a question mark in place of each half of a character: no file can hold one."""
    return text.encode("utf-8", "replace").decode("utf-8")


def plain(text: str) -> str:
    """Take colour codes and control characters out of a text."""
    return _CONTROL.sub("", _ANSI.sub("", text).replace("\r\n", "\n").replace("\r", "\n"))


def places(notebooks: list[Path], output: Path) -> list[Path]:
    """Say where each executed notebook goes: by its name, with its folders where two have the same."""
    names = [path.name for path in notebooks]
    if len(set(names)) == len(names):
        return [output / name for name in names]
    common = Path(os.path.commonpath([str(path.parent) for path in notebooks]))
    return [output / path.relative_to(common) for path in notebooks]
