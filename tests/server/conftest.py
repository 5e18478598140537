"""A Jupyter server whose folder is the test's, with our extension: in this process, on a port of its own."""

from __future__ import annotations

import gc
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jsonschema
import pytest
from pytest_jupyter.jupyter_server import *  # noqa: F403 - fixtures, for these tests only: their loop collides with Playwright's
from tornado.httpclient import HTTPClientError


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of pytest-jupyter some sockets are closed only when they are collected, in whatever test that happens."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))


@pytest.fixture(autouse=True, scope="module")
def _collected() -> Iterator[None]:
    """Collect them here, where they harm nobody."""
    yield
    gc.collect()


@dataclass
class Answer:
    """What came: the status, and the body read as JSON."""

    status: int
    body: Any
    headers: Any


Ask = Callable[..., Awaitable[Answer]]


@pytest.fixture
def jp_root_dir(project: Path) -> Path:
    """Show the project itself."""
    return project


@pytest.fixture
def jp_server_config() -> dict[str, Any]:
    """Turn our extension on."""
    return {"ServerApp": {"jpserver_extensions": {"jupyter_mlops": True}}}


@pytest.fixture
def ask(jp_serverapp: Any, http_server_client: Any, jp_asyncio_loop: Any) -> Any:
    """Ask a route: ``await ask("runs", limit=5)``, ``await ask("commands/promote", body={…})``."""

    async def ask(
        path: str,
        body: object = None,
        *,
        raw: bytes | None = None,
        headers: Any = None,
        with_token: bool = True,
        **words: Any,
    ) -> Answer:
        query = urlencode({k: str(v).lower() if isinstance(v, bool) else v for k, v in words.items()}, doseq=True)
        options: dict[str, Any] = {"method": "GET"}
        if body is not None or raw is not None:
            data = json.dumps(body).encode() if raw is None else raw
            options = {"method": "POST", "body": data, "headers": {"Content-Type": "application/json"}}
        options["headers"] = {**options.get("headers", {}), **(headers or {})}
        url = f"{jp_serverapp.base_url}jupyter-mlops/{path}" + f"?{query}" * bool(query)
        token = {"Authorization": f"token {jp_serverapp.identity_provider.token}"} if with_token else {}
        options["headers"] = token | options["headers"]
        try:
            came = await http_server_client.fetch(url, request_timeout=120, follow_redirects=False, **options)
        except HTTPClientError as error:
            if error.response is None:
                raise
            came = error.response
        return Answer(came.code, json.loads(came.body or b"null"), came.headers)

    yield ask
    jp_asyncio_loop.run_until_complete(jp_serverapp.web_app.settings["jupyter_mlops"].close())


def fits(document: Any, path: str, body: Any) -> None:
    """Hold an answer beside the description of its route."""
    content = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
    jsonschema.validate(body, {**content["schema"], "components": document["components"]})
