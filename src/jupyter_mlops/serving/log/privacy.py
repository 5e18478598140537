"""Columns that are marked as personal: left out of the log, or kept as a hash that only this project could make."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from filelock import FileLock

from ...disk import write_private
from ...errors import Conflict, InvalidUsage, nearest, writing_to
from .cells import is_missing, json_of

KEY_FILE: Final = "hash.key"
_BYTES: Final = 32


def project_key(local: Path) -> bytes:
    """Give the project's key for hashes; the first who asks makes it.

    Parameters
    ----------
    local : Path
        The project's ``.mlops``, which git ignores.

    Raises
    ------
    Conflict
        Where the file is there, but holds no key.
    NotWritable
    """
    path = local / KEY_FILE
    with writing_to(local):
        if not path.exists():
            local.mkdir(parents=True, exist_ok=True)
            with FileLock(path.with_suffix(".lock")):
                if not path.exists():
                    write_private(path, secrets.token_bytes(_BYTES))
        key = path.read_bytes()
    if len(key) != _BYTES:
        raise Conflict(
            f"{path} is no key: hashes of personal columns could not be told from those before.",
            f"restore {path}, or remove it: later hashes then differ from earlier ones",
        )
    return key


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
            [None if is_missing(cell) else hmac.digest(key, _bytes_of(cell), hashlib.sha256).hex() for cell in cells],
            pa.string(),
        )


def _bytes_of(cell: Any) -> bytes:
    """Write a value so that the same one is always the same, in whichever type a version of the model takes it."""
    if isinstance(cell, np.generic):
        cell = cell.item()
    if isinstance(cell, bytes):
        return cell
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)  # 7.0 is 7: a column with a null among whole numbers is one of floats
    if isinstance(cell, str | int | float):
        return str(cell).encode("utf-8", "surrogatepass")
    return (cell.isoformat() if isinstance(cell, datetime.date) else json_of(cell)).encode()
