"""What MLflow knows of a run and its data, as JSON that another server takes."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ... import secrets
from ...backend import experiments
from ...backend.adapter import Mlflow
from .archive import parse

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

RUN = "run.json"
DATASETS = "datasets.json"

# MLflow's and our own tags that say the same on another server; not those that name runs, files or processes of this one.
_OURS = re.compile(r"mlflow\.|mlops\.")
_LASTING = re.compile(r"mlflow\.(user|note\.content|source\..+)|mlops\.(host|uncommitted|hidden_state)")
_AT_ONCE, _POINTS_AT_ONCE = 100, 1000  # what MLflow takes of parameters, of tags and of metrics in one request

Mask = Callable[[str], str]


Point = tuple[float, int, int]
"""A value of a metric, when it was logged, and at which step."""


@dataclass(frozen=True)
class RunRecord:
    """A run: times are milliseconds since the epoch, of each metric there is the last value.

    ``estimator`` is the class of the model that it has stored, as far as it is known; ``history`` has of each metric
    all that was logged.
    """

    id: str
    name: str
    estimator: str
    status: Literal["FINISHED", "FAILED", "KILLED"]
    start: int
    end: int
    params: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]
    history: dict[str, list[Point]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        points = [point for history in self.history.values() for point in history]
        if not all(0 <= time < 1 << 50 for time in (self.start, self.end, *(time for _, time, _ in points))):
            raise ValueError("a time is none")
        if not all(abs(step) < 1 << 63 for _, _, step in points):
            raise ValueError("a step is none")


@dataclass(frozen=True)
class DatasetRecord:
    """A data set that went into a run, as MLflow has it: never the data themselves."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None
    profile: str | None
    tags: dict[str, str]


def masker(run: Run | None) -> Mask:
    """Make what masks the texts that leave with a run: by their looks, and by the names that a secret has there."""
    named = {**run.data.params, **run.data.tags} if run else {}
    known = secrets.secret_values(named, os.environ)
    return lambda text: secrets.mask(text, known)[0]


def of_run(mlflow: Mlflow, run: Run, estimator: str, mask: Mask) -> tuple[RunRecord, list[DatasetRecord]]:
    """Take down a run and its data sets; what looks like a secret is masked, as in the snapshot."""
    info, data = run.info, run.data
    start = info.start_time or 0
    record = RunRecord(
        info.run_id,
        info.run_name or "",
        estimator,
        info.status if info.status in ("FAILED", "KILLED") else "FINISHED",
        start,
        info.end_time or start,
        {name: mask(text) for name, text in data.params.items()},
        dict(data.metrics),
        {name: mask(text) for name, text in lasting(data.tags).items()},
        {name: _history(mlflow, info.run_id, name) for name in data.metrics},
    )
    inputs = run.inputs.dataset_inputs if run.inputs else []
    return record, [_dataset(each, mask) for each in inputs]


def masked(run: Run, record: RunRecord) -> tuple[str, ...]:
    """Name the parameters and tags whose values are not in the record."""
    before, after = {**run.data.tags, **run.data.params}, {**record.tags, **record.params}
    return tuple(name for name, text in after.items() if text != before[name])


def without_run(version: ModelVersion, estimator: str) -> tuple[RunRecord, list[DatasetRecord]]:
    """Make a record for a version that was registered without a run, or whose run is gone."""
    at = version.creation_timestamp
    return RunRecord("", f"{version.name} {version.version}", estimator, "FINISHED", at, at, {}, {}, {}), []


def lasting(tags: Mapping[str, str]) -> dict[str, str]:
    """Leave out the tags that mean nothing, or something else, on another server."""
    return {name: text for name, text in tags.items() if not _OURS.match(name) or _LASTING.fullmatch(name)}


def save(folder: Path, run: RunRecord, datasets: Sequence[DatasetRecord]) -> None:
    """Write both down."""
    (folder / RUN).write_text(json.dumps(asdict(run), indent=1))
    (folder / DATASETS).write_text(json.dumps([asdict(each) for each in datasets], indent=1))


def load(folder: Path, file: str) -> tuple[RunRecord, list[DatasetRecord]]:
    """Read both from an archive whose author may mean harm; ``file`` names it.

    Raises
    ------
    InvalidUsage
        Where they are missing, or not of their form.
    """
    texts = [(folder / name).read_bytes() if (folder / name).is_file() else b"" for name in (RUN, DATASETS)]
    run = parse(texts[0], RunRecord, f"{RUN} of {file}")
    datasets = parse(texts[1], list[DatasetRecord], f"{DATASETS} of {file}")
    return replace(run, tags=lasting(run.tags)), datasets


def fill(mlflow: Mlflow, run_id: str, record: RunRecord, datasets: Sequence[DatasetRecord]) -> None:
    """Log all of it with a new run."""
    entities = experiments.entities()
    params = [entities.Param(name, text) for name, text in record.params.items()]
    tags = [entities.RunTag(name, text) for name, text in record.tags.items()]
    metrics = [
        entities.Metric(name, *point)
        for name, value in record.metrics.items()
        for point in record.history.get(name) or [(value, record.end, 0)]
    ]
    for at in range(0, max(len(params), len(tags)), _AT_ONCE):
        part = slice(at, at + _AT_ONCE)
        mlflow.write("log_batch", run_id, params=params[part], tags=tags[part])
    for at in range(0, len(metrics), _POINTS_AT_ONCE):
        mlflow.write("log_batch", run_id, metrics=metrics[at : at + _POINTS_AT_ONCE])
    if datasets:
        mlflow.write("log_inputs", run_id, [_as_input(each) for each in datasets])


def _history(mlflow: Mlflow, run_id: str, metric: str) -> list[Point]:
    return [(each.value, each.timestamp, each.step) for each in mlflow.read("get_metric_history", run_id, metric)]


def _dataset(found: Any, mask: Mask) -> DatasetRecord:
    dataset, tags = found.dataset, {tag.key: mask(tag.value) for tag in found.tags}
    return DatasetRecord(
        dataset.name, dataset.digest, dataset.source_type, mask(dataset.source), dataset.schema, dataset.profile, tags
    )


def _as_input(record: DatasetRecord) -> Any:
    entities = experiments.entities()
    facts = {name: value for name, value in asdict(record).items() if name != "tags"}
    return entities.DatasetInput(
        entities.Dataset(**facts), [entities.InputTag(name, text) for name, text in record.tags.items()]
    )
