"""What the registry should be like, by the audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..backend.events import ALIAS_MOVED, MADE, MODEL_DELETED, RENAMED, VERSION_DELETED, Event, number_of

_MOVES = ("alias", "promote", "rollback", ALIAS_MOVED)


@dataclass
class Said:
    """Aliases and versions, as the events of one model tell them.

    Attributes
    ----------
    aliases : dict
        Version by alias; empty where it was taken away.
    versions : set
    is_gone : bool
        The model was deleted, or has another name now.
    """

    aliases: dict[str, str] = field(default_factory=dict)
    versions: set[str] = field(default_factory=set)
    is_gone: bool = False

    @classmethod
    def of(cls, events: Sequence[Event], name: str) -> Said:
        """Read the events of a model, oldest first."""
        said = cls()
        for event in events:
            if event.action == MODEL_DELETED:
                said = cls(is_gone=True)
            elif event.action == RENAMED:
                said.is_gone = event.before == name
            elif event.alias and event.action.removesuffix(" failed") in _MOVES:
                said.aliases[event.alias] = event.after
            elif event.action in MADE and number_of(event.after) is not None:
                said.versions.add(event.after)
                said.is_gone = False
            elif event.action == VERSION_DELETED:
                said.versions.discard(event.before)
        return said
