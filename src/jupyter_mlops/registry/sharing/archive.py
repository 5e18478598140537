"""The file of a shared version: written whole or not at all, and taken only as it was written.

A ZIP with ``manifest.json`` first: what it is, who has exported it, and the SHA-256 and size of every other
file. So the digest of the manifest stands for all of it, and a signature, where there is one, is over the manifest.
The ZIP itself is sealed, so that any changed byte is refused; see ``zips``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import stat
import uuid
import zipfile
import zlib
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from ...entities import typed
from ...errors import Conflict, InvalidUsage, ValidationFailed, need_space, writing_to
from .zips import BIG, LIMITS, MEND, NO_SEAL, Limits, check_amount, check_names, opened, refusal, seal

FORMAT = 1
MANIFEST = "manifest.json"
SIGNATURE = "signature.sig"

Type = TypeVar("Type")

_CHUNK = 1 << 20
_MOST_JSON = 16_000_000  # bytes; a manifest of 10,000 files has 2 MB
_NOT_SHARED = "no import would take it; share the MLflow server instead"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_RELEASE = re.compile(r"\d+(\.\w{1,20}){1,4}")


@dataclass(frozen=True)
class Entry:
    """A file of the archive."""

    sha256: str
    size: int

    def __post_init__(self) -> None:
        if not _DIGEST.fullmatch(self.sha256) or self.size < 0:
            raise ValueError("a file has no SHA-256 or no size")


@dataclass(frozen=True)
class Exported:
    """Who has exported a version, when, and from which project and server: what the file says, and no proof."""

    by: str
    at: datetime
    project: str
    server: str

    def __post_init__(self) -> None:
        texts = (self.by, self.project, self.server)
        if not all(text.isprintable() and len(text) <= 500 for text in texts) or self.at.tzinfo is None:
            raise ValueError("does not say by whom, when and from where")

    def __str__(self) -> str:
        return f"{self.project} at {self.server}"


@dataclass(frozen=True)
class Manifest:
    """What an archive says of itself."""

    format: int
    jupyter_mlops: str
    model: str
    version: int
    exported: Exported
    files: dict[str, Entry]

    def __post_init__(self) -> None:
        if self.format != FORMAT or self.version < 1 or not self.model.isprintable() or len(self.model) > 250:
            raise ValueError("it names no version of a model in plain text")


@dataclass(frozen=True)
class Archive:
    """An archive that was checked, and unpacked into a folder; ``text`` is the manifest as it was written."""

    manifest: Manifest
    text: bytes
    digest: str
    folder: Path
    signature: bytes | None


def write(
    target: Path,
    folder: Path,
    about: Callable[[dict[str, Entry]], Manifest],
    *,
    sign: Callable[[bytes], bytes] | None = None,
    limits: Limits = LIMITS,
) -> str:
    """Put a folder into an archive; until it is whole, nothing has the name of ``target``.

    Parameters
    ----------
    target : Path
        A file that isn't there yet.
    folder : Path
        What is to be in it.
    about : callable
        Makes the manifest from the list of files.
    sign : callable, optional
        Makes a signature over the manifest's bytes.
    limits : Limits

    Returns
    -------
    str
        The digest of the archive.

    Raises
    ------
    Conflict
        Where the file is there.
    InvalidUsage
        Where no import would take it: it is too large, or a name in it is none on every system.
    """
    paths = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    check_names(paths, target.name, _NOT_SHARED)
    size = sum(path.stat().st_size for path in paths.values())
    check_amount(len(paths) + 2, size, limits, target.name, _NOT_SHARED)
    try:
        manifest = about({name: _entry(path) for name, path in paths.items()})
    except ValueError as error:
        raise refusal(target.name, str(error), _NOT_SHARED) from None
    text = json.dumps(asdict(manifest), indent=1, default=str).encode()
    signature = sign(text) if sign else None
    part = target.with_name(f".{uuid.uuid4().hex[:12]}.part")
    try:
        with writing_to(target):
            with zipfile.ZipFile(part, "x") as archive:
                archive.writestr(_info(MANIFEST), text)
                for name, path in paths.items():
                    _add(archive, name, path, limits)
                if signature:
                    archive.writestr(_info(SIGNATURE), signature)
                archive.comment = NO_SEAL
            seal(part)
            need_free(target)
            part.rename(target)
    finally:
        part.unlink(missing_ok=True)
    return hashlib.sha256(text).hexdigest()


def need_free(target: Path) -> None:
    """Make sure that nothing is overwritten.

    Raises
    ------
    Conflict
        Where the file is there.
    """
    if target.exists():
        other = target.with_name(f"another-{target.name}")
        raise Conflict(f"{target} is there already.", f"remove it, or the same with --to {typed(other)}")


def unpack(file: Path, into: Path, limits: Limits = LIMITS) -> Archive:
    """Check an archive, and write its files into an empty folder.

    Raises
    ------
    NotFound
        Where there is no such file.
    InvalidUsage
        Where it is no archive of ``write``, is of a newer format, or holds what none may hold.
    ValidationFailed
        Where it is damaged, or a byte was changed.
    """
    with opened(file, limits) as archive:
        entries = {info.filename: info for info in archive.infolist()}
        text = _small(archive, entries.get(MANIFEST), file.name)
        manifest = _manifest(text, file.name)
        _check_listed(entries, manifest, file.name)
        need_space(into, sum(info.file_size for info in entries.values()))
        for name, entry in manifest.files.items():
            if entries[name].file_size != entry.size or _extract(archive, entries[name], into / name) != entry:
                raise ValidationFailed(f"{file.name} is refused: {name} in it was changed.", MEND)
        signature = _small(archive, entries[SIGNATURE], file.name) if SIGNATURE in entries else None
    return Archive(manifest, text, hashlib.sha256(text).hexdigest(), into, signature)


def parse(text: bytes, kind: type[Type], what: str) -> Type:
    """Read JSON as a dataclass, strictly: a text is no number, and nothing may be missing.

    Raises
    ------
    InvalidUsage
        Where it is something else; ``what`` names it.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "it"
        raise refusal(what, f"{place[:80]}: {first['msg'][:120]}") from None


