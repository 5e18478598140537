"""What ``alerts`` and ``--test-alert`` return."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...display import Badge, Card, Cell, Table, View
from ...display.views import ago, span
from ...entities import typed
from ...result import Result
from .alert import Alert, Delivery, Silence
from .sending import Came

if TYPE_CHECKING:
    import pandas as pd

_MOST = 20


@dataclass(frozen=True)
class Told:
    """An alert and what holds it.

    Attributes
    ----------
    alert : Alert
    silence : Silence, optional
        What keeps it from being told right now.
    """

    alert: Alert
    silence: Silence | None = None

    @property
    def badge(self) -> Badge:
        """Say in a word how it is."""
        if not self.alert.is_open:
            return Badge("recovered", "good")
        if self.silence is not None:
            return Badge("silenced", "idle")
        return Badge(self.alert.level, "warn" if self.alert.level == "minor" else "bad")

    def named(self, *, with_endpoint: bool) -> str:
        """Say what rings by which rule: ``drift of tumour/1 (major)``."""
        where = f"{self.alert.endpoint}: " if with_endpoint else ""
        return f"{where}{self.alert.rule} of {self.alert.who} ({self.alert.asked})"

    @property
    def done(self) -> str:
        """Say what was done about it."""
        parts = [f"silenced for {span(max(0.0, self.silence.until - time.time()))} more by {self.silence.who}: {self.silence.reason}"] if self.silence and self.alert.is_open else []  # fmt: skip
        newest = self.alert.deliveries[-1].event if self.alert.deliveries else ""
        mine = [one for one in self.alert.deliveries if one.event == newest]
        for said, chosen in (("sent to", "sent"), ("not yet to", "waiting"), ("given up to", "failed")):
            found = [_way(one) for one in mine if one.state == chosen]
            parts += [f"{said} {', '.join(found)}"] if found else []
        if not self.alert.is_open:
            parts = [f"over: {self.alert.ending}", *parts]
        return "; ".join(parts) or "told nobody"


@dataclass(frozen=True, repr=False, eq=False)
class Alerts(Result):
    """What rang, and what was done about it.

    Attributes
    ----------
    endpoint : str
        Empty for all.
    alerts : tuple of Told
        What rings first, then the newest.
    silences : tuple of Silence
        Those under way.
    silenced : Silence, optional
        What was asked for now.
    dry_run : bool
    notes : tuple of str
    """

    endpoint: str
    alerts: tuple[Told, ...]
    silences: tuple[Silence, ...] = ()
    silenced: Silence | None = None
    dry_run: bool = False
    notes: tuple[str, ...] = ()

    @property
    def ringing(self) -> tuple[Told, ...]:
        """Those that have not recovered."""
        return tuple(one for one in self.alerts if one.alert.is_open)

    @property
    def ok(self) -> bool:
        """Whether nothing rings; what is silenced rings too."""
        return not self.ringing

    def __iter__(self) -> Any:
        return iter(self.alerts)

    def __len__(self) -> int:
        return len(self.alerts)

    def __bool__(self) -> bool:
        return self.ok

    def frame(self) -> pd.DataFrame:
        """Give a row for each alert."""
        import pandas as pd

        names = (
            "endpoint",
            "model",
            "version",
            "rule",
            "asked",
            "level",
            "value",
            "why",
            "opened",
            "recovered",
            "ending",
        )
        rows = [{name: getattr(one.alert, name) for name in names} | {"done": one.done} for one in self.alerts]
        found = pd.DataFrame(rows, columns=[*names, "done"])
        for name in ("opened", "recovered"):
            found[name] = pd.to_datetime(found[name].astype(float), unit="s", utc=True)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Give plain data."""
        return {"ringing": len(self.ringing), **super().to_dict()}

    def view(self) -> View:
        """Draw the card: what rings, since when, why, and what was done about it."""
        ringing = len(self.ringing)
        badge = Badge(f"{ringing} ring" if ringing != 1 else "1 rings", "bad") if ringing else Badge("nothing rings", "good")  # fmt: skip
        facts: list[tuple[str, Cell]] = []
        if self.silenced is not None:
            facts.append(("would silence" if self.dry_run else "silenced", _silence(self.silenced)))
        facts += [("silence", _silence(one)) for one in self.silences if one != self.silenced]
        facts += [("note", note) for note in self.notes]
        several = len({one.alert.endpoint for one in self.alerts}) > 1
        rows: list[tuple[Cell, ...]] = [
            (one.badge, one.named(with_endpoint=several), f"{ago(one.alert.opened)}: {one.alert.why} – {one.done}")
            for one in self.alerts[:_MOST]
        ]
        table = Table(
            ("state", "rule", "when, why, and what was done"),
            rows,
            empty="Nothing has rung. %mlops monitor ENDPOINT looks, by the rules in [monitor.ENDPOINT] of mlops.toml.",
            note=f"{len(self.alerts) - _MOST} more: .frame()" if len(self.alerts) > _MOST else "",
            sentences=True,
        )
        first = next(iter(self.ringing), None)
        step = "" if first is None else f"%mlops monitor {typed(first.alert.endpoint)}"
        title = f"Alerts of {self.endpoint}" if self.endpoint else "Alerts"
        return Card(title, badge, facts, tables=[table], next=step)


@dataclass(frozen=True, repr=False, eq=False)
class Tested(Result):
    """A test that was sent by each way.

    Attributes
    ----------
    endpoint : str
    ways : tuple of Came
    """

    endpoint: str
    ways: tuple[Came, ...]

    @property
    def ok(self) -> bool:
        """Whether it got through everywhere."""
        return bool(self.ways) and all(came.sent for came in self.ways)

    def view(self) -> View:
        """Draw what came of it."""
        rows: list[tuple[Cell, ...]] = [
            (came.way, Badge("sent", "good") if came.sent else Badge("not sent", "bad"), came.why) for came in self.ways
        ]
        table = Table(
            ("way", "state", "why"), rows, empty='No way is set up: alert = ["log"] in mlops.toml.', sentences=True
        )
        badge = Badge("all sent", "good") if self.ok else Badge("not all sent", "bad")
        failed = next((came.way for came in self.ways if not came.sent), "")
        step = f"mend [alerts.{failed}] in mlops.toml, then %mlops monitor {typed(self.endpoint)} --test-alert" if failed else ""  # fmt: skip
        return Card(f"A test alert of {self.endpoint}", badge, (), tables=[table], next=step)


def sorted_of(alerts: list[Told]) -> tuple[Told, ...]:
    """Put what rings first, and then the newest."""
    return tuple(sorted(alerts, key=lambda one: (not one.alert.is_open, one.silence is not None, -one.alert.opened)))


def _way(one: Delivery) -> str:
    tried = f" after {one.tries} tries" if one.tries > 1 else ""
    return f"{one.way} ({one.why}{tried})" if one.why else one.way


def _silence(one: Silence) -> str:
    left = one.until - time.time()
    when = "ended" if left <= 0 else f"for {span(left)} more"
    return f"{one.rule}, {when}, by {one.who}: {one.reason}"
