"""Compare runs, or versions of models: only what differs."""

from __future__ import annotations

import difflib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..display import Badge, Card, Cell, Code, Diff, Table, View, figure, plots
from ..entities import DURATION, is_own, own_first, smaller_is_better
from ..errors import InvalidUsage, NotFound
from ..result import Result
from ..workspace import Workspace
from .results import differing
from .snapshot import environment, files
from .snapshot.files import Snapshot
from .subjects import subject

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_MOST_BARS = 6  # more runs than that are lines across all metrics
_MOST_ROWS = 12


@dataclass(frozen=True)
class Side:
    """One of what is compared."""

    label: str
    run_id: str
    metrics: dict[str, float]
    params: dict[str, str]
    snapshot: Snapshot | None = field(default=None, repr=False)

    @property
    def data(self) -> dict[str, tuple[str, str]]:
        """Name and digest of its data, by what they were to the run."""
        found = self.snapshot.manifest["data"] if self.snapshot else []
        return {each["role"]: (each["name"], each["digest"]) for each in found}

    @property
    def code(self) -> str:
        """The source of its cell."""
        return self.snapshot.files.get("cell.py", "") if self.snapshot else ""


@dataclass(frozen=True, repr=False)
class Comparison(Result):
    """Runs side by side: metrics, the parameters that differ, code, data and environment.

    Attributes
    ----------
    sides : tuple of Side
    data, packages : tuple
        What differs: rows of a name and its value on each side.
    changes : tuple of (str, str)
        Of the first side's code to that of each other one: a title and a unified diff.
    """

    sides: tuple[Side, ...]
    data: tuple[tuple[str, ...], ...]
    packages: tuple[tuple[str, ...], ...]
    changes: tuple[tuple[str, str], ...]

    @property
    def metrics(self) -> list[str]:
        """The metrics that at least two have; people's own first."""
        counted = [name for name in self._names("metrics") if sum(name in side.metrics for side in self.sides) > 1]
        return [name for name in own_first(dict.fromkeys(counted)) if name != DURATION]

    @property
    def params(self) -> list[str]:
        """The parameters that differ."""
        return differing([side.params for side in self.sides])

    def frame(self) -> pd.DataFrame:
        """Give a row for each metric and each parameter that differs, a column for each side."""
        import pandas as pd

        rows: dict[tuple[str, str], list[Any]] = {}
        rows |= {("metric", name): [side.metrics.get(name) for side in self.sides] for name in self.metrics}
        rows |= {("parameter", name): [side.params.get(name) for side in self.sides] for name in self.params}
        index = pd.MultiIndex.from_tuples(list(rows), names=["what", "name"]) if rows else None
        return pd.DataFrame(list(rows.values()), index=index, columns=[side.label for side in self.sides])

    def plot(self) -> Figure:
        """Draw the metrics: bars for a few runs, and lines across all metrics for many."""
        drawn, [axes] = plots.draw(height=2.6 if len(self.sides) <= _MOST_BARS else 3.2)
        names = ([name for name in self.metrics if is_own(name)] or self.metrics)[:6]
        if len(self.sides) <= _MOST_BARS:
            _bars(axes, names, self.sides)
        else:
            _lines(axes, names, self.sides)
        return drawn

    def view(self) -> View:
        """Draw tables of what differs, the picture and the diffs."""
        labels = [side.label for side in self.sides]
        tables = [Table(("metric", *labels), [self._metric_row(name) for name in self.metrics[:_MOST_ROWS]],
                        empty="No metric that at least two of them have.", note=self._more(self.metrics))]  # fmt: skip
        if self.params:
            rows = [(name, *(side.params.get(name, "") for side in self.sides)) for name in self.params[:_MOST_ROWS]]
            tables.append(Table(("parameter", *labels), rows, note=self._more(self.params)))
        for title, found in (("data", self.data), ("environment", self.packages)):
            if found:
                tables.append(Table((title, *labels), found[:_MOST_ROWS], note=self._more(found)))
        pictures = [plots.picture(self.plot(), self._alt())] if self.metrics else []
        diffs = [Diff(title, text) for title, text in self.changes if text] if len(self.changes) < 3 else []
        return Card(" and ".join(labels), facts=self._facts(), tables=tables, pictures=pictures, diffs=diffs)

    def _facts(self) -> list[tuple[str, Cell]]:
        same = [
            name
            for name, differs in (
                ("parameters", self.params),
                ("data", self.data),
                ("environment", self.packages),
                ("code", any(text for _, text in self.changes)),
            )
            if not differs
        ]
        facts: list[tuple[str, Cell]] = [("the same", ", ".join(same))] if same else []
        if len(self.changes) >= 3 and "code" not in same:
            facts.append(("code", Code(".changes has the diffs to the first one; two runs at a time show them")))
        blind = [side.label for side in self.sides if side.snapshot is None]
        if blind:
            note = f"{', '.join(blind)}: no snapshot, so code, data and environment can't be compared"
            facts.append(("note", Badge(note, "warn")))
        return facts

    def _metric_row(self, name: str) -> tuple[Cell, ...]:
        values = [side.metrics.get(name) for side in self.sides]
        there = [value for value in values if value is not None and value == value]
        best = (min if smaller_is_better(name) else max)(there, default=None)
        is_tie = len(set(there)) < 2
        return (name, *(_marked(value, is_best=value == best and not is_tie) for value in values))

    def _names(self, what: str) -> dict[str, None]:
        return dict.fromkeys(name for side in self.sides for name in getattr(side, what))

    def _alt(self) -> str:
        return f"{self.metrics[0]} of {', '.join(f'{s.label} {s.metrics.get(self.metrics[0])}' for s in self.sides)}"

    def _more(self, found: Sequence[object]) -> str:
        return f"{len(found) - _MOST_ROWS} more: .frame()" if len(found) > _MOST_ROWS else ""


