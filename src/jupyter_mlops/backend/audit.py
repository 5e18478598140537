"""The audit: one event for each change of a model, kept on the MLflow server and chained by hash.

An event is a run of the experiment ``mlops-audit``: made in one request, visible in MLflow's own
UI, readable without us. Each carries the hash of the one before it, so that a changed, missing or
reordered event is found; the registered model carries the last hash, so that a missing end is too.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from ..entities import typed
from ..errors import Conflict, MlopsError, NotFound
from . import experiments
from .adapter import Mlflow

if TYPE_CHECKING:
    from mlflow.entities import Run

EXPERIMENT = "mlops-audit"
_HEAD = "mlops.audit.head"
_TRIES = 12
_PENDING_SECONDS = 60.0  # an event that was not confirmed for so long is of a writer that died


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
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class Stored:
    """An event as the server has it, with the hash that was stored beside it."""

    event: Event
    hash: str
    run_id: str


def read(mlflow: Mlflow, model: str, *, pending: bool = False) -> list[Stored]:
    """Read the chain of a model, oldest first; with ``pending``, those too that are being written right now."""
    experiment = experiments.experiment_id(mlflow, EXPERIMENT, create=False)
    found = []
    token = None
    while experiment is not None:
        page = mlflow.read(
            "search_runs",
            [experiment],
            filter_string=f"tags.`mlops.model` {experiments.equals(model)}",
            max_results=1000,
            page_token=token,
        )
        found += [_stored(run, model) for run in page if run.info.status == "FINISHED" or pending]
        token = page.token
        if not token:
            break
    return sorted(found, key=lambda stored: (stored.event.number, stored.event.time))


def read_all(mlflow: Mlflow) -> dict[str, list[Stored]]:
    """Read the chains of all models by their names, those of deleted models too."""
    experiment = experiments.experiment_id(mlflow, EXPERIMENT, create=False)
    runs = experiments.search(mlflow, experiment, "attributes.status = 'FINISHED'", most=100_000)
    names = sorted({run.data.tags["mlops.model"] for run in runs if "mlops.model" in run.data.tags})
    return {name: read(mlflow, name) for name in names}


def append(
    mlflow: Mlflow,
    model: str,
    action: str,
    *,
    who: str,
    where: str,
    alias: str = "",
    before: str = "",
    after: str = "",
    why: str = "",
    evidence: str = "",
) -> Event:
    """Add an event to the chain of a model.

    An event is written first and confirmed when nobody else has written one of the same number; two
    who write at once both see it, take theirs back and try again. Nobody links to what is not confirmed,
    so the chain has no fork.

    Raises
    ------
    Conflict
        Where others keep writing.
    """
    experiment = experiments.experiment_id(mlflow, EXPERIMENT)
    for attempt in range(_TRIES):
        chain = read(mlflow, model)
        number, previous = (chain[-1].event.number, chain[-1].hash) if chain else (0, "")
        head, _, hashed = _head(mlflow, model).partition(" ")
        if head and int(head) > number:  # the end was taken away: the gap must stay to be seen
            number, previous = int(head), hashed
        number += 1
        event = Event(
            number,
            model,
            action,
            alias,
            before,
            after,
            why,
            evidence,
            who,
            where,
            round(time.time(), 3),
            previous,
        )
        tags = {"mlops.model": model, "mlops.event": event.text, "mlops.hash": event.hash}
        run = mlflow.write("create_run", experiment, tags=tags, run_name=f"{model} {number}: {action}")
        try:
            if not _has_rival(mlflow, model, number, run.info.run_id):
                mlflow.write("set_terminated", run.info.run_id)
                _set_head(mlflow, model, event)
                return event
        except BaseException:  # an interrupt: what is not confirmed must not stay in the way
            with contextlib.suppress(MlopsError):
                if mlflow.read("get_run", run.info.run_id).info.status != "FINISHED":
                    mlflow.write("delete_run", run.info.run_id)
            raise
        mlflow.write("delete_run", run.info.run_id)
        time.sleep(random.uniform(0.05, 0.2) * (attempt + 1))  # noqa: S311 - chance, not secrecy
    raise Conflict(f"Others keep changing {model}; nothing was done.", f"%mlops audit {typed(model)}, then try again")


def faults(mlflow: Mlflow, model: str, chain: Sequence[Stored]) -> list[str]:
    """Say what is wrong with a chain: events that were changed, are missing, or stand elsewhere.

    Returns
    -------
    list of str
        Empty where the chain holds.
    """
    found = []
    previous = ""
    for place, stored in enumerate(chain, start=1):
        event = stored.event
        if event.hash != stored.hash:
            found.append(f"event {event.number} ({event.action}) was changed: its hash does not fit")
        if event.number != place:
            found.append(f"event {place} is missing, or event {event.number} stands twice")
            break
        if event.previous != previous:
            found.append(f"event {event.number} ({event.action}) does not follow the one before it")
        previous = stored.hash
    number, _, hashed = _head(mlflow, model).partition(" ")
    # The head may be some events behind, where several wrote at once; it is never ahead.
    if number and not found and (int(number) > len(chain) or chain[int(number) - 1].hash != hashed):
        found.append(f"the chain ends with event {len(chain)}, but the model says event {number}")
    return found


def _stored(run: Run, model: str) -> Stored:
    try:
        event = Event(**json.loads(run.data.tags["mlops.event"]))
    except (KeyError, TypeError, ValueError):  # somebody has changed it into something else
        event = Event(0, model, "unreadable", "", "", "", "", "", "", "", run.info.start_time / 1000, "")
    return Stored(event, run.data.tags.get("mlops.hash", ""), run.info.run_id)


def _has_rival(mlflow: Mlflow, model: str, number: int, run_id: str) -> bool:
    """Whether somebody else has written this number, or is about to."""
    oldest = time.time() - _PENDING_SECONDS
    return any(
        stored.event.number == number and stored.run_id != run_id and stored.event.time > oldest
        for stored in read(mlflow, model, pending=True)
    )


def _set_head(mlflow: Mlflow, model: str, event: Event) -> None:
    behind, _, _ = _head(mlflow, model).partition(" ")
    if not behind or int(behind) < event.number:
        with contextlib.suppress(NotFound):  # of a model that has been deleted only the events stay
            mlflow.write("set_registered_model_tag", model, _HEAD, f"{event.number} {event.hash}")


def _head(mlflow: Mlflow, model: str) -> str:
    try:
        return str(mlflow.read("get_registered_model", model).tags.get(_HEAD, ""))
    except NotFound:
        return ""
