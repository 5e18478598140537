"""The files beside the executed notebooks: page, JUnit, summary, annotations."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ..disk import write_whole
from ..errors import NotWritable, writing_to
from . import annotating, junit, summary
from .batch import Task
from .results import Batch


@dataclass(frozen=True)
class Reports:
    """The files that are written beside the executed notebooks, where they are asked for."""

    junit: str | None = None
    html: str | None = None
    summary: str | None = None
    code_quality: str | None = None


def page(task: Task, folder: str | None, output: str) -> str:
    """Draw the page of a notebook that was executed; write it where that was asked for, laid out as ``output`` is."""
    if folder is None and not task.run:
        return ""
    from .page import draw

    drawn = draw(task.book, task.executed)
    if folder is not None:
        path = Path(folder).absolute() / task.target.relative_to(Path(output).absolute()).with_suffix(".html")
        try:
            write_whole(path, drawn)
            task.page = str(path)
        except NotWritable as error:
            task.notes.append(error.message)
    return drawn


def write(batch: Batch, reports: Reports) -> Batch:
    """Write the reports on all notebooks.

    Raises
    ------
    NotWritable
        Where one can't be written; the others are.
    """
    found = annotating.of(batch)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        sys.stderr.write(annotating.github(found))
    texts: dict[str | None, Callable[[], str]] = {
        reports.junit: lambda: junit.write(batch),
        reports.code_quality: lambda: annotating.gitlab(found),
        reports.summary: lambda: summary.write(batch),
    }
    written, failure = [], None
    for name, text in texts.items():
        if name is None:
            continue
        try:
            _put(Path(name), text())
            written.append(name)
        except NotWritable as error:
            failure = error
    if failure is not None:
        raise failure
    return replace(batch, written=tuple(written))


def _put(path: Path, text: str) -> None:
    if os.environ.get("GITHUB_STEP_SUMMARY") == str(path):  # of the whole step: others may have written there
        with writing_to(path), path.open("a", encoding="utf-8") as file:
            file.write(text)
    else:
        write_whole(path, text)
