"""The addresses, and who answers at them: imported when the first of them is asked.

What is behind the routes takes half a second to import, and the server starts without it.
"""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import ClassVar, Final

from .face import ROOT, Face

_ANSWERS: Final = {
    "status": "Status",
    "experiments": "Experiments",
    "runs": "Runs",
    "runs/([^/]+)": "Run",
    "compare": "Compare",
    "models": "Models",
    "models/([^/]+)": "Model",
    "endpoints": "Endpoints",
    "endpoints/([^/]+)": "Endpoint",
    "alerts": "Alerts",
    "commands": "Commands",
    "commands/([^/]+)": "Command",
    "events": "Events",
    "openapi.json": "OpenApi",
    "(.*)": "Nothing",
}


class Door(Face):
    """Stands for a route: it lets in who may come, and then becomes who answers."""

    behind: ClassVar[str]

    async def prepare(self) -> None:  # type: ignore[override]
        """Bring in what is behind it, beside the event loop."""
        await super().prepare()
        if not self._finished:  # else nobody is let in
            handlers = await asyncio.to_thread(import_module, ".handlers", __package__)
            # Tornado looks for the method after this; the class has to be there before, when the routes are named.
            self.__class__ = getattr(handlers, self.behind)


def routes() -> list[tuple[str, type[Face]]]:
    """Name the routes; Jupyter Server puts its base URL before them."""
    return [(f"/{ROOT}/{path}", type(name, (Door,), {"behind": name})) for path, name in _ANSWERS.items()]
