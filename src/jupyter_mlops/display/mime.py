"""Views as plain data, for a front end that draws them itself: JupyterLab's, where the extension is there."""

from __future__ import annotations

import base64
import json
import math
from typing import Any, Final

from .html import safe_link
from .views import Badge, Card, Cell, Code, Link, Picture, Table, Time, View

PREFIX: Final = "application/vnd.jupyter-mlops."
_MOST_CELLS: Final = 10_000
_MOST_BYTES: Final = 1_000_000
"""What is more is left to the HTML beside it: a notebook carries each output as long as it lives."""


def render(view: View, result: str, subject: dict[str, Any]) -> dict[str, Any]:
    """Write a view as plain data under our own MIME type.

    Parameters
    ----------
    view : View
    result : str
        The name of the result's class.
    subject : dict
        What it is about: a run, a version, an endpoint; or nothing.

    Returns
    -------
    dict
        By the MIME type; empty where the HTML is better or the data are too many. All texts are as they are, not escaped.
    """
    if _cells(view) > _MOST_CELLS or (isinstance(view, Card) and view.markdown):
        return {}
    kind = "card" if isinstance(view, Card) else "table"
    said = {"version": 1, "result": result, "view": data(view), "subject": subject}
    if len(json.dumps(said)) > _MOST_BYTES:
        return {}
    return {f"{PREFIX}{kind}.v1+json": said}


def data(view: View) -> dict[str, Any]:
    """Write a view as plain data."""
    if isinstance(view, Table):
        return {
            "type": "table",
            "title": view.title,
            "columns": [str(column) for column in view.columns],
            "rows": [[_cell(cell) for cell in row] for row in view.rows],
            "empty": view.empty,
            "note": view.note,
            "sentences": view.sentences,
        }
    return {
        "type": "card",
        "title": view.title,
        "badge": None if view.badge is None else _cell(view.badge),
        "facts": [[name, _cell(value)] for name, value in view.facts],
        "tables": [data(table) for table in view.tables],
        "pictures": [_picture(picture) for picture in view.pictures],
        "diffs": [{"title": diff.title, "text": diff.text} for diff in view.diffs],
        "text": view.text,
        "next": view.next,
        "tables_first": view.tables_first,
    }


def number(value: float) -> int | float | str:
    """Write a number: JSON has no NaN and no infinity."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _cell(cell: Cell) -> Any:
    if isinstance(cell, Badge):
        return {"badge": cell.text, "tone": cell.tone}
    if isinstance(cell, Link):
        return {"link": cell.text, "href": safe_link(cell.href)}
    if isinstance(cell, Code):
        return {"code": cell.text}
    if isinstance(cell, Time):
        return {"time": cell.at, "exact": cell.exact}
    if isinstance(cell, float):
        said = number(float(cell))  # numpy's is one, too
        return {"number": said} if isinstance(said, str) else said
    return cell if cell is None or isinstance(cell, bool | int) else str(cell)


def _picture(picture: Picture) -> dict[str, Any]:
    return {"alt": picture.alt, "png": base64.b64encode(picture.png).decode(), "width": picture.width}


def _cells(view: View) -> int:
    if isinstance(view, Table):
        return len(view.rows) * len(view.columns)
    return len(view.facts) + sum(map(_cells, view.tables))
