"""ZIP files whose author may mean harm: which are opened, and what they may hold.

Plain files only, stored or deflated, under names that stay in their folder on every system; no more of them
and no larger than announced. Everything else is refused before a byte is unpacked.

The comment at the end is the SHA-256 of all that stands before it: a ZIP has bytes that mean nothing, and one
of those is not to be changed either. It tells of damage; who means harm can write it anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import stat
import struct
import unicodedata
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ...errors import InvalidUsage, MlopsError, NotFound, ValidationFailed

MEND = "ask for the file again, or export it anew: %mlops export NAME@champion"
BIG = 1_000_000  # bytes; of a smaller file it does not matter how much smaller it was packed

_UNREADABLE_FLAGS = 0x1 | 0x20 | 0x40 | 0x2000  # encrypted, patched, strongly encrypted, masked
_UTF8_FLAG = 0x800
_END = struct.Struct("<4s4H2LH")  # the record that a ZIP ends with, but for its comment
_SEAL = 64
NO_SEAL = b"-" * _SEAL
"""The comment of a ZIP that is to be sealed when it is whole."""
_CHUNK = 1 << 20
_ZIP64_LOCATOR = 20
_LONGEST_NAME = 500
_PART = re.compile(r'(?!\.{1,2}$)[^\x00-\x1f\x7f<>:"\\|?*\ud800-\udfff]{1,200}(?<![ .])')


@dataclass(frozen=True)
class Limits:
    """What an archive may hold: entries, bytes when unpacked, and how much smaller a big file may be packed."""

    entries: int = 10_000
    unpacked: int = 2_000_000_000
    ratio: int = 200


LIMITS = Limits()


@contextlib.contextmanager
def opened(file: Path, limits: Limits) -> Iterator[zipfile.ZipFile]:
    """Open a ZIP that holds nothing but plain files.

    Raises
    ------
    NotFound
        Where there is no such file.
    InvalidUsage
        Where it is no ZIP, or holds what none may hold.
    ValidationFailed
        Where it is damaged; also of what is read within.
    """
    try:
        source = file.open("rb")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise NotFound(f"{file} can't be read: {reason}.", "%mlops import FILE.mlops.zip") from None
    with source, _damage_is_told(file.name):
        _check_end(source, file.name, limits)
        with zipfile.ZipFile(source) as archive:
            _check_entries(archive.infolist(), file.name, limits)
            yield archive


def seal(file: Path) -> None:
    """Put the digest of a ZIP into its comment."""
    with file.open("r+b") as source:
        digest = _digest(source)
        source.seek(-_SEAL, 2)
        source.write(digest)


def refusal(name: str, why: str, hint: str = MEND) -> InvalidUsage:
    """Say why a file is not taken."""
    return InvalidUsage(f"{name} is refused: {why}.", hint)


def check_amount(count: int, size: int, limits: Limits, name: str, hint: str = MEND) -> None:
    """Refuse too many files, and too many bytes."""
    if count > limits.entries:
        raise refusal(name, f"it holds more than {limits.entries:,} files", hint)
    if size > limits.unpacked:
        raise refusal(name, f"it would unpack to {size:,} bytes; {limits.unpacked:,} are the most", hint)


def check_names(names: Collection[str], name: str, hint: str = MEND) -> None:
    """Take only names that stay within the folder, and stand for one file on every system."""
    seen: set[str] = set()
    for each in names:
        shown = repr(each[:80])
        if len(each) > _LONGEST_NAME or not all(_PART.fullmatch(part) for part in each.split("/")):
            raise refusal(name, f"{shown} leads elsewhere, or is no name that every system has", hint)
        key = unicodedata.normalize("NFC", unicodedata.normalize("NFC", each).casefold())
        if key in seen:
            raise refusal(name, f"it holds {shown} twice, or under names that differ only in case", hint)
        seen.add(key)
    if within := next((key for key in seen if any(above in seen for above in _above(key))), None):
        raise refusal(name, f"{within[:80]!r} is within a file", hint)


@contextlib.contextmanager
def _damage_is_told(name: str) -> Iterator[None]:
    # zipfile fails on a damaged file in as many ways as struct, zlib and codecs have; all mean the same here.
    try:
        yield
    except MlopsError:
        raise
    except UnicodeDecodeError:
        raise refusal(name, "a name in it is not UTF-8") from None
    except Exception as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise ValidationFailed(f"{name} is refused: it was changed or damaged ({reason}).", MEND) from error


def _check_end(source: IO[bytes], name: str, limits: Limits) -> None:
    """Check the size of the directory before zipfile reads it into memory, and that nothing stands around the ZIP."""
    size = source.seek(0, 2)
    source.seek(max(0, size - _SEAL - _END.size - _ZIP64_LOCATOR))
    tail = source.read()
    end, said = tail[-_END.size - _SEAL : -_SEAL], tail[-_SEAL:]
    if len(end) < _END.size or not end.startswith(b"PK\5\6"):
        raise refusal(name, "it is no archive of export, or only a part of one")
    *_, count, directory, offset, comment = _END.unpack(end)
    if comment != _SEAL or tail.startswith(b"PK\6\7") or offset + directory + _END.size + _SEAL != size:
        raise refusal(name, "it is no archive of export: something stands around it")
    if count > limits.entries or directory > limits.entries * (_LONGEST_NAME + 100):
        raise refusal(name, f"it holds more than {limits.entries:,} files")
    if _digest(source) != said:
        raise ValidationFailed(f"{name} is refused: it was changed or damaged (its digest does not fit).", MEND)


def _digest(source: IO[bytes]) -> bytes:
    hasher, left = hashlib.sha256(), source.seek(0, 2) - _SEAL
    source.seek(0)
    while left > 0 and (chunk := source.read(min(_CHUNK, left))):
        hasher.update(chunk)
        left -= len(chunk)
    return hasher.hexdigest().encode()


def _check_entries(infos: Collection[zipfile.ZipInfo], name: str, limits: Limits) -> None:
    check_amount(len(infos), sum(info.file_size for info in infos), limits, name)
    for info in infos:
        if why := _wrong_with(info, limits):
            raise refusal(name, f"{info.orig_filename[:80]!r} in it {why}")
    check_names([info.orig_filename for info in infos], name)


def _wrong_with(info: zipfile.ZipInfo, limits: Limits) -> str:
    if info.flag_bits & _UNREADABLE_FLAGS:
        return "is encrypted"
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
        return "is a link, or something else that is no file"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is packed in another way than export packs"
    if info.file_size > max(BIG, info.compress_size * limits.ratio):
        return f"would unpack to {info.file_size:,} bytes, as a bomb does"
    if not info.orig_filename.isascii() and not info.flag_bits & _UTF8_FLAG:
        return "has a name that is not UTF-8"
    return ""


def _above(key: str) -> Iterator[str]:
    while "/" in key:
        key = key.rpartition("/")[0]
        yield key
