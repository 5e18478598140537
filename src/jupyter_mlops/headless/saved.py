"""What a notebook's saved outputs say, held against those of a clean kernel: hidden state, and metrics that differ."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..display import figure
from ..display.mime import PREFIX
from ..tracking.snapshot.executed import Cell
from ..tracking.snapshot.hidden import hidden_state
from ..tracking.snapshot.notebook import Notebook
from .book import RAISES, SKIPPED, code_cells, plain, tags_of, title_of
from .outcome import CellRecord

_NUMBER = r"[-+]?(?:\d[\d,]*(?:\.\d+)?|\.\d+|nan|inf)(?:[eE][-+]?\d+)?"
# "accuracy  0.95", "val loss: 0.1", "f1=0.8", "'auc': 0.9"; nothing may follow but the best before of our own tables: what
# has a unit is a time or a size.
_NAMED = re.compile(
    rf"(?P<name>[A-Za-z_][\w./@ -]*?)(?:\s*[:=]\s*|\s+)(?P<number>{_NUMBER})(?P<percent>\s?%)?(?:\s{{2,}}[✓✗].*)?\s*$",
    re.IGNORECASE,
)
_IN_DICT = re.compile(
    rf"['\"](?P<name>[^'\"\n]{{1,60}})['\"]\s*:\s*(?:np\.float\d*\()?(?P<number>{_NUMBER})(?P<percent>)\)?(?=[,}}])",
    re.IGNORECASE,
)
_BARE = re.compile(rf"(?:np\.float\d*\()?(?P<number>{_NUMBER})(?P<percent>\s?%)?\)?\s*$", re.IGNORECASE)
# What is another one each time.
_VOLATILE = re.compile(
    r"(?:^|[ _.])(?:time|duration|seconds|elapsed|pid|port|date|timestamp|version|run|id)$", re.IGNORECASE
)
# The first column of a table of ours that has metrics, and the column with their values.
_VALUES = {"metric": "value", "gate": "is"}
_MOST_NAMED = 5
_LONGEST = 500  # characters of a line; what is longer is data, and takes a time that grows with its square


def hidden(saved: Any, path: Path, records: tuple[CellRecord, ...]) -> tuple[list[str], list[str]]:
    """Find hidden state that the saved outputs relied on.

    Parameters
    ----------
    saved : NotebookNode
        As it was saved, with the counts of its cells.
    path : Path
    records : tuple of CellRecord
        What became of its cells in a clean kernel.

    Returns
    -------
    found : list of str
        What they surely relied on: names that another order has given, cells that ran then and fail now.
    notes : list of str
        What there may have been: executions that are no longer there.
    """
    cells = [cell for _, cell in code_cells(saved)]
    ran = sorted(
        (Cell(int(cell.execution_count), cell.source, failed=_failed(cell)) for cell in cells if cell.execution_count),
        key=lambda cell: cell.number,
    )
    if not ran:
        return [], ["it was saved without counts of its cells: what their outputs relied on can't be told"]
    book = Notebook(path, math.inf, tuple(cell.source for cell in cells), "")
    told = (str(each) for cell in ran for each in hidden_state(ran, cell, book))
    found = list(dict.fromkeys(told))
    sources = {cell.source.strip() for cell in ran if not cell.failed}
    for record in records:
        source = saved.cells[record.source_index].source.strip() if record.source_index < len(saved.cells) else ""
        if record.status == "failed" and source in sources:
            found.append(f"cell {record.number} ({record.title}) ran when it was saved, and fails in a clean kernel")
    missing = ran[-1].number - len({cell.number for cell in ran})
    notes = (
        [f"of {ran[-1].number} executions in the kernel that saved it {missing} are no longer in it"]
        if missing > 0
        else []
    )
    return found, notes


def compared(saved: Any, now: Any, tolerance: float) -> tuple[int, list[str]]:
    """Compare the metrics that a notebook shows with those that it was saved with.

    Metrics are those of runs and gates, and of what else is shown named numbers at the end of a line (``accuracy  0.95``), in a
    dict, or alone; what has a unit or is called a time is none. Of a cell the first of each name is held against the first, and so on.

    Parameters
    ----------
    saved, now : NotebookNode
    tolerance : float
        How far they may be apart, relative to their size.

    Returns
    -------
    count : int
        How many there were to compare.
    apart : list of str
        Those that differ: ``cell 4: accuracy 0.95 → 0.91``.
    """
    after = {cell.get("id"): cell for _, cell in code_cells(now)}
    count, apart = 0, []
    for number, (_, cell) in enumerate(code_cells(saved), 1):
        if any(tag in SKIPPED for tag in tags_of(cell)):
            continue
        there = list(metrics_of(cell))
        other = after.get(cell.get("id"))
        found = list(metrics_of(other)) if other is not None else []
        for name in dict.fromkeys(name for name, _ in there):
            old = [value for each, value in there if each == name]
            new = [value for each, value in found if each == name]
            for place, value in enumerate(old):
                count += 1
                beside = new[place] if place < len(new) else None
                if beside is None or not _near(value, beside, tolerance):
                    apart.append(f"cell {number}: {name or title_of(cell)} {_moved(value, beside)}")
    return count, apart


def named(told: list[str]) -> str:
    """Write the first of them in a line."""
    more = f" and {len(told) - _MOST_NAMED} more" if len(told) > _MOST_NAMED else ""
    return "; ".join(told[:_MOST_NAMED]) + more


def metrics_of(cell: Any) -> Iterator[tuple[str, float]]:
    """Find the metrics that a cell shows; the name of one that stands alone is empty."""
    for output in cell.get("outputs", []):
        if output.output_type == "stream" and output.name == "stderr":
            continue
        data = output.get("data", {})
        if (own := next((data[kind] for kind in data if kind.startswith(PREFIX)), None)) is not None:
            yield from _of_result(own)
            continue
        text = output.get("text") or data.get("text/plain", "")
        for line in filter(lambda each: len(each) <= _LONGEST, plain(str(text)).splitlines()):
            for found in _of_line(line.strip(" │|")):
                name = " ".join(found.groupdict().get("name", "").split()) if "name" in found.re.groupindex else ""
                if not _VOLATILE.search(name):
                    scale = 0.01 if found["percent"] else 1.0
                    yield name, float(found["number"].replace(",", "")) * scale


def _of_result(said: Any) -> Iterator[tuple[str, float]]:
    """Find the metrics of a result of ours, by its data: of a run, and of a gate; all else in them is of the server or the time."""
    view = said.get("view") if isinstance(said, dict) else None
    tables = view.get("tables", [view]) if isinstance(view, dict) else []
    for table in tables if isinstance(tables, list) else []:
        columns, rows = (table.get("columns"), table.get("rows")) if isinstance(table, dict) else (None, None)
        if not (isinstance(columns, list) and columns and isinstance(columns[0], str) and isinstance(rows, list)):
            continue  # a notebook may come from anywhere
        place = _VALUES.get(columns[0])
        if place not in columns:
            continue
        for row in rows:
            value = row[columns.index(place)] if isinstance(row, list) and len(row) == len(columns) else None
            if isinstance(value, dict) and value.get("number") in ("NaN", "Infinity", "-Infinity"):
                value = float(value["number"])
            if isinstance(value, int | float) and not isinstance(value, bool) and not _VOLATILE.search(str(row[0])):
                yield str(row[0]), float(value)


def _of_line(line: str) -> Iterator[re.Match[str]]:
    in_dict = list(_IN_DICT.finditer(line))
    if in_dict:
        yield from in_dict
    elif found := _BARE.fullmatch(line) or _NAMED.fullmatch(line):
        yield found


def _failed(cell: Any) -> bool:
    return RAISES not in tags_of(cell) and any(output.output_type == "error" for output in cell.get("outputs", []))


def _moved(value: float, now: float | None) -> str:
    if now is None:
        return f"{figure(value)} → missing"
    before, after = figure(value), figure(now)
    return f"{before} → {after}" if before != after else f"{value!r} → {now!r}"


def _near(one: float, other: float, tolerance: float) -> bool:
    return math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance) or (math.isnan(one) and math.isnan(other))
