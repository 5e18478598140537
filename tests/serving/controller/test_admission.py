"""What a new version must show before it takes part: that it is quick enough, and can be asked as the one before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import jupyter_mlops as mlops
from jupyter_mlops import config
from jupyter_mlops.errors import InvalidUsage, ValidationFailed
from jupyter_mlops.serving.controller.admission import difference

from ...waiting import until
from .test_following import add, ask, point


@pytest.fixture
def stopped(project: Path) -> Iterator[None]:
    """Stop what the test has started."""
    yield
    mlops.stop(all=True)


def add_slow(name: str) -> int:
    """Register a model of the same columns as ``add`` that takes some 20 ms and more."""
    import pandas as pd
    from sklearn.ensemble import RandomForestRegressor

    rows = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [1.0, 2.0, 3.0]})
    model = RandomForestRegressor(n_estimators=600, max_depth=1).fit(rows, [2.0] * 3)
    return int(mlops.register(name, model=model, data=rows).version)


@pytest.mark.usefixtures("stopped")
def test_a_version_that_is_too_slow_is_refused_with_its_figure(name: str, project: Path) -> None:
    with (project / "mlops.toml").open("a") as file:
        file.write(f"\n[endpoints.{name}]\nsmoke_latency = 0.01\n")
    first, slow = add(name, 1.0), add_slow(name)
    point(name, first)
    endpoint = mlops.deploy(name)
    point(name, slow)
    until(lambda: mlops.endpoints().rows[0].refused)
    listed = mlops.endpoints()
    (row,) = listed.rows
    assert row.refused.startswith(f"{name}/{slow}: It takes ")
    assert row.refused.endswith("ms for its own example, and 10 ms are allowed.")
    assert f"{name}/{slow}: It takes" in " ".join(str(listed).split())
    assert ask(endpoint.url) == ("1", 1.0)
    until(lambda: any(e.action == "refuse" and "10 ms are allowed" in e.evidence for e in mlops.audit(name).events))
    with pytest.raises(ValidationFailed, match=rf"(?s){name}/{slow} is not served: It takes .* smoke_latency"):
        mlops.deploy(f"{name}/{slow}")
    assert ask(endpoint.url) == ("1", 1.0)


@pytest.mark.parametrize("value", ["0", "-1", '"fast"', "nan"])
def test_a_latency_that_is_none_is_told(tmp_path: Path, value: str) -> None:
    (tmp_path / "mlops.toml").write_text(f"[endpoints.tumour]\nsmoke_latency = {value}\n")
    with pytest.raises(InvalidUsage, match=r"mlops.toml, line 2: endpoints\.tumour\.smoke_latency"):
        config.load(tmp_path)


def columns(**types: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "type": kind.rstrip("?"), "required": not kind.endswith("?")} for name, kind in types.items()
    ]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (columns(a="double"), columns(a="double", extra="long?"), ""),
        (columns(a="double"), columns(a="double?"), ""),
        (columns(a="double", b="long"), columns(a="double"), "it does not know 'b'"),
        (columns(a="double"), columns(a="long"), "it wants 'a' as long, not as double"),
        (columns(a="double?"), columns(a="double"), "it does not do without 'a'"),
        (
            columns(a="double", b="long"),
            columns(a="string", c="long", d="long"),
            "it does not know 'b'; it also wants 'c', 'd'; it wants 'a' as string, not as double",
        ),
        (columns(), columns(**dict.fromkeys("abcde", "long")), "it also wants 'a', 'b', 'c' and 2 more"),
        (
            [{"name": "", "type": "tensor", "shape": [-1, 4]}],
            [{"name": "", "type": "tensor", "shape": [-1, 5]}],
            "it wants '' as tensor of shape [-1, 5], not as tensor of shape [-1, 4]",
        ),
    ],
)
def test_every_difference_for_the_clients_is_named(old: Any, new: Any, says: str) -> None:
    assert difference(old, new) == says
