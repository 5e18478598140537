"""What validation returns: a report that is a value and a picture, and reads itself again from what was stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from ..display import Badge, Card, Cell, Picture, Table, View
from ..errors import NotFound, nearest
from ..result import Result
from .findings import CANT_SEE, SEVERITIES, Checked, Finding, Outcome, Plot, Severity

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_TONES: Final[dict[str, Literal["good", "bad", "warn", "idle"]]] = {
    "pass": "good", "error": "bad", "warning": "warn", "note": "idle", "inconclusive": "warn", "ignored": "idle", "skipped": "idle",
}  # fmt: skip
_MOST_PICTURES: Final = 3
_MOST_OF_A_CHECK: Final[dict[Severity, int]] = {"error": 8, "warning": 8, "note": 2}  # the frame has all of them


@dataclass(frozen=True, repr=False)
class Report(Result):
    """What the checks of some data, or of a model, have come to.

    Attributes
    ----------
    about : str
        What was looked at.
    rows, features : int
    checks : tuple of Checked
        By their codes.
    severity : {"error", "warning", "note"}
        From which one on a finding fails the report.
    digest : str
        Of the data, all of it: the evidence is of no other.
    seconds : float
    stored : str
        Where it is kept, such as ``run:3f2a91bc``.
    settings : mapping
        The limits that it hangs on.
    kind : {"data", "model"}
    evidence : mapping
        What else it hangs on: ``whole``, whether all checks were to run; of data the digest of its ``contract``, and where
        one was ``written``; of a model its ``source`` and what it was held ``against``.
    """

    about: str
    rows: int
    features: int
    checks: tuple[Checked, ...]
    severity: Severity = "error"
    digest: str = ""
    seconds: float = 0.0
    stored: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    kind: Literal["data", "model"] = "data"
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def outcome(self) -> Literal["pass", "fail", "inconclusive"]:
        """Fail where a finding is severe enough; else inconclusive where a check could not run, or none has said anything."""
        if self.failed:
            return "fail"
        outcomes = {checked.outcome for checked in self.checks}
        return "inconclusive" if "inconclusive" in outcomes or outcomes <= {"skipped"} else "pass"

    @property
    def ok(self) -> bool:
        """Whether it passed; one that is inconclusive has not."""
        return self.outcome == "pass"

    @property
    def failed(self) -> tuple[str, ...]:
        """The codes of the checks that failed."""
        bad = SEVERITIES[: SEVERITIES.index(self.severity) + 1]
        return tuple(checked.code for checked in self.checks if checked.outcome in bad)

    def __getitem__(self, code: str) -> Checked:
        for checked in self.checks:
            if checked.code == code.upper():
                return checked
        codes = [checked.code for checked in self.checks]
        raise NotFound(f"The report has no check {code!r}.{nearest(code.upper(), codes)}", f"one of {', '.join(codes)}")

    def frame(self) -> pd.DataFrame:
        """Give a row for each finding, and one for each check without any."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "code": checked.code,
                    "title": checked.title,
                    "outcome": finding.severity if finding else checked.outcome,
                    "columns": ", ".join(finding.columns) if finding else "",
                    "seen": finding.seen if finding else checked.reason,
                    "do": finding.do if finding else "",
                    "why": checked.why,
                }
                for checked, finding in self._lines(with_passes=True)
            ]
        )

    def plot(self, code: str | None = None) -> Figure:
        """Draw what a check has seen; without a code what the checks come to."""
        from .pictures import of_finding, of_outcomes

        if code is None:
            return of_outcomes(Counter(checked.outcome for checked in self.checks))
        for finding in self[code].findings:
            if finding.plot is not None:
                return of_finding(finding)
        raise NotFound(f"{code} has nothing to draw.", f"report[{code!r}].findings")

    def view(self) -> View:
        """Draw the report: counts at the top, what failed first."""
        counts = Counter(checked.outcome for checked in self.checks)
        told = [f"{counts[what]} {what}{'s' if counts[what] > 1 else ''}" for what in SEVERITIES if counts[what]]
        told += [f"{counts['inconclusive']} could not run"] if counts["inconclusive"] else []
        told += [f"{counts['skipped']} did not apply"] if counts["skipped"] else []
        passed = f"{counts['pass']} of {len(self.checks)} checks passed"
        badge = Badge({"pass": "passed", "fail": "failed"}.get(self.outcome, self.outcome), {"pass": "good", "fail": "bad"}.get(self.outcome, "warn"))  # type: ignore[arg-type]  # fmt: skip
        facts: list[tuple[str, Cell]] = [
            ("data", f"{self.rows:,} rows × {self.features:,} columns"),
            ("checks", ", ".join([passed, *told])),
        ]
        if self.evidence.get("scores"):
            facts.insert(0, ("scores", str(self.evidence["scores"])))
        if self.evidence.get("performance"):
            facts.append(("for monitoring", str(self.evidence["performance"])))
        if self.evidence.get("written"):
            facts.append(("contract", f"written to {self.evidence['written']}"))
        if self.stored:
            facts.append(("kept with", self.stored))
        if any(checked.code.startswith("GD") for checked in self.checks):
            facts.append(("privacy", CANT_SEE))
        rows: list[tuple[Cell, ...]] = [
            (
                Badge(f"{checked.code} {finding.severity}", _TONES[finding.severity]),
                f"{checked.title}: {finding.seen}",
                finding.do,
            )
            for checked, finding in self._lines(with_passes=False)
            if finding
        ]  # fmt: skip
        rows += [*self._unsaid(), *self._remarks()]
        hidden = sum(len(checked.findings) for checked in self.checks) - sum(finding is not None for _, finding in self._lines(with_passes=False))  # fmt: skip
        note = f"{hidden} more findings: report.frame()" if hidden > 0 else ""
        table = Table(("check", "seen", "do"), rows, empty="Nothing was found.", note=note, sentences=True)
        worst = next((checked.code for checked, finding in self._lines(with_passes=False) if finding), "")
        return Card(
            f"{self.kind.capitalize()} report of {self.about}",
            badge,
            facts=facts,
            tables=[table],
            pictures=self._pictures(),
            tables_first=True,
            next=f'report["{worst}"].findings' if worst else "",
        )

    def _unsaid(self) -> list[tuple[Cell, ...]]:
        """Tell the checks that could not run, those with one reason together."""
        by_reason: dict[str, list[Checked]] = {}
        for checked in self.checks:
            if checked.outcome == "inconclusive":
                by_reason.setdefault(checked.reason, []).append(checked)
        return [
            (
                Badge(f"{found[0].code if len(found) == 1 else f'{len(found)} checks'} inconclusive", "warn"),
                f"{found[0].title if len(found) == 1 else ', '.join(each.code for each in found)}: {reason}",
                "",
            )
            for reason, found in by_reason.items()
        ]

    def _remarks(self) -> list[tuple[Cell, ...]]:
        """Tell what checks have to say that is no finding, and what is ignored, and why."""
        return [
            (Badge(f"{checked.code} {checked.outcome if checked.outcome in ('pass', 'ignored') else ''}".strip(), "idle"), f"{checked.title}: {checked.reason}", "")
            for checked in self.checks
            if checked.reason and checked.outcome not in ("skipped", "inconclusive")
        ]  # fmt: skip

    def _lines(self, *, with_passes: bool) -> list[tuple[Checked, Finding | None]]:
        """List findings, the worst first; then the checks that could not run, and, if asked for, all others."""
        found: list[tuple[Checked, Finding | None]] = []
        for severity in SEVERITIES:
            for checked in self.checks:
                of_it = [finding for finding in checked.findings if finding.severity == severity]
                found += [
                    (checked, finding) for finding in (of_it if with_passes else of_it[: _MOST_OF_A_CHECK[severity]])
                ]
        rest = [checked for checked in self.checks if not checked.findings]
        shown = rest if with_passes else [checked for checked in rest if checked.outcome == "inconclusive"]
        return found + [(checked, None) for checked in shown]

    def _pictures(self) -> Sequence[Picture]:
        from ..display.plots import picture
        from .pictures import of_finding

        drawn: list[tuple[str, Picture]] = []
        for checked, finding in self._lines(with_passes=False):
            if finding is not None and finding.plot is not None:
                if checked.code in {code for code, _ in drawn}:
                    continue
                drawn.append((checked.code, picture(of_finding(finding), f"{checked.code}: {finding.seen}")))
            if len(drawn) == _MOST_PICTURES:
                break
        return [image for _, image in drawn]


