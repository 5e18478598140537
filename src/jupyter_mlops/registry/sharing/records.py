"""What MLflow knows of a run and its data, as JSON that another server takes."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
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
_AT_ONCE = 100  # what MLflow takes of parameters and tags in one request


@dataclass(frozen=True)
class RunRecord:
    """A run: times are milliseconds since the epoch, of each metric there is the last value.

    ``estimator`` is the class of the model that it has stored, as far as it is known.
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

    def __post_init__(self) -> None:
        if not 0 <= self.start < 1 << 50 or not 0 <= self.end < 1 << 50:
            raise ValueError("a time is none")


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


def of_run(run: Run, estimator: str) -> tuple[RunRecord, list[DatasetRecord]]:
    """Take down a run and its data sets; what looks like a secret is masked, as in the snapshot."""
    info, data = run.info, run.data
    known = secrets.secret_values({**data.params, **data.tags}, os.environ)

    def mask(texts: Mapping[str, str]) -> dict[str, str]:
        return {name: secrets.mask(text, known)[0] for name, text in texts.items()}

    start = info.start_time or 0
    record = RunRecord(
        info.run_id,
        info.run_name or "",
        estimator,
        info.status if info.status in ("FAILED", "KILLED") else "FINISHED",
        start,
        info.end_time or start,
        mask(data.params),
        dict(data.metrics),
        mask(lasting(data.tags)),
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
    metrics = [entities.Metric(name, value, record.end, 0) for name, value in record.metrics.items()]
    for at in range(0, max(len(params), len(tags), len(metrics)), _AT_ONCE):
        part = slice(at, at + _AT_ONCE)
        mlflow.write("log_batch", run_id, metrics=metrics[part], params=params[part], tags=tags[part])
    if datasets:
        mlflow.write("log_inputs", run_id, [_as_input(each) for each in datasets])


def _dataset(found: Any, mask: Callable[[Mapping[str, str]], dict[str, str]]) -> DatasetRecord:
    dataset, tags = found.dataset, {tag.key: tag.value for tag in found.tags}
    source = mask({"source": dataset.source})["source"]
    return DatasetRecord(
        dataset.name, dataset.digest, dataset.source_type, source, dataset.schema, dataset.profile, tags
    )


def _as_input(record: DatasetRecord) -> Any:
    entities = experiments.entities()
    facts = {name: value for name, value in asdict(record).items() if name != "tags"}
    return entities.DatasetInput(
        entities.Dataset(**facts), [entities.InputTag(name, text) for name, text in record.tags.items()]
    )
