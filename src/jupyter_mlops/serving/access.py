"""Who may ask an endpoint: where it listens, by which names it may be called, and the key that it asks for.

The key is in the environment of who deploys and who asks, or in a file that only its owner can read. Everything else,
``wanted.json`` and the front among it, knows its digest alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import os
import re
import secrets
import socket
from typing import Final

import psutil

from ..disk import write_private
from ..errors import InvalidUsage, writing_to
from .files import EndpointFiles

LOOPBACK: Final = "127.0.0.1"
VARIABLE: Final = "MLOPS_API_KEY"
_FAMILIES: Final = (socket.AF_INET, socket.AF_INET6)
_KEY: Final = re.compile(r"[\x21-\x7e]{16,512}")  # its digest lies about: it must not be guessed from that


def digest(key: str) -> str:
    """Give the SHA-256 of a key in hexadecimal."""
    return hashlib.sha256(key.encode()).hexdigest()


def key_to_ask_for(files: EndpointFiles, before: str) -> str:
    """Give the digest of the key that an endpoint asks for: the environment's, the one before, or a new one.

    Raises
    ------
    InvalidUsage
        Where the environment has one that could be guessed.
    NotWritable
    """
    if (key := os.environ.get(VARIABLE)) is not None:
        if not _KEY.fullmatch(key):
            raise InvalidUsage(
                f"{VARIABLE} is no key: it takes 16 or more letters, digits and signs, without spaces.",
                f"import secrets, os; os.environ[{VARIABLE!r}] = secrets.token_urlsafe(32)",
            )
        return digest(key)
    if before:
        return before
    if not files.key.exists():
        write_private(files.key, secrets.token_urlsafe(32).encode())
    with writing_to(files.key):
        return digest(files.key.read_text())


def key_to_send(files: EndpointFiles) -> str | None:
    """Give the key that an endpoint takes; None where it takes none, or this user has none that fits."""
    wanted = files.wanted()
    if wanted is None or not wanted.key:
        return None
    known = [os.environ.get(VARIABLE, "")]
    with contextlib.suppress(OSError, UnicodeDecodeError):
        known.append(files.key.read_text())
    return next((key for key in known if digest(key) == wanted.key), None)


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def reached_at(host: str) -> str:
    """Write an address as part of a URL; what listens everywhere is asked on loopback."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return LOOPBACK if address.version == 4 else "[::1]"
    return host if address.version == 4 else f"[{host}]"


def own_names(host: str) -> list[str]:
    """List the names that clients may call an endpoint by, beside those of loopback."""
    if is_loopback(host):
        return [reached_at(host)]
    names = [socket.gethostname(), reached_at(host)]
    if reached_at(host) in (LOOPBACK, "[::1]"):  # it listens everywhere
        for addresses in psutil.net_if_addrs().values():
            found = (each.address.partition("%")[0] for each in addresses if each.family in _FAMILIES)
            names += map(reached_at, found)
    return names
