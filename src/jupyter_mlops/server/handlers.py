"""The routes. Each asks a room, says what it gives, and holds no logic of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Final

from tornado.web import HTTPError, authenticated

from ..errors import InvalidUsage
from ..monitoring import browsing as monitoring
from ..registry import browsing as registry
from ..tracking import browsing as tracking
from ..tracking import one_run
from ..workspace import Onlooker
from . import forms, openapi, parameters
from .answers import TooLarge, as_json
from .face import ROOT, Awaited, Face, allowed, plain, text

_PULSE: Final = 15.0  # seconds between two signs of life


class Status(Face):
    """How the project is."""

    @allowed("read")
    async def get(self) -> None:
        self.answer(await self.project.glanced())


class Experiments(Face):
    """The experiments of the server."""

    @allowed("read")
    async def get(self) -> None:
        limit, page = self.number("limit", 100, 1000), self.argument("page")
        self.answer(await self.project.look(lambda at: tracking.list_experiments(at, limit, page)))


class Runs(Face):
    """A page of runs."""

    @allowed("read")
    async def get(self) -> None:
        experiment, page = self.argument("experiment"), self.argument("page")
        where, sort = self.argument("filter") or "", self.argument("sort") or ""
        descending, children = self.flag("descending"), self.flag("children") or False
        limit = self.number("limit", 50, tracking.MOST)
        self.answer(
            await self.project.look(
                lambda at: tracking.list_runs(
                    at, experiment, where, sort, descending=descending, limit=limit, page=page, children=children
                )
            )
        )


class Run(Face):
    """One run; with ``brief=true`` only what the list shows of it."""

    @allowed("read")
    async def get(self, run_id: str) -> None:
        plain(run_id, "the run")
        read: Callable[[Onlooker, str], object] = tracking.brief if self.flag("brief") else one_run.whole
        self.answer(await self.project.look(lambda at: read(at, run_id)))


class Compare(Awaited):
    """Runs side by side: a command, which a process works out."""

    @allowed("read")
    async def get(self) -> None:
        refs = [plain(text(ref, "run"), "run") for ref in self.request.query_arguments.get("run", ())]
        if not 2 <= len(refs) <= 10:
            raise InvalidUsage(f"compare takes 2 to 10 runs, not {len(refs)}.", "compare?run=ID&run=ID")
        await self.may("execute")
        async with self.awaited():
            said = await self.project.call("compare", {"refs": refs})
            views = [shown["view"] for shown in said["mime"].values()]
            self.answer(tracking.side_by_side(said["result"], views[0] if views else None))


class Models(Face):
    """A page of registered models."""

    @allowed("read")
    async def get(self) -> None:
        limit, page, search = self.number("limit", 50, 1000), self.argument("page"), self.argument("search") or ""
        self.answer(await self.project.look(lambda at: registry.list_models(at, limit, page, search)))


class Model(Face):
    """One registered model with its versions."""

    @allowed("read")
    async def get(self, name: str) -> None:
        plain(name, "the model")
        self.answer(await self.project.look(lambda at: registry.show(at, name)))


class Endpoints(Face):
    """The endpoints."""

    @allowed("read")
    async def get(self) -> None:
        project = self.project
        self.answer(await project.look(lambda _: project.endpoints()))


class Endpoint(Face):
    """One endpoint."""

    @allowed("read")
    async def get(self, name: str) -> None:
        project = self.project
        plain(name, "the endpoint")
        self.answer(await project.look(lambda _: project.endpoint(name)))


class Alerts(Face):
    """What rings, and what has rung."""

    @allowed("read")
    async def get(self) -> None:
        self.answer(await self.project.look(monitoring.list_alerts))


class Commands(Face):
    """The registry: what the palette and the forms are made of."""

    @allowed("read")
    async def get(self) -> None:
        self.answer(forms.described())


class Command(Face):
    """Call a command."""

    _track_activity = True

    @allowed("execute")
    async def post(self, name: str) -> None:
        if len(self.request.body) > self.projects.body_bytes:
            raise TooLarge(f"A request may have {self.projects.body_bytes:,} bytes.", "a file of the project")
        project, command = self.project, parameters.find(plain(name, "the command"))
        given = self._body()
        if not parameters.only_reads(command, given):
            await self.may("write", f"{command.magic} in a cell, or ask whoever runs this Jupyter server")
        checked = parameters.read(command, given)
        said = await project.call(command.key, checked)
        self.answer({"ok": None, "result": {}, "text": "", "html": "", "mime": {}} | said)

    def _body(self) -> object:
        if self.request.headers.get("Content-Type", "").partition(";")[0].strip() != "application/json":
            raise InvalidUsage("The parameters must come as JSON.", "Content-Type: application/json")
        try:
            return json.loads(self.request.body or b"{}")
        except (ValueError, RecursionError):
            raise InvalidUsage("The body is no JSON.", '{"model": "churn@champion"}') from None


class Events(Awaited):
    """What changes, as it changes: server-sent events."""

    @allowed("read")
    async def get(self) -> None:
        watch = self.project.watch
        self.set_header("Content-Type", "text/event-stream; charset=UTF-8")
        self.set_header("Cache-Control", "no-cache")
        self.set_header("X-Accel-Buffering", "no")  # else nginx would collect them
        with watch.listening(self.argument("experiment") or None) as queue:
            async with self.awaited():
                while True:
                    try:
                        event = await asyncio.wait_for(queue.get(), _PULSE)
                        self.write(f"data: {as_json(event)}\n\n")
                    except TimeoutError:
                        self.write(": ok\n\n")
                    await self.flush()


class OpenApi(Face):
    """The description of all this."""

    @allowed("read")
    async def get(self) -> None:
        self.answer(openapi.document(f"{self.base_url}{ROOT}"))


class Nothing(Face):
    """What is at no route."""

    @authenticated
    async def get(self, _: str) -> None:
        raise HTTPError(404, "There is nothing at this address.")

    post = put = patch = delete = get
