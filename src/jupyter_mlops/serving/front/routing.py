"""Which version answers a request, and over which connection."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .figures import Figures
from .links import Link, ModelGone


@dataclass(frozen=True)
class Arm:
    """A version that takes part: as champion, canary or shadow.

    Attributes
    ----------
    role : str
    version : str
    links : sequence of Link
        One for each of its processes.
    about : dict
        What the version says of itself: its inputs, what wrote it.
    figures : Figures
        What is counted of it.
    """

    role: str
    version: str
    links: Sequence[Link]
    about: dict[str, Any] = field(default_factory=dict)
    figures: Figures = field(default_factory=Figures)

    def link(self) -> Link:
        """Choose the process that has the fewest requests waiting.

        Raises
        ------
        ModelGone
            Where none is there.
        """
        there = [link for link in self.links if link.is_open]
        if not there:
            raise ModelGone
        return min(there, key=lambda link: link.waiting) if len(there) > 1 else there[0]


@dataclass(frozen=True)
class Routing:
    """Who answers now. A change is another object: a request that has taken one keeps it, so no answer mixes two."""

    model: str
    champion: Arm
    canary: Arm | None = None
    share: float = 0.0
    shadow: Arm | None = None

    def choose(self, request_id: str) -> Arm:
        """Choose by the id of the request, so that the same id is always answered by the same side."""
        if self.canary is not None and zlib.crc32(request_id.encode()) < self.share * 2**32:
            return self.canary
        return self.champion

    @property
    def answering(self) -> list[Arm]:
        """Those whose answers clients get."""
        return [arm for arm in (self.champion, self.canary) if arm is not None]

    @property
    def arms(self) -> list[Arm]:
        """All that take part."""
        return [arm for arm in (self.champion, self.canary, self.shadow) if arm is not None]
