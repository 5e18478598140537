"""The HTTP face of an endpoint, as plain ASGI: a frame around requests that other processes answer.

Nothing in here knows a model, numpy or pandas. A request is a known host, an id and a body of a bearable size; which
version answers is decided once; what it says is passed on with its name. Starlette's routes and requests would cost
as much again as all of this.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from pathlib import Path

from starlette.types import Receive, Scope, Send

from . import about, invocations, metrics, openapi, page, v2
from .dispatcher import Dispatcher, Limits
from .door import Door
from .messages import HungUp, Refusal, Reply, Request, start

_log = logging.getLogger(__name__)


class Front:
    """The application.

    Parameters
    ----------
    endpoint : str
        The name that ``/health`` gives.
    hosts : collection of str
        Names beside 127.0.0.1, localhost and [::1] that a request may call this server by.
    limits : Limits
    key : str
        The SHA-256 of the key that clients must have; empty where none is asked for.
    history : Path, optional
        The file in which its controller keeps who has answered.

    Attributes
    ----------
    dispatcher : Dispatcher
        Who is told which versions answer.
    door : Door
        Who is let in.
    """

    def __init__(
        self,
        endpoint: str,
        hosts: Collection[str] = (),
        limits: Limits | None = None,
        key: str = "",
        history: Path | None = None,
    ) -> None:
        self.dispatcher = Dispatcher(limits or Limits())
        self.door = Door(hosts, key)
        is_locked = lambda: self.door.is_locked  # noqa: E731 - there may be another door
        self._routes = {
            **invocations.routes(self.dispatcher, endpoint),
            **metrics.routes(self.dispatcher, endpoint),
            **about.routes(self.dispatcher, endpoint, is_locked, history),
            **openapi.routes(self.dispatcher, endpoint, is_locked),
            **page.routes(),
        }
        self._v2 = v2.V2(self.dispatcher)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        request = Request.of(scope, receive, self.dispatcher.version)
        try:
            reply = await self._reply(request, scope)
        except Refusal as refusal:
            reply = request.refused(refusal)
            self.dispatcher.refusals[reply.status] += 1
        except HungUp:
            _log.info("request %s: the client hung up", request.id)
            return
        except Exception:
            _log.exception("request %s failed", request.id)
            message = f"The server failed. Its log has the reason, under request {request.id}."
            reply = request.refused(Refusal(500, "INTERNAL_ERROR", message))
            self.dispatcher.refusals[500] += 1
        await send(start(request, reply))
        await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else reply.body})

    async def _reply(self, request: Request, scope: Scope) -> Reply:
        self.door.check_host(scope["headers"])
        route = self._routes.get(request.path) or self._v2.route(request.path)
        if route is None or not route.is_open:
            self.door.check_key(request.headers.get(b"authorization"))
        if route is None:
            raise Refusal(404, "NOT_FOUND", "There is nothing at this path.")
        method = route.method
        if request.method not in (method, "HEAD" if method == "GET" else method):
            allowed = b"GET, HEAD" if method == "GET" else method.encode()
            raise Refusal(405, "METHOD_NOT_ALLOWED", f"This path takes {method}.", (b"allow", allowed))
        return await route.answer(request)
