"""What the registry commands return."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ..display import Badge, Card, Cell, Link, Table, Time, View
from ..entities import ModelRef, typed
from ..result import Result
from .gate import TONES, Gate

if TYPE_CHECKING:
    import pandas as pd

    from ..backend.events import Event

HELD: Final = "held by the server's guard: no client gets past it"
ADVISORY: Final = (
    "advisory: the server has no guard, and another client can move the alias without it ([guard] in mlops.toml)"
)


@dataclass(frozen=True, repr=False)
class Registered(Result):
    """A version of a registered model, newly made or found."""

    name: str
    version: int
    is_new: bool
    alias: str | None
    run: str
    url: str
    dry_run: bool = False
    is_signed: bool = False

    @property
    def ref(self) -> ModelRef:
        """The version, as other commands take it."""
        return ModelRef(self.name, version=self.version)

    @property
    def stands_for(self) -> dict[str, Any]:
        """The version."""
        return {"model": self.name, "version": self.version}

    def view(self) -> View:
        """Draw which version it is and what comes next."""
        state = "would be new" if self.dry_run else "new" if self.is_new else "was registered before"
        facts: list[tuple[str, Cell]] = [("run", self.run)]
        if self.alias:
            facts.append(("alias", f"{self.name}@{self.alias}"))
        if self.is_signed:
            facts.append(("signed", "by the key of this project"))
        facts.append(("MLflow", Link("open the version", self.url)))
        target = f"{self.name}@{self.alias}" if self.alias else f"{self.name}/{self.version}"
        return Card(
            f"{self.name}/{self.version}",
            Badge(state, "good" if self.is_new and not self.dry_run else "idle"),
            facts,
            next="" if self.alias == "champion" else f"%mlops promote {typed(target)}",
        )


@dataclass(frozen=True, repr=False)
class Change(Result):
    """An alias that moves: from which version to which, what the gate says of it, and which endpoints follow.

    ``guarded`` says of a promotion whether the server holds the gate itself, against whatever client.
    """

    action: str
    name: str
    alias: str
    before: int | None
    after: int
    gate: Gate | None
    done: bool
    why: str = ""
    forced: bool = False
    followers: tuple[str, ...] = ()
    guarded: bool | None = None

    @property
    def ok(self) -> bool:
        """Whether it moved, or may move."""
        return self.done or self.gate is None or self.gate.outcome == "pass" or self.before == self.after

    @property
    def ref(self) -> ModelRef:
        """The version that the alias points to afterwards."""
        return ModelRef(self.name, version=self.after)

    @property
    def stands_for(self) -> dict[str, Any]:
        """The version."""
        return {"model": self.name, "version": self.after}

    def to_dict(self) -> dict[str, Any]:
        """Give plain data, with what the gate came to."""
        return super().to_dict() | {"outcome": self.gate.outcome if self.gate else None}

    def view(self) -> View:
        """Draw from → to, the gate, and what comes next."""
        if self.before == self.after:
            badge = Badge("nothing to do", "idle")
        elif self.done:
            badge = Badge("forced" if self.forced else "done", "warn" if self.forced else "good")
        else:
            badge = Badge(
                f"dry run: {self.gate.outcome if self.gate else 'ready'}",
                TONES[self.gate.outcome] if self.gate else "idle",
            )
        before = f"{self.name}/{self.before}" if self.before else "no version"
        facts: list[tuple[str, Cell]] = [(f"@{self.alias}", f"{before} → {self.name}/{self.after}")]
        if self.why:
            facts.append(("why", self.why))
        if self.followers:
            facts.append(("followed", f"by the endpoint{'s' * (len(self.followers) > 1)} {', '.join(self.followers)}"))
        if self.guarded is not None:
            facts.append(("the gate is", HELD if self.guarded else ADVISORY))
        deploy = f"%mlops deploy {typed(f'{self.name}@{self.alias}')}"
        return Card(
            f"{self.action.capitalize()} {self.name}",
            badge,
            facts,
            tables=[self.gate.table()] if self.gate else [],
            next=("%mlops endpoints" if self.followers else deploy) if self.done else "",
        )


@dataclass(frozen=True, repr=False)
class Approved(Result):
    """An approval of a version, and what its gate asks for."""

    name: str
    version: int
    by: tuple[str, ...]
    wanted: int
    is_new: bool
    dry_run: bool = False

    @property
    def ref(self) -> ModelRef:
        """The version."""
        return ModelRef(self.name, version=self.version)

    @property
    def stands_for(self) -> dict[str, Any]:
        """The version."""
        return {"model": self.name, "version": self.version}

    def view(self) -> View:
        """Draw who has approved, and what an approval is worth."""
        badge = (
            Badge("dry run", "idle") if self.dry_run else Badge("approved" if self.is_new else "was approved", "good")
        )
        asked = f"{self.wanted} by another person" if self.wanted else "none: approvals = 1 in the gate asks for one"
        facts: list[tuple[str, Cell]] = [
            ("by", ", ".join(self.by)),
            ("the gate asks for", asked),
            ("note", "advice among colleagues: without a server that authenticates, a name can be set"),
        ]
        return Card(str(self.ref), badge, facts, next=f"%mlops promote {typed(self.ref)}")


@dataclass(frozen=True, repr=False)
class Audit(Result):
    """What was done to a model, by whom and why; newest last.

    ``ends`` says, of chains that were verified, with which event each ends: its number and its hash. Kept elsewhere,
    it proves later that nothing before was changed.
    """

    name: str | None
    events: tuple[Event, ...]
    verified: bool
    ends: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.events)

    def frame(self) -> pd.DataFrame:
        """Give a row for each event."""
        import dataclasses

        import pandas as pd

        frame = pd.DataFrame([dataclasses.asdict(event) for event in self.events])
        if len(frame):
            frame["time"] = pd.to_datetime(frame["time"], unit="s", utc=True)
        return frame

    def view(self) -> View:
        """Draw the events."""
        return self.table()

    def table(self, *, exact: bool = False) -> Table:
        """Draw the events; ``exact`` writes times that are true whenever they are read."""
        rows: list[Sequence[Cell]] = [
            (
                f"{e.model} {e.number}" if self.name is None else e.number,
                Time(e.time, exact),
                e.who,
                Badge(f"{e.action}, forced", "warn") if e.is_forced else e.action,
                move(e),
                e.because,
                e.where,
            )
            for e in self.events
        ]
        return Table(
            ("#", "when", "who", "what", "from → to", "why and evidence", "where"),
            rows,
            title=f"Audit of {self.name}" if self.name else "Audit",
            empty="Nothing has been done to a model yet.",
            note=self._note(),
        )

    def _note(self) -> str:
        if not self.verified:
            return "%mlops audit --verify checks the chain."
        said = "Verified: no event was changed, is missing or stands elsewhere."
        if self.name in self.ends:
            number, _, hashed = self.ends[self.name].partition(" ")
            said += f" Event {number} has the hash {hashed}."
        return said


def move(event: Event) -> str:
    """Say from where to where something went: ``@champion 1 → 2``."""
    before = f"{event.before} → " if event.before else ""
    return f"{'@' + event.alias + ' ' if event.alias else ''}{before}{event.after}"


def key(name: str) -> str:
    """Write a name as a key of TOML."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else f'"{name}"'
