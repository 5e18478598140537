"""The executed notebook as a page: with what became of each cell, in light and dark, and with nothing in it that runs."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

from jinja2 import pass_context
from nbconvert import HTMLExporter
from traitlets.config import Config

from ..display import span
from ..display.html import render
from .outcome import MARKS, CellRecord
from .results import Executed, why_of

# Scripts go as a whole. Of what else runs, fetches or leads away by itself no tag begins, wherever in the data one may hide:
# a parser of ours and that of a browser may read it differently, and both need the sign.
_SCRIPT = re.compile(r"<script\b.*?(?:</script\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_ACTIVE = re.compile(
    r"<(?=/?(?:script|meta|base|link|iframe|frame|frameset|object|embed|applet|form|portal|fencedframe)(?![\w-]))",
    re.IGNORECASE,
)
# Widgets and JavaScript need a kernel or run: each has a text beside it.
_SHOWN = ["text/html", "text/markdown", "image/svg+xml", "image/png", "image/jpeg", "text/latex", "text/plain"]


class _Exporter(HTMLExporter):
    """Markdown may hold HTML: what is drawn of it is data too."""

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        return _inert(super().markdown2html(context, source))


def draw(book: Any, executed: Executed) -> str:
    """Draw a notebook that was executed as one HTML file, which needs no network.

    Its Content-Security-Policy lets no script run, wherever in the data one may hide.
    """
    config = Config()
    config.NbConvertBase.display_data_priority = _SHOWN
    exporter: Any = _Exporter(  # type: ignore[no-untyped-call]
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
    """Take out what would run or lead away, and put a text in place of what only a kernel can show."""
    book = copy.deepcopy(book)
    for cell in book.cells:
        if cell.cell_type == "raw":
            cell.source = _inert(cell.source)
        for output in cell.get("outputs", []):
            if "data" in output and not any(kind in output.data for kind in _SHOWN):
                output.data["text/plain"] = f"({', '.join(output.data) or 'nothing'}: it needs a live kernel)"
            for kind in ("text/html", "image/svg+xml"):
                if isinstance(output.get("data", {}).get(kind), str):
                    output.data[kind] = _inert(output.data[kind])
    return book


def _inert(text: str) -> str:
    return _ACTIVE.sub("&lt;", _SCRIPT.sub("", str(text)))
