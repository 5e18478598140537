"""A real endpoint as the side bar shows it: its figures, its drift, what rings, and a promotion that it follows."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier

import jupyter_mlops as mlops

from .conftest import Ask, fits


async def test_an_endpoint_is_shown_and_follows_a_promotion(
    ask: Ask, jp_serverapp: Any, project: Path, name: str
) -> None:
    with (project / "mlops.toml").open("a") as file:
        file.write('\n[monitor.people]\ndrift = "minor"\n')
    chance = np.random.default_rng(0)
    frame = pd.DataFrame({"age": chance.normal(41, 10, 1000), "pressure": chance.normal(120, 15, 1000)})
    for depth in (3, 4):
        model = DecisionTreeClassifier(max_depth=depth, random_state=0).fit(frame, frame["age"] > 41)
        await asyncio.to_thread(mlops.register, name, model=model, data=frame)
    await asyncio.to_thread(mlops.promote, f"{name}/1", force=True, reason="a test")
    await asyncio.to_thread(mlops.deploy, f"{name}@champion", name="people")
    try:
        first = (await ask("endpoints")).body["endpoints"][0]
        assert (first["name"], first["state"], first["follows"], first["version"]) == (
            "people",
            "serving",
            "champion",
            1,
        )
        assert (first["drift"], first["requests_per_second"]) == ("unknown", None)
        rested = []
        for _ in range(3):
            await asyncio.sleep(1.1)
            rested.append((await asyncio.to_thread(project_of(jp_serverapp).watch._seen, set()))[1])
        assert rested[1].more["endpoints"][0].series != rested[2].more["endpoints"][0].series
        assert rested[1].mark == rested[2].mark  # nothing was asked, so nothing is told
        await asyncio.to_thread(mlops.predict, "people", data=frame.assign(age=frame["age"] + 15))
        for _ in range(200):
            await asyncio.sleep(0.3)
            row = (await ask("endpoints")).body["endpoints"][0]
            if any(rate > 0 for _, rate in row["series"]):
                break
        assert row["requests"] == 1
        assert row["errors"] == 0
        assert row["p50_ms"] > 0
        assert row["series"][-1][0] <= time.time()
        assert sum(rate > 0 for _, rate in row["series"]) == 1
        assert (await ask("commands/monitor", {"endpoint": "people"})).body["ok"] is False
        whole = (await ask("endpoints/people")).body
        assert (whole["drift"], whole["alerts"], len(whole["windows"])) == ("drift", 1, 1)
        assert whole["alerting"][0]["endpoint"] == "people"
        assert (await ask("alerts")).body["ringing"] == (await ask("status")).body["alerts"] == 1
        document = (await ask("openapi.json")).body
        for path, body in {
            "/endpoints/{endpoint}": whole,
            "/models/{model}": (await ask(f"models/{name}")).body,
        }.items():
            fits(document, path, body)
        moved = await ask("commands/promote", {"model": f"{name}/2", "force": True, "reason": "a test"})
        assert moved.body["result"]["followers"] == ["people"]
        async with asyncio.timeout(90):
            while (await ask("endpoints/people")).body["version"] != 2:
                await asyncio.sleep(0.2)
        assert (await ask("endpoints/peopel")).body["message"].endswith("Did you mean people?")
    finally:
        await asyncio.to_thread(mlops.stop, all=True)


def project_of(app: Any) -> Any:
    return app.web_app.settings["jupyter_mlops"].at(None)


async def test_the_description_fits_what_is_answered(ask: Ask, project: Path) -> None:
    with mlops.run("odd", autolog=False) as run:
        mlops.log({"nan": float("nan"), "loss": 0.1})
    document = (await ask("openapi.json")).body
    for path in ("status", "experiments", "runs", "models", "endpoints", "alerts", "commands"):
        fits(document, f"/{path}", (await ask(path)).body)
    fits(document, "/runs/{run}", (await ask(f"runs/{run.result.run_id}")).body)
    import schemathesis

    described = schemathesis.openapi.from_dict(document)
    assert sum(1 for _ in described.get_all_operations()) == len(document["paths"])
