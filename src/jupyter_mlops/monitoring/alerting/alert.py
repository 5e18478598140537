"""An alert, what was sent of it, and a silence: what is kept on this machine."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from ...result import plain

Event = Literal["fired", "worse", "recovered", "test"]


@dataclass(frozen=True)
class Delivery:
    """One message on its way to one place.

    Attributes
    ----------
    way : str
        ``log``, ``webhook``, ``email``, ``command``, or ``hook:NAME``.
    event : {"fired", "worse", "recovered", "test"}
    made : float
    state : {"waiting", "sent", "failed"}
        Failed is what was given up; what waits is tried again with the next look.
    tries : int
    why : str
        What the last try came to.
    at : float, optional
        When it was sent.
    """

    way: str
    event: Event
    made: float
    state: Literal["waiting", "sent", "failed"] = "waiting"
    tries: int = 0
    why: str = ""
    at: float | None = None


@dataclass(frozen=True)
class Alert:
    """One rule at one version of an endpoint, from when it rings until it has recovered.

    Attributes
    ----------
    id : str
    endpoint, model : str
    version : int
        0 where it is of the whole endpoint.
    rule : str
        Its name; ``asked`` is what it asks for.
    asked : str
    level : str
    value : float, optional
    why : str
    start, end : float
        The window in which it began to ring.
    opened : float
        When that was seen.
    last : float
        The end of the last window in which it rang.
    about : tuple of str
        The readings that rang.
    worse : float, optional
        When it has become major, having begun as minor.
    recovered : float, optional
    ending : str
        What ended it.
    deliveries : tuple of Delivery
    """

    id: str
    endpoint: str
    model: str
    version: int
    rule: str
    asked: str
    level: str
    value: float | None
    why: str
    start: float
    end: float
    opened: float
    last: float
    about: tuple[str, ...] = ()
    worse: float | None = None
    recovered: float | None = None
    ending: str = ""
    deliveries: tuple[Delivery, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it has not recovered."""
        return self.recovered is None

    @property
    def who(self) -> str:
        """What it is about."""
        return f"{self.model}/{self.version}" if self.version else "the endpoint"

    def told(self, event: Event) -> bool:
        """Whether something of this was made to be sent."""
        return any(one.event == event for one in self.deliveries)

    @classmethod
    def read(cls, said: dict[str, Any]) -> Self:
        """Read what was stored."""
        deliveries = tuple(Delivery(**one) for one in said.pop("deliveries"))
        return cls(**{**said, "about": tuple(said["about"]), "deliveries": deliveries})


@dataclass(frozen=True)
class Silence:
    """A rule that rings and is not told, until then.

    Attributes
    ----------
    rule : str
    until, since : float
    reason, who : str
    """

    rule: str
    until: float
    since: float
    reason: str
    who: str


@dataclass(frozen=True)
class Streak:
    """Windows in a row in which a rule was broken.

    Attributes
    ----------
    ends : tuple of float
        Where those that count end; another counts only from the last one on.
    judged : float
        Where the newest window ends that was looked at.
    about : tuple of str
        The readings that broke it.
    """

    ends: tuple[float, ...] = ()
    judged: float = 0.0
    about: tuple[str, ...] = ()

    @property
    def end(self) -> float:
        """Where the last one ends."""
        return self.ends[-1] if self.ends else 0.0

    def before(self, start: float) -> Streak:
        """Give what it was before a moment: what came since is looked at again."""
        ends = tuple(end for end in self.ends if end <= start)
        return Streak(ends, min(self.judged, start), self.about if ends else ())


@dataclass(frozen=True)
class Book:
    """All that is kept of an endpoint's alerts.

    Attributes
    ----------
    looked : float, optional
        When the monitor last looked.
    seen : dict of str to float
        When each version has last answered.
    streaks : dict of str to Streak
    alerts : tuple of Alert
        The oldest first.
    silences : tuple of Silence
    """

    looked: float | None = None
    seen: dict[str, float] = field(default_factory=dict)
    streaks: dict[str, Streak] = field(default_factory=dict)
    alerts: tuple[Alert, ...] = ()
    silences: tuple[Silence, ...] = ()

    def with_alert(self, alert: Alert) -> Book:
        """Put an alert in the place of what it was, or at the end."""
        known = {one.id: one for one in self.alerts} | {alert.id: alert}
        return replace(self, alerts=tuple(known.values()))

    def open_of(self, rule: str, who: str) -> Alert | None:
        """Give the open alert of a rule at a version."""
        return next((one for one in self.alerts if one.is_open and (one.rule, one.who) == (rule, who)), None)

    def silence_of(self, rule: str, now: float) -> Silence | None:
        """Give the silence that a rule is under."""
        held = [one for one in self.silences if one.rule in (rule, "all") and one.since <= now < one.until]
        return max(held, key=lambda one: one.until, default=None)

    def to_dict(self) -> dict[str, Any]:
        """Give plain data."""
        return dict(plain(self))

    @classmethod
    def read(cls, said: dict[str, Any]) -> Self:
        """Read what ``to_dict`` has given."""
        return cls(
            said["looked"],
            dict(said["seen"]),
            {
                key: Streak(tuple(one["ends"]), one["judged"], tuple(one["about"]))
                for key, one in said["streaks"].items()
            },
            tuple(Alert.read(dict(one)) for one in said["alerts"]),
            tuple(Silence(**one) for one in said["silences"]),
        )
