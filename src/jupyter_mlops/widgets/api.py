"""The command of live views: ``panel``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ..command import Endpoint, command
from ..errors import InvalidUsage
from ..workspace import Onlooker, Workspace

if TYPE_CHECKING:
    from .results import Panel


@command()
def panel(
    what: Literal["runs", "models", "validation", "endpoints", "monitoring"] = "runs",
    *,
    endpoint: Endpoint | None = None,
    window: str = "1h",
    every: float = 3.0,
    minutes: float = 60.0,
    close: bool = False,
) -> Panel:
    """Show what the project is doing, and redraw it as it changes; headless, and when it is saved, it is a picture.

    It works beside the kernel's cells. A new panel of the same kind takes over from the one before, and ``panel.close()`` stops it.
    In JupyterLab and Notebook it goes on where the page was loaded anew; elsewhere the cell is then run again.

    Parameters
    ----------
    what
        runs, models, validation, endpoints or monitoring.
    endpoint
        Of monitoring: which endpoint; by default the one that was started last.
    window
        Of monitoring: how much time is taken together.
    every
        Seconds between two looks, at the least: a look may take a fifth of the time at most.
    minutes
        When it stops by itself.
    close
        Only stop those that are open, all of this kernel.

    Returns
    -------
    Panel
        With ``.close()``.

    Raises
    ------
    NotFound
        Where there is no such endpoint.
    InvalidUsage
        Where a number is none that can be.
    """
    from . import live, views
    from .results import Panel

    if not 1 <= every <= 3600 or not 0 < minutes <= 24 * 60:
        raise InvalidUsage("--every is from 1 to 3600 seconds, --minutes up to 1440.", "%mlops panel runs --every 3")
    if close:
        return Panel(what, "", every, minutes, views.closed(live.close_all()), None)
    onlooker = Onlooker(Workspace.here().root)
    chosen = views.endpoint_of(onlooker, endpoint) if what == "monitoring" else ""
    look = views.look_of(what, onlooker, chosen, window)
    return Panel(what, chosen, every, minutes, look(), look)
