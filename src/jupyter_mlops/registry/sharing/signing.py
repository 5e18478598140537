"""Signatures over a manifest, by a key of one's own, as the OpenSSF's model-signing writes them.

So that others can check them without us, in a folder with the unpacked ``manifest.json`` alone:
``model_signing verify key FOLDER --signature signature.sig --public_key PUBLIC.pem``.
"""

from __future__ import annotations

import contextlib
import importlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...errors import InvalidUsage, MissingDependency, NotFound, ValidationFailed
from .archive import MANIFEST, SIGNATURE

_HOW = "openssl ecparam -name prime256v1 -genkey -noout -out key.pem; openssl ec -in key.pem -pubout -out public.pem"


def need(key: Path) -> None:
    """Make sure, before the work begins, that there is what signing and verifying take.

    Raises
    ------
    MissingDependency, NotFound
    """
    try:
        _library("signing")
    except ImportError:
        raise MissingDependency("model-signing is not installed.", "%pip install 'jupyter-mlops[sign]'") from None
    if not key.is_file():
        raise NotFound(f"There is no key {key}.", _HOW)


def sign(manifest: bytes, key: Path) -> bytes:
    """Sign a manifest by a private key: EC, in PEM, without a password.

    Raises
    ------
    InvalidUsage
        Where the key is none of that kind.
    """
    library = _library("signing")
    with _laid_out(manifest) as (folder, signature):
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
    library = _library("verifying")
    with _laid_out(manifest) as (folder, file):
        file.write_bytes(signature)
        try:
            verifier = library.Config().use_elliptic_key_verifier(public_key=key)
        except Exception as error:
            raise _no_key(key, "public", error) from error
        try:
            verifier.verify(folder, file)
        except Exception as error:  # a forged signature fails as JSON, a mismatch or cryptography's own error
            raise ValidationFailed(
                f"{name} is refused: it was not signed by the key in {key.name}, or was changed since.",
                "ask who has exported it for the file and their public key",
            ) from error


def _library(part: str) -> Any:
    return importlib.import_module(f"model_signing.{part}")  # an extra: not there for those who check types either


@contextlib.contextmanager
def _laid_out(manifest: bytes) -> Iterator[tuple[Path, Path]]:
    """Lay out a manifest as model-signing takes it, a folder; and a place for the signature beside it."""
    with tempfile.TemporaryDirectory(prefix="mlops-signature-") as scratch:
        folder = Path(scratch, "content")
        folder.mkdir()
        (folder / MANIFEST).write_bytes(manifest)
        yield folder, Path(scratch, SIGNATURE)


def _no_key(key: Path, kind: str, error: Exception) -> InvalidUsage:
    reason = " ".join(str(error).split())[:100]
    return InvalidUsage(f"{key} is no {kind} EC key in PEM without a password: {reason}.", _HOW)