@dataclass(frozen=True, repr=False)
class Written(Result):
    """What a check that was written in a cell has come to."""

    name: str
    outcome: Literal["pass", "fail"]
    seen: str
    run_id: str

    @property
    def ok(self) -> bool:
        """Whether it passed."""
        return self.outcome == "pass"

    def view(self) -> View:
        """Draw what was seen, and where it is kept."""
        badge = Badge("passed" if self.ok else "failed", "good" if self.ok else "bad")
        facts: list[tuple[str, Cell]] = [("seen", self.seen), ("kept with", f"run:{self.run_id[:8]}")]
        return Card(f"Check {self.name}", badge, facts)


def read(stored: Mapping[str, Any]) -> Report:
    """Read what ``Report.to_dict`` has given."""
    checks = tuple(
        Checked(
            **{key: given[key] for key in ("code", "title", "why", "outcome", "reason")},
            findings=tuple(_finding(finding) for finding in given["findings"]),
        )
        for given in stored["checks"]
    )
    return Report(**{**stored, "checks": checks})


def _finding(stored: Mapping[str, Any]) -> Finding:
    plot = _plot(stored["plot"]) if stored["plot"] else None
    return Finding(**{**stored, "columns": tuple(stored["columns"]), "plot": plot})


def _plot(stored: Mapping[str, Any]) -> Plot:
    return Plot(**{**stored, "panels": tuple(map(_plot, stored.get("panels", ())))})


__all__ = ["Outcome", "Report", "Written", "read"]