def compare(workspace: Workspace, refs: Sequence[object]) -> Comparison:
    """Compare runs or versions.

    Raises
    ------
    InvalidUsage
        For fewer than two, or the same one twice.
    NotFound
        For a run or version that isn't there.
    """
    if len(refs) < 2:
        raise InvalidUsage("compare takes two runs or more.", "%mlops compare best:accuracy last")
    sides = [side_of(workspace, ref) for ref in refs]
    if len({side.run_id for side in sides}) < len(sides):
        raise InvalidUsage("The same run is named twice.", "%mlops runs")
    return Comparison(tuple(sides), _data(sides), _packages(sides), _changes(sides))


def side_of(workspace: Workspace, ref: object) -> Side:
    """Find what a reference means, with its snapshot where it has one."""
    mlflow = workspace.mlflow
    label, run = subject(workspace, ref)
    with tempfile.TemporaryDirectory(prefix="mlops-compare-") as folder:
        try:
            taken = files.read(mlflow, run, Path(folder))
        except NotFound:
            taken = None
    return Side(label, run.info.run_id, dict(run.data.metrics), dict(run.data.params), taken)


def _data(sides: Sequence[Side]) -> tuple[tuple[str, ...], ...]:
    """List the data that differ, and in which columns."""
    found = []
    for role in dict.fromkeys(role for side in sides for role in side.data):
        if len({side.data.get(role, ("", ""))[1] for side in sides}) > 1:
            cells = [side.data.get(role) for side in sides]
            found.append((role, *(f"{cell[0]} · {cell[1][:8]}" if cell else "" for cell in cells)))
            columns = changed_columns(sides[0].snapshot, sides[-1].snapshot, role)
            if columns:
                found.append((f"{role}: columns that differ", ", ".join(columns), *[""] * (len(sides) - 1)))
    return tuple(found)


def changed_columns(one: Snapshot | None, other: Snapshot | None, role: str) -> list[str]:
    """Name the columns whose values, types or places differ."""
    if one is None or other is None:
        return []
    before, after = ({name: (kind, digest) for name, kind, digest in _columns(each, role)} for each in (one, other))
    changed = [name for name in before if before[name] != after.get(name)]
    return [*changed, *(name for name in after if name not in before)][:10]


