"""The event: what was done to a model, as it is written, hashed and read again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow.entities import Run

MODEL, EVENT, HASH = "mlops.model", "mlops.event", "mlops.hash"
"""The tags of a run that is an event."""

RENAMED, MODEL_DELETED = "model renamed outside", "model deleted outside"
ALIAS_MOVED = "alias moved outside"
VERSION_MADE, VERSION_DELETED = "version from outside", "version deleted outside"
MADE = ("register", "import", VERSION_MADE)
"""The actions after which there is a version of that number."""

SOMEBODY = "somebody else"
"""Who did what was done without us."""

FORCED = " (forced)"
"""How the evidence of a promotion ends that the gate has not let through."""

_UNREADABLE = "unreadable"
_LAST_TIME = 253_402_300_799.0  # the end of the year 9999


@dataclass(frozen=True)
class Event:
    """What was done to a model.

    Attributes
    ----------
    number : int
        Its place in the model's chain, from 1.
    model, action : str
        What was done to what: ``register``, ``promote``, ``rollback``, ``deploy`` …
    alias, before, after : str
        Which alias moved, from which version to which; empty where that does not apply.
    why, evidence : str
        The reason given, and what the decision stood on.
    who, where : str
        Person and place.
    time : float
        Seconds since the epoch, by the clock of whoever acted.
    previous : str
        The hash of the event before.
    """

    number: int
    model: str
    action: str
    alias: str
    before: str
    after: str
    why: str
    evidence: str
    who: str
    where: str
    time: float
    previous: str

    @property
    def text(self) -> str:
        """The event as it is stored and hashed: JSON with sorted keys."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @property
    def hash(self) -> str:
        """SHA-256 of the text."""
        return _hash(self.text)

    @property
    def because(self) -> str:
        """The reason that was given, and what it stood on: one does not stand in for the other."""
        return " · ".join(filter(None, (self.why, self.evidence)))

    @property
    def is_forced(self) -> bool:
        """Whether it is a promotion that the gate has not let through."""
        return self.action == "promote" and self.evidence.endswith(FORCED)


@dataclass(frozen=True)
class Stored:
    """An event as the server has it.

    Attributes
    ----------
    model : str
        In whose chain it stands.
    event : Event
    hash, text : str
        As they are stored; whether they fit is for whoever checks.
    run_id : str
    started : float
        When its run began, in seconds since the epoch.
    is_confirmed : bool
        Whether it is part of the chain, and not just being written.
    """

    model: str
    event: Event
    hash: str
    run_id: str
    text: str
    started: float
    is_confirmed: bool

    @classmethod
    def of(cls, run: Run, model: str) -> Stored:
        """Read an event; what somebody has changed into something else has the number 0."""
        text, started = run.data.tags.get(EVENT, ""), (run.info.start_time or 0) / 1000
        event = _read(text) or Event(0, model, _UNREADABLE, "", "", "", "", "", "", "", started, "")
        is_confirmed = run.info.status == "FINISHED"
        return cls(model, event, run.data.tags.get(HASH, ""), run.info.run_id, text, started, is_confirmed)

    @property
    def is_readable(self) -> bool:
        """Whether it still is an event."""
        return self.event.number > 0

    @property
    def is_intact(self) -> bool:
        """Whether its text is the one that was hashed, and of this model."""
        is_whole = self.text == self.event.text and _hash(self.text) == self.hash
        return self.is_readable and is_whole and self.event.model == self.model


def number_of(text: object) -> int | None:
    """Read the number of a version; None where it is none."""
    written = str(text)
    return int(written) if written.isascii() and written.isdigit() and len(written) < 10 else None


def _read(text: str) -> Event | None:
    """Read an event strictly: whoever works with it trusts the types."""
    from pydantic import ValidationError

    try:
        event = _adapter().validate_json(text, strict=True)
    except ValidationError:
        return None
    return event if event.number > 0 and 0 <= event.time <= _LAST_TIME else None


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Event)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
