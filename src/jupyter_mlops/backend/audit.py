"""The audit: one event for each change of a model, kept on the MLflow server and chained by hash.

An event is a run of the experiment ``mlops-audit``: made in one request, visible in MLflow's own
UI, readable without us. Each carries the hash of the one before it, so that a changed, missing or
reordered event is found; the registered model carries the last hash, so that a missing end is too.
"""

from __future__ import annotations

import contextlib
import math
import random
import time
from collections.abc import Callable, Iterable, Sequence
from functools import cache

from ..entities import typed
from ..errors import Conflict, MlopsError
from . import experiments, heads, versions
from .adapter import Mlflow
from .events import EVENT, HASH, MODEL, RENAMED, SOMEBODY, Event, Stored
from .heads import Head

__all__ = ["EXPERIMENT", "Event", "Overtaken", "Stored", "append", "end", "heir", "read", "read_all"]

EXPERIMENT = "mlops-audit"
_TRIES = 12
_NEWEST = 20  # a chain is read whole by those who look at it, and not for each event that is added
_PENDING_SECONDS = 60.0  # an event that was not confirmed for so long is of a writer that died


class Overtaken(Conflict):
    """Somebody has written an event since the chain was read."""


def read(mlflow: Mlflow, model: str, *, pending: bool = False, known: Sequence[Stored] = ()) -> list[Stored]:
    """Read the chain of a model, oldest first; with ``pending``, those too that are being written right now.

    What was done to a model before somebody renamed it is part of its chain. Where the chain still ends as the one
    that is ``known`` from a moment ago, only its end is read: one of a thousand events takes a second.
    """
    experiment = _experiment(mlflow, create=False)
    if experiment is None:
        return []
    if known and end(_newest(mlflow, experiment, model, heads.of(mlflow, model))) == end(known):
        return list(known)
    own = cache(lambda name: _own(mlflow, experiment, name, pending=pending))
    return _chain(mlflow, experiment, model, heads.of(mlflow, model), own)


def read_all(mlflow: Mlflow) -> dict[str, list[Stored]]:
    """Read the chains of all models by their names, those of deleted models too."""
    experiment = _experiment(mlflow, create=False)
    runs = experiments.search(mlflow, experiment, "attributes.status = 'FINISHED'", most=100_000)
    own: dict[str, list[Stored]] = {}
    for run in runs:
        if (name := run.data.tags.get(MODEL)) is not None:
            own.setdefault(name, []).append(Stored.of(run, name))
    there = _heads(mlflow)
    return {
        name: _chain(mlflow, experiment, name, there.get(name), lambda of: _in_order(own.get(of, ())))
        for name in sorted(own)
    }


def heir(mlflow: Mlflow, chain: Sequence[Stored]) -> str | None:
    """Say under which name a model goes on that somebody has renamed; None where it has been deleted."""
    there, last = _heads(mlflow), chain[-1]
    if name := next((name for name, head in there.items() if head and head.hash == last.hash), None):
        return name
    where = f"attributes.run_name LIKE '%: {RENAMED}'"
    runs = experiments.search(mlflow, _experiment(mlflow, create=False), where, most=100_000)
    renamed = _in_order(
        [stored for run in runs if (stored := Stored.of(run, run.data.tags.get(MODEL, ""))).is_confirmed]
    )
    name = None
    for stored in renamed:
        if stored.event.previous == last.hash or (name not in (None, *there) and stored.event.before == name):
            name = stored.event.after
    return name if name in there else None


def end(chain: Sequence[Stored]) -> str:
    """Give the hash of the last event; of a chain without any, nothing."""
    return chain[-1].hash if chain else ""


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
    last: str | None = None,
) -> Event:
    """Add an event to the chain of a model.

    An event is written first and confirmed when nobody else has written one of the same number; two
    who write at once both see it, take theirs back and try again. Nobody links to what is not confirmed,
    so the chain has no fork.

    Parameters
    ----------
    last : str, optional
        How the chain must end for the event to be true (see ``end``).

    Raises
    ------
    Overtaken
        Where it ends otherwise.
    Conflict
        Where others keep writing.
    """
    experiment = _experiment(mlflow)
    for attempt in range(_TRIES):
        head = heads.of(mlflow, model)
        chain = _newest(mlflow, experiment, model, head) if not attempt else []
        chain = chain or read(mlflow, model)
        if last is not None and last != end(chain):
            raise Overtaken(f"Somebody has written into the audit of {model} meanwhile.", "try again")
        if action != RENAMED and chain and (name := chain[-1].model) != model:
            place = where if who == SOMEBODY else f"noticed by {who} in {where}"
            with contextlib.suppress(Overtaken):
                append(mlflow, model, RENAMED, who=SOMEBODY, where=place, before=name, after=model, last=end(chain))
            continue
        link = Head(chain[-1].event.number if chain else 0, end(chain))
        if head and head.number > link.number:  # the end was taken away: the gap must stay to be seen
            link = head
        now = round(time.time(), 3)
        event = Event(
            link.number + 1, model, action, alias, before, after, why, evidence, who, where, now, link.hash
        )  # fmt: skip
        if _write(mlflow, experiment, event):
            return event
        time.sleep(random.uniform(0.05, 0.2) * (attempt + 1))  # noqa: S311 - chance, not secrecy
    raise Conflict(f"Others keep changing {model}; nothing was done.", f"%mlops audit {typed(model)}, then try again")


