"""What changes is told to who listens, by one look for all of them; and nobody looks where nobody listens."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import jupyter_mlops as mlops
from jupyter_mlops.server import watching
from jupyter_mlops.workspace import Workspace

from .conftest import Ask


class Listener:
    """A page that listens."""

    def __init__(self, app: Any, path: str = "events") -> None:
        self.events: list[dict[str, Any]] = []
        self._app = app
        self._path = path
        self.task = asyncio.ensure_future(self._listen())

    async def _listen(self) -> None:
        app = self._app
        reader, writer = await asyncio.open_connection("127.0.0.1", app.port)
        token = f"Authorization: token {app.identity_provider.token}"
        writer.write(
            f"GET {app.base_url}jupyter-mlops/{self._path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{token}\r\n\r\n".encode()
        )
        try:
            while line := await reader.readline():  # between headers and the sizes of chunks
                if line.startswith(b"data: "):
                    self.events.append(json.loads(line.removeprefix(b"data: ")))
        finally:
            writer.close()

    async def until(self, kind: str, count: int = 1) -> list[dict[str, Any]]:
        async with asyncio.timeout(90):
            while len(found := [event for event in self.events if event["kind"] == kind]) < count:
                await asyncio.sleep(0.02)
        return found

    async def looked(self, watch: Any) -> None:
        """Wait until a whole look was taken since this page listens."""
        await self.until("hello")
        seen = watch.looks
        async with asyncio.timeout(90):
            while watch.looks < seen + 2:  # one may have been under way
                await asyncio.sleep(0.02)

    async def gone(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def test_what_changes_is_told_to_all_by_one_look(
    ask: Ask, jp_serverapp: Any, trained: Any, name: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr(watching, "PAUSE", 0.2)
    run = trained("first", accuracy=0.95)
    watch = jp_serverapp.web_app.settings["jupyter_mlops"].at(None).watch
    await ask("status")
    assert watch.looks == 0
    one, other = Listener(jp_serverapp), Listener(jp_serverapp)
    for listener in (one, other):
        assert (await listener.until("status"))[0]["status"]["initialised"] is True
        assert (await listener.until("endpoints"))[0]["endpoints"] == []
        assert listener.events[0] == {"kind": "hello"}
        await listener.looked(watch)
    await asyncio.to_thread(mlops.log, {"f1": 0.9}, run=f"run:{run.run_id}")
    await asyncio.to_thread(mlops.register, name, run=f"run:{run.run_id}")
    for listener in (one, other):
        await listener.until("runs")
        await listener.until("models")
    assert not [event for event in one.events if event["kind"] == "alerts"]
    for listener in (one, other):
        await listener.gone()
    async with asyncio.timeout(90):
        while watch._task is not None and not watch._task.done():
            await asyncio.sleep(0.05)
    looks = watch.looks
    await asyncio.sleep(0.6)
    assert watch.looks == looks


async def test_runs_of_other_experiments_and_those_that_still_run_are_watched(
    ask: Ask, jp_serverapp: Any, trained: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(watching, "PAUSE", 0.2)
    trained("first", accuracy=0.95)  # so that there is an experiment, and a server
    mlflow = Workspace.here().mlflow
    [mine] = [each["id"] for each in (await ask("experiments")).body["experiments"] if each["current"]]
    other = mlflow.write("create_experiment", "another one")
    old = mlflow.write("create_run", mine, tags={}, run_name="a parent")
    for number in range(watching._FEW):
        made = mlflow.write("create_run", mine, tags={}, run_name=f"child {number}")
        mlflow.write("set_terminated", made.info.run_id, "FINISHED")
    watch = jp_serverapp.web_app.settings["jupyter_mlops"].at(None).watch
    plain, chosen = Listener(jp_serverapp), Listener(jp_serverapp, f"events?experiment={other}")
    for listener in (plain, chosen):
        await listener.looked(watch)
    first = len([event for event in chosen.events if event["kind"] == "runs"])
    mlflow.write("create_run", other, tags={}, run_name="elsewhere")
    await chosen.until("runs", first + 1)
    assert not [event for event in plain.events if event["kind"] == "runs"]
    mlflow.write("set_terminated", old.info.run_id, "FINISHED")
    await plain.until("runs")
    await chosen.until("runs", first + 2)
    late = Listener(jp_serverapp, "events?experiment=none+of+this+name")
    assert (await late.until("status"))[0]["status"]["initialised"] is True
    assert (await late.until("endpoints"))[0]["endpoints"] == []
    for listener in (plain, chosen, late):
        await listener.gone()


async def test_a_comparison_that_nobody_waits_for_ends(ask: Ask, jp_serverapp: Any, project: Path) -> None:
    workers = jp_serverapp.web_app.settings["jupyter_mlops"]._workers
    free = workers._turn._value
    asked = Listener(jp_serverapp, "compare?run=one&run=other")
    async with asyncio.timeout(90):
        while workers._turn._value == free:
            await asyncio.sleep(0.01)
        await asked.gone()
        while workers._turn._value != free:
            await asyncio.sleep(0.01)
    assert not any(workers._idle.values())  # it did not come to its end
