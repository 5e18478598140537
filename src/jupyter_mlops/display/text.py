"""Views as plain text, for terminals, logs and everything that shows no HTML."""

from __future__ import annotations

import io
import re

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from .views import Badge, Card, Cell, Diff, Link, Table, View, figure

# Control characters would let a name move the cursor or recolour a terminal.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def render(view: View, width: int = 110) -> str:
    """Draw a card or a table as text, at most ``width`` characters wide.

    Returns
    -------
    str
        Without colour codes and without a final newline.
    """
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=False,
        force_jupyter=False,  # it would display what it prints in the notebook
        color_system=None,
        legacy_windows=False,
        emoji=False,
    )
    with console.capture() as capture:
        console.print(_card(view) if isinstance(view, Card) else _table(view), soft_wrap=False)
    return "\n".join(line.rstrip() for line in capture.get().rstrip("\n").split("\n"))


def _cell(cell: Cell) -> Text:
    if isinstance(cell, Badge):
        return Text(f"{cell.mark} {_safe(cell.text)}".lstrip())
    if isinstance(cell, Link) and cell.href:
        return Text(_safe(cell.text if cell.text in cell.href else f"{cell.text} ({cell.href})"))
    return Text(_safe(figure(cell)), justify="right" if isinstance(cell, int | float) else "left")


def _safe(text: str) -> str:
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def _card(card: Card) -> RenderableType:
    title = Text(_safe(card.title), style="bold")
    if card.badge:
        title.append("  ").append(_cell(card.badge))
    parts: list[RenderableType] = [title]
    if card.facts:
        grid = RichTable.grid(padding=(0, 2))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        for label, value in card.facts:
            cell = _cell(value)
            cell.justify = "left"
            grid.add_row(Text(_safe(label)), cell)
        parts.append(Padding(grid, (0, 0, 0, 2)))
    if card.text:
        parts.append(Text(_safe(card.text)))
    pictures = [Text(f"  [{_safe(picture.alt)}]") for picture in card.pictures]
    tables = [_table(table) for table in card.tables]
    parts.extend([*tables, *pictures] if card.tables_first else [*pictures, *tables])
    parts.extend(_diff(diff) for diff in card.diffs)
    if card.markdown:
        parts.append(Text(f"\n{_safe(card.markdown)}"))
    if card.next:
        parts.append(Text(f"Next: {_safe(card.next)}"))
    return Group(*parts)


def _diff(diff: Diff) -> RenderableType:
    return Group(Text(_safe(diff.title), style="bold"), Text(_safe(diff.text)))


def _table(table: Table) -> RenderableType:
    parts: list[RenderableType] = [Text(_safe(table.title), style="bold")] if table.title else []
    if table.rows:
        grid = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for column in table.columns:
            grid.add_column(Text(_safe(column)), overflow="fold")
        for row in table.rows:
            grid.add_row(*map(_cell, row))
        parts.append(grid)
    else:
        parts.append(Text(_safe(table.empty)))
    if table.note:
        parts.append(Text(_safe(table.note)))
    return Group(*parts)
