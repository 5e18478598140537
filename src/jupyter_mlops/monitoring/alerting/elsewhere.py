"""What another machine has told already, that watches an endpoint of the same name and model: it is told once.

Who tells an alert says so in a tag of the monitoring run, and goes on saying so while it rings. Whoever sees the same later, of the
same readings or fewer, holds its peace. Where the other one has recovered, or says nothing any more, it is told here after all. While
the server is away each machine tells by itself: better twice than never; so do two that see it within the same second, for MLflow has
nothing that only one of them could take. What is of an endpoint alone (``silent``, ``late``) is told by each.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ...errors import MlopsError
from ...workspace import Workspace
from .alert import Alert, Book
from .keeping import Keeper

_PREFIX: Final = "mlops.alert."
_AGAIN: Final = 60.0  # seconds after which it is said again that something rings
_HOUR: Final = 3_600.0
_DAY: Final = 86_400.0
_MOST: Final = 400  # readings that are named
_said: dict[str, tuple[float, Alert]] = {}
"""When this process has last asked and said something of an alert, and how that was then."""


@dataclass(frozen=True)
class Said:
    """What a machine has said of an alert.

    Attributes
    ----------
    id : str
        Of its alert: no two machines have the same.
    who : str
    at : float
        When it was said last.
    last : float
        The end of the last window in which it rang.
    is_open : bool
    about : tuple of str
        The readings that ring, as short digests.
    """

    id: str
    who: str
    at: float
    last: float
    is_open: bool
    about: tuple[str, ...]

    @classmethod
    def read(cls, text: str | None) -> Said | None:
        """Read a tag; None where there is none, or none of ours."""
        try:
            said = json.loads(text or "")
            about = tuple(map(str, said["about"]))
            return cls(
                str(said["id"]), str(said["who"]), float(said["at"]), float(said["last"]), bool(said["is_open"]), about
            )
        except (ValueError, TypeError, KeyError):
            return None

    def covers(self, alert: Alert, now: float) -> bool:
        """Whether an alert of this machine is what that one has told."""
        if self.id == alert.id or not set(_digests(alert.about)) <= set(self.about):
            return False
        if not alert.is_open:  # it was over when it was first seen
            return self.last >= alert.start
        return self.is_open and now - self.at <= max(_HOUR, 3 * (alert.end - alert.start))


def share(workspace: Workspace, endpoint: str, keeper: Keeper, book: Book, now: float) -> Book:
    """Mark the alerts that another machine has told, and say which ones this one tells."""
    mine = [alert for alert in book.alerts if alert.version and _is_news(alert, now)]
    if not mine or workspace.settings.tracking_uri is None:  # a server of the project's own is nobody else's
        return book
    try:
        told = dict(_told(workspace, endpoint, mine, book, now))
    except MlopsError:  # each by itself
        return book
    marked = {alert.id: told.get(alert.id, "") for alert in mine if not alert.told("fired")}
    return keeper.change(lambda book: _marked(book, marked)) if marked else book


def _marked(book: Book, told: dict[str, str]) -> Book:
    for alert in book.alerts:
        if alert.id in told:
            book = book.with_alert(replace(alert, elsewhere=told[alert.id]))
    return book


def _is_news(alert: Alert, now: float) -> bool:
    """Whether there is something to ask or to say of an alert."""
    at, was = _said.get(alert.id, (0.0, None))
    if alert.is_open:
        return was is None or not alert.told("fired") or was.about != alert.about or now - at > _AGAIN
    is_over = alert.recovered is not None and alert.recovered > now - _DAY
    return is_over and (was is None or was.is_open) and (alert.told("fired") or alert.recovered == alert.opened)


def _told(
    workspace: Workspace, endpoint: str, mine: Sequence[Alert], book: Book, now: float
) -> Iterator[tuple[str, str]]:
    """Give the alerts that others have told, and by whom; and say what is told here."""
    from .. import history

    mlflow = workspace.mlflow
    for model in dict.fromkeys(alert.model for alert in mine):
        run_id, tags = history.run_of(workspace, mlflow, endpoint, model)
        for alert in (one for one in mine if one.model == model):
            key, is_untold = _key(alert), not alert.told("fired")
            said = Said.read(tags.get(key))
            _said[alert.id] = now, alert
            if is_untold and said is not None and said.covers(alert, now):
                yield alert.id, said.who
            elif is_untold and book.silence_of(alert.rule, now) is not None:
                continue  # it is not told here, so somebody else may
            elif is_untold or said is None or said.id == alert.id or not said.is_open:
                ours = Said(alert.id, workspace.who, now, alert.last, alert.is_open, _digests(alert.about))
                told = {**vars(ours), "rule": alert.rule[:200], "of": alert.who[:200]}
                mlflow.write("set_tag", run_id, key, json.dumps(told))


def _key(alert: Alert) -> str:
    return _PREFIX + hashlib.sha256(json.dumps([alert.rule, alert.version]).encode()).hexdigest()[:16]


def _digests(about: Sequence[str]) -> tuple[str, ...]:
    return tuple(hashlib.sha256(name.encode()).hexdigest()[:8] for name in about[:_MOST])
