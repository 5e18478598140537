"""Data under validation: a frame, and what its checks ask of it, each found once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pandas as pd

from ..errors import InvalidUsage, nearest
from ..limits import DataLimits
from .column import Column
from .hashing import Hashes, hashes

if TYPE_CHECKING:
    from .contracts.files import Contract

Made = TypeVar("Made")


class Data:
    """A frame under validation.

    Parameters
    ----------
    frame : DataFrame
    name : str
        What it is called in messages.
    target, time, group : str, optional
        The columns with what is to be predicted, with when a row was made, and with whose it is.
    key : sequence of str
        The columns that together name a row.
    reference : Data, optional
        What it is held against: last month's, or what the model is trained on.
    limits : DataLimits
    marked : collection of str
        The columns that are known to be personal.
    contract : Contract, optional
        What it must be.

    Raises
    ------
    InvalidUsage
        Where one of the columns named is not there, or there twice.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        name: str = "data",
        *,
        target: str | None = None,
        time: str | None = None,
        group: str | None = None,
        key: Sequence[str] = (),
        reference: Data | None = None,
        limits: DataLimits | None = None,
        marked: Collection[str] = (),
        contract: Contract | None = None,
    ) -> None:
        self.frame = frame
        self.name = name
        self.reference = reference
        self.limits = limits or DataLimits()
        self.marked = frozenset(marked)
        self.contract = contract
        labels = [str(label) for label in frame.columns]
        self.columns = [Column(label, frame.iloc[:, place]) for place, label in enumerate(labels)]
        self.target, self.time, self.group = (self._named(label) for label in (target, time, group))
        self.key = [self._named(label) for label in ([key] if isinstance(key, str) else key)]

        self._made: dict[Callable[[Data], Any], Any] = {}

    def __len__(self) -> int:
        return len(self.frame)

    def once(self, make: Callable[[Data], Made]) -> Made:
        """Make something of the data that several checks look at: the first call makes it."""
        if make not in self._made:
            self._made[make] = make(self)
        return cast(Made, self._made[make])

    @property
    def features(self) -> list[Column]:
        """All columns but the target."""
        return [column for column in self.columns if column is not self.target]

    @cached_property
    def by_label(self) -> dict[str, Column]:
        """The columns by their names; of two of one name the first."""
        return {column.label: column for column in reversed(self.columns)}

    @cached_property
    def row_hashes(self) -> Hashes:
        """A hash for each row over all columns: equal rows have equal ones."""
        return self.feature_hashes if self.target is None else hashes([self.target], len(self), self.feature_hashes)

    @cached_property
    def feature_hashes(self) -> Hashes:
        """The same without the target."""
        return hashes(self.features, len(self))

    def _named(self, label: str | None) -> Any:
        if label is None:
            return None
        found = [column for column in self.columns if column.label == str(label)]
        if len(found) == 1:
            return found[0]
        if found:
            raise InvalidUsage(f"{self.name} has {len(found)} columns {label!r}.", "give each a name of its own")
        raise InvalidUsage(
            f"{self.name} has no column {label!r}.{nearest(str(label), [column.label for column in self.columns])}"
        )


def share(part: int, whole: int) -> str:
    """Write a share: ``12 of 300 (4%)``."""
    percent = 100 * part / whole if whole else 0.0
    shown = f"{percent:.0f}" if percent >= 10 or percent == 0 else f"{percent:.2g}"
    return f"{part:,} of {whole:,} ({shown}%)"


def counted(number: int, one: str, many: str) -> str:
    """Write a number with what it counts: ``1 column is``, ``2 columns are``."""
    return f"{number:,} {one if number == 1 else many}"
