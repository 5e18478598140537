"""Who is let in: by the name that this server is called by, and by a key where it asks for one."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Collection, Iterable
from typing import Final

from .messages import Header, Refusal

_LOCAL: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]/@\s]+)(:[0-9]{1,5})?", re.IGNORECASE)
_MOST_KNOWN: Final = 100  # a port may be anything
_CHALLENGES: Final = (("www-authenticate", "Bearer"), ("www-authenticate", 'Basic realm="endpoint"'))


class Door:
    """What is asked of every request before anything is done for it.

    Parameters
    ----------
    hosts : collection of str
        Names beside 127.0.0.1, localhost and [::1] that a request may call this server by: a page of a stranger's, whose
        name has been made to lead here, gives another.
    key : str
        The SHA-256 of the key that clients must have, in hexadecimal; empty where none is asked for.
    """

    def __init__(self, hosts: Collection[str] = (), key: str = "") -> None:
        self._hosts = _LOCAL | {host.lower() for host in hosts}
        self._key = bytes.fromhex(key)
        self._known: set[bytes] = set()

    @property
    def is_locked(self) -> bool:
        """Whether a key is asked for."""
        return bool(self._key)

    def check_host(self, headers: Iterable[Header]) -> None:
        """Let in who calls this server by a name of its own.

        Raises
        ------
        Refusal
            403.
        """
        given = [value for name, value in headers if name == b"host"]
        if len(given) == 1 and given[0] in self._known:
            return
        match = _HOST.fullmatch(given[0].decode("latin-1")) if len(given) == 1 else None
        if match is None or match[1].lower() not in self._hosts:
            raise Refusal(403, "FOREIGN_HOST", "This server is not known by the name in the Host header.")
        if len(self._known) < _MOST_KNOWN:
            self._known.add(given[0])

    def check_key(self, authorization: bytes | None) -> None:
        """Let in who has the key: as a bearer token, or as the password that a browser asks a person for.

        Raises
        ------
        Refusal
            401.
        """
        if not self._key:
            return
        given = _given(authorization or b"")
        # Digests have one length, so the time tells nothing of the key.
        if not hmac.compare_digest(hashlib.sha256(given).digest(), self._key):
            raise Refusal(
                401, "UNAUTHORIZED", "Send the key of this endpoint: Authorization: Bearer KEY.", *_CHALLENGES
            )


def _given(authorization: bytes) -> bytes:
    scheme, _, said = authorization.partition(b" ")
    if scheme.lower() == b"bearer":
        return said.strip()
    if scheme.lower() == b"basic":
        try:
            return base64.b64decode(said.strip(), validate=True).partition(b":")[2]
        except binascii.Error:
            pass
    return b""
