"""What is wrong with a chain: events that were changed, are missing, were added, or stand elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from . import heads
from .events import Stored
from .heads import Head

if TYPE_CHECKING:
    from mlflow.entities.model_registry import RegisteredModel

_SETTLED = 60.0  # seconds after which whoever wrote an event has told the model, too


def of(chain: Sequence[Stored], registered: RegisteredModel | None, seen: Head | None) -> list[str]:
    """Say what is wrong with a chain.

    Parameters
    ----------
    chain : sequence of Stored
    registered : RegisteredModel, optional
        The model, which says with which event its chain ends; one that was deleted says nothing.
    seen : Head, optional
        The last event that this machine has seen of it.

    Returns
    -------
    list of str
        Empty where the chain holds.
    """
    readable = [stored for stored in chain if stored.is_readable]
    found = in_links(chain) or [*_at_end(chain, registered)]
    if seen is not None and not seen.is_in(readable):
        what = "is another one now" if seen.number <= len(readable) else "is gone"
        found.append(f"event {seen.number}, which this machine has seen with the hash {seen.hash[:12]}…, {what}")
    return found


def in_links(chain: Sequence[Stored]) -> list[str]:
    """Say which events were changed, are missing, stand twice or do not follow the one before them."""
    found = [f"an event can't be read any more (run:{stored.run_id[:8]})" for stored in chain if not stored.is_readable]
    previous = ""
    for place, stored in enumerate((stored for stored in chain if stored.is_readable), start=1):
        event = stored.event
        if not stored.is_intact:
            found.append(f"event {event.number} ({event.action}) was changed: its hash does not fit")
        if event.number != place:
            is_twice = event.number == place - 1
            found.append(f"event {event.number} stands twice" if is_twice else f"event {place} is missing")
            break
        if event.previous != previous:
            found.append(f"event {event.number} ({event.action}) does not follow the one before it")
        previous = stored.hash
    return found


def is_made_anew(chain: Sequence[Stored], registered: RegisteredModel) -> bool:
    """Whether a model has come after all that its chain tells: one of that name was deleted without us."""
    is_marked = heads.TAG in registered.tags
    return bool(chain) and not is_marked and registered.creation_timestamp / 1000 > chain[-1].event.time


def _at_end(chain: Sequence[Stored], registered: RegisteredModel | None) -> Iterator[str]:
    """Hold the end of a chain against what the model says."""
    if registered is None:
        return
    said = registered.tags.get(heads.TAG, "")
    head = heads.parse(said)
    ends = f"the chain ends with event {len(chain)}" if chain else "the chain has no event"
    if head is None and said:
        yield f"{ends}, and the model's tag {heads.TAG} says {said[:20]!r}, which is no event"
    elif head is None:
        if chain and _has_settled(chain[-1]) and not is_made_anew(chain, registered):
            yield f"{ends}, but the model's tag {heads.TAG}, which says so, is gone"
    elif head.number > len(chain):
        yield f"{ends}, but the model says event {head.number}"
    elif not head.is_in(chain):
        yield f"event {head.number} is not the one that the model knows"
    elif head.number < len(chain) and _has_settled(chain[head.number]):
        added = chain[head.number].event
        yield (
            f"event {added.number} ({added.action}) is not known to the model, whose chain ends with event {head.number}:"
            " it was added by hand, or its writer was stopped right then"
        )


def _has_settled(stored: Stored) -> bool:
    return abs(time.time() - stored.event.time) > _SETTLED
