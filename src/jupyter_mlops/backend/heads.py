"""The head of a chain: its last event, as the registered model says it, and as this machine has seen it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ..disk import write_whole
from ..errors import MlopsError, NotFound
from .adapter import Mlflow
from .events import Event, Stored

TAG = "mlops.audit.head"
_HEAD = re.compile(r"([1-9]\d{0,8}) ([0-9a-f]{64})")


@dataclass(frozen=True)
class Head:
    """Number and hash of an event."""

    number: int
    hash: str

    def __str__(self) -> str:
        return f"{self.number} {self.hash}"

    def is_in(self, chain: Sequence[Stored]) -> bool:
        """Whether the chain has this event in its place."""
        return self.number <= len(chain) and chain[self.number - 1].hash == self.hash


def parse(text: str) -> Head | None:
    """Read the tag of a model; None where it is no head."""
    match = _HEAD.fullmatch(text)
    return Head(int(match[1]), match[2]) if match else None


def of(mlflow: Mlflow, model: str) -> Head | None:
    """Ask the registered model for its head; None where it has none, or there is no such model."""
    return parse(_said(mlflow, model))


def move(mlflow: Mlflow, event: Event) -> None:
    """Let the model say that its chain ends with this event, unless it knows a later one."""
    said = _said(mlflow, event.model)
    head = parse(said)
    if said and not head:  # somebody has written there: it must stay to be seen
        return
    if head is None or head.number < event.number:
        with contextlib.suppress(NotFound):  # of a model that has been deleted only the events stay
            mlflow.write("set_registered_model_tag", event.model, TAG, f"{event.number} {event.hash}")


def _said(mlflow: Mlflow, model: str) -> str:
    try:
        return str(mlflow.read("get_registered_model", model).tags.get(TAG, ""))
    except NotFound:
        return ""


class Seen:
    """The heads that this machine has seen: who can write to MLflow can write a chain anew, but not these.

    A file for each model, so that two who write at once don't need to know of each other.

    Parameters
    ----------
    folder : Path
    server : str
        Which server; one folder serves for all of them.
    """

    def __init__(self, folder: Path, server: str) -> None:
        self._folder = folder
        self._server = server

    def models(self) -> list[str]:
        """List the models of the server whose chains were seen."""
        found = (_load(file) for file in self._folder.glob("*.json"))
        return sorted({str(each.get("model")) for each in found if each.get("server") == self._server})

    def head(self, model: str) -> Head | None:
        """Recall the last event that was seen of a model."""
        found = _load(self.file(model))
        return parse(f"{found.get('number')} {found.get('hash')}")

    def note(self, model: str, chain: Sequence[Stored]) -> None:
        """Remember how far a chain goes, if it goes on from what was seen."""
        before = self.head(model)
        if chain and (before is None or before.is_in(chain)):
            self._write(model, Head(len(chain), chain[-1].hash))

    def follow(self, event: Event) -> None:
        """Remember an event that was written right now, if it comes next."""
        before = self.head(event.model)
        if before == Head(event.number - 1, event.previous) or (before is None and event.number == 1):
            self._write(event.model, Head(event.number, event.hash))

    def file(self, model: str) -> Path:
        """Say where the head of a model is kept."""
        name = hashlib.sha256(f"{self._server}\n{model}".encode()).hexdigest()[:16]
        return self._folder / f"{name}.json"

    def _write(self, model: str, head: Head) -> None:
        file = self.file(model)
        with contextlib.suppress(MlopsError):  # a full disk must not stop the command
            write_whole(file, json.dumps({"server": self._server, "model": model, **asdict(head)}))


def _load(file: Path) -> dict[str, object]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
