"""The tables of models and of versions: aliases, endpoints, and what the runs have measured."""

from __future__ import annotations

import math
import socket
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .. import signing
from ..backend import runs, versions
from ..display import Card, Cell, Table, View, ago, plots
from ..entities import is_own, own_first
from ..errors import NotFound
from ..result import Result
from ..workspace import Workspace
from .served import served

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from mlflow.entities.model_registry import ModelVersion

    from ..backend.processes import Process

_MOST_MEASURED = 50  # versions of one model whose runs are read


@dataclass(frozen=True)
class VersionRow:
    """One version of the table."""

    name: str
    version: int
    aliases: tuple[str, ...]
    created: float
    run_id: str | None
    metrics: dict[str, float]
    endpoints: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    is_signed: bool = False


@dataclass(frozen=True, repr=False)
class Models(Result):
    """Registered models with their newest version, or the versions of one, newest first.

    ``main`` is the metric that is drawn over the versions of one model.
    """

    rows: tuple[VersionRow, ...]
    of: str | None = None
    main: str | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def frame(self) -> pd.DataFrame:
        """Give a row for each model or version."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "name": row.name,
                    "version": row.version,
                    "aliases": ", ".join(row.aliases),
                    "created": pd.Timestamp(row.created, unit="s", tz="UTC"),
                    "endpoints": ", ".join(row.endpoints),
                    "addresses": ", ".join(row.addresses),
                    "run_id": row.run_id,
                    "signed": row.is_signed,
                    **{f"metrics.{key}": value for key, value in row.metrics.items()},
                }
                for row in self.rows
            ]
        )

    def plot(self) -> Figure:
        """Draw the main metric over the versions of a model, with the aliases that point at them.

        Raises
        ------
        NotFound
            Where no version has a metric, or the models are many.
        """
        shown = self._measured()
        if not shown:
            raise NotFound("There is no metric to draw over versions.", "%mlops models NAME")
        figure, [axes] = plots.draw(width=5.5, height=2.2)
        values = [row.metrics[str(self.main)] for row in shown]
        axes.plot([row.version for row in shown], values, "o-", ms=5, lw=1.2, color=plots.COLOURS[0])
        for row, value in zip(shown, values, strict=True):
            if row.aliases:
                plots.flag(axes, (row.version, value), "\n".join(f"@{alias}" for alias in row.aliases))
        plots.whole_numbers(axes)
        axes.set(xlabel="version", ylabel=self.main)
        axes.margins(x=0.1, y=0.1)
        return figure

    def view(self) -> View:
        """Draw the table, with the metrics that people logged themselves, and the picture where there is one."""
        title = f"Versions of {self.of}" if self.of else "Registered models"
        shown = self._measured()
        if len(shown) < 2:
            return self._table(title)
        alt = f"{self.main} over versions: {', '.join(f'{row.version} {row.metrics[str(self.main)]:.4g}' for row in shown)}"
        return Card(title, tables=[self._table("")], pictures=[plots.picture(self.plot(), alt)])

    def _table(self, title: str) -> Table:
        metrics = own_first(dict.fromkeys(key for row in self.rows for key in row.metrics))
        columns = ([name for name in metrics if is_own(name)] or metrics)[:5]
        is_served = any(row.endpoints for row in self.rows)
        is_signed = any(row.is_signed for row in self.rows)
        rows: list[Sequence[Cell]] = [
            (
                f"{row.name}/{row.version}",
                ", ".join(f"@{a}" for a in row.aliases),
                *([_where(row)] if is_served else []),
                *(["signed" if row.is_signed else ""] if is_signed else []),
                ago(row.created),
                *(row.metrics.get(n) for n in columns),
            )
            for row in self.rows
        ]
        return Table(
            (
                "version",
                "aliases",
                *(["served by"] if is_served else []),
                *(["signature"] if is_signed else []),
                "registered",
                *columns,
            ),
            rows,
            title=title,
            empty="No registered model yet: %mlops register NAME --run last",
        )

    def _measured(self) -> list[VersionRow]:
        """List the versions that have the main metric, oldest first."""
        rows = [row for row in self.rows if self.of and math.isfinite(row.metrics.get(self.main or "", math.nan))]
        return sorted(rows, key=lambda row: row.version)


def models(workspace: Workspace, name: str | None) -> Models:
    """List the models with their newest version, or the versions of one.

    Raises
    ------
    NotFound
        Where there is no such model.
    """
    mlflow = workspace.mlflow
    registered = [versions.model(mlflow, name)] if name else versions.models(mlflow)
    found = {model.name: versions.versions(mlflow, model.name) for model in registered}
    if name is None:
        found = {each: listed[:1] for each, listed in found.items()}
    measured = [version for listed in found.values() for version in listed[:_MOST_MEASURED]]
    by_id = runs.by_ids(mlflow, [version.run_id for version in measured if version.run_id])
    endpoints = served(workspace)
    rows = tuple(
        _row(
            version,
            model.aliases,
            by_id[version.run_id].data.metrics if version.run_id in by_id else {},
            endpoints.get((model.name, int(version.version)), ()),
        )
        for model in registered
        for version in found[model.name]
    )
    return Models(rows, name, _main(rows, workspace.settings.gate(name).bounds) if name else None)


def _row(
    version: ModelVersion, alias_of: Mapping[str, str], measured: Mapping[str, float], endpoints: Iterable[Process]
) -> VersionRow:
    """Describe a version for the table: who points at it, what its run has measured, what serves it."""
    number, created = int(version.version), version.creation_timestamp / 1000
    names = tuple(alias for alias, at in alias_of.items() if int(at) == number)
    living = [process for process in endpoints if process.alive]
    return VersionRow(
        name=version.name,
        version=number,
        aliases=names,
        created=created,
        run_id=version.run_id or None,
        metrics=dict(measured),
        endpoints=tuple(process.name for process in living),
        addresses=tuple(process.url for process in living),
        is_signed=signing.SIGNATURE in version.tags,
    )


def _where(row: VersionRow) -> str:
    """Say what serves a version, and where: the addresses are of this machine."""
    named = (f"{name} at {url}" for name, url in zip(row.endpoints, row.addresses, strict=True))
    return ", ".join(named) + (f" on {socket.gethostname()}" if row.endpoints else "")


def _main(rows: Sequence[VersionRow], gate: Mapping[str, object]) -> str | None:
    """Choose the metric that matters: the first of the gate, else the one that most versions have."""
    counted = Counter(name for row in rows for name in row.metrics)
    asked = next((name for name in gate if name in counted), None)
    return asked or max(own_first(counted), key=lambda name: (is_own(name), counted[name]), default=None)
