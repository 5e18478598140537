"""The open inference protocol v2: what the server and its model are, whether they are ready, and predictions.

The tensors are read and written where the model is; the front finds the model and the request's own id.
"""

from __future__ import annotations

import re
from importlib import metadata
from typing import Any, Final

import msgspec
import orjson

from .dispatcher import Dispatcher
from .messages import Refusal, Reply, Request, Route, sane_id
from .routing import Arm, Routing

_PATH: Final = re.compile(r"/v2/models/([^/]+)(?:/versions/([^/]+))?(/ready|/infer)?")
_HEADER: Final = b"inference-header-content-length"


class _Envelope(msgspec.Struct):
    """What the front reads of a request's JSON; the rest is passed over, ten times faster than it is parsed."""

    id: str | None = None


_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)


class V2:
    """The paths of the protocol."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._fixed = {
            "/v2": Route("GET", self._server),
            "/v2/health/live": Route("GET", self._live, is_open=True),
            "/v2/health/ready": Route("GET", self._ready, is_open=True),
        }

    def route(self, path: str) -> Route | None:
        """Find who answers a path, if anybody."""
        if (match := _PATH.fullmatch(path)) is None:
            return self._fixed.get(path)
        name, version, what = match.groups()
        if what == "/infer":
            return Route("POST", lambda request: self._infer(request, name, version))
        return Route("GET", lambda request: self._about(request, name, version, only_ready=what == "/ready"))

    async def _server(self, request: Request) -> Reply:
        try:
            version = metadata.version("jupyter-mlops")
        except metadata.PackageNotFoundError:  # run from its sources
            version = "unknown"
        return _json({"name": "jupyter-mlops", "version": version, "extensions": ["binary_tensor_data"]})

    async def _live(self, request: Request) -> Reply:
        return _json({"live": True})

    async def _ready(self, request: Request) -> Reply:
        self._dispatcher.there()
        return _json({"ready": True})

    async def _about(self, request: Request, name: str, version: str | None, *, only_ready: bool) -> Reply:
        routing = self._dispatcher.there()
        arm = _find(routing, name, version) or routing.champion
        request.version = arm.version
        if only_ready:
            return _json({"name": name, "ready": any(link.is_open for link in arm.links)})
        tensors = arm.about.get("tensors", {"inputs": [], "outputs": []})
        versions = [each.version for each in routing.answering]
        return _json({"name": name, "versions": versions, "platform": "mlflow", **tensors})

    async def _infer(self, request: Request, name: str, version: str | None) -> Reply:
        more, text = {"protocol": "v2"}, request.body
        if (given := request.headers.get(_HEADER)) is not None:
            more["header"] = given[:20].decode("latin-1")
            text = request.body[: int(given)] if given.isdigit() and len(given) < 20 else b""
        own = _own_id(text)
        if own is not None and sane_id(own):
            request.id = own
        return await self._dispatcher.ask(request, more, lambda routing: _find(routing, name, version))


def _find(routing: Routing, name: str, version: str | None) -> Arm | None:
    """Find the version that is asked for; None where any may answer."""
    if name != routing.model:
        raise Refusal(404, "NOT_FOUND", f"There is no model of that name here, but {routing.model}.")
    if version is None:
        return None
    arm = next((arm for arm in routing.answering if arm.version == version), None)
    if arm is None:
        versions = " and ".join(arm.version for arm in routing.answering)
        raise Refusal(404, "NOT_FOUND", f"That version does not answer now, but {versions}.")
    return arm


def _own_id(text: bytes) -> str | None:
    try:
        return _ENVELOPE.decode(text).id
    except (msgspec.MsgspecError, RecursionError):
        return None  # what is wrong with it is told where all of it is read


def _json(said: dict[str, Any]) -> Reply:
    return Reply(200, orjson.dumps(said))
