"""Notebooks to run, in a folder of their own."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_mlops import cli

# A cell with tags is a tuple: its source, then the tags.
Source = str | tuple[str, ...]


def book_of(*cells: Source, kernel: str | None = "python3") -> Any:
    """Make a notebook of code cells."""
    book = nbformat.v4.new_notebook()
    if kernel:
        book.metadata["kernelspec"] = {"name": kernel, "display_name": kernel, "language": "python"}
    for cell in cells:
        source, *tags = (cell,) if isinstance(cell, str) else cell
        book.cells.append(nbformat.v4.new_code_cell(source, metadata={"tags": tags} if tags else {}))
    return book


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Write a notebook into the working folder: ``write("name.ipynb", "1 + 1", ("1 / 0", "raises-exception"))``."""
    monkeypatch.chdir(tmp_path)

    def written(name: str, *cells: Source, **options: Any) -> str:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(book_of(*cells, **options), name)
        return name

    return written


@dataclass
class Ran:
    """What the command line gave."""

    code: int
    data: Any
    err: str

    @property
    def statuses(self) -> list[str]:
        """Of the cells of the first notebook."""
        return [cell["status"] for cell in self.data["notebooks"][0]["cells"]]


def run(*words: str) -> Ran:
    """Call ``jupyter mlops run`` in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.main(["run", *words, "--json"])
    text = out.getvalue()
    return Ran(code, json.loads(text) if text else None, err.getvalue())


def executed(name: str = "executed/a.ipynb") -> Any:
    """Read an executed notebook."""
    return nbformat.read(name, as_version=4)
