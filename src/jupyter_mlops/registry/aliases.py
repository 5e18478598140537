"""Move an alias: under a lock, with the audit written first, and nothing half done."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Sequence

from filelock import FileLock, Timeout

from ..backend import audit, origin, versions
from ..backend.events import ALIAS_MOVED, MADE, MODEL_DELETED, SOMEBODY, Event, Stored, number_of
from ..backend.processes import nudge
from ..entities import typed
from ..errors import Conflict, MlopsError, NotFound, writing_to
from ..workspace import Workspace
from .said import Said


def move(
    workspace: Workspace,
    name: str,
    alias: str,
    chain: Sequence[Stored] = (),
    *,
    before: int | None,
    after: int,
    action: str,
    why: str,
    evidence: str,
) -> tuple[str, ...]:
    """Point an alias at a version, and tell the endpoints that follow it.

    The event is written before the alias moves: a crash in between leaves a word too much in the
    audit, never a change without one. Where somebody else has moved it before, that is written first.
    ``chain`` is the model's audit as it was read a moment ago.

    Returns
    -------
    tuple of str
        The endpoints that go there too, by their names.

    Raises
    ------
    Conflict
        Where another kernel moves it right now, or has moved it since the plan was made.
    """
    with _alone(workspace, name):
        _still(workspace, name, alias, before)
        _note_the_way(workspace, name, alias, before, chain)
        try:
            record(workspace, name, action, alias=alias, before=before, after=after, why=why, evidence=evidence)
            workspace.mlflow.write("set_registered_model_alias", name, alias, str(after))
        except BaseException as error:
            with contextlib.suppress(MlopsError):
                if current(workspace, name, alias) == after:  # it was done, only the answer was lost
                    raise
                why = str(error)[:200] or type(error).__name__
                record(workspace, name, f"{action} failed", alias=alias, before=after, after=before, why=why)
            raise
    told: list[str] = []
    with contextlib.suppress(MlopsError):  # it is done, whatever the list of endpoints is like
        for process in workspace.state.all("endpoint"):
            if (process.details.get("model"), process.details.get("alias")) == (name, alias) and process.alive:
                told.append(process.name)
            if process.details.get("model") == name:
                nudge(process)  # it looks by itself, but only every second; a canary may follow another alias
    return tuple(told)


def record(
    workspace: Workspace,
    name: str,
    action: str,
    *,
    alias: str = "",
    before: int | str | None = None,
    after: int | str | None = None,
    why: str = "",
    evidence: str = "",
    who: str = "",
    noticed: bool = False,
    last: str | None = None,
) -> Event:
    """Write an event of this project into the audit; with ``noticed``, one that only was seen from here.

    ``last`` is how the chain must end for it, see ``audit.append``.
    """
    here = str(origin.here(workspace.root))
    event = audit.append(
        workspace.mlflow,
        name,
        action,
        who=who or workspace.who,
        where=f"noticed by {workspace.who} in {here}" if noticed else here,
        alias=alias,
        before="" if before is None else str(before),
        after="" if after is None else str(after),
        why=why,
        evidence=evidence,
        last=last,
    )
    workspace.seen.follow(event)
    return event


def current(workspace: Workspace, name: str, alias: str) -> int | None:
    """Give the version that an alias points at."""
    number = versions.model(workspace.mlflow, name).aliases.get(alias)
    return None if number is None else int(number)


def line_of_champions(events: Sequence[Event], alias: str, now: int | None) -> list[int]:
    """Read from the audit which versions the alias has pointed at, as a stack: a rollback takes the top off.

    Each event says where the alias was before it. Where that is not where the event before it has led,
    that one was written and not carried out, or somebody has moved the alias without us.

    Parameters
    ----------
    events : sequence of Event
        Of one model, oldest first.
    alias : str
    now : int, optional
        Where the alias points.

    Returns
    -------
    list of int
        The last one is ``now``.
    """
    line: list[int] = []

    def stand_at(version: int | None) -> None:
        while line and line[-1] != version and (version is None or version in line):
            line.pop()
        if version is not None and line[-1:] != [version]:
            line.append(version)

    for event in events:
        after = number_of(event.after)
        if event.action == MODEL_DELETED:
            line.clear()
        elif event.action in MADE:  # what bore the number before was another one
            line = [version for version in line if version != after]
        if event.alias != alias or event.action not in ("promote", "rollback") or after is None:
            continue
        stand_at(number_of(event.before))
        if event.action == "rollback":
            stand_at(after)
        elif line[-1:] != [after]:
            line.append(after)
    stand_at(now)
    return line


def _note_the_way(
    workspace: Workspace, name: str, alias: str, before: int | None, chain: Sequence[Stored] = ()
) -> None:
    """Write down that somebody else has moved the alias to where it is now, if the audit does not know it."""
    events = [stored.event for stored in audit.read(workspace.mlflow, name, known=chain)]
    said, now = Said.of(events, name).aliases.get(alias, ""), "" if before is None else str(before)
    if said != now:
        record(workspace, name, ALIAS_MOVED, alias=alias, before=said, after=now, who=SOMEBODY, noticed=True)


def _still(workspace: Workspace, name: str, alias: str, before: int | None) -> None:
    now = current(workspace, name, alias)
    if now != before:
        raise Conflict(
            f"{name}@{alias} has moved meanwhile: from version {before} to version {now}.",
            f"%mlops models {typed(name)}, then try again",
        )


@contextlib.contextmanager
def _alone(workspace: Workspace, name: str) -> Iterator[None]:
    """Keep other kernels of the project from moving the model's aliases at the same time."""
    folder = workspace.state.folder / "locks"
    with writing_to(folder):
        folder.mkdir(exist_ok=True)
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]  # any name, as a file
    try:
        with FileLock(folder / f"{digest}.lock", timeout=3):
            yield
    except Timeout:
        raise Conflict(
            f"Another kernel is moving an alias of {name} right now.", f"%mlops models {typed(name)}, then run it again"
        ) from None


def deleted_is_told(name: str, version: int) -> NotFound:
    """Say that the version to go back to is gone."""
    return NotFound(
        f"{name}/{version} was the champion before, but it has been deleted.",
        f"%mlops rollback {typed(name)} --to VERSION",
    )
