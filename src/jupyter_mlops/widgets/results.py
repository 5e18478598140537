"""What ``panel`` returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..display import View, mime
from ..result import Result


@dataclass(frozen=True, repr=False, eq=False)
class Panel(Result):
    """A view that is redrawn while somebody may be looking.

    It is a display that is replaced, and no widget: a saved notebook then has the last picture of it, in each of the forms
    of a result, where a widget would leave "Loading widget…".

    Attributes
    ----------
    what : str
    endpoint : str
        Of monitoring.
    every, minutes : float
        Seconds between two looks, and when it stops.
    first : View
        What was seen when it was made.
    look : callable, optional
        Sees it anew; None where there is nothing to redraw.
    """

    what: str
    endpoint: str
    every: float
    minutes: float
    first: View = field(repr=False)
    look: Callable[[], View] | None = field(default=None, repr=False)

    @property
    def is_live(self) -> bool:
        """Whether it is being redrawn."""
        from . import live

        return live.is_open(self)

    def close(self) -> None:
        """Stop redrawing it; its last picture stays."""
        from . import live

        live.close(self)

    def view(self) -> View:
        """Draw what was seen when it was made."""
        return self.first

    def to_dict(self) -> dict[str, Any]:
        """Give plain data: what it shows."""
        return super().to_dict() | {"shown": mime.data(self.first)}

    def _ipython_display_(self) -> None:
        from . import live

        if self.look is None or not live.is_watched():
            raise NotImplementedError  # what IPython asks of _ipython_display_ where it is to draw the usual forms, once
        live.begin(self)
