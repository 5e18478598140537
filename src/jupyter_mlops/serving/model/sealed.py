"""The files of a version, held against what it was registered with before any of them is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ... import signing
from ...errors import UntrustedModel

_SIGN = "%mlops register NAME --run RUN --sign, by who has the key, if the model is as it should be"


@dataclass(frozen=True)
class Seal:
    """What the files must fit.

    Attributes
    ----------
    digest : str
        That of the files; empty where nobody has told it.
    signature : str
        Over the files; empty where they are not signed.
    key : Path, optional
        The public key of the project.
    needed : bool
        Whether the project's key must have signed.
    opens_pickles : bool
        Whether its signature lets a pickle be loaded.
    """

    digest: str = ""
    signature: str = ""
    key: Path | None = None
    needed: bool = False
    opens_pickles: bool = False


def check(folder: Path, seal: Seal) -> bool:
    """Make sure that files are those that were registered; give whether a pickle among them may be loaded.

    Raises
    ------
    UntrustedModel
        Where they are others, or are not signed and must be.
    MissingDependency
        Where a signature is to be checked, and model-signing is not installed.
    """
    if seal.digest and signing.digest(folder) != seal.digest:
        raise UntrustedModel("Its files are not those that were registered: somebody has changed them since.", _SIGN)
    if not (seal.needed or seal.opens_pickles):
        return False
    is_signed = False
    if seal.signature and seal.key is not None and seal.key.is_file():
        signing.need()
        is_signed = signing.is_signed(folder, seal.signature.encode(), seal.key)
    if seal.needed and not is_signed:
        raise UntrustedModel("It is not signed by the project's key, and [policy] in mlops.toml asks for that.", _SIGN)
    return is_signed and seal.opens_pickles
