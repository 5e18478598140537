"""Names that stand for others: a keyed hash, which this project alone can make, and one that it can turn back."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from filelock import FileLock

from .disk import write_private
from .errors import Conflict, InvalidUsage, writing_to

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


def key_id(key: bytes) -> str:
    """Name a key without giving it away: 8 hex digits."""
    return hashlib.sha256(b"id of " + key).hexdigest()[:8]


def keyed_hash(key: bytes, cell: Any, otherwise: Callable[[Any], str] = repr) -> str:
    """Hash a value by HMAC-SHA-256, as 64 hexadecimal digits.

    Parameters
    ----------
    key : bytes
    cell : object
    otherwise : callable
        Writes what is neither text, number, bytes nor date.
    """
    return hmac.digest(key, _bytes_of(cell, otherwise), hashlib.sha256).hex()


class Pseudonyms:
    """Turns values into pseudonyms, and back: AES-SIV (RFC 5297), by which the same value always has the same one.

    Parameters
    ----------
    key : bytes
        The project's.
    """

    def __init__(self, key: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV

        self._cipher = AESSIV(hmac.digest(key, b"pseudonyms", hashlib.sha512))

    def of(self, cell: Any) -> str:
        """Give the pseudonym of a text, a number or a truth; other things by their text."""
        plain = cell.item() if hasattr(cell, "item") else cell
        written = json.dumps(plain, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")
        return urlsafe_b64encode(self._cipher.encrypt(written, None)).decode().rstrip("=")

    def value(self, pseudonym: str) -> Any:
        """Give the value that a pseudonym stands for.

        Raises
        ------
        InvalidUsage
            Where it was not made with this key.
        """
        from cryptography.exceptions import InvalidTag

        try:
            sealed = urlsafe_b64decode(pseudonym + "=" * (-len(pseudonym) % 4))
            return json.loads(self._cipher.decrypt(sealed, None).decode("utf-8", "surrogatepass"))
        except (InvalidTag, ValueError, TypeError):
            raise InvalidUsage(
                f"{pseudonym[:40]!r} is no pseudonym of this project's key.", "use the key that it was made with"
            ) from None


def _bytes_of(cell: Any, otherwise: Callable[[Any], str]) -> bytes:
    """Write a value so that the same one is always the same, in whichever type a version of the model takes it."""
    if type(cell).__module__ == "numpy" and hasattr(cell, "item") and getattr(cell, "ndim", 1) == 0:
        cell = cell.item()
    if isinstance(cell, bytes):
        return cell
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)  # 7.0 is 7: a column with a null among whole numbers is one of floats
    if isinstance(cell, str | int | float):
        return str(cell).encode("utf-8", "surrogatepass")
    return (cell.isoformat() if isinstance(cell, datetime.date) else otherwise(cell)).encode()
