"""The audit: one event for each change of a model, kept on the MLflow server and chained by hash.

An event is a run of the experiment ``mlops-audit``: made in one request, visible in MLflow's own
UI, readable without us. Each carries the hash of the one before it, so that a changed, missing or
reordered event is found; the registered model carries the last hash, so that a missing end is too.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ..errors import Conflict, NotFound
from . import experiments
from .adapter import Mlflow

EXPERIMENT = "mlops-audit"
_HEAD = "mlops.audit.head"
_TRIES = 5


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


def read(mlflow: Mlflow, model: str) -> list[Stored]:
    """Read the chain of a model, oldest first."""
    experiment = experiments.experiment_id(mlflow, EXPERIMENT, create=False)
    found = []
    token = None
    while experiment is not None:
        page = mlflow.read(
            "search_runs",
            [experiment],
            filter_string=f"tags.`mlops.model` = '{model}'",
            max_results=1000,
            page_token=token,
        )
        found += [
            Stored(
                Event(**json.loads(run.data.tags["mlops.event"])), run.data.tags.get("mlops.hash", ""), run.info.run_id
            )
            for run in page
        ]
        token = page.token
        if not token:
            break
    return sorted(found, key=lambda stored: (stored.event.number, stored.event.time))


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

    Two who write at once both see it, take theirs back and try again after a random moment; so the
    chain has no fork.

    Raises
    ------
    Conflict
        Where others keep writing.
    """
    experiment = experiments.experiment_id(mlflow, EXPERIMENT)
    for attempt in range(_TRIES):
        chain = read(mlflow, model)
        last = chain[-1] if chain else None
        number = last.event.number + 1 if last else 1
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
            last.hash if last else "",
        )
        tags = {"mlops.model": model, "mlops.event": event.text, "mlops.hash": event.hash}
        run = mlflow.write("create_run", experiment, tags=tags, run_name=f"{model} {number}: {action}")
        rivals = [stored for stored in read(mlflow, model) if stored.event.number == number]
        if len(rivals) == 1:
            mlflow.write("set_terminated", run.info.run_id)
            _set_head(mlflow, model, f"{number} {event.hash}")
            return event
        mlflow.write("delete_run", run.info.run_id)
        time.sleep(random.uniform(0.05, 0.3) * (attempt + 1))  # noqa: S311 - chance, not secrecy
    raise Conflict(f"Others keep changing {model}; nothing was done.", f"%mlops audit {model}, then try again")


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
    head = _head(mlflow, model)
    ours = f"{chain[-1].event.number} {chain[-1].hash}" if chain else ""
    if head != ours and not found:
        found.append(
            f"the chain ends with event {ours.split(' ')[0] or 0}, but the model says event {head.split(' ')[0] or 0}"
        )
    return found


def _set_head(mlflow: Mlflow, model: str, head: str) -> None:
    mlflow.write("set_registered_model_tag", model, _HEAD, head)


def _head(mlflow: Mlflow, model: str) -> str:
    try:
        return str(mlflow.read("get_registered_model", model).tags.get(_HEAD, ""))
    except NotFound:
        return ""
