"""Compare runs, or versions of models: only what differs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..backend import experiments, versions
from ..display import Badge, Card, Cell, Code, Diff, Table, View, figure, plots, short
from ..entities import CHAMPION, DURATION, ModelRef, RunRef, is_own, own_first, smaller_is_better
from ..errors import InvalidUsage, NotFound
from ..result import Result
from ..workspace import Workspace
from . import code, pictures
from .code import CodeOf
from .results import differing
from .snapshot import environment, files
from .snapshot.files import Snapshot

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from mlflow.entities import Run

_MOST_ROWS = 12
_MOST_DIFFED = 3  # runs whose diffs fit into one card


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

    @cached_property
    def made_by(self) -> CodeOf | None:
        """All the code that is known to have made it."""
        return CodeOf.of(self.snapshot) if self.snapshot else None


@dataclass(frozen=True, repr=False)
class Comparison(Result):
    """Runs side by side: metrics, the parameters that differ, code, data and environment.

    Attributes
    ----------
    sides : tuple of Side
    data, packages, commits : tuple
        What differs: rows of a name and its value on each side.
    changes : tuple of (str, str)
        Of the first side's cells to those of each other one: a title and a unified diff.
    uncommitted : tuple of (str, str)
        Of the files in which one side has other changes than the first one: a title and the changes to its commit.
    """

    sides: tuple[Side, ...]
    data: tuple[tuple[str, ...], ...]
    packages: tuple[tuple[str, ...], ...]
    commits: tuple[tuple[str, ...], ...]
    changes: tuple[tuple[str, str], ...]
    uncommitted: tuple[tuple[str, str], ...]

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
        names = ([name for name in self.metrics if is_own(name)] or self.metrics)[:6]
        return pictures.compared(names, [(side.label, side.metrics) for side in self.sides])

    def view(self) -> View:
        """Draw tables of what differs, the picture and the diffs."""
        labels = [side.label for side in self.sides]
        tables = [Table(("metric", *labels), [self._metric_row(name) for name in self.metrics[:_MOST_ROWS]],
                        empty="No metric that at least two of them have.", note=self._more(self.metrics))]  # fmt: skip
        if self.params:
            # What only some have says of what kind their models are: autologging writes dozens of those.
            common = [name for name in self.params if sum(name in side.params for side in self.sides) > 1]
            rows = [(name, *(short(side.params.get(name, "")) for side in self.sides)) for name in common[:_MOST_ROWS]]
            if only := self._only_some(common):
                rows.append(("only some have", *only))
            tables.append(Table(("parameter", *labels), rows, note=self._more(common)))
        for title, found in (("data", self.data), ("environment", self.packages), ("git", self.commits)):
            if found:
                tables.append(Table((title, *labels), found[:_MOST_ROWS], note=self._more(found)))
        drawn = [plots.picture(self.plot(), self._alt())] if self.metrics else []
        return Card(" and ".join(labels), facts=self._facts(), tables=tables, pictures=drawn, diffs=self._diffs())

    def _only_some(self, common: Sequence[str]) -> list[str]:
        rest = set(self.params) - set(common)
        mine = [[f"{name}={value}" for name, value in side.params.items() if name in rest] for side in self.sides]
        return [short(", ".join(each), 160) for each in mine] if rest else []

    def _diffs(self) -> list[Diff]:
        if len(self.sides) > _MOST_DIFFED:
            return []
        return [Diff(title, text) for title, text in (*self.changes, *self.uncommitted) if text]

    def _facts(self) -> list[tuple[str, Cell]]:
        same = list(self._same())
        facts: list[tuple[str, Cell]] = [("the same", ", ".join(same))] if same else []
        if len(self.sides) > _MOST_DIFFED and any(text for _, text in (*self.changes, *self.uncommitted)):
            where = ".changes and .uncommitted have the diffs to the first one; two runs at a time show them"
            facts.append(("code", Code(where)))
        blind = [side.label for side in self.sides if side.snapshot is None]
        if blind:
            more = f" and {len(blind) - 3} more" if len(blind) > 3 else ""
            note = f"{', '.join(blind[:3])}{more}: no snapshot, so code, data and environment can't be compared"
            facts.append(("note", Badge(note, "warn")))
        return facts

    def _same(self) -> Iterator[str]:
        """Name what is the same, where all sides tell of it."""
        if not self.params and any(side.params for side in self.sides):
            yield "parameters"
        if any(side.snapshot is None for side in self.sides):
            return
        if not self.data and all(side.data for side in self.sides):
            yield "data"
        if not self.packages:
            yield "environment"
        if not any(text for _, text in self.changes):
            is_whole = all(side.made_by and side.made_by.is_whole for side in self.sides)
            if not self.commits and not self.uncommitted:
                yield "code" if is_whole else "code of the cells (of modules that they import, git tells nothing)"
            else:
                yield "code of the cells"

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
    changes, uncommitted = _changes(sides)
    return Comparison(tuple(sides), _data(sides), _packages(sides), _commits(sides), changes, uncommitted)


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


def subject(workspace: Workspace, ref: object) -> tuple[str, Run]:
    """Find a run by itself, or by the version that was made of it: ``churn@champion``, ``churn/3``."""
    text = str(getattr(ref, "ref", ref))
    if not hasattr(ref, "run_id") and ("@" in text or "/" in text):
        named = ModelRef.of(text)
        version = versions.find_version(workspace.mlflow, named, CHAMPION)
        if not version.run_id:
            raise NotFound(f"{named} was registered without a run.", f"%mlops models {named.name}")
        return text, workspace.mlflow.read("get_run", version.run_id)
    experiment = experiments.experiment_id(workspace.mlflow, workspace.settings.experiment, create=False)
    run = experiments.find_run(workspace.mlflow, experiment, RunRef.of(ref))
    return f"{run.info.run_name} ({run.info.run_id[:6]})", run


def _data(sides: Sequence[Side]) -> tuple[tuple[str, ...], ...]:
    """List the data that differ, and in which columns."""
    found = []
    for role in dict.fromkeys(role for side in sides for role in side.data):
        if len({side.data.get(role, ("", ""))[1] for side in sides if side.snapshot}) > 1:
            cells = [side.data.get(role) for side in sides]
            found.append((role, *(f"{cell[0]} · {cell[1][:8]}" if cell else "" for cell in cells)))
            columns = [", ".join(changed_columns(sides[0].snapshot, each.snapshot, role)) for each in sides[1:]]
            if any(columns):
                found.append((f"{role}: columns that differ", "", *columns))
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
    """List the packages that differ from those of the first side that tells of them."""
    known = [environment.of_dict(side.snapshot.manifest["environment"]) if side.snapshot else None for side in sides]
    first = next(filter(None, known), None)
    if first is None:
        return ()
    found: dict[str, list[str]] = {}
    for place, other in enumerate(known):
        for name, then, now in environment.differences(first, other) if other else ():
            found.setdefault(name, [then] * len(sides))[place] = now or "not installed"
    return tuple((name, *(value or "not installed" for value in values)) for name, values in found.items())


def _commits(sides: Sequence[Side]) -> tuple[tuple[str, ...], ...]:
    """Tell the commits, where they differ."""
    told = [(side.made_by.commit or "none")[:8] if side.made_by else "" for side in sides]
    return (("commit", *told),) if len({*told} - {""}) > 1 else ()


def _changes(sides: Sequence[Side]) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """Write how each one's cells differ from the first one's, and which changes were not committed on one side only."""
    known = [(side.label, side.made_by) for side in sides if side.made_by]
    cells: list[tuple[str, str]] = []
    files: list[tuple[str, str]] = []
    for label, other in known[1:]:
        begin, first = known[0]
        cells.append((f"Code: {begin} → {label}", code.unified(first.source, other.source)))
        files += code.uncommitted(begin, first, other) + code.uncommitted(label, other, first)
    return tuple(cells), tuple(dict.fromkeys(files))


def _marked(value: float | None, *, is_best: bool) -> Cell:
    if value is None:
        return ""
    return Badge(figure(value), "good") if is_best else value
