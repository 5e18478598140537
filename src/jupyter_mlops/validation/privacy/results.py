"""What ``mask`` returns: the new frame, and a record of what was done to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...display import Card, Cell, Table, View
from ...result import Result

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class MaskedColumn:
    """What was done to one column.

    Attributes
    ----------
    name, how : str
    values : int
        How many cells were masked.
    before, after : int
        How many different values it had, and has.
    """

    name: str
    how: str
    values: int
    before: int
    after: int


@dataclass(frozen=True, repr=False)
class Masked(Result):
    """A frame of which columns are masked.

    Attributes
    ----------
    about : str
        The name of what was masked.
    columns : tuple of MaskedColumn
        The record.
    rows : int
    data : DataFrame
        The new frame; the old one is as it was.
    key : str
        Which key was used, as 8 hex digits that don't give it away.
    marked : tuple of str
        The columns that ``mlops.toml`` now says are personal, and did not before.
    stored : str
        The file that the new frame was written to.
    """

    about: str
    columns: tuple[MaskedColumn, ...]
    rows: int
    data: pd.DataFrame = field(repr=False)
    key: str = ""
    marked: tuple[str, ...] = ()
    stored: str = ""

    def frame(self) -> pd.DataFrame:
        """Give the new frame."""
        return self.data

    def view(self) -> View:
        """Draw the record."""
        facts: list[tuple[str, Cell]] = [("rows", f"{self.rows:,}")]
        if self.key:
            facts.append(("key", f"{self.key}, in .mlops/hash.key: who has it can tell who is meant (GDPR Art. 4(5))"))
        if self.marked:
            facts.append(("marked", f"{', '.join(self.marked)}: [privacy] personal in mlops.toml"))
        if self.stored:
            facts.append(("written to", self.stored))
        rows = [(each.name, each.how, f"{each.values:,}", f"{each.before:,} → {each.after:,}") for each in self.columns]
        table = Table(("column", "how", "cells", "different values"), rows)
        return Card(f"Masked {self.about}", facts=facts, tables=[table], next="" if self.stored else "df = masked.data")
