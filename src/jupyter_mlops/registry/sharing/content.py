"""What is in an archive, checked before any of it is stored."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ... import signing
from ...errors import Conflict, ValidationFailed
from ..card import parts
from . import archive, records
from .archive import Archive
from .exporting import CARD, MODEL, refuse_untrusted
from .marks import Mark
from .records import DatasetRecord, RunRecord
from .zips import refusal

_MOST_CARD = 5_000_000  # bytes


@dataclass(frozen=True)
class Content:
    """What is in an archive, checked."""

    archive: Archive
    signature: str
    card: str | None
    run: RunRecord
    datasets: list[DatasetRecord]

    @property
    def where(self) -> str:
        """The words of the audit for where it came from."""
        return str(self.archive.manifest.exported)

    @property
    def mark(self) -> Mark:
        """What the run and the version are marked with."""
        manifest = self.archive.manifest
        original = f"{manifest.model}/{manifest.version}"
        return Mark(self.archive.digest, original, manifest.exported.project, manifest.exported.server)

    @property
    def evidence(self) -> str:
        """What the audit is told that it stands on."""
        return f"archive {self.archive.digest[:8]} from {self.where}, {self.signature}"


def content_of(file: Path, folder: Path, key: Path | None) -> Content:
    """Unpack an archive, and check everything that can be checked without the server.

    Raises
    ------
    NotFound, InvalidUsage, ValidationFailed
        Where the file is missing, is no archive, or was changed; see ``archive.unpack``.
    UntrustedModel
        Where its model would run code when it is loaded.
    """
    found = archive.unpack(file, folder)
    if key is None:
        signature = "signed, not verified" if found.signature else "not signed"
    elif found.signature is None:
        raise ValidationFailed(
            f"{file.name} is refused: it is not signed, and --key asks for a signature.",
            "export it with --sign KEY.pem, or import it without --key",
        )
    else:
        signing.verify(found.text, found.signature, key, file.name)
        signature = "verified"
    content = Content(found, signature, _card(folder / CARD, file.name), *records.load(folder, file.name))
    refuse_untrusted(folder / MODEL)
    return content


def _card(path: Path, file: str) -> str | None:
    """Read the card, where there is one; a broken one could not be written again here."""
    if not path.is_file():
        return None
    if path.stat().st_size > _MOST_CARD:
        raise refusal(file, "its card is larger than any real one")
    try:
        text = path.read_bytes().decode()
        parts.read(text, path.name)
    except UnicodeDecodeError:
        raise refusal(file, "its card is no UTF-8 text") from None
    except Conflict as broken:
        raise refusal(file, f"its card is broken ({broken.message.removesuffix('.')})") from None
    return text
