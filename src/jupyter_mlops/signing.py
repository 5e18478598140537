"""Digests and signatures over files, by a key of one's own, as the OpenSSF's model-signing writes them.

So that others can check them without us. The archive of ``export`` is signed over its manifest, alone in a folder; a
version over the folder of its model. ``model_signing verify key FOLDER --signature signature.sig --public_key
public.pem`` says so of both.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from .disk import write_private, write_whole
from .errors import InvalidUsage, MissingDependency, NotFound, UntrustedModel, ValidationFailed

DIGEST, SIGNATURE = "mlops.digest", "mlops.signature"
"""The tags of a version: the digest of its model's files, and the signature over them."""

_MANIFEST: Final = "manifest.json"
_HOW: Final = (
    "openssl ecparam -name prime256v1 -genkey -noout -out key.pem; openssl ec -in key.pem -pubout -out public.pem"
)


def digest(folder: Path) -> str:
    """Give the SHA-256 of what ``sha256sum`` would print of all files of a model, by their names.

    Raises
    ------
    UntrustedModel
        Where one of them is a link, which may lead anywhere.
    """
    lines = []
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            raise UntrustedModel(f"The model holds a symbolic link ({name}), which may lead anywhere.")
        if path.is_file():
            with path.open("rb") as file:
                lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}\n")
    return hashlib.sha256("".join(sorted(lines)).encode("utf-8", "surrogateescape")).hexdigest()


def own_key(local: Path) -> tuple[Path, Path]:
    """Give the project's own key in ``.mlops``, private and public; the first who asks makes it.

    Raises
    ------
    MissingDependency, NotWritable
    """
    need()
    private, public = local / "signing.pem", public_key(local)
    if not private.exists() or not public.exists():
        from cryptography.hazmat.primitives import serialization as pem
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        spoken = key.public_key().public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo)
        write_private(private, key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption()))
        write_whole(public, spoken.decode())
    return private, public


def public_key(local: Path) -> Path:
    """Name the file of the project's own public key on this machine."""
    return local / "signing.pub.pem"


def need(key: Path | None = None) -> None:
    """Make sure, before the work begins, that there is what signing and verifying take.

    Raises
    ------
    MissingDependency, NotFound
    """
    try:
        _library("signing")
    except ImportError:
        raise MissingDependency("model-signing is not installed.", "%pip install 'jupyter-mlops[sign]'") from None
    if key is not None and not key.is_file():
        raise NotFound(f"There is no key {key}.", _HOW)


def sign(manifest: bytes, key: Path) -> bytes:
    """Sign a manifest by a private key: EC, in PEM, without a password.

    Raises
    ------
    InvalidUsage
        Where the key is none of that kind.
    """
    with _laid_out(manifest) as folder:
        return sign_folder(folder, key)


def sign_folder(folder: Path, key: Path) -> bytes:
    """Sign all files of a folder; see ``sign``."""
    library = _library("signing")
    with _scratch() as signature:
        try:
            signer = library.Config().use_elliptic_key_signer(private_key=key)
        except Exception as error:  # ValueError, TypeError, AttributeError and cryptography's own: it is not the key
            raise _no_key(key, "private", error) from error
        signer.sign(folder, signature)
        return signature.read_bytes()


def verify(manifest: bytes, signature: bytes, key: Path, name: str) -> None:
    """Check a signature by the public key of whoever is said to have signed.

    Raises
    ------
    InvalidUsage
        Where the key is no public key.
    ValidationFailed
        Where somebody else has signed, or something else was signed.
    """
    with _laid_out(manifest) as folder:
        if not is_signed(folder, signature, key):
            raise ValidationFailed(
                f"{name} is refused: it was not signed by the key in {key.name}, or was changed since.",
                "ask who has exported it for the file and their public key",
            )


def is_signed(folder: Path, signature: bytes, key: Path) -> bool:
    """Whether all files of a folder are those that the owner of a public key has signed.

    Raises
    ------
    InvalidUsage
        Where the key is no public key.
    """
    library = _library("verifying")
    with _scratch() as file:
        file.write_bytes(signature)
        try:
            verifier = library.Config().use_elliptic_key_verifier(public_key=key)
        except Exception as error:
            raise _no_key(key, "public", error) from error
        try:
            verifier.verify(folder, file)
        except Exception:  # a forged signature fails as JSON, a mismatch or cryptography's own error
            return False
    return True


def _library(part: str) -> Any:
    return importlib.import_module(f"model_signing.{part}")  # an extra: not there for those who check types either


@contextlib.contextmanager
def _laid_out(manifest: bytes) -> Iterator[Path]:
    """Lay out a manifest as model-signing takes it: a folder."""
    with tempfile.TemporaryDirectory(prefix="mlops-signature-") as scratch:
        folder = Path(scratch, "content")
        folder.mkdir()
        (folder / _MANIFEST).write_bytes(manifest)
        yield folder


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mlops-signature-") as scratch:
        yield Path(scratch, "signature.sig")


def _no_key(key: Path, kind: str, error: Exception) -> InvalidUsage:
    reason = " ".join(str(error).split())[:100]
    return InvalidUsage(f"{key} is no {kind} EC key in PEM without a password: {reason}.", _HOW)
