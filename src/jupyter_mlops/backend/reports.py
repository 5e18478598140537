"""Reports and checks that are kept with a run: validation writes them, and the gate reads them."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from . import artifacts
from .adapter import Mlflow

if TYPE_CHECKING:
    from mlflow.entities import Run

Kind = Literal["data", "model"]
FOLDER: Final = "validation"
TAG: Final = "mlops.validation."
"""The tag of a run with a report of its data, or its model: what it came to, the digest of the data, and its seal."""
CELL: Final = "mlops.check."
"""The tag of a run with a check that was written in a cell: what it came to, and what was seen."""

_BAD: Final = ("error", "warning", "note")


@dataclass(frozen=True)
class Kept:
    """A report as it is kept.

    Attributes
    ----------
    seal : str
        The digest of all of it: data, model, what it was held against, the limits, and what each check came to.
    stored : mapping
        What ``Report.to_dict`` has given.
    """

    seal: str
    stored: Mapping[str, Any]

    @property
    def failed(self) -> list[str]:
        """The checks that failed, with their titles."""
        bad = _BAD[: _BAD.index(self.stored["severity"]) + 1]
        return [f"{check['code']} {check['title']}" for check in self.stored["checks"] if check["outcome"] in bad]

    @property
    def open(self) -> list[str]:
        """The checks that could not say, with their reasons."""
        return [
            f"{check['code']} {check['reason'].rstrip('.')}"
            for check in self.stored["checks"]
            if check["outcome"] == "inconclusive"
        ]

    def of(self, code: str) -> tuple[str, str] | None:
        """Say what a check came to, and what it has seen; None where it was not run."""
        for check in self.stored["checks"]:
            if check["code"] == code:
                seen = check["findings"][0]["seen"] if check["findings"] else check["reason"]
                return str(check["outcome"]), f"{check['title']}: {seen.rstrip('.')}" if seen else str(check["title"])
        return None


def write(mlflow: Mlflow, run_id: str, kind: Kind, stored: Mapping[str, Any], outcome: str, page: str) -> None:
    """Keep a report with a run: as JSON for programs, as a page for people, and in short as a tag."""
    text = json.dumps(stored)
    with tempfile.TemporaryDirectory(prefix="mlops-report-") as folder:
        (Path(folder) / f"{kind}.json").write_text(text)
        (Path(folder) / f"{kind}.html").write_text(page)
        mlflow.write("log_artifacts", run_id, folder, FOLDER)
    # Last: without it, or with that of an earlier one, what is there counts for nothing.
    mlflow.write("set_tag", run_id, TAG + kind, f"{outcome} {stored['digest']} {_seal(text)}")


def text_of(mlflow: Mlflow, run_id: str, kind: Kind) -> str | None:
    """Read a report; None where there is none."""
    return artifacts.read_text(mlflow, run_id, f"{FOLDER}/{kind}.json")


def read(mlflow: Mlflow, run: Run, kind: Kind) -> Kept | None:
    """Read a report for a gate; None where there is none, or it is not what its tag was written for."""
    tag = run.data.tags.get(TAG + kind, "")
    text = text_of(mlflow, run.info.run_id, kind) if tag else None
    if text is None or _seal(text) != tag.rpartition(" ")[2]:
        return None
    return Kept(_seal(text), json.loads(text))


def cells_of(run: Run) -> dict[str, tuple[str, str]]:
    """List the checks that were written in cells, by their names: what they came to, and what was seen."""
    tags = {key.removeprefix(CELL): value for key, value in run.data.tags.items() if key.startswith(CELL)}
    return {name: (value.partition(" ")[0], value.partition(" ")[2]) for name, value in tags.items()}


def _seal(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
