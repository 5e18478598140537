"""The HTTP face of an endpoint: a frame around requests that other processes answer.

Nothing in here knows a model, numpy or pandas. A request is a known host, an id and a body of a bearable size; which
version answers is decided once; what it says is passed on with its name.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from pathlib import Path

from . import about, invocations, metrics, openapi, page, v2
from .dispatcher import Dispatcher, Limits
from .door import Door
from .messages import Header, Refusal, Reply, Request, Route

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

    def find(self, request: Request, headers: Sequence[Header]) -> Route:
        """Find who answers a request, by its head.

        Raises
        ------
        Refusal
            Where nobody does, or it is not let in.
        """
        self.door.check_host(headers)
        route = self._routes.get(request.path) or self._v2.route(request.path)
        if route is None or not route.is_open:
            self.door.check_key(request.headers.get(b"authorization"))
        if route is None:
            raise Refusal(404, "NOT_FOUND", "There is nothing at this path.")
        method = route.method
        if request.method not in (method, "HEAD" if method == "GET" else method):
            allowed = "GET, HEAD" if method == "GET" else method
            raise Refusal(405, "METHOD_NOT_ALLOWED", f"This path takes {method}.", ("allow", allowed))
        if request.headers.get(b"content-encoding", b"identity") != b"identity":
            raise Refusal(415, "UNSUPPORTED_MEDIA_TYPE", "Send the body without content encoding.")
        announced = request.headers.get(b"content-length", b"")
        if announced.isdigit() and int(announced[:20]) > self.dispatcher.limits.body:  # before it is sent
            raise self.too_large()
        return route

    async def answer(self, request: Request, route: Route) -> Reply:
        """Answer a request that is whole, whatever happens."""
        try:
            return await route.answer(request)
        except Refusal as refusal:
            return self.refuse(request, refusal)
        except Exception:
            _log.exception("request %s failed", request.id)
            message = f"The server failed. Its log has the reason, under request {request.id}."
            return self.refuse(request, Refusal(500, "INTERNAL_ERROR", message))

    def refuse(self, request: Request, refusal: Refusal) -> Reply:
        """Say no, and count it."""
        reply = request.refused(refusal)
        self.dispatcher.refusals[reply.status] += 1
        return reply

    def too_large(self) -> Refusal:
        """Make the refusal of a body with too many bytes."""
        most = self.dispatcher.limits.body
        return Refusal(413, "TOO_LARGE", f"A request may have {most / 2**20:g} MB; send the rows in several.")
