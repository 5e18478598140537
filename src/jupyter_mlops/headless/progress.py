"""What there is to see while notebooks run: on a terminal a line for each cell, in a log one for each notebook."""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import Any

from ..display import span
from .book import code_cells, plain, title_of
from .outcome import MARKS, CellRecord
from .results import Executed, where_of, why_of


class Reporter:
    """Write to stderr: stdout is for the result.

    Parameters
    ----------
    show : bool
        Also each cell with what it shows, as text.
    quiet : bool
        Nothing at all.
    """

    def __init__(self, *, show: bool = False, quiet: bool = False, several: bool = False) -> None:
        self._show = show
        self._quiet = quiet
        self._several = several
        self._terminal = sys.stderr.isatty()
        self._lock = threading.Lock()

    def cell(self, notebook: str, record: CellRecord | int, book: Any) -> None:
        """Tell of a cell that begins (its place) or has ended (its record)."""
        if self._quiet:
            return
        if isinstance(record, int):
            if self._terminal and not self._several:
                cells = code_cells(book)
                number = [index for index, _ in cells].index(record) + 1
                self._write(f"\r\x1b[K  … {number}/{len(cells)}  {plain(title_of(book.cells[record]))}", end="")
            return
        if self._terminal:
            name = f"{notebook}  " if self._several else ""
            why = f"  ({why_of(record)})" if why_of(record) else ""
            clear = "" if self._several else "\r\x1b[K"
            mark, title = MARKS[record.status], plain(record.title)
            self._write(f"{clear}  {mark} {name}{record.number:>3}  {span(record.seconds):>6}  {title}{plain(why)}")
        if self._show:
            cell = book.cells[record.index]
            lines = [*(f"│ {line}" for line in cell.source.splitlines()), *(f"  {line}" for line in _shown(cell))]
            self._write("\n" + "\n".join(lines))

    def ended(self, executed: Executed) -> None:
        """Tell of a notebook that has ended."""
        if self._quiet:
            return
        mark = "✓" if executed.ok else "✗"
        said = executed.counted if executed.ok else f"{executed.verdict.word}: {where_of(executed)}"
        self._write(f"{mark} {executed.notebook}  {span(executed.seconds)}  {plain(said)}")

    def _write(self, text: str, end: str = "\n") -> None:
        # What stands in a line may have breaks in it: none of its lines may begin a command either.
        first, *more = text.split("\n")
        text = "\n".join([first, *map(_harmless, more)])
        # A log that nobody reads any more (`2>&1 | head`) is no reason to lose a notebook.
        with self._lock, contextlib.suppress(OSError, ValueError):
            print(text, end=end, file=sys.stderr, flush=True)


def _harmless(line: str) -> str:
    # What begins so would be a command to GitHub Actions or Azure Pipelines; data give none.
    return f"  │ {line}" if line.lstrip().startswith(("::", "##[", "##vso")) else line


def _shown(cell: Any) -> list[str]:
    lines: list[str] = []
    for output in cell.get("outputs", []):
        text = output.get("text") or output.get("data", {}).get("text/plain", "")
        if output.output_type == "error":
            text = "\n".join(output.traceback)
        lines += plain(str(text)).splitlines()
    return lines
