"""Commands over REST: the same results, in the project's own folder, one after the other and with an end."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jupyter_mlops as mlops

from .conftest import Ask

HOSTILE = "<script>alert(1)</script>"


async def test_a_promotion_is_tried_and_then_done(ask: Ask, trained: Any, name: str) -> None:
    run = trained(HOSTILE, accuracy=0.95)
    mlops.register(name, run=f"run:{run.run_id}", alias="challenger")
    tried = await ask("commands/promote", {"model": f"{name}@challenger", "dry_run": True})
    assert (tried.status, tried.body["ok"], tried.body["result"]["done"]) == (200, True, False)
    done = (await ask("commands/promote", {"model": f"{name}@challenger"})).body
    assert (done["result"]["after"], done["result"]["outcome"]) == (1, "pass")
    assert "no version → " in done["text"]
    [(kind, shown)] = done["mime"].items()
    assert (kind, shown["subject"]) == ("application/vnd.jupyter-mlops.card.v1+json", {"model": name, "version": 1})
    assert (await ask(f"models/{name}")).body["aliases"]["champion"] == 1
    listed = (await ask("commands/runs", {"limit": 5})).body
    assert listed["result"]["rows"][0]["name"] == HOSTILE
    assert HOSTILE not in listed["html"]
    again = await ask("commands/rollback", {"name": name})
    assert (again.status, again.body["code"]) == (404, "NotFound")
    assert again.body["hint"]


async def test_files_are_those_of_the_project(ask: Ask, project: Path, cancer: Any) -> None:
    X, *_ = cancer
    (project / "tables").mkdir()
    X.to_parquet(project / "tables" / "X.parquet")
    said = (await ask("commands/drift", {"reference": "tables/X.parquet", "current": "tables/X.parquet"})).body
    assert said["ok"] is True
    rows = await ask("commands/validate-data", {"data": X.head(3).to_dict("records")})
    assert rows.status in (200, 400, 422)  # rows that come as JSON are read, or refused in a line
    assert "Traceback" not in str(rows.body)


async def test_where_there_is_no_project_there_is_a_welcome(ask: Ask, project: Path, tracking_uri: str) -> None:
    (project / "mlops.toml").unlink()
    status = (await ask("status")).body
    assert (status["initialised"], status["tracking"]["state"], status["experiment"]) == (False, "stopped", None)
    runs = await ask("runs")
    assert (runs.status, runs.body["hint"]) == (400, "%mlops init")
    assert (await ask("commands/init", {"experiment": "churn", "dry_run": True})).body["ok"] is True
    assert not (project / "mlops.toml").exists()


async def test_broken_settings_are_told_and_not_thrown(ask: Ask, project: Path) -> None:
    (project / "mlops.toml").write_text("experimnt = 'x'\n")
    status = (await ask("status")).body
    assert "Did you mean experiment?" in status["problem"]["message"]
    assert (await ask("runs")).status == 400


async def test_names_of_any_kind_are_only_names(ask: Ask) -> None:
    for model in (HOSTILE, "a/b", "ü名", "x" * 5000, "'\"", "%00", ".."):
        for route in (f"models/{quote(model, safe='')}", f"endpoints/{quote(model, safe='')}"):
            said = await ask(route)
            assert said.status in (400, 404), said.body
            assert said.body["code"] in ("InvalidUsage", "NotFound")


async def test_figures_that_are_none_stay_what_they_are(ask: Ask, project: Path) -> None:
    with mlops.run("odd", autolog=False) as run:
        mlops.log({"nan": float("nan"), "inf": float("inf"), "loss": 0.1})
    found = (await ask("runs")).body["runs"][0]["metrics"]
    assert (found["nan"], found["loss"]) == ("NaN", 0.1)
    whole = (await ask(f"runs/{run.result.run_id}")).body
    assert whole["history"]["nan"]["points"][0][2] == "NaN"


async def test_a_run_that_was_deleted_meanwhile_is_told_so(ask: Ask, trained: Any) -> None:
    from jupyter_mlops.workspace import Workspace

    run = trained("gone", accuracy=0.9)
    Workspace.here().mlflow.write("delete_run", run.run_id)
    said = await ask(f"runs/{run.run_id}")
    assert (said.status, said.body["code"], "was deleted" in said.body["message"]) == (404, "NotFound", True)


async def test_a_command_that_takes_too_long_is_ended(ask: Ask, jp_serverapp: Any) -> None:
    jp_serverapp.web_app.settings["jupyter_mlops"]._workers._seconds = 0.05
    said = await ask("commands/runs", {})
    assert (said.status, said.body["code"]) == (504, "TimedOut")


async def test_a_process_that_dies_is_told_and_the_next_one_answers(ask: Ask, jp_serverapp: Any, project: Path) -> None:
    workers = jp_serverapp.web_app.settings["jupyter_mlops"]._workers
    assert (await ask("commands/help", {})).body["ok"] is True
    [worker] = workers._idle[project]
    worker._process.kill()
    died = await ask("commands/help", {})
    assert died.status == 200 or (died.status, died.body["code"]) == (502, "ProcessFailed")
    assert (await ask("commands/help", {})).body["ok"] is True


async def test_more_commands_than_may_run_at_once_wait_for_their_turn(ask: Ask, project: Path) -> None:
    came = await asyncio.gather(*(ask("commands/help", {}) for _ in range(6)))
    assert [one.body["ok"] for one in came] == [True] * 6


async def test_a_server_that_hangs_holds_nobody(ask: Ask, project: Path) -> None:
    """It takes connections and never answers: status says so in time, and others are answered meanwhile."""

    hung: list[asyncio.StreamReader] = []

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hung.append(reader)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    (project / "mlops.toml").write_text(f'tracking_uri = "http://127.0.0.1:{port}"\n')
    begin = time.monotonic()
    slow = [asyncio.create_task(ask(route)) for route in ("status", "runs", "models")]
    while len(hung) < 3:
        await asyncio.sleep(0.01)
    assert (await ask("commands")).status == 200
    assert not any(task.done() for task in slow)
    status, runs, models = await asyncio.gather(*slow)
    assert len(hung) == 3  # each has waited once
    assert time.monotonic() - begin < 60
    assert (status.body["tracking"]["state"], status.body["tracking"]["hint"] is None) == ("down", False)
    assert [runs.status, models.status] == [503, 503]
    server.close()
