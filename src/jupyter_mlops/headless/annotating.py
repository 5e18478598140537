"""Failures where reviewers look: as annotations of GitHub Actions, and as a code quality report of GitLab.

- https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions#setting-an-error-message
- https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .book import plain
from .results import Batch, Executed, why_of

_MOST = 4_000  # characters of a message


@dataclass(frozen=True)
class Annotation:
    """A failure at a line of a notebook's file."""

    path: str
    line: int
    title: str
    message: str


def of(batch: Batch) -> list[Annotation]:
    """Find what is to be told, with the line of the notebook's file where the cell begins."""
    return [each for book in batch.notebooks if not book.ok for each in _of_book(book)]


def github(annotations: list[Annotation]) -> str:
    """Write workflow commands, a line each; data in them can't begin another one."""
    lines = []
    for each in annotations:
        where = f"file={_property(each.path)},line={each.line},title={_property(each.title)}"
        lines.append(f"::error {where}::{_data(each.message)}\n")
    return "".join(lines)


def gitlab(annotations: list[Annotation]) -> str:
    """Write a code quality report."""
    issues = [
        {
            "description": f"{each.title}: {each.message}"[:_MOST],
            "check_name": "jupyter mlops run",
            "fingerprint": hashlib.sha256(f"{each.path}\0{each.title}\0{each.message}".encode()).hexdigest(),
            "severity": "major",
            "location": {"path": each.path, "lines": {"begin": each.line}},
        }
        for each in annotations
    ]
    return json.dumps(issues, indent=1, ensure_ascii=False) + "\n"


def line_of(path: Path, index: int) -> int:
    """Say at which line of its file the source of a cell stands; 1 where that can't be told."""
    try:
        text = path.read_text(encoding="utf-8")
        begin, end = list(_elements(text))[index]
    except (OSError, ValueError, IndexError, UnicodeDecodeError):
        return 1
    source = text.find('"source"', begin, end)
    return text.count("\n", 0, begin if source < 0 else source) + 1


def _of_book(book: Executed) -> Iterator[Annotation]:
    path = _from_root(Path(book.notebook))
    failed = [cell for cell in book.cells if cell.failed]
    for cell in failed:
        message = plain(why_of(cell) or book.message)[:_MOST]
        yield Annotation(
            path, line_of(Path(book.notebook), cell.source_index), f"Cell {cell.number}: {plain(cell.title)}", message
        )
    if not failed:
        yield Annotation(path, 1, book.verdict.word, plain(book.message)[:_MOST])


def _from_root(path: Path) -> str:
    """Name a file as the repository does: that is where both show it."""
    root = os.environ.get("GITHUB_WORKSPACE") or os.environ.get("CI_PROJECT_DIR")
    try:
        return path.absolute().relative_to(Path(root).absolute()).as_posix() if root else path.as_posix()
    except ValueError:
        return path.as_posix()


def _elements(text: str) -> Iterator[tuple[int, int]]:
    """Find where each cell begins and ends in a notebook's file, however it is laid out."""
    decoder = json.JSONDecoder()
    at = _skip(text, text.index("{") + 1)
    while text[at] != "}":
        key, at = decoder.raw_decode(text, at)
        at = _skip(text, at)
        if key == "cells":
            at = _skip(text, at + 1)
            while text[at] != "]":
                _, end = decoder.raw_decode(text, at)
                yield at, end
                at = _skip(text, end)
            return
        _value: Any
        _value, at = decoder.raw_decode(text, at)
        at = _skip(text, at)


def _skip(text: str, at: int) -> int:
    while text[at] in " \t\r\n,:":
        at += 1
    return at


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
