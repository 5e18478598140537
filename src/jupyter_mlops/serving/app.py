"""The HTTP face of one model: MLflow's scoring protocol, and answers that say who gave them."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .columns import RequestRefused
from .formats import MAX_BYTES, UnsupportedMediaType, read_request, too_large, write_answer
from .loader import LoadedModel
from .signature import Rows

_log = logging.getLogger(__name__)

_LOCAL: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
_REQUEST_ID: Final = re.compile(r"[\x20-\x7e]{1,128}")
_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]/@\s]+)(:[0-9]{1,5})?", re.IGNORECASE)
_CODES: Final = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}


class ForeignHost(RequestRefused):
    """A request for another host's name: a web page that had its own name resolve to this machine."""

    status = 403


@dataclass(frozen=True)
class ServedModel:
    """A loaded version of a registered model."""

    model: LoadedModel
    name: str
    version: str


class ModelSlot:
    """Holds the version that answers.

    A request takes ``current`` once and keeps it, so that assigning another version at any time
    neither loses nor mixes an answer.
    """

    def __init__(self, current: ServedModel) -> None:
        self.current = current


@dataclass(frozen=True)
class Answer:
    """A prediction that was made: the checked rows, the predictions, and the body that says them."""

    rows: Rows
    predictions: Any
    body: bytes


def answer(served: ServedModel, body: bytes, content_type: str | None) -> Answer:
    """Predict for one request; everything that takes time happens here, off the event loop.

    Raises
    ------
    RequestRefused
        Where the request does not fit the model, or the estimator itself refuses the values.
    """
    rows = read_request(body, content_type, served.model.signature.inputs)
    try:
        predictions = served.model.predict(rows)
    except (ValueError, RecursionError) as error:
        raise RequestRefused("MODEL_REFUSED_INPUT", f"The model refuses these values: {error}") from error
    return Answer(rows, predictions, write_answer(predictions))


def create_app(
    model: LoadedModel, *, endpoint: str, model_name: str, version: str | int, hosts: Collection[str] = ()
) -> Starlette:
    """Make the ASGI application of an endpoint.

    Parameters
    ----------
    model : LoadedModel
        The version that answers first.
    endpoint, model_name : str
        The names that ``/health`` gives.
    version : str or int
        The registered version, also in the header ``X-Model-Version`` of every answer.
    hosts : collection of str
        Names beside 127.0.0.1, localhost and [::1] that a request may call this server by.

    Returns
    -------
    Starlette
        Its ``state.slot`` is the ``ModelSlot``.
    """
    slot = ModelSlot(ServedModel(model, model_name, str(version)))

    async def invocations(request: Request) -> Response:
        served: ServedModel = request.state.served
        if request.headers.get("content-encoding", "identity") != "identity":
            raise UnsupportedMediaType("UNSUPPORTED_MEDIA_TYPE", "Send the body without content encoding.")
        body = await _read_body(request)
        given = await run_in_threadpool(answer, served, body, request.headers.get("content-type"))
        return Response(given.body, media_type="application/json")

    async def ping(request: Request) -> Response:
        return Response("\n", media_type="application/json")  # as MLflow's server answers

    async def health(request: Request) -> Response:
        served: ServedModel = request.state.served
        return _json(200, {"status": "ok", "endpoint": endpoint, "model": served.name, "version": served.version})

    async def mlflow_version(request: Request) -> Response:
        served: ServedModel = request.state.served
        return PlainTextResponse(served.model.mlflow_version)

    app = Starlette(
        routes=[
            Route("/invocations", invocations, methods=["POST"]),
            Route("/ping", ping),
            Route("/health", health),
            Route("/version", mlflow_version),
        ],
        middleware=[Middleware(_Envelope, slot=slot, hosts=_LOCAL | {host.lower() for host in hosts})],
        exception_handlers={RequestRefused: _refused, HTTPException: _http_error},
    )
    app.state.slot = slot
    return app


class _Envelope:
    """What holds for every request: a known host, one model version, an id, and no traceback.

    Plain ASGI, because Starlette's ``BaseHTTPMiddleware`` costs a task and a stream for each request.
    """

    def __init__(self, app: ASGIApp, slot: ModelSlot, hosts: frozenset[str]) -> None:
        self._app = app
        self._slot = slot
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "").strip()
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        served = self._slot.current
        scope.setdefault("state", {})["served"] = served
        started = False

        async def send_marked(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                marked = MutableHeaders(scope=message)
                marked["X-Model-Version"] = served.version
                marked["X-Request-Id"] = request_id
            await send(message)

        try:
            if self._knows(headers.getlist("host")):
                await self._app(scope, receive, send_marked)
            else:
                refusal = ForeignHost("FOREIGN_HOST", "This server is not known by the name in the Host header.")
                await _error(refusal.status, refusal.code, refusal.message)(scope, receive, send_marked)
        except ClientDisconnect:
            _log.info("request %s: the client hung up", request_id)
        except Exception:
            _log.exception("request %s failed", request_id)
            if not started:
                message = f"The server failed. Its log has the reason, under request {request_id}."
                await _error(500, "INTERNAL_ERROR", message)(scope, receive, send_marked)

    def _knows(self, hosts: list[str]) -> bool:
        match = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        return match is not None and match[1].lower() in self._hosts


async def _read_body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise too_large()
    return bytes(body)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestRefused)
    return _error(error.status, error.code, error.message, error.column)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = _error(error.status_code, _CODES.get(error.status_code, "HTTP_ERROR"), f"{error.detail}.")
    response.headers.update(error.headers or {})
    return response


def _error(status: int, code: str, message: str, column: str | None = None) -> Response:
    return _json(status, {"error_code": code, "message": message, "column": column})


def _json(status: int, content: dict[str, str | None]) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")
