"""The mark of a run and of a version that came from an archive: which archive, and whose version it was."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

TAG = "mlops.imported"
"""The tag that has the mark."""

_MARK = re.compile(r"([0-9a-f]{64}) from ([^/]+/\d+) of (.*) at (.*)", re.DOTALL)


@dataclass(frozen=True)
class Mark:
    """Where a version came from.

    Attributes
    ----------
    digest : str
        Of the archive.
    original : str
        Which version it was there: ``tumour/2``.
    project, server : str
    """

    digest: str
    original: str
    project: str
    server: str

    @property
    def text(self) -> str:
        """The mark as the tag has it."""
        return f"{self.digest} from {self.original} of {self.project} at {self.server}"

    def __str__(self) -> str:
        return f"{self.original} of {self.project}"


def of(version: ModelVersion) -> Mark | None:
    """Read the mark of a version; None where it was made here."""
    found = _MARK.fullmatch(version.tags.get(TAG, ""))
    return Mark(*found.groups()) if found else None
