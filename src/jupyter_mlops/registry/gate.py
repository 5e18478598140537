"""The gate: what a version must show before it becomes the champion."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ..backend.events import FORCED
from ..display import Badge, Table, figure
from ..limits import Threshold

APPROVALS = "approvals"  # what stands for the approvals among the checks

Outcome = Literal["pass", "fail", "inconclusive"]
TONES: dict[str, Literal["good", "bad", "warn"]] = {"pass": "good", "fail": "bad", "inconclusive": "warn"}


@dataclass(frozen=True)
class Check:
    """One bound of the gate, beside what the version shows.

    Attributes
    ----------
    metric : str
        What is asked for: a metric, the approvals, a report, or a check of one.
    bound : str
    value : float, optional
    outcome : {"pass", "fail", "inconclusive"}
    seen : str
        What a report or a check has come to, in words.
    seal : str
        The digest of the report.
    mend : str
        The line that settles it.
    """

    metric: str
    bound: str
    value: float | None
    outcome: Outcome
    seen: str = ""
    seal: str = ""
    mend: str = ""

    def __str__(self) -> str:
        if self.seen:
            return f"{self.metric}: {self.seen}"
        if self.metric == APPROVALS:
            return f"{self.value or 0:.0f} of {self.bound.split()[-1]} approvals by another person"
        if self.value is None:
            return f"{self.metric} is not logged, or not a finite number"
        return f"{self.metric} is {figure(self.value)}, must be {self.bound}"


@dataclass(frozen=True)
class Gate:
    """All checks of a gate, and what they come to."""

    checks: tuple[Check, ...]

    @property
    def outcome(self) -> Outcome:
        """Fail where one fails; inconclusive where one is, or where there is none."""
        outcomes = {check.outcome for check in self.checks}
        if "fail" in outcomes:
            return "fail"
        return "pass" if outcomes == {"pass"} else "inconclusive"

    @property
    def reasons(self) -> str:
        """Why it did not pass."""
        return "; ".join(str(check) for check in self.checks if check.outcome != "pass")

    def evidence(self, forced: bool = False) -> str:
        """Say what was decided on, for the audit; ``read`` takes it apart again."""
        shown = "; ".join(map(_evidence, self.checks))
        return (f"gate {self.outcome}: {shown}" if shown else "no gate") + FORCED * forced

    def table(self) -> Table:
        """Draw the checks."""
        rows = [(c.metric, c.bound, c.seen or c.value, Badge(c.outcome, TONES[c.outcome])) for c in self.checks]
        return Table(("gate", "must be", "is", "outcome"), rows, empty="No gate in mlops.toml.")


def read(evidence: str) -> tuple[str, list[str]]:
    """Take apart what ``Gate.evidence`` has written: the verdict, such as ``gate fail (forced)``, and its checks."""
    verdict, _, checks = evidence.removesuffix(FORCED).partition(": ")
    return verdict + FORCED * evidence.endswith(FORCED), checks.split("; ") if checks else []


def judge(bounds: Mapping[str, str], metrics: Mapping[str, float], more: Sequence[Check] = ()) -> Gate:
    """Hold the bounds of ``[gates.MODEL]`` against the metrics of the version's run.

    A metric that is missing or NaN is neither a pass nor a fail.

    Parameters
    ----------
    bounds, metrics : dict
        By the names of the metrics.
    more : sequence of Check
        What reports, checks and approvals come to, where the gate asks for some.
    """
    checks = [_check(metric, Threshold.of(bound), metrics.get(metric)) for metric, bound in bounds.items()]
    return Gate((*checks, *more))


def _evidence(check: Check) -> str:
    if not check.seen:
        return f"{check.metric} {figure(check.value)} {check.bound}"
    seen = check.seen.replace("; ", ", ")  # which keeps the checks apart
    return f"{check.metric} {check.outcome} ({seen[:200]}{f', report {check.seal}' if check.seal else ''})"


def _check(metric: str, threshold: Threshold, value: float | None) -> Check:
    if value is None or math.isnan(value) or abs(value) >= sys.float_info.max:  # MLflow stores infinity as the largest
        return Check(metric, str(threshold), None, "inconclusive")
    return Check(metric, str(threshold), float(value), "pass" if threshold.holds(value) else "fail")
