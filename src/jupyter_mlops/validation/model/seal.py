"""What the files of a version must fit: what they were registered with, and what the project asks of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ... import signing
from ...errors import MlopsError
from ...settings import PolicySettings


@dataclass(frozen=True)
class Seal:
    """What the registry tells of a version's files, and what the project asks of them.

    Attributes
    ----------
    digest, signature : str
        As they were registered; empty where it tells of none.
    key : Path, optional
        The public key of the project.
    policy : PolicySettings
    """

    digest: str = ""
    signature: str = ""
    key: Path | None = None
    policy: PolicySettings = field(default_factory=PolicySettings)

    @classmethod
    def of(cls, tags: Mapping[str, str], policy: PolicySettings, root: Path, local: Path) -> Seal:
        """Read it from the tags of a version and the settings of a project."""
        key = root / policy.key if policy.key else signing.public_key(local)
        return cls(tags.get(signing.DIGEST, ""), tags.get(signing.SIGNATURE, ""), key, policy)

    def is_whole(self, folder: Path) -> bool:
        """Whether the files are those that were registered; also where that is not known."""
        return not self.digest or signing.digest(folder) == self.digest

    def is_signed(self, folder: Path) -> bool:
        """Whether the project's key has signed them.

        Raises
        ------
        MissingDependency
            Where there is a signature, and model-signing is not installed.
        """
        if not self.signature or self.key is None or not self.key.is_file():
            return False
        signing.need()
        return signing.is_signed(folder, self.signature.encode(), self.key)

    def opens_pickles(self, folder: Path) -> bool:
        """Whether a pickle among them may be loaded: the policy says so, and the key has signed."""
        try:
            return self.policy.pickle == "signed" and self.is_whole(folder) and self.is_signed(folder)
        except MlopsError:  # where that can't be told, it may not
            return False