def _entry(path: Path) -> Entry:
    with path.open("rb") as file:
        return Entry(hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size)


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)  # without a time: the same files are the same bytes
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    return info


def _add(archive: zipfile.ZipFile, name: str, path: Path, limits: Limits) -> None:
    info = _info(name)
    info.file_size = path.stat().st_size
    if info.file_size > BIG and _ratio(path) > limits.ratio / 2:  # zeros: packed, they would look like a bomb
        info.compress_type = zipfile.ZIP_STORED
    with path.open("rb") as source, archive.open(info, "w") as entry:
        while chunk := source.read(_CHUNK):
            entry.write(chunk)


def _ratio(path: Path) -> float:
    packer, size = zlib.compressobj(1), 0
    with path.open("rb") as source:
        while chunk := source.read(_CHUNK):
            size += len(packer.compress(chunk))
    return path.stat().st_size / (size + len(packer.flush()))


def _manifest(text: bytes, name: str) -> Manifest:
    said: object = None
    with contextlib.suppress(ValueError, RecursionError):  # then it is told what is wrong with it below
        said = json.loads(text)
    if isinstance(said, dict) and isinstance(said.get("format"), int) and said["format"] > FORMAT:
        by = str(said.get("jupyter_mlops"))
        release = by if _RELEASE.fullmatch(by) else ""  # it goes into a line to be pasted
        raise InvalidUsage(
            f"{name} was exported by a newer jupyter-mlops{f', {release}' * bool(release)}.",
            f"%pip install 'jupyter-mlops>={release}'" if release else "%pip install --upgrade jupyter-mlops",
        )
    return parse(text, Manifest, f"the manifest of {name}")


def _check_listed(found: Collection[str], manifest: Manifest, name: str) -> None:
    listed = {*manifest.files}
    if listed & {MANIFEST, SIGNATURE}:
        raise refusal(name, "its manifest names itself")
    if stray := sorted({*found} - listed - {MANIFEST, SIGNATURE}):
        raise refusal(name, f"{stray[0][:80]!r} in it is not in its manifest")
    if missing := sorted(listed - {*found}):
        raise refusal(name, f"{missing[0][:80]!r} of its manifest is missing in it")


def _small(archive: zipfile.ZipFile, info: zipfile.ZipInfo | None, name: str) -> bytes:
    if info is None:
        raise refusal(name, f"it is no archive of export: it holds no {MANIFEST}")
    if info.file_size > _MOST_JSON:
        raise refusal(name, f"its {info.filename} is larger than any real one")
    return archive.read(info)


def _extract(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path) -> Entry:
    """Write one file and say what it was; zipfile gives no byte more than the directory has announced."""
    hasher, size = hashlib.sha256(), 0
    with writing_to(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file, archive.open(info) as entry:
            while chunk := entry.read(_CHUNK):
                hasher.update(chunk)
                size += len(chunk)
                file.write(chunk)
    return Entry(hasher.hexdigest(), size)
