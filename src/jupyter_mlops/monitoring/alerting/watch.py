"""After each look, and between looks: what rings, told where it is to be told."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace

from ...command import REPRODUCES
from ...display import span
from ...errors import MlopsError, NotFound, nearest
from ...rules import GRADED
from ...workspace import Workspace
from ..watched import Monitored
from . import evaluating, judging, sending
from .alert import Alert, Book
from .keeping import Keeper
from .message import Message

_ENDPOINT = "endpoint"


def after(workspace: Workspace, monitored: Monitored, *, now: float | None = None) -> Monitored:
    """Hold the rules against what was seen, tell, and give it with what rings.

    That an alert can't be kept or told does not cost the report: it is noted there.
    """
    if REPRODUCES in os.environ:  # a run is made again, and nothing else
        return monitored
    now = time.time() if now is None else now
    endpoint = monitored.endpoint
    settings = workspace.settings.monitored(endpoint)
    keeper = Keeper.of(workspace, endpoint)
    ways = sending.ways_of(workspace, endpoint)

    def judged(book: Book) -> Book:
        book = evaluating.after_a_look(book, settings, monitored, now, _begun(workspace, endpoint))
        return sending.queue(book, ways, now)

    try:
        keeper.change(judged)
        book = sending.send(workspace, keeper, now)
    except MlopsError as error:
        return replace(monitored, notes=(*monitored.notes, f"Rules were not judged: {error.message}"))
    notes = (*_unknown(workspace, monitored), *judging.unsure(settings.rules, monitored))
    rings = tuple(alert for alert in book.alerts if alert.is_open)
    notes = (*notes, *_silenced(book, rings, now))
    return replace(monitored, alerts=rings, notes=(*monitored.notes, *notes, *_unsent(rings)))


def _silenced(book: Book, rings: tuple[Alert, ...], now: float) -> Iterator[str]:
    """Name the rules that ring and are not told."""
    for rule in dict.fromkeys(alert.rule for alert in rings):
        if (silence := book.silence_of(rule, now)) is not None:
            yield f"{rule} is silenced for {span(silence.until - now)} more by {silence.who}: {silence.reason}"


def between(workspace: Workspace, endpoint: str, *, now: float | None = None) -> Book:
    """See whether the monitor of an endpoint is late, and send what waits: what a clock calls when nobody looks."""
    now = time.time() if now is None else now
    settings = workspace.settings.monitored(endpoint)
    keeper = Keeper.of(workspace, endpoint)
    begun = _begun(workspace, endpoint)
    if begun is None:  # it is gone
        return keeper.read()
    ways = sending.ways_of(workspace, endpoint)
    keeper.change(lambda book: sending.queue(evaluating.late(book, settings, endpoint, now, begun), ways, now))
    return sending.send(workspace, keeper, now)


def test(workspace: Workspace, endpoint: str) -> list[sending.Came]:
    """Send a test by each way, and say what came of it."""
    now = time.time()
    alert = Alert(
        uuid.uuid4().hex[:12], endpoint, "", 0, "test", "--test-alert", "none", None,
        "this is a test: nothing rings", now, now, now, now,
    )  # fmt: skip
    message = Message.of(alert, "test", workspace.settings.experiment)
    waiting = {way: [message] for way in sending.ways_of(workspace, endpoint)}
    return sorted(sending.deliver(workspace, waiting), key=lambda came: list(waiting).index(came.way))


def endpoints(workspace: Workspace) -> list[str]:
    """Name the endpoints that are there, and those that something is kept of."""
    there = [process.name for process in workspace.state.all(_ENDPOINT)]
    folder = workspace.state.folder / "monitoring"
    kept = {path.parent.parent.name for path in folder.glob("*/alerts/alerts.json")}
    known = {Keeper.of(workspace, name).folder.parent.name for name in there}
    return sorted([*there, *(kept - known)])


def find(workspace: Workspace, endpoint: str) -> str:
    """Make sure that there is an endpoint of this name, or was.

    Raises
    ------
    NotFound
    """
    known = endpoints(workspace)
    if endpoint not in known:
        raise NotFound(f"There is no endpoint {endpoint!r}.{nearest(endpoint, known)}", "%mlops endpoints")
    return endpoint


def _begun(workspace: Workspace, endpoint: str) -> float | None:
    process = workspace.state.get(_ENDPOINT, endpoint)
    return None if process is None else process.started


def _unknown(workspace: Workspace, monitored: Monitored) -> list[str]:
    """Name the rules about metrics that nothing was read of: a name may be mistyped."""
    if not any(look.rows for look in monitored.looks):
        return []
    there = {reading.name for reading in monitored.readings}
    rules = workspace.settings.monitored(monitored.endpoint).rules
    missing = [rule.name for rule in rules if rule.name not in there and rule.name.partition(":")[0] not in GRADED]
    return [f"Nothing was read that the rule {name!r} is about.{nearest(name, there)}" for name in missing]


def _unsent(rings: tuple[Alert, ...]) -> list[str]:
    """Say where nothing gets through."""
    why = {one.way: one.why for alert in rings for one in alert.deliveries if one.state != "sent" and one.why}
    return [f"Alerts don't get through by {way}, they are sent again with the next look: {reason}." for way, reason in why.items()]  # fmt: skip
