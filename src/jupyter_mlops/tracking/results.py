"""What the tracking commands return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any

from ..display import Badge, Card, Cell, Link, Table, View, ago, change, figure, short, span
from ..entities import DURATION, is_own, own_first, smaller_is_better
from ..result import Result

if TYPE_CHECKING:
    import pandas as pd

TONES = {"FINISHED": "good", "FAILED": "bad", "KILLED": "bad", "RUNNING": "warn", "SCHEDULED": "idle"}
_MOST_IN_CARD = 6
_MOST_METRICS, _MOST_PARAMS = 4, 3
_WIDTH, _WIDEST = 110, 28  # characters: of a table as text, and of a column, which is folded where it is wider


def status_badge(status: str) -> Badge:
    """Draw the status of a run."""
    return Badge(status.lower(), TONES.get(status, "idle"))  # type: ignore[arg-type]


@dataclass(frozen=True, repr=False)
class RunCard(Result):
    """A run that has ended, well or not: what it gave, and how that stands beside the best before it.

    ``params`` are all its parameters, ``said`` those that were given with ``--param``; ``notes`` are
    what a person should know: hidden state, secrets that were masked, code that could not be kept.
    """

    run_id: str
    name: str
    experiment: str
    status: str
    duration: float
    metrics: dict[str, float]
    best_before: dict[str, float]
    params: dict[str, str]
    said: dict[str, str]
    model: str | None
    model_id: str | None
    data: str | None
    url: str
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the run finished."""
        return self.status == "FINISHED"

    @property
    def stands_for(self) -> dict[str, Any]:
        """The run."""
        return {"run_id": self.run_id}

    def view(self) -> View:
        """Draw the card that a run ends with."""
        facts: list[tuple[str, Cell]] = [("run", f"run:{self.run_id[:8]} · {span(self.duration)}")]
        if self.data:
            facts.append(("data", self.data))
        if self.ok or self.model:
            facts.append(("model", self.model or "none: no estimator was fitted"))
        if self.params:
            said = [f"{key}={short(value)}" for key, value in self.said.items()]
            more = f"{len(self.params) - len(said)} by autologging" if len(self.params) > len(said) else ""
            facts.append(("parameters", ", ".join([*said, more] if more else said)))
        facts += [("note", Badge(note, "warn")) for note in self.notes]
        facts.append(("MLflow", Link("open the run", self.url)))
        names = own_first(self.metrics)
        shown = names[:_MOST_IN_CARD]
        columns: tuple[str, ...] = ("metric", "value")
        rows: list[tuple[Cell, ...]] = [(name, self.metrics[name]) for name in shown]
        if self.best_before:
            columns = (*columns, "best before")
            rows = [(*row, self._change(name)) for row, name in zip(rows, shown, strict=True)]
        note = f"{len(names) - _MOST_IN_CARD} more in MLflow" if len(names) > _MOST_IN_CARD else ""
        metrics = Table(columns, rows, empty="No metrics. Log one in the cell: %mlops log accuracy=0.9", note=note)
        return Card(
            title=self.name,
            badge=status_badge(self.status),
            facts=facts,
            tables=[metrics],
            next="%mlops register NAME --run last" if self.model else "",
        )

    def _change(self, metric: str) -> Cell:
        best = self.best_before.get(metric)
        if best is None:
            return ""
        difference = self.metrics[metric] - best
        better = difference < 0 if smaller_is_better(metric) else difference > 0
        text = f"{figure(best)} ({change(difference)})"
        return Badge(text, "good" if better else "idle" if abs(difference) < 1e-12 else "warn")


@dataclass(frozen=True, repr=False)
class Logged(Result):
    """What ``log`` has added to a run."""

    run_id: str
    name: str
    logged: dict[str, str]

    @property
    def stands_for(self) -> dict[str, Any]:
        """The run."""
        return {"run_id": self.run_id}

    def view(self) -> View:
        """Draw what was added."""
        return Card(
            f"Logged to {self.name}: {', '.join(f'{name} {short(value)}' for name, value in self.logged.items())}"
        )


@dataclass(frozen=True)
class RunRow:
    """One run of the table."""

    run_id: str
    name: str
    status: str
    started: float
    duration: float | None
    params: dict[str, str]
    metrics: dict[str, float]