def _columns(taken: Snapshot, role: str) -> list[Any]:
    return next((each["columns"] for each in taken.manifest["data"] if each["role"] == role), [])


def _packages(sides: Sequence[Side]) -> tuple[tuple[str, ...], ...]:
    """List the packages that differ from the first side's."""
    known = [environment.of_dict(side.snapshot.manifest["environment"]) if side.snapshot else None for side in sides]
    first = known[0]
    if first is None:
        return ()
    found: dict[str, list[str]] = {}
    for place, other in enumerate(known[1:], start=1):
        for name, then, now in environment.differences(first, other) if other else ():
            found.setdefault(name, [then] * len(sides))[place] = now or "not installed"
    return tuple((name, *(value or "not installed" for value in values)) for name, values in found.items())


def _changes(sides: Sequence[Side]) -> tuple[tuple[str, str], ...]:
    """Write how each one's code differs from the first one's."""
    first = sides[0]
    return tuple(
        (f"Code: {first.label} → {other.label}", unified(first.code, other.code))
        for other in sides[1:]
        if first.snapshot and other.snapshot
    )


def unified(before: str, after: str) -> str:
    """Write a unified diff of two texts, without the names of files."""
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2))
    return "\n".join(lines[2:])


def _marked(value: float | None, *, is_best: bool) -> Cell:
    if value is None:
        return ""
    return Badge(figure(value), "good") if is_best else value


def _bars(axes: Any, names: Sequence[str], sides: Sequence[Side]) -> None:
    width = 0.8 / len(sides)
    for number, side in enumerate(sides):
        places = [place + (number - (len(sides) - 1) / 2) * width for place in range(len(names))]
        values = [side.metrics.get(name, float("nan")) for name in names]
        axes.bar(places, values, width * 0.92, label=side.label, color=plots.COLOURS[number % len(plots.COLOURS)])
    axes.set_xticks(range(len(names)), [name if len(name) < 22 else f"{name[:20]}…" for name in names])
    values = [v for side in sides for name in names if (v := side.metrics.get(name)) is not None and v == v]
    if values and min(values) > 0.5 and max(values) <= 1:  # scores near 1: the differences would not be seen from 0
        axes.set_ylim(max(0, min(values) - 0.6 * (max(values) - min(values)) - 0.02), None)
        axes.set_ylabel("cut off below")
    plots.legend(axes, loc="upper left", bbox_to_anchor=(1, 1))


def _lines(axes: Any, names: Sequence[str], sides: Sequence[Side]) -> None:
    """Draw parallel coordinates: each metric on a scale of its own, from its least to its greatest."""
    ranges = {name: _range([side.metrics.get(name) for side in sides]) for name in names}
    best = names[0]
    order = sorted(sides, key=lambda s: s.metrics.get(best, float("nan")), reverse=not smaller_is_better(best))
    for number, side in enumerate(sides):
        heights = [_scaled(side.metrics.get(name), *ranges[name]) for name in names]
        is_best = side is order[0]
        axes.plot(
            range(len(names)), heights, lw=2.4 if is_best else 1, alpha=1 if is_best else 0.55, zorder=3 if is_best else 2,
            color=plots.COLOURS[number % len(plots.COLOURS)], label=side.label if is_best else None,
        )  # fmt: skip
    axes.set_xticks(range(len(names)), [f"{n}\n{ranges[n][0]:.3g} – {ranges[n][1]:.3g}" for n in names])
    axes.set_yticks([])
    plots.legend(axes, title=f"best {best}", loc="upper left", bbox_to_anchor=(1, 1))


def _range(values: Sequence[float | None]) -> tuple[float, float]:
    there = [value for value in values if value is not None and value == value]
    return (min(there), max(there)) if there else (0.0, 1.0)


def _scaled(value: float | None, least: float, most: float) -> float:
    if value is None:
        return float("nan")
    return (value - least) / (most - least) if most > least else 0.5
