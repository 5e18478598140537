"""How it went: of a cell a status, of a notebook a verdict with its exit code."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal, TypeAlias

from ..display.views import Tone
from ..errors import (
    BackendUnreachable,
    Differs,
    Inconclusive,
    InvalidUsage,
    LimitReached,
    MlopsError,
    NotFound,
    NotWritable,
    ProcessFailed,
    ValidationFailed,
)

Status: TypeAlias = Literal["passed", "raised", "failed", "stopped", "skipped", "not run"]
"""Of a cell. ``raised`` is one that may (tag ``raises-exception``), ``stopped`` one that a limit, a signal or a dead kernel ended."""

TONES: dict[Status, Tone] = {
    "passed": "good",
    "raised": "good",
    "failed": "bad",
    "stopped": "bad",
    "skipped": "idle",
    "not run": "idle",
}


MARKS: dict[Status, str] = {
    "passed": "✓", "raised": "✓", "failed": "✗", "stopped": "✗", "skipped": "–", "not run": "–",
}  # fmt: skip


class Verdict(Enum):
    """Of a notebook: its word, and the exit code of ``jupyter mlops run``. The codes are those of ``errors.py``."""

    PASSED = "passed", 0
    CELL_FAILED = "a cell failed", 1
    PARAMETERS = "bad parameters", InvalidUsage.exit_code
    NO_KERNEL = "no such kernel", NotFound.exit_code
    GATE_FAILED = "a gate failed", ValidationFailed.exit_code
    INCONCLUSIVE = "a gate is inconclusive", Inconclusive.exit_code
    UNREACHABLE = "server unreachable", BackendUnreachable.exit_code
    KERNEL_DIED = "the kernel died", ProcessFailed.exit_code
    NOT_WRITTEN = "not written", NotWritable.exit_code
    LIMIT = "a limit was reached", LimitReached.exit_code
    DIFFERS = "not the same as saved", Differs.exit_code
    NOT_RUN = "not run", 1
    BROKEN = "internal error", 1
    INTERRUPTED = "interrupted", 130
    TERMINATED = "terminated", 143

    def __init__(self, word: str, exit_code: int) -> None:
        self.word = word
        self.exit_code = exit_code

    @property
    def tone(self) -> Tone:
        """How it is drawn."""
        return "good" if self is Verdict.PASSED else "idle" if self is Verdict.NOT_RUN else "bad"


# What an error in a cell means for the notebook; every other one is a failed cell.
_OF_ERROR = {verdict.exit_code: verdict for verdict in (Verdict.GATE_FAILED, Verdict.INCONCLUSIVE, Verdict.UNREACHABLE)}


def verdict_of_error(code: int | None) -> Verdict:
    """Say what an error that a cell raised means, by the exit code of its class; None where it is not one of ours."""
    return _OF_ERROR.get(code or 1, Verdict.CELL_FAILED)


def verdict_of(error: MlopsError) -> Verdict:
    """Say what an error of ours means that kept a notebook from being run."""
    return next((each for each in Verdict if each.exit_code == error.exit_code), Verdict.CELL_FAILED)


@dataclass(frozen=True)
class Failure:
    """One error: what a log and a report say of it.

    Attributes
    ----------
    kind : str
        The exception's class.
    message : str
    traceback : str
        Without colours.
    code : int, optional
        The exit code of its class, where it is one of ours.
    """

    kind: str
    message: str
    traceback: str = ""
    code: int | None = None

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}" if self.message else self.kind

    @property
    def line(self) -> str:
        """In one line."""
        return " ".join(str(self).split())[:300]


@dataclass(frozen=True)
class CellRecord:
    """What became of a code cell.

    Attributes
    ----------
    index : int
        Its place among all cells of the notebook, from 0.
    number : int
        Its place among the code cells, from 1.
    title : str
        Its first line that says something.
    status : str
    seconds : float
        Of the last attempt.
    attempts : int
    failures : tuple of Failure
        What it raised, the last one last; those of earlier attempts too.
    note : str
        Why it was skipped or stopped, or what of its output was left out.
    source_index : int
        Its place in the notebook's own file, which has no cell with the parameters that were given.
    """

    index: int
    number: int
    title: str
    status: Status
    seconds: float = 0.0
    attempts: int = 1
    failures: tuple[Failure, ...] = ()
    note: str = ""
    source_index: int = 0

    @property
    def failed(self) -> bool:
        """Whether it keeps the notebook from having passed."""
        return self.status in ("failed", "stopped")

    @property
    def flaky(self) -> bool:
        """Whether it passed only when it was tried again."""
        return self.attempts > 1 and not self.failed
