"""What a look at an endpoint returns: windows over time, each version in each, and the last one in full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from ..display import Badge, Card, Cell, Picture, Table, Time, View, span
from ..errors import NotFound
from ..result import Result
from .card import badge_of, facts_of, pictures_of, table_of
from .readings import Level, Outcome, Reading, worst
from .results import OKAY, Column, DriftReport

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from .alerting.alert import Alert
    from .performance.kept import Performance
    from .performance.performed import Performed
    from .slicing import Slice

_OF_TIME: Final = ("stale:", "repeats")
_TONES: Final[dict[str, Any]] = {"fail": "bad", "pass": "good", "inconclusive": "warn"}


@dataclass(frozen=True)
class Look:
    """One version in one window.

    Attributes
    ----------
    start, end : float
        In seconds since the epoch; ``end`` is exclusive.
    model : str
    version : int
        0 where nobody has answered.
    arm : str
        ``champion``, ``canary`` or ``shadow``.
    rows : int
    readings : tuple of Reading
    drift : DriftReport, optional
        Beside the version's profile; None where it has none.
    beside : DriftReport, optional
        Of a canary or a shadow: beside the champion in the same time.
    performance : Performed, optional
        By the labels that have come, and estimated without them.
    slices : tuple of Slice
        The drift of each slice, where that was asked for.
    """

    start: float
    end: float
    model: str
    version: int
    arm: str
    rows: int
    readings: tuple[Reading, ...]
    drift: DriftReport | None = field(default=None, repr=False)
    beside: DriftReport | None = field(default=None, repr=False)
    performance: Performed | None = field(default=None, repr=False)
    slices: tuple[Slice, ...] = field(default=(), repr=False)

    @property
    def name(self) -> str:
        """Who has answered."""
        return f"{self.model}/{self.version}" if self.version else "nobody"

    @property
    def outcome(self) -> Outcome:
        """Of the drift; traffic and what the canary is like beside are told, but for rules to judge."""
        return self.reading("drift").outcome

    @property
    def level(self) -> Level:
        """Of the drift."""
        return self.reading("drift").level

    def reading(self, name: str) -> Reading:
        """Give a reading by its name."""
        for one in self.readings:
            if one.name == name:
                return one
        raise NotFound(f"There is no reading {name!r} of this window.", "report.readings")


@dataclass(frozen=True, repr=False, eq=False)
class Monitored(Result):
    """An endpoint over time.

    Attributes
    ----------
    endpoint : str
    window : float
        How long a window is, in seconds.
    looks : tuple of Look
        By time; in each window the champion first.
    notes : tuple of str
    read_rows : int
        How many rows had to be read from the log: those that are new since the last look.
    last : float, optional
        When the newest prediction was asked for.
    history : str
        Where the windows are kept.
    alerts : tuple of Alert
        What rings, by the rules in mlops.toml.
    """

    endpoint: str
    window: float
    looks: tuple[Look, ...]
    notes: tuple[str, ...] = ()
    read_rows: int = 0
    last: float | None = None
    history: str = ""
    alerts: tuple[Alert, ...] = ()

    @property
    def current(self) -> tuple[Look, ...]:
        """Those of the last window."""
        return tuple(look for look in self.looks if look.end == self.looks[-1].end)

    @property
    def readings(self) -> tuple[Reading, ...]:
        """All readings of all windows."""
        return tuple(reading for look in self.looks for reading in look.readings)

    @property
    def outcome(self) -> Outcome:
        """Of the last window."""
        return worst([look.outcome for look in self.current])

    @property
    def ok(self) -> bool | None:
        """Of the last window. False: drift. None: inconclusive."""
        return OKAY[self.outcome]

    @property
    def report(self) -> DriftReport:
        """The last window, of what answers."""
        for look in self.current:
            if look.drift is not None:
                return look.drift
        raise NotFound(f"The last window of {self.endpoint} has nothing to draw: {self.current[0].readings[0].why}.")

    @property
    def performance(self) -> Performance:
        """How what answers has performed, window by window: ``.frame()``, ``.plot("accuracy")``."""
        from .performance.summary import over_looks

        return over_looks(self.looks)

    @property
    def slices(self) -> pd.DataFrame:
        """How what answers has performed and drifted in the last window, by the values of the columns that ``--slice`` names."""
        from .performance.summary import slice_frame

        return slice_frame(self.current)

    def __getitem__(self, name: str) -> Column:
        return self.report[name]

    def plot(self, name: str | None = None) -> Figure:
        """Draw a column in the last window; without a name the windows over time."""
        from .pictures import over_time

        return self.report.plot(name) if name is not None else over_time(self)

    def frame(self) -> pd.DataFrame:
        """Give a row for each reading of each window."""
        import pandas as pd

        names = ("start", "end", "endpoint", "model", "version", "name", "value", "level", "outcome", "why")
        rows = [{name: getattr(reading, name) for name in names} for reading in self.readings]
        found = pd.DataFrame(rows, columns=list(names))
        for name in ("start", "end"):
            found[name] = pd.to_datetime(found[name], unit="s", utc=True)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Give plain data."""
        return {"outcome": self.outcome, **super().to_dict()}

    def view(self) -> View:
        """Draw it: the last window in full, and all of them over time."""
        main = next((look for look in self.current if look.drift is not None), self.current[0])
        facts: list[tuple[str, Cell]] = [("window", _when(main.start, main.end))]
        if self.last is not None:
            facts.append(("last prediction", Time(self.last)))
        facts.append(("answered by", ", ".join(f"{look.name} ({look.arm}): {look.rows:,} rows" for look in self.current if look.version) or "nobody"))  # fmt: skip
        facts += facts_of(main.drift) if main.drift is not None else [("why", main.readings[0].why)]
        traffic = [reading for look in self.current[:1] for reading in look.readings if reading.name == "traffic"]
        facts += [("traffic", reading.why) for reading in traffic if ("why", reading.why) not in facts]
        facts += [(one.name.replace(":", " "), one.why) for one in main.readings if one.name.startswith(_OF_TIME) and one.outcome == "fail"]  # fmt: skip
        facts += [
            (f"{look.name} beside {look.beside.reference}", _beside(look))
            for look in self.current
            if look.beside is not None
        ]
        facts += [("rings", f"{one.rule} of {one.who}: {_short(one)}") for one in self.alerts]
        facts += [("history", self.history)] if self.history else []
        facts += [("note", note) for note in self.notes]
        tables = [table_of(main.drift)] if main.drift is not None else []
        if main.performance is not None:
            from .performance import summary

            facts += summary.facts_of(self.performance, main.performance)
            tables += [summary.table_of(main.performance), *summary.slices_of(main.performance)]
        tables += [*_sliced(main), *([_others(self.current, main)] if len(self.current) > 1 else [])]
        pictures: list[Picture] = pictures_of(main.drift) if main.drift is not None else []
        if len({look.start for look in self.looks}) > 1:
            from ..display.plots import picture
            from .pictures import over_time

            pictures = [picture(over_time(self), f"{self.endpoint} over time"), *pictures]
        if main.performance is not None:
            pictures = [*pictures, *summary.pictures_of(self.performance, main.performance)]
        worse = main.performance is not None and summary.is_worse(main.performance)
        badge = badge_of(main.drift) if main.drift is not None else Badge("inconclusive", "warn")
        badge = Badge(f"{badge.text}, and it performs worse", "bad") if worse else badge
        drifted = main.drift.drifted if main.drift is not None else ()
        step = f'report["{drifted[0]}"].why' if drifted else ""
        return Card(f"{self.endpoint}, monitored", badge, facts, tables=tables, pictures=pictures, tables_first=True, next=step)  # fmt: skip


