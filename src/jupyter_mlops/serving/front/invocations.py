"""MLflow's own paths: ``/invocations``, ``/ping``, ``/health`` and ``/version``."""

from __future__ import annotations

import orjson

from .dispatcher import Dispatcher
from .messages import Reply, Request, Route


def routes(dispatcher: Dispatcher, endpoint: str) -> dict[str, Route]:
    """Give the paths, each with its method and who answers it.

    Parameters
    ----------
    dispatcher : Dispatcher
    endpoint : str
        The name that ``/health`` gives.
    """

    async def ping(request: Request) -> Reply:
        dispatcher.there()
        return Reply(200, b"\n")  # as MLflow's server answers

    async def health(request: Request) -> Reply:
        routing = dispatcher.there()
        about = {"model": routing.model, "version": routing.champion.version}
        return Reply(200, orjson.dumps({"status": "ok", "endpoint": endpoint, **about}))

    async def version(request: Request) -> Reply:
        text = str(dispatcher.there().champion.about.get("mlflow_version", "unknown"))
        return Reply(200, text.encode(), "text/plain; charset=utf-8")

    return {
        "/invocations": Route("POST", dispatcher.ask),
        "/ping": Route("GET", ping, is_open=True),
        "/health": Route("GET", health, is_open=True),
        "/version": Route("GET", version),
    }
