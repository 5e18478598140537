"""Columns that are marked as personal: left out of the log, or kept as a hash that only this project could make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ...errors import InvalidUsage, nearest
from ...pseudonyms import KEY_FILE as KEY_FILE
from ...pseudonyms import keyed_hash
from ...pseudonyms import project_key as project_key
from .cells import is_missing, json_of


@dataclass(frozen=True)
class Privacy:
    """Which columns are left out, and which are hashed by which key."""

    drop: frozenset[str] = frozenset()
    hash: frozenset[str] = frozenset()
    key: bytes = b""

    def check(self, known: Sequence[str]) -> None:
        """Make sure that the model has all these columns: a name that is misspelt would protect nobody.

        Raises
        ------
        InvalidUsage
        """
        for word, names in (("drop", self.drop), ("hash", self.hash)):
            if unknown := sorted(names - set(known)):
                there = nearest(unknown[0], known) or " The model takes an array: its columns have no names."
                raise InvalidUsage(
                    f"The log can't {word} the column {unknown[0]!r}: the model has none of that name.{there}",
                    f"mend {word} in [endpoints.NAME.log] of mlops.toml",
                )
        if self.hash and not self.key:
            raise InvalidUsage("Columns can't be hashed without a key.", "key=project_key(folder)")

    def hashed(self, cells: Any) -> pa.Array:
        """Hash a column by HMAC-SHA-256, as 64 hexadecimal digits; null stays null."""
        key = self.key
        return pa.array(
            [None if is_missing(cell) else keyed_hash(key, cell, json_of) for cell in cells],
            pa.string(),
        )
