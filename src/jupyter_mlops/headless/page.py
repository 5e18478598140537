"""The executed notebook as a page: with what became of each cell, in light and dark, and with nothing in it that runs."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

from nbconvert import HTMLExporter
from traitlets.config import Config

from ..display import span
from ..display.html import render
from .outcome import MARKS, CellRecord
from .results import Executed, why_of

_SCRIPT = re.compile(r"<script\b.*?(?:</script\s*>|\Z)", re.IGNORECASE | re.DOTALL)
# Widgets and JavaScript need a kernel or run: each has a text beside it.
_SHOWN = ["text/html", "text/markdown", "image/svg+xml", "image/png", "image/jpeg", "text/latex", "text/plain"]


def draw(book: Any, executed: Executed) -> str:
    """Draw a notebook that was executed as one HTML file, which needs no network.

    Its Content-Security-Policy lets no script run, wherever in the data one may hide.
    """
    config = Config()
    config.NbConvertBase.display_data_priority = _SHOWN
    exporter: Any = HTMLExporter(  # type: ignore[no-untyped-call]
        config=config, template_name="mlops", extra_template_basedirs=[str(Path(__file__).parent / "templates")]
    )
    resources = {
        "metadata": {"name": executed.notebook},
        "mlops_report": render(executed.view()),
        "mlops_cells": {cell.index: _told(cell) for cell in executed.cells},
    }
    body, _ = exporter.from_notebook_node(_without_scripts(book), resources=resources)
    return str(body)


def _told(cell: CellRecord) -> dict[str, Any]:
    why = why_of(cell)
    parts = [f"{MARKS[cell.status]} {cell.status}", span(cell.seconds) if cell.attempts else "", why]
    return {"kind": cell.status.replace(" ", "-"), "number": cell.number, "text": " · ".join(filter(None, parts))}


def _without_scripts(book: Any) -> Any:
    """Take out what would run, and put a text in place of what only a kernel can show."""
    book = copy.deepcopy(book)
    for cell in book.cells:
        for output in cell.get("outputs", []):
            if "data" in output and not any(kind in output.data for kind in _SHOWN):
                output.data["text/plain"] = f"({', '.join(output.data) or 'nothing'}: it needs a live kernel)"
            for kind in ("text/html", "image/svg+xml"):
                if isinstance(output.get("data", {}).get(kind), str):
                    output.data[kind] = _SCRIPT.sub("", output.data[kind])
    return book
