"""What a version has been validated with: its reports, the checks that were written in cells, and who holds its gate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ...backend import guard, reports
from ...backend.adapter import Mlflow
from ...backend.reports import Kept, Kind
from ...entities import CHAMPION
from ..results import ADVISORY, HELD

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

_KINDS: Final[tuple[Kind, ...]] = ("data", "model")
_MOST: Final = 10


@dataclass(frozen=True)
class Reported:
    """One report, in short.

    Attributes
    ----------
    title, outcome : str
        ``Model report`` and ``failed``.
    about : str
        How many checks, of how many rows, with which scores, against what.
    seal, digest : str
        Of the report, and of its data: with them another can see that it is this one.
    failed, undecided : sequence of str
        The checks that failed, and those that could not say.
    """

    title: str
    outcome: str
    about: str
    seal: str
    digest: str
    failed: Sequence[str]
    undecided: Sequence[str]


@dataclass(frozen=True)
class Validated:
    """All reports and checks of a version, and who holds its gate."""

    reports: Sequence[Reported]
    cells: Sequence[tuple[str, str, str]]
    gate: str
    let_through: Sequence[str]


def of(mlflow: Mlflow, version: ModelVersion, run: Run | None) -> Validated:
    """Ask the run of a version for its reports, and the server for its guard."""
    held = guard.of(mlflow)
    cells = reports.cells_of(run) if run else {}
    words = [value for tag, value in sorted(version.tags.items()) if held and tag.startswith(guard.TAG)]
    return Validated(
        reports=list(_reports(mlflow, version, run)) if run else [],
        cells=[(name, outcome, seen) for name, (outcome, seen) in sorted(cells.items())],
        gate=HELD if held and CHAMPION in held.aliases else ADVISORY,
        let_through=words,
    )


def _reports(mlflow: Mlflow, version: ModelVersion, run: Run) -> Iterator[Reported]:
    for kind in _KINDS:
        if reports.TAG + kind not in run.data.tags:
            continue
        kept = reports.read(mlflow, run, kind)
        title = f"{kind.capitalize()} report"
        if kept is None:
            yield Reported(title, "changed", "it is not the one that was kept, and counts for nothing", "", "", (), ())
        else:
            yield _short(title, kept, version)


def _short(title: str, kept: Kept, version: ModelVersion) -> Reported:
    stored = kept.stored
    evidence = stored["evidence"]
    told = [f"{len(stored['checks'])} checks on {stored['rows']:,} rows"]
    told += [str(evidence["scores"])] if evidence.get("scores") else []
    told += ["held against the champion of then"] if evidence.get("against") else []
    told += [] if evidence.get("whole") else ["some checks were left out"]
    told += ["of another model"] if evidence.get("source") not in (None, str(version.source)) else []
    outcome = "failed" if kept.failed else "inconclusive" if kept.open else "passed"
    return Reported(
        title, outcome, ", ".join(told), kept.seal, str(stored["digest"]), _few(kept.failed), _few(kept.open)
    )


def _few(told: list[str]) -> list[str]:
    more = len(told) - _MOST
    return [*told[:_MOST], *([f"{more} more"] if more > 0 else [])]