@dataclass(frozen=True, repr=False)
class Runs(Result):
    """Runs of an experiment; parameters and metrics that all share are left out of the picture."""

    experiment: str
    rows: tuple[RunRow, ...]
    sort: str | None = None
    more: bool = False
    where: str | None = None
    page: int = 1

    def __len__(self) -> int:
        return len(self.rows)

    def frame(self) -> pd.DataFrame:
        """Give the whole table: a row for each run, a column for each parameter and metric."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "run_id": row.run_id,
                    "name": row.name,
                    "status": row.status,
                    "started": pd.Timestamp(row.started, unit="s", tz="UTC"),
                    "seconds": row.duration,
                    **{f"params.{key}": value for key, value in row.params.items()},
                    **{f"metrics.{key}": value for key, value in row.metrics.items()},
                }
                for row in self.rows
            ]
        )

    def view(self) -> View:
        """Draw the table: who, when, and of the columns in which the runs differ those that can be read side by side."""
        who: list[Sequence[Cell]] = [
            (
                f"run:{row.run_id[:6]}",
                row.name,
                status_badge(row.status),
                ago(row.started),
                "" if row.duration is None else span(row.duration),
            )
            for row in self.rows
        ]
        fixed = ("run", "name", "status", "started", "took")
        metrics = differing([row.metrics for row in self.rows])
        params = differing([row.params for row in self.rows])
        shown = self._shown(metrics, params, _WIDTH - sum(map(_width, zip(fixed, *who, strict=True))))
        columns = (*fixed, *(name for _, name in shown))
        rows = [
            (*cells, *(_cut(getattr(row, kind).get(name)) for kind, name in shown))
            for cells, row in zip(who, self.rows, strict=True)
        ]
        hidden = len({*metrics, *params} - {*columns, DURATION})
        notes = [f"{hidden} more columns: .frame()"] if hidden else []
        notes += [f"more runs: --page {self.page + 1}"] if self.more else []
        return Table(
            columns,
            rows,
            title=f"Runs of {self.experiment}" + (f", page {self.page}" if self.page > 1 else ""),
            empty=self._empty(),
            note=" · ".join(notes),
        )

    def _shown(self, metrics: Sequence[str], params: Sequence[str], room: int) -> list[tuple[str, str]]:
        """Choose metrics and parameters in turn, while there is room; the metric sorted by is always there."""
        own = [name for name in metrics if is_own(name)] or metrics[:2]
        first = dict.fromkeys([self.sort, *own] if self.sort else own)
        # A parameter that few of the runs have says what kind of model they are, not how they differ.
        common = [name for name in params if 2 * sum(name in row.params for row in self.rows) > len(self.rows)]
        turns = zip_longest(
            [("metrics", name) for name in list(first)[:_MOST_METRICS]],
            [("params", name) for name in common[:_MOST_PARAMS]],
        )
        shown: list[tuple[str, str]] = []
        for kind, name in filter(None, chain.from_iterable(turns)):
            width = _width([name, *(getattr(row, kind).get(name) for row in self.rows)])
            if width <= room or not shown:
                shown.append((kind, name))
                room -= width
        return sorted(shown, key=lambda column: column[0])

    def _empty(self) -> str:
        if self.page > 1:
            return f"There is no page {self.page}: the last runs are on an earlier one."
        if self.where:
            return f"No run fits {self.where}"
        return "No run yet: %%mlops run NAME, and the cell that fits the model."


def _cut(cell: Cell) -> Cell:
    return short(cell) if isinstance(cell, str) else cell


def _width(column: Sequence[Cell]) -> int:
    """Give the characters that a column of the table takes, with the space beside it and the mark of a badge."""
    return min(_WIDEST, max(len(figure(cell)) + 2 * isinstance(cell, Badge) for cell in column)) + 3


def differing(dicts: Sequence[Mapping[str, Any]]) -> list[str]:
    """List the keys in whose values the entries differ, those that most of them have first."""
    names = dict.fromkeys(key for entry in dicts for key in entry)
    coverage = {name: sum(name in entry for entry in dicts) for name in names}
    differ = [name for name in names if len(dicts) < 2 or len({str(entry.get(name)) for entry in dicts}) > 1]
    return sorted(differ, key=lambda name: -coverage[name])
