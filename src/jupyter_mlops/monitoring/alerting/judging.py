"""A rule held against the readings of one window: broken, kept, or not to be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from ...limits import Threshold
from ...rules import METRICS, Rule
from ..buckets import SHADOW
from ..readings import LEVELS, Reading
from ..watched import Look, Monitored

_SIDES: Final = ("missing", "infinite", "unseen", "stuck", "range")
_TOLD: Final = 3
_COUNTED: Final = "labelled"  # a share that is known also where nothing can be judged by it


@dataclass(frozen=True)
class Verdict:
    """What a window is by a rule.

    Attributes
    ----------
    rule : Rule
    model : str
    version : int
        0 where the rule is of the whole endpoint.
    start, end : float
    outcome : {"broken", "kept", "open"}
        Open is what can't be told: it neither rings nor recovers.
    value : float, optional
    level : str
    why : str
    about : tuple of str
        The readings that break it.
    """

    rule: Rule
    model: str
    version: int
    start: float
    end: float
    outcome: Literal["broken", "kept", "open"]
    value: float | None = None
    level: str = "major"
    why: str = ""
    about: tuple[str, ...] = ()

    @property
    def who(self) -> str:
        """What it is about."""
        return f"{self.model}/{self.version}" if self.version else "the endpoint"


def judge(rules: Sequence[Rule], monitored: Monitored, rang: dict[tuple[str, str], tuple[str, ...]]) -> list[Verdict]:
    """Judge each window, the oldest first.

    Parameters
    ----------
    rules : sequence of Rule
    monitored : Monitored
    rang : dict
        What has rung so far of a rule at a version: that is over only where each of these can be told again.
    """
    found: list[Verdict] = []
    for end in sorted({look.end for look in monitored.looks}):
        looks = [look for look in monitored.looks if look.end == end]
        for rule in rules:
            mine = [_traffic(rule, looks, monitored.window)] if rule.name == "traffic" else [
                _of(rule, look, rang) for look in looks if look.version
            ]  # fmt: skip
            for one in mine:
                if one.outcome != "open":
                    rang[rule.name, one.who] = one.about
            found += mine
    return found


def _of(rule: Rule, look: Look, rang: dict[tuple[str, str], tuple[str, ...]]) -> Verdict:
    readings = _readings(rule.name, look)
    broken = [one for one in readings if _breaks(rule, one)]
    where = (rule, look.model, look.version, look.start, look.end)
    if broken:
        broken.sort(key=lambda one: (-LEVELS.index(one.level), -(one.value or 0.0)))
        why = "; ".join(_why(rule, one) for one in broken[:_TOLD])
        why += f"; and {len(broken) - _TOLD} more" if len(broken) > _TOLD else ""
        level = broken[0].level if rule.level else "major"
        return Verdict(*where, "broken", broken[0].value, level, why, tuple(one.name for one in broken))
    if any(_is_unsure(rule, one) for one in readings):
        return Verdict(*where, "open")
    before = rang.get((rule.name, look.name), ())
    can_be_told = all(_is_known(name, look) for name in before) if before else _any_known(rule, readings, look)
    value = readings[0].value if len(readings) == 1 else None
    return Verdict(*where, "kept" if can_be_told else "open", value, why=readings[0].why if len(readings) == 1 else "")


def _traffic(rule: Rule, looks: Sequence[Look], window: float) -> Verdict:
    """Judge the traffic of the endpoint: a count is known also where what is usual is not."""
    first = looks[0]
    reading = next((one for one in first.readings if one.name == "traffic"), None)
    rows = float(sum(look.rows for look in looks if look.arm != SHADOW))  # nobody has asked for a shadow's
    where = (rule, "", 0, first.start, first.end)
    if rule.threshold is not None:
        if round(first.end - first.start) < round(window):
            return Verdict(*where, "open")
        broken = rule.threshold.holds(rows)
        why = f"{rows:,.0f} rows"
        return Verdict(*where, "broken" if broken else "kept", rows, why=why, about=("traffic",) if broken else ())
    if reading is None or reading.outcome == "inconclusive":
        return Verdict(*where, "open")
    if _breaks(rule, reading):
        return Verdict(*where, "broken", reading.value, reading.level, reading.why, ("traffic",))
    return Verdict(*where, "kept", reading.value, why=reading.why)


def _readings(name: str, look: Look) -> list[Reading]:
    """Give what a rule is about: the reading of that name, or those of all columns, or of all metrics."""
    if name == "performance":
        return [one for one in look.readings if one.name in METRICS]
    of_columns = [one for one in look.readings if one.name.startswith(f"{name}:")]
    return of_columns or [one for one in look.readings if one.name == name]


def _breaks(rule: Rule, reading: Reading) -> bool:
    if not _can_be_told(reading):
        return False
    if rule.threshold is not None:
        return reading.value is not None and _surely(rule.threshold, reading)
    assert rule.level is not None
    return reading.outcome == "fail" and LEVELS.index(reading.level) >= LEVELS.index(rule.level)


def _surely(threshold: Threshold, reading: Reading) -> bool:
    """Whether a figure lies beyond a bound, and its interval too: of few labels chance alone takes the figure there."""
    figures = (reading.value, reading.low, reading.high)
    return all(threshold.holds(figure) for figure in figures if figure is not None)


def _is_unsure(rule: Rule, reading: Reading) -> bool:
    """Whether a figure lies beyond the bound of a rule, and its interval doesn't."""
    threshold, value = rule.threshold, reading.value
    if threshold is None or value is None or not _can_be_told(reading):
        return False
    return threshold.holds(value) and not _surely(threshold, reading)


def unsure(rules: Sequence[Rule], monitored: Monitored) -> list[str]:
    """Name what would ring in the last window, were it surer."""
    return [
        f"{reading.name} may be {rule.threshold}, and may not: {reading.why}. It does not ring before its interval is beyond the bound."
        for look in (monitored.current if monitored.looks else ())
        for rule in rules
        for reading in _readings(rule.name, look)
        if _is_unsure(rule, reading)
    ]


def _why(rule: Rule, reading: Reading) -> str:
    """Say what was seen; of several columns, of which."""
    if reading.name != rule.name:
        return f"{reading.name.partition(':')[2] or reading.name}: {reading.why}"
    return reading.why


def _any_known(rule: Rule, readings: Sequence[Reading], look: Look) -> bool:
    """Whether a rule that is not broken was kept: something of it could be told."""
    if readings:
        return any(_can_be_told(one) for one in readings)
    kind, _, column = rule.name.partition(":")
    return kind in _SIDES and any(_is_known(one.name, look) for one in _readings(f"drift:{column}" if column else "drift", look))  # fmt: skip


def _is_known(name: str, look: Look) -> bool:
    """Whether a reading can be told; of a column's quality, which is only read where it rings, whether the column can."""
    for one in look.readings:
        if one.name == name:
            return _can_be_told(one)
    kind, _, column = name.partition(":")
    return kind in _SIDES and bool(column) and _is_known(f"drift:{column}", look)


def _can_be_told(reading: Reading) -> bool:
    return reading.outcome != "inconclusive" or (reading.name == _COUNTED and reading.value is not None)
