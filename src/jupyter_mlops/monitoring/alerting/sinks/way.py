"""What every way to tell is, and the way to a function of one's own: retraining comes by it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final, Protocol


class NotSent(Exception):
    """A message that did not get there; its text is the reason, without any secret."""


class Hook(Protocol):
    """A function that is told of each alert in this process: ``hook(alert)``, where ``alert["event"]`` is ``fired`` or ``recovered``.

    It should return at once, and begin elsewhere what takes long. What it raises is its reason not to have taken it; it is told again with the next look.
    """

    def __call__(self, alert: Mapping[str, Any], /) -> None:
        """Take an alert."""


hooks: Final[dict[str, Hook]] = {}
"""The functions that are told, by their names; of this process only."""


def register(name: str, hook: Hook) -> None:
    """Have a function told of each alert from now on, in place of what had this name."""
    hooks[name] = hook


def secret(variable: str) -> str:
    """Read a secret out of the environment.

    Raises
    ------
    NotSent
        Where it isn't set.
    """
    found = os.environ.get(variable, "")
    if not found:
        raise NotSent(f"the variable {variable} of the environment is not set")
    return found
