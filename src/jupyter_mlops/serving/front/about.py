"""``/about``: what an endpoint serves, since when, how it is asked and how it does, as the page shows it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from ..history import read_history
from .dispatcher import Dispatcher
from .messages import Reply, Request, Route


def routes(
    dispatcher: Dispatcher, endpoint: str, is_locked: Callable[[], bool], history: Path | None = None
) -> dict[str, Route]:
    """Give the path.

    Parameters
    ----------
    dispatcher : Dispatcher
    endpoint : str
        Its name.
    is_locked : callable
        Whether a key is asked for.
    history : Path, optional
        The file in which its controller keeps who has answered.
    """

    async def about(request: Request) -> Reply:
        routing = dispatcher.there()
        shares = {"champion": 1.0, "canary": 0.0, "shadow": 0.0}
        if routing.canary is not None:
            shares.update(champion=1 - routing.share, canary=routing.share)
        serving = {(arm.role, arm.version): shares[arm.role] for arm in routing.arms}
        said: dict[str, Any] = {
            "endpoint": endpoint,
            "model": routing.model,
            "version": routing.champion.version,
            "auth": is_locked(),
            "inputs": routing.champion.about.get("inputs", []),
            "example": routing.champion.about.get("example"),
            "waiting": dispatcher.waiting,
            "versions": [
                {"role": role, "version": version, "share": serving.get((role, version)), **figures.told()}
                for (role, version), figures in dispatcher.figures.items()
            ],
            "history": read_history(history) if history else [],
        }
        return Reply(200, orjson.dumps(said))

    return {"/about": Route("GET", about)}