def _write(mlflow: Mlflow, experiment: str | None, event: Event) -> bool:
    """Write an event and confirm it, or take it back where another has its number."""
    tags = {MODEL: event.model, EVENT: event.text, HASH: event.hash}
    begin = time.monotonic()
    name = f"{event.model} {event.number}: {event.action}"
    run_id = mlflow.write("create_run", experiment, tags=tags, run_name=name).info.run_id
    try:
        if not _has_rival(mlflow, experiment, event, run_id) and not _is_late(begin):
            mlflow.write("set_terminated", run_id)
            # Whoever was held up right here may have been taken for dead: the other's event stands.
            if not _is_late(begin) or not _has_rival(mlflow, experiment, event, run_id):
                heads.move(mlflow, event)
                return True
    except BaseException:  # an interrupt: what is not confirmed must not stay in the way
        with contextlib.suppress(MlopsError):
            if mlflow.read("get_run", run_id).info.status != "FINISHED":
                mlflow.write("delete_run", run_id)
        raise
    mlflow.write("delete_run", run_id)
    return False


def _is_late(begin: float) -> bool:
    """Whether others may take this writer for dead, now or soon."""
    return time.monotonic() - begin > _PENDING_SECONDS / 2


def _has_rival(mlflow: Mlflow, experiment: str | None, event: Event, run_id: str) -> bool:
    """Whether somebody else has written this number, or is about to."""
    oldest = time.time() - _PENDING_SECONDS
    same = _own(mlflow, experiment, event.model, f"attributes.run_name LIKE '% {event.number}: %'", pending=True)
    return any(
        stored.event.number == event.number and stored.run_id != run_id and (stored.is_confirmed or stored.started > oldest)
        for stored in same
    )  # fmt: skip


def _experiment(mlflow: Mlflow, *, create: bool = True) -> str | None:
    return experiments.experiment_id(mlflow, EXPERIMENT, create=create, is_only=True)


def _newest(mlflow: Mlflow, experiment: str | None, model: str, head: Head | None) -> list[Stored]:
    """Read the end of a chain; nothing where these few events don't tell for sure how it ends.

    They do where the one that the model names is among them. What a clock that is behind has put further down
    bears the same number as what is written next, and is found then.
    """
    found = _own(mlflow, experiment, model, most=_NEWEST) if head else []
    return found if any(stored.hash == head.hash for stored in found if head) else []


def _own(
    mlflow: Mlflow, experiment: str | None, model: str, where: str = "", *, pending: bool = False, most: int = 100_000
) -> list[Stored]:
    """Read the events that bear the name of a model, oldest first; at most so many of the newest."""
    named = " AND ".join(filter(None, (f"tags.`{MODEL}` {experiments.equals(model)}", where)))
    runs = experiments.search(mlflow, experiment, named, most=most)
    found = [Stored.of(run, model) for run in runs if run.data.tags.get(MODEL) == model]
    chosen = [stored for stored in found if stored.is_confirmed or pending]
    return _in_order(chosen)


def _whose(mlflow: Mlflow, experiment: str | None, head: Head) -> str | None:
    """Say of which model's chain an event is."""
    found = experiments.search(mlflow, experiment, f"tags.`{HASH}` = '{head.hash}'", most=1)
    return found[0].data.tags.get(MODEL) if found else None


def _chain(
    mlflow: Mlflow, experiment: str | None, model: str, head: Head | None, own: Callable[[str], list[Stored]]
) -> list[Stored]:
    """Put the chain of a model together from the events that bear its name, and its earlier ones."""
    if head and all(stored.hash != head.hash for stored in own(model)):
        other = _whose(mlflow, experiment, head)
        if other is not None and other != model:  # renamed, and nobody has said so yet
            return _joined(own, other, head.number + 1)
    return _joined(own, model, math.inf)


def _joined(own: Callable[[str], list[Stored]], model: str, below: float) -> list[Stored]:
    """Put what was done to a model under its earlier names before what was done to it under this one."""
    found = [stored for stored in own(model) if stored.event.number < below]
    came = [s.event for s in found if s.event.action == RENAMED and s.event.after == model and s.event.before != model]
    if not came:
        return found
    begin = came[-1].number
    earlier = _joined(own, came[-1].before, begin)
    return [*earlier, *(stored for stored in found if stored.event.number >= begin or not stored.is_readable)]


def _heads(mlflow: Mlflow) -> dict[str, Head | None]:
    """List the registered models, each with where its chain ends."""
    return {str(model.name): heads.parse(model.tags.get(heads.TAG, "")) for model in versions.models(mlflow)}


def _in_order(found: Iterable[Stored]) -> list[Stored]:
    return sorted(found, key=lambda stored: (stored.event.number, stored.event.time))
