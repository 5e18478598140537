"""Values in messages: a report is stored and shown, so those of people stay out of it."""

from __future__ import annotations

from typing import Final

from ..column import Column
from ..data import Data
from ..privacy.detection import personal_columns

WITHHELD: Final = "a value that is not shown"


def is_personal(data: Data, column: Column) -> bool:
    """Whether a column is marked as personal, or looks so."""
    return column.label in data.marked or any(one.column.label == column.label for one in personal_columns(data))


def quoted(data: Data, column: Column, text: str) -> str:
    """Give a value as it is written in a message; of a personal column that it is not shown."""
    return WITHHELD if is_personal(data, column) else text
