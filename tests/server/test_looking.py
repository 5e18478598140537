"""What the side bar asks for: it is there, page by page, and is said plainly where it is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jupyter_mlops as mlops

from .conftest import Ask, fits


async def test_the_side_bar_fills(ask: Ask, trained: Any, name: str, project: Path) -> None:
    first, second = trained("first", accuracy=0.95, loss=0.1), trained("second", accuracy=0.85)
    mlops.register(name, run=f"run:{first.run_id}", alias="challenger")
    status = (await ask("status", at="notebooks/new.ipynb")).body
    assert (status["initialised"], status["root"], status["alerts"]) == (True, "", 0)
    assert status["tracking"]["state"] in ("up", "slow")
    assert status["experiment"] == f"experiment of {name}"

    page = (await ask("runs", limit=1)).body
    assert [run["name"] for run in page["runs"]] == ["second"]
    after = (await ask("runs", limit=1, page=page["next"])).body
    assert [run["name"] for run in after["runs"]] == ["first"]
    best = (await ask("runs", filter="accuracy > 0.9", sort="accuracy")).body["runs"]
    assert [(run["name"], run["metrics"]["accuracy"]) for run in best] == [("first", 0.95)]
    assert [e["name"] for e in (await ask("experiments")).body["experiments"] if e["current"]] == [status["experiment"]]

    run = (await ask(f"runs/{first.run_id}")).body
    assert run["models"] == [f"{name}/1"]
    assert [point[2] for point in run["history"]["accuracy"]["points"]] == [0.95]
    assert run["data"][0]["rows"] == 426
    assert run["environment"]["python"]
    assert (await ask(f"runs/{first.run_id}", brief=True)).body["metrics"]["accuracy"] == 0.95

    models = (await ask("models", search=name)).body["models"]
    assert models[0]["aliases"] == {"challenger": 1}
    model = (await ask(f"models/{name}")).body
    assert model["gate"] == {"accuracy": ">= 0.9"}
    assert [(v["version"], v["gate"], v["lineage"]["run"]["run_id"]) for v in model["versions"]] == [
        (1, "pass", first.run_id)
    ]

    side = (await ask("compare", run=[first.run_id, second.run_id])).body
    assert side["metrics"]["accuracy"] == [0.95, 0.85]
    fits((await ask("openapi.json")).body, "/compare", side)
    assert (await ask("endpoints")).body == {"endpoints": []}
    assert (await ask("alerts")).body == {"alerts": [], "ringing": 0}