def _sliced(look: Look) -> Iterator[Table]:
    for column in dict.fromkeys(each.column for each in look.slices):
        rows: list[tuple[Cell, ...]] = [
            (each.value, each.drift.rows, Badge(each.drift.outcome, _TONES[each.drift.outcome]), each.why)
            for each in look.slices
            if each.column == column
        ]
        names = (column, "rows", "outcome", "drift from the same slice in the week before")
        yield Table(names, rows, title=f"Drift by {column}", sentences=True)


def _others(looks: Sequence[Look], main: Look) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (look.name, look.arm, look.rows, Badge(look.outcome, _TONES[look.outcome]), look.reading("drift").why)
        for look in looks
        if look is not main
    ]
    return Table(
        ("version", "role", "rows", "outcome", "drift from its own profile"), rows, title="Beside it", sentences=True
    )


def _beside(look: Look) -> str:
    return look.reading("beside").why


def _short(alert: Alert) -> str:
    """Say what rings; how columns have moved is in the table."""
    if alert.rule != "drift" or not alert.about:
        return alert.why
    return ", ".join(name.removeprefix("drift:") for name in alert.about)


def _when(start: float, end: float) -> str:
    begin, until = (datetime.fromtimestamp(at).astimezone() for at in (start, end))
    return f"{begin:%Y-%m-%d %H:%M} to {until:%H:%M} ({span(end - start)})"
