"""What is told, and what came of it: written down before it is sent, and after it; so it is sent at least once.

Each way has a thread and its messages in their order, up to the first that fails. Nobody waits longer than some seconds: what
isn't through by then stays in the queue, and goes with the next look.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import Final

from ...workspace import Workspace
from .alert import Alert, Book, Delivery, Event
from .keeping import Keeper
from .message import Message
from .sinks.way import NotSent, hooks

_DEADLINE: Final = 5.0
_AT_ONCE: Final = 20  # messages of one way in one look
_DAY: Final = 86_400.0
_GIVEN_UP: Final = 3 * _DAY
_HOOK: Final = "hook:"


@dataclass(frozen=True)
class Came:
    """What came of a message.

    Attributes
    ----------
    alert : str
        Its id.
    way : str
    event : {"fired", "worse", "recovered", "test"}
    sent : bool
    why : str
        Why not; or what is to be said of it.
    """

    alert: str
    way: str
    event: Event
    sent: bool
    why: str = ""


def ways_of(workspace: Workspace, endpoint: str) -> tuple[str, ...]:
    """Name the ways that an endpoint's alerts are told: those that it asks for, else all that are set up, and the hooks."""
    wanted = workspace.settings.monitored(endpoint).alert
    found = workspace.settings.alerts.ways if wanted is None else tuple(dict.fromkeys(wanted))
    return (*found, *(f"{_HOOK}{name}" for name in hooks))


def queue(book: Book, ways: Sequence[str], now: float) -> Book:
    """Write down what is to be told: what rings and isn't silenced, and that what was told has recovered."""
    return replace(book, alerts=tuple(_queued(alert, book, ways, now) for alert in book.alerts))


def _queued(alert: Alert, book: Book, ways: Sequence[str], now: float) -> Alert:
    # What was over when it was first seen has rung too, where that was not long ago.
    rang = alert.is_open or (alert.recovered == alert.opened and alert.last > now - _DAY)
    is_silent = book.silence_of(alert.rule, now) is not None
    if rang and not alert.told("fired") and not is_silent:
        alert = _to_be_told(alert, "fired", ways, now)
    elif alert.is_open and _is_worse_than_told(alert) and not is_silent:
        alert = _to_be_told(alert, "worse", ways, now)
    if not alert.is_open and not alert.told("recovered"):
        told = [one.way for one in alert.deliveries if one.event == "fired"]
        alert = _to_be_told(alert, "recovered", told, now)
    return alert


def _is_worse_than_told(alert: Alert) -> bool:
    worse = alert.worse
    return worse is not None and not alert.told("worse") and any(one.made < worse for one in alert.deliveries)


def _to_be_told(alert: Alert, event: Event, ways: Sequence[str], now: float) -> Alert:
    return replace(alert, deliveries=(*alert.deliveries, *(Delivery(way, event, now) for way in ways)))


def send(workspace: Workspace, keeper: Keeper, now: float) -> Book:
    """Send what waits. Where another process does so right now, it is left to that one."""
    with keeper.sending() as alone:
        book = keeper.read()
        waiting = _waiting(book, workspace) if alone else {}
        for came in deliver(workspace, waiting):
            book = keeper.change(lambda book, came=came: _noted(book, came, now))  # type: ignore[misc]
        return book


def deliver(workspace: Workspace, waiting: Mapping[str, Sequence[Message]]) -> Iterator[Came]:
    """Send messages by their ways, all ways at once, and give what came of each as it comes."""
    if not waiting:
        return
    found: SimpleQueue[Came | str] = SimpleQueue()
    senders = {way: _sender(workspace, way) for way in waiting}
    for way, messages in waiting.items():
        threading.Thread(target=_send_by, args=(way, senders[way], messages, found), daemon=True).start()
    command = workspace.settings.alerts.command
    longest = _DEADLINE if command is None or "command" not in waiting else max(_DEADLINE, command.timeout + 1)
    end = time.monotonic() + longest
    under_way = set(waiting)
    done: set[tuple[str, str]] = set()
    while under_way:
        try:
            came = found.get(timeout=max(0.0, end - time.monotonic()))
        except Empty:
            break
        if isinstance(came, str):
            under_way.discard(came)
        else:
            done.add((came.way, f"{came.alert}-{came.event}"))
            yield came
    for way in sorted(under_way):
        hung = next((one for one in waiting[way] if (way, one.id) not in done), None)
        if hung is not None:
            yield Came(hung.alert.id, way, hung.event, sent=False, why=f"not through after {longest:g} s")


def _send_by(way: str, sender: Callable[[Message], str], messages: Sequence[Message], found: SimpleQueue[Came | str]) -> None:  # fmt: skip
    for message in messages[:_AT_ONCE]:
        try:
            remark = sender(message)
        except NotSent as error:
            found.put(Came(message.alert.id, way, message.event, sent=False, why=str(error)))
            break
        except Exception as error:
            found.put(Came(message.alert.id, way, message.event, sent=False, why=type(error).__name__))
            break
        found.put(Came(message.alert.id, way, message.event, sent=True, why=remark))
    found.put(way)


def _sender(workspace: Workspace, way: str) -> Callable[[Message], str]:
    """Give what sends a message by a way; it returns a remark."""
    alerts, root = workspace.settings.alerts, workspace.root

    def send(message: Message) -> str:
        if way == "log":
            from .sinks import log

            log.send(message, root / alerts.log.file)
        elif way == "webhook" and alerts.webhook is not None:
            from .sinks import webhook

            webhook.send(message, alerts.webhook)
        elif way == "email" and alerts.email is not None:
            from .sinks import email

            return email.send(message, alerts.email)
        elif way == "command" and alerts.command is not None:
            from .sinks import command

            command.send(message, alerts.command, root)
        elif way.removeprefix(_HOOK) in hooks:
            hooks[way.removeprefix(_HOOK)](message.to_dict())
        else:
            raise NotSent(f"there is no [alerts.{way}] in mlops.toml any more")
        return ""

    return send


def _waiting(book: Book, workspace: Workspace) -> dict[str, list[Message]]:
    """Give what waits by its way; what waits for a hook of another process is left to that."""
    found: dict[str, list[Message]] = {}
    for alert in book.alerts:
        for one in alert.deliveries:
            is_elsewhere = one.way.startswith(_HOOK) and one.way.removeprefix(_HOOK) not in hooks
            if one.state == "waiting" and not is_elsewhere:
                found.setdefault(one.way, []).append(Message.of(_as_it_was(alert, one), one.event, workspace.settings.experiment))  # fmt: skip
    return found


def _as_it_was(alert: Alert, delivery: Delivery) -> Alert:
    """Give an alert as it was while it rang, where that is told after it has recovered."""
    return alert if delivery.event == "recovered" else replace(alert, recovered=None, ending="")


def _noted(book: Book, came: Came, now: float) -> Book:
    alert = next((one for one in book.alerts if one.id == came.alert), None)
    if alert is None:
        return book
    return book.with_alert(replace(alert, deliveries=tuple(
        _after(one, came, now) if (one.way, one.event) == (came.way, came.event) and one.state == "waiting" else one
        for one in alert.deliveries
    )))  # fmt: skip


def _after(one: Delivery, came: Came, now: float) -> Delivery:
    """Write down a try; what nobody has taken for days is given up."""
    if came.sent:
        return replace(one, state="sent", tries=one.tries + 1, why=came.why, at=now)
    state = "failed" if now - one.made > _GIVEN_UP else "waiting"
    return replace(one, state=state, tries=one.tries + 1, why=came.why)  # type: ignore[arg-type]
