"""``/openapi.json``: the paths of an endpoint, and what the version that answers now takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import orjson

from ..wire import MAX_ROWS
from . import openapi_v2, schemas
from .dispatcher import Dispatcher
from .messages import Reply, Request, Route
from .operations import KEYED, NUMBER, TEXT, Document, components, get, json, post
from .routing import Routing

_HEALTH: Final = {"status": {"const": "ok"}, "endpoint": TEXT, "model": TEXT, "version": TEXT}
_ABOUT: Final = {
    "endpoint": TEXT,
    "model": TEXT,
    "version": TEXT,
    "auth": {"type": "boolean"},
    "inputs": {"type": "array"},
    "example": {},
    "waiting": NUMBER,
    "versions": {"type": "array"},
    "history": {"type": "array"},
}
_HTML: Final = {"text/html": {"schema": TEXT}}
_PLAIN: Final = {"text/plain": {"schema": TEXT}}
_OBJECT: Final = {"application/json": {"schema": {"type": "object"}}}


def routes(dispatcher: Dispatcher, endpoint: str, is_locked: Callable[[], bool]) -> dict[str, Route]:
    """Give the path.

    Parameters
    ----------
    dispatcher : Dispatcher
    endpoint : str
        Its name.
    is_locked : callable
        Whether a key is asked for.
    """

    async def openapi(request: Request) -> Reply:
        return Reply(200, orjson.dumps(document(dispatcher.there(), endpoint, locked=is_locked())))

    return {"/openapi.json": Route("GET", openapi)}


def document(routing: Routing, endpoint: str, *, locked: bool) -> Document:
    """Write the document, in OpenAPI 3.1."""
    about = routing.champion.about
    body: Document = {"schema": schemas.request(about.get("inputs", []), MAX_ROWS)}
    if about.get("example"):
        body["example"] = about["example"]
    summary = "Ask for predictions, as MLflow's clients do. CSV with a header and streams of Arrow are taken as well."
    predictions = json({"predictions": {"type": ["array", "object"]}})
    return {
        "openapi": "3.1.0",
        "info": {
            "title": endpoint,
            "version": routing.champion.version,
            "description": f"Predictions of {routing.model}. The page at / asks by a form.",
        },
        "servers": [{"url": "."}],  # beside this very document, also behind a proxy
        "security": KEYED if locked else [],
        "paths": {
            "/invocations": post("invocations", summary, body, predictions, locked=locked),
            "/ping": get("ping", "Whether it answers.", {"application/json": {}}, 503, locked=False),
            "/health": get("health", "Whether it answers, and who it is.", json(_HEALTH), 503, locked=False),
            "/version": get("version", "The MLflow that wrote the model.", _PLAIN, 503, locked=locked),
            "/about": get("about", "What it serves, and how it does.", json(_ABOUT), 503, locked=locked),
            "/metrics": get("metrics", "Figures for Prometheus.", _PLAIN, locked=locked),
            "/openapi.json": get("openapi", "This document.", _OBJECT, 503, locked=locked),
            "/": get("page", "The page for people.", _HTML, locked=locked),
            **openapi_v2.paths(routing, locked=locked),
        },
        "components": components(),
    }
