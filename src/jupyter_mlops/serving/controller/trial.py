"""How a version beside the champion does, and what the rules of ``mlops.toml`` say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ...settings import AutoSettings
from .lineup import CHAMPION, SHADOW

_UNFELT_MS = 5.0  # twice next to nothing is next to nothing
_COUNTS = ("answered", "refused", "failed", "compared", "agreed")


@dataclass(frozen=True)
class Verdict:
    """What to do, and why."""

    do: Literal["wait", "promote", "withdraw"]
    why: str


@dataclass(frozen=True)
class Seen:
    """What one version has done in a trial."""

    answered: int = 0
    refused: int = 0
    failed: int = 0
    compared: int = 0
    agreed: int = 0
    p95_ms: float | None = None

    @property
    def asked(self) -> int:
        """How many requests it had."""
        return self.answered + self.refused + self.failed

    @property
    def errors(self) -> int:
        """How many of them it did not answer."""
        return self.refused + self.failed

    @property
    def error_rate(self) -> float:
        """The share of them."""
        return self.errors / self.asked if self.asked else 0.0


def seen(arms: Sequence[dict[str, Any]], begin: Sequence[dict[str, Any]], role: str, number: int) -> Seen:
    """Say what a version has done since the figures were ``begin``."""
    key = role, str(number)
    now, then = (next((arm for arm in of if (arm["role"], arm["version"]) == key), {}) for of in (arms, begin))
    return Seen(**{what: now.get(what, 0) - then.get(what, 0) for what in _COUNTS}, p95_ms=now.get("p95_ms"))


def judge(rules: AutoSettings, role: str, second: Seen, champion: Seen) -> Verdict:
    """Say whether a version is to be promoted, taken away, or given more requests.

    It is taken away as soon as its errors, or the answers that are not the champion's, are more than it may have by the
    end; its latency is judged there. A shadow is asked only what the champion has answered: each of its errors is its own.

    Parameters
    ----------
    rules : AutoSettings
    role : str
        ``"canary"`` or ``"shadow"``.
    second, champion : Seen
    """
    usual = 0.0 if role == SHADOW else champion.error_rate
    if second.errors > _most(usual + rules.error_rate, max(rules.requests, second.asked)):
        return Verdict(
            "withdraw",
            f"{second.errors:,} of {second.asked:,} requests were not answered, and {usual + rules.error_rate:.1%} may be",
        )
    others = second.compared - second.agreed
    if role == SHADOW and others > _most(1 - rules.agreement, max(rules.requests, second.compared)):
        return Verdict(
            "withdraw",
            f"{others:,} of {second.compared:,} answers are not the {CHAMPION}'s, and {1 - rules.agreement:.1%} may be",
        )
    if second.asked < rules.requests:
        return Verdict("wait", f"{second.asked:,} of {rules.requests:,} requests")
    if second.p95_ms is None or champion.p95_ms is None:
        return Verdict("wait", f"the {CHAMPION} has not answered yet")
    allowed = max(rules.latency * champion.p95_ms, champion.p95_ms + _UNFELT_MS)
    took = f"95% of its answers took up to {second.p95_ms:.3g} ms, the {CHAMPION}'s {champion.p95_ms:.3g} ms"
    if second.p95_ms > allowed:
        return Verdict("withdraw", f"{took}, and {allowed:.3g} ms are allowed")
    agree = f", {second.agreed / second.compared:.1%} agree" if role == SHADOW and second.compared else ""
    errors = f"{second.error_rate:.1%} were not answered, the {CHAMPION}'s {champion.error_rate:.1%}"
    return Verdict("promote", f"{second.asked:,} requests: {errors}; {took}{agree}")


def _most(share: float, of: int) -> float:
    return round(share * of, 6)  # 1 - 0.9 is a little less than 0.1
