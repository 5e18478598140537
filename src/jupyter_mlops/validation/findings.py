"""What a check comes to: a finding is one thing that a person should know, and do something about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from ..errors import InvalidUsage, nearest

Severity = Literal["error", "warning", "note"]
Outcome = Literal["pass", "error", "warning", "note", "inconclusive", "ignored", "skipped"]

SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "note")
CANT_SEE: Final = (
    "A help, not a legal opinion. It reads the names of columns and a sample of their values; it can't see pictures and "
    "sound, rare kinds of ids, names that only people know for names, who is found by joining other data, nor whether "
    "there is a legal ground (Art. 6)."
)


@dataclass(frozen=True)
class Finding:
    """One thing that was seen.

    Attributes
    ----------
    severity : {"error", "warning", "note"}
    seen : str
        What was seen, with its figures.
    do : str
        What to do about it.
    columns : tuple of str
        The columns concerned.
    figures : mapping of str to Any
        The figures behind it, for programs.
    plot : Plot, optional
        What a picture of it shows.
    """

    severity: Severity
    seen: str
    do: str
    columns: tuple[str, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)
    plot: Plot | None = None


@dataclass(frozen=True)
class Plot:
    """A small picture as numbers: it is drawn when somebody looks, and stored as what it shows.

    Attributes
    ----------
    kind : {"bars", "histogram", "matrix", "pairs", "panels"}
        Bars by their labels; a histogram, where ``labels`` are the edges and one more than the values; a square
        matrix, row after row, with labels for its rows or none; shares in pairs, with those of the reference
        ``beside``, as bars or, where labels are edges, as a histogram; or several plots next to one another.
    labels : sequence
    values : sequence of float
    marked : sequence of int
        The places of the bars that the finding is about.
    axis : str
        What the values are.
    beside : sequence of float
        The values of the reference.
    panels : sequence of Plot
    """

    kind: Literal["bars", "histogram", "matrix", "pairs", "panels"]
    labels: Sequence[Any]
    values: Sequence[float]
    marked: Sequence[int] = ()
    axis: str = ""
    beside: Sequence[float] = ()
    panels: Sequence[Plot] = ()


@dataclass(frozen=True)
class Checked:
    """What one check has come to.

    Attributes
    ----------
    code : str
        Such as ``DQ002``.
    title : str
    why : str
        Why it matters.
    outcome : str
        The worst of its findings, or ``pass``; ``inconclusive`` where it could not run, ``ignored`` where it was told
        to be, ``skipped`` where it does not apply.
    findings : tuple of Finding
        The worst first.
    reason : str
        Why it is inconclusive, ignored or skipped; of one that has passed, what there is to say of it.
    """

    code: str
    title: str
    why: str
    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    reason: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that its findings are about, each once."""
        return tuple(dict.fromkeys(name for finding in self.findings for name in finding.columns))


def severity_of(word: str) -> Severity:
    """Read a severity.

    Raises
    ------
    InvalidUsage
        Where it is none.
    """
    for severity in SEVERITIES:
        if word == severity:
            return severity
    raise InvalidUsage(f"{word!r} is no severity.{nearest(str(word), SEVERITIES)}", f"one of {', '.join(SEVERITIES)}")


def worst(findings: Sequence[Finding]) -> Outcome:
    """Give the severity of the worst finding; a pass where there is none."""
    return min((finding.severity for finding in findings), key=SEVERITIES.index, default="pass")
