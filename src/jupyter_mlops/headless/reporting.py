"""The files beside the executed notebooks: page, JUnit, summary, annotations."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ..disk import write_whole
from ..errors import InvalidUsage, NotWritable, writing_to
from . import annotating, junit, summary
from .batch import Task
from .book import sound
from .results import Batch


@dataclass(frozen=True)
class Reports:
    """The files that are written beside the executed notebooks, where they are asked for."""

    junit: str | None = None
    html: str | None = None
    summary: str | None = None
    code_quality: str | None = None

    def check(self) -> None:
        """Make sure that each has a place of its own.

        Raises
        ------
        InvalidUsage
            Where one would be written over a notebook or another report, or is a folder.
        """
        named = {"--junit": self.junit, "--summary": self.summary, "--code-quality": self.code_quality}
        files = {flag: Path(name) for flag, name in named.items() if name is not None}
        seen: dict[Path, str] = {}
        for flag, path in files.items():
            if path.is_dir():
                raise InvalidUsage(f"{path} is a folder; the name of a file is needed.", f"{flag} {path / 'report'}")
            if path.suffix == ".ipynb":
                raise InvalidUsage(f"{flag} {path} would be written over a notebook.", f"{flag} report")
            if (other := seen.setdefault(path.resolve(), flag)) != flag:
                raise InvalidUsage(f"{other} and {flag} are to be written to one file, {path}.", f"{flag} another")


def page(task: Task, folder: str | None, output: str) -> str:
    """Draw the page of a notebook that was executed; write it where that was asked for, laid out as ``output`` is."""
    if folder is None and not task.run:
        return ""
    from .page import draw

    drawn = sound(draw(task.book, task.executed))
    if folder is not None:
        path = Path(folder).absolute() / task.target.relative_to(Path(output).absolute()).with_suffix(".html")
        try:
            write_whole(path, drawn)
            task.page, task.unwritten = str(path), ""
        except NotWritable as error:
            task.unwritten = error.message
    return drawn


def keep(batch: Batch, reports: Reports) -> None:
    """Write the reports as they are so far, before a server is told, which may take as long as it likes.

    Whatever becomes of this process, they are there. What can't be written is told at the end.
    """
    for name, text in _texts(batch, reports).items():
        if name is not None and os.environ.get("GITHUB_STEP_SUMMARY") != name:
            with contextlib.suppress(NotWritable):
                write_whole(Path(name), sound(text(batch)))


def _texts(batch: Batch, reports: Reports) -> dict[str | None, Callable[[Batch], str]]:
    return {
        reports.junit: junit.write,
        reports.code_quality: lambda _: annotating.gitlab(annotating.of(batch)),
        reports.summary: summary.write,  # the last one: it tells what is not written
    }


def write(batch: Batch, reports: Reports, *, again: bool = False) -> Batch:
    """Write the reports on all notebooks; what can't be written is told in the result, which is not lost for it.

    Where they are written ``again``, what others read line by line is left as it is.
    """
    if os.environ.get("GITHUB_ACTIONS") == "true" and not again:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(annotating.github(annotating.of(batch)))
    for name, text in _texts(batch, reports).items():
        if name is None:
            continue
        try:
            _put(Path(name), sound(text(batch)), again=again)
            batch = replace(batch, written=(*batch.written, name))
        except NotWritable as error:
            batch = replace(batch, unwritten=(*batch.unwritten, error.message))
    for why in batch.unwritten:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"{why}\n")
    return batch


def _put(path: Path, text: str, *, again: bool) -> None:
    if os.environ.get("GITHUB_STEP_SUMMARY") == str(path):  # of the whole step: others may have written there
        with writing_to(path), path.open("a", encoding="utf-8") as file:
            file.write("" if again else text)
    else:
        write_whole(path, text)
