"""Values in messages: a report is stored and shown, so those of people stay out of it."""

from __future__ import annotations

from typing import Final

from ..column import Column
from ..data import Data
from ..privacy import words
from ..privacy.detection import personal_columns

WITHHELD: Final = "a value that is not shown"


def is_personal(data: Data, column: Column) -> bool:
    """Whether a column is marked as personal, looks so, here or in the reference, or is only named so.

    An example less costs little; the values of people would be kept with the run, on its page and in its card.
    """
    label = column.label
    if label in data.marked or words.says_anything(label) or words.may_name_people(label):
        return True
    return label in data.once(_found)


def quoted(data: Data, column: Column, text: str) -> str:
    """Give a value as it is written in a message; of a personal column that it is not shown."""
    return WITHHELD if is_personal(data, column) else text


def _found(data: Data) -> frozenset[str]:
    found = personal_columns(data) + (personal_columns(data.reference) if data.reference is not None else [])
    return frozenset(one.column.label for one in found)
