"""What MLflow's REST API says of things, in the shapes that its client gives them."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from .versions import tags_of


class Page(list[Any]):
    """What was found, and the token of the next page."""

    def __init__(self, found: Sequence[Any], token: str | None) -> None:
        super().__init__(found)
        self.token = token or None


def experiment(said: Mapping[str, Any]) -> Any:
    """Read an experiment."""
    times = {name: int(said[name]) for name in ("creation_time", "last_update_time") if said.get(name)}
    return SimpleNamespace(**{"last_update_time": None, **said, **times})


def run(said: Mapping[str, Any]) -> Any:
    """Read a run, with its latest metrics; NaN and the infinities come as words."""
    info, data = said["info"], said.get("data") or {}
    times = {name: int(info[name]) for name in ("start_time", "end_time") if info.get(name)}
    return SimpleNamespace(
        info=SimpleNamespace(**{"start_time": None, "end_time": None, "run_name": "", **info, **times}),
        data=SimpleNamespace(
            tags=tags_of(data),
            params={each["key"]: each.get("value", "") for each in data.get("params") or ()},
            metrics={each["key"]: value(each) for each in data.get("metrics") or ()},
        ),
        inputs=SimpleNamespace(dataset_inputs=[_used(each) for each in (said.get("inputs") or {}).get("dataset_inputs") or ()]),
    )  # fmt: skip


def value(said: Mapping[str, Any]) -> float:
    """Read the value of a metric."""
    return measured(float(said.get("value", 0.0)))


def measured(stored: float) -> float:
    """Say what was measured: a database keeps an infinity as the largest number (MLflow's ``sanitize_metric_value``)."""
    return math.copysign(math.inf, stored) if abs(stored) == sys.float_info.max else stored


def registered_model(said: Mapping[str, Any]) -> Any:
    """Read a registered model, with its aliases."""
    return SimpleNamespace(
        name=said["name"],
        description=said.get("description") or "",
        last_updated_timestamp=int(said.get("last_updated_timestamp") or said.get("creation_timestamp") or 0),
        latest_versions=[model_version(each) for each in said.get("latest_versions") or ()],
        aliases={each["alias"]: each["version"] for each in said.get("aliases") or ()},
        tags=tags_of(said),
    )


def model_version(said: Mapping[str, Any]) -> Any:
    """Read a version of a registered model."""
    return SimpleNamespace(
        **{
            "run_id": "",
            "source": "",
            "model_id": None,
            **said,
            "creation_timestamp": int(said.get("creation_timestamp") or 0),
            "tags": tags_of(said),
            "aliases": list(said.get("aliases") or ()),
        }
    )


def _used(said: Mapping[str, Any]) -> Any:
    named = {"name": "", "digest": "", "profile": "", "schema": "", **said["dataset"]}
    tags = [SimpleNamespace(key=key, value=value) for key, value in tags_of(said).items()]
    return SimpleNamespace(dataset=SimpleNamespace(**named), tags=tags)
