"""What is told of an alert: plain data, the same in every place, and its text. It holds what the report says, and no rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ...display import span
from ...display.views import figure
from ...entities import typed
from ...result import plain
from .alert import Alert, Event

_LONGEST = 500


@dataclass(frozen=True)
class Message:
    """One thing that is told.

    Attributes
    ----------
    id : str
        The same each time that it is sent: who gets it twice knows it by this.
    event : {"fired", "worse", "recovered", "test"}
    alert : Alert
    project : str
        The experiment of the project.
    """

    id: str
    event: Event
    alert: Alert
    project: str

    @classmethod
    def of(cls, alert: Alert, event: Event, project: str) -> Message:
        """Tell of an alert."""
        return cls(f"{alert.id}-{event}", event, alert, project)

    @property
    def subject(self) -> str:
        """Give a line."""
        alert = self.alert
        whose = "" if not alert.version else f" of {alert.who}"
        said = {
            "worse": f"{alert.rule}{whose} has become worse ({alert.level})",
            "fired": f"{alert.rule}{whose} rings ({alert.level})",
            "recovered": f"{alert.rule}{whose} has recovered",
        }
        return f"{alert.endpoint}: {said.get(self.event, 'a test, nothing rings')}"

    @property
    def text(self) -> str:
        """Give a few lines: what was seen, when, and what to do."""
        alert = self.alert
        when = f"from {_utc(alert.start)} to {_utc(alert.last if alert.is_open else alert.recovered or alert.last)}"
        lines = [self.subject, "", f"what: {_cut(alert.why)}"]
        if self.event == "recovered":
            lines = [self.subject, "", f"now: {_cut(alert.ending)}", f"was: {_cut(alert.why)}"]
        lines += [f"rule: {alert.rule} = {alert.asked!r}", f"when: {when}", f"project: {self.project}"]
        return "\n".join([*lines, "", f"next: {self.next}", f"id: {self.id}"])

    @property
    def next(self) -> str:
        """Say what to do."""
        return f"%mlops monitor {typed(self.alert.endpoint)}"

    def to_dict(self) -> dict[str, Any]:
        """Give what is posted, and given to a command."""
        alert = self.alert
        return {
            "id": self.id,
            "event": self.event,
            "subject": self.subject,
            "endpoint": alert.endpoint,
            "model": alert.model,
            "version": alert.version or None,
            "rule": alert.rule,
            "asked": alert.asked,
            "level": alert.level,
            "value": plain(alert.value),
            "why": _cut(alert.why),
            "ending": _cut(alert.ending),
            "start": _utc(alert.start),
            "end": _utc(alert.last),
            "opened": _utc(alert.opened),
            "recovered": None if alert.recovered is None else _utc(alert.recovered),
            "project": self.project,
            "next": self.next,
        }


def line_of(message: Message) -> str:
    """Give one line for a log."""
    alert = message.alert
    said = alert.ending if message.event == "recovered" else alert.why
    return f"{message.subject}: {_cut(said)} (rule {alert.asked!r}, value {figure(alert.value)}, for {span(max(0.0, alert.last - alert.start))}, id {message.id})"  # fmt: skip


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _LONGEST else f"{flat[: _LONGEST - 1]}…"


def _utc(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
