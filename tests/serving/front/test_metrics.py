"""What Prometheus reads, and what the page does: the figures of who has answered."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from jupyter_mlops.serving.front.app import Front
from jupyter_mlops.serving.front.dispatcher import Limits
from jupyter_mlops.serving.front.routing import Routing
from jupyter_mlops.serving.history import add_to_history, read_history

from .conftest import Direct
from .test_app import BODY, MODEL, ROWS, Client

Value = dict[tuple[str, frozenset[tuple[str, str]]], float]


def read(answer: httpx.Response) -> Value:
    """Read an exposition as a scraper does."""
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(values: Value, name: str, **labels: str) -> float:
    """Give one value."""
    return values[f"mlops_{name}", frozenset(labels.items())]


def test_requests_rows_and_durations_are_counted_by_version_role_and_status() -> None:
    endpoint = Client()

    async def scenario() -> Value:
        async with endpoint.connect() as (client, _):
            for _ in range(3):
                assert (await client.post("/invocations", content=BODY)).status_code == 200
            assert (await client.post("/invocations", content=b"{")).status_code == 400
            assert (await client.get("/nope")).status_code == 404
            assert (await client.get("/ping", headers={"host": "evil.com"})).status_code == 403
            return read(await client.get("/metrics"))

    values = asyncio.run(scenario())
    champion = {"role": "champion", "version": "3"}
    assert value(values, "requests_total", code="200", **champion) == 3
    assert value(values, "requests_total", code="400", **champion) == 1
    for code in ("404", "403"):
        assert value(values, "requests_total", code=code, role="", version="") == 1
    assert value(values, "rows_total", **champion) == 3 * len(ROWS)
    assert value(values, "request_duration_seconds_count", **champion) == 3
    assert value(values, "request_duration_seconds_bucket", le="+Inf", **champion) == 3
    assert 0 < value(values, "request_duration_seconds_sum", **champion) < 30
    assert value(values, "endpoint_info", endpoint="churn-live", model="churn", **champion) == 1
    assert value(values, "queue_requests") == 0
    assert value(values, "queue_limit") == 1000


def test_a_canary_and_a_shadow_have_figures_of_their_own() -> None:
    endpoint = Client(MODEL, MODEL, replace(MODEL, predict=lambda rows: [7] * len(rows)))

    async def scenario() -> Value:
        async with endpoint.connect() as (client, links):
            arms = endpoint.arm(3, links[0]), endpoint.arm(4, links[1], "canary"), endpoint.arm(5, links[2], "shadow")
            endpoint.front.dispatcher.routing = Routing("churn", arms[0], arms[1], 0.5, arms[2])
            for number in range(20):
                await client.post("/invocations", content=BODY, headers={"x-request-id": f"id {number}"})
            while arms[2].figures.compared < 20:
                await asyncio.sleep(0.01)
            return read(await client.get("/metrics"))

    values = asyncio.run(asyncio.wait_for(scenario(), 120))
    champion = value(values, "requests_total", role="champion", version="3", code="200")
    canary = value(values, "requests_total", role="canary", version="4", code="200")
    assert champion + canary == 20
    assert 0 < canary < 20
    assert value(values, "shadow_compared_total", role="shadow", version="5") == 20
    assert value(values, "shadow_agreed_total", role="shadow", version="5") == 0


def test_a_full_queue_and_a_fault_are_counted() -> None:
    def broken(rows: Any) -> Any:
        raise RuntimeError

    endpoint = Client(replace(MODEL, predict=broken), limits=Limits(waiting=1))

    async def scenario() -> Value:
        async with endpoint.connect() as (client, _):
            await asyncio.gather(*(client.post("/invocations", content=BODY) for _ in range(3)))
            return read(await client.get("/metrics"))

    values = asyncio.run(scenario())
    assert value(values, "requests_total", role="", version="", code="503") == 2
    assert value(values, "requests_total", role="champion", version="3", code="500") == 1


def test_names_are_text_whatever_is_in_them() -> None:
    name = 'a "quoted" \\ name\nwith lines'
    front = Front(name)

    async def scenario() -> Value:
        front.dispatcher.routing = Routing("churn", Client().arm(3, None))  # type: ignore[arg-type]
        transport = Direct(front)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return read(await client.get("/metrics"))

    values = asyncio.run(scenario())
    assert value(values, "endpoint_info", endpoint=name, model="churn", role="champion", version="3") == 1


def test_the_history_keeps_the_latest_and_a_torn_file_is_none(tmp_path: Path) -> None:
    path = tmp_path / "history.json"
    assert read_history(path) == []
    for number in range(60):
        add_to_history(path, "champion", number, refused="because" if number % 2 else "")
    events = read_history(path)
    assert [event["version"] for event in events] == [str(number) for number in range(59, 9, -1)]
    assert [event["refused"] for event in events[:2]] == ["because", ""]
    path.write_text("[{")
    assert read_history(path) == []


def test_about_says_how_it_is_asked_and_who_answers() -> None:
    endpoint = Client()

    async def scenario() -> Any:
        async with endpoint.connect() as (client, links):
            arms = endpoint.arm(3, links[0]), endpoint.arm(4, links[0], "canary")
            arms[0].about.update(inputs=[{"name": "a", "type": "double", "required": True}], example={"instances": [1]})
            endpoint.front.dispatcher.routing = Routing("churn", arms[0], arms[1], 0.25)
            return (await client.get("/about")).json()

    about = asyncio.run(scenario())
    assert (about["endpoint"], about["model"], about["version"]) == ("churn-live", "churn", "3")
    assert (about["inputs"][0]["name"], about["example"]) == ("a", {"instances": [1]})
    assert [(v["role"], v["version"], v["share"]) for v in about["versions"]] == [
        ("champion", "3", 0.75),
        ("canary", "4", 0.25),
    ]
    assert (about["history"], about["waiting"], about["auth"]) == ([], 0, False)
