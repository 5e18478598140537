"""What monitoring returns: reports that are values and pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ..display import Badge, Card, Cell, Table, View, figure
from ..errors import NotFound, nearest
from ..result import Result
from .card import DRAWN, badge, badge_of, facts_of, pictures_of, table_of
from .readings import LEVELS, Level, Outcome, worst

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from ..statistics.alarms import Moved
    from ..statistics.shapes import Shape
    from ..statistics.sketches import Sketch

_SHOWN: Final = 20
OKAY: Final[dict[str, bool | None]] = {"pass": True, "fail": False, "inconclusive": None}


@dataclass(frozen=True, repr=False, eq=False)
class Column(Result):
    """One column of a window beside its reference.

    Attributes
    ----------
    name : str
    role : {"feature", "prediction", "pairs"}
        Pairs are how all numbers go together: its sides are the pairs, each with the names of both.
    kind : str
    level : {"none", "minor", "major"}
        Major from a medium effect on (0.5 standard deviations), weighted by what the feature is worth to the model.
    outcome : {"pass", "fail", "inconclusive"}
    why : str
        What moved, in words.
    severity : float
        How many times the least effect that matters, weighted likewise.
    importance : float, optional
        The share of the model's answers that hang on it.
    sides : tuple of Moved
        Values, range, missing …, each with effect, interval and adjusted p; those that ring first.
    """

    name: str
    role: str
    kind: str
    level: Level
    outcome: Outcome
    why: str
    severity: float
    importance: float | None
    sides: tuple[Moved, ...] = ()
    before: Sketch | None = field(default=None, repr=False)
    after: Sketch | None = field(default=None, repr=False)
    hidden: bool = False

    @property
    def ok(self) -> bool | None:
        """Whether it is as in the reference; None where that can't be told."""
        return OKAY[self.outcome]

    @property
    def is_new(self) -> bool:
        """Whether the reference does not have it."""
        return self.before is None and self.role != "pairs"

    @property
    def can_be_drawn(self) -> bool:
        """Whether there is something to see, and nobody's values in it."""
        there = self.before is not None and self.after is not None and self.before.rows and self.after.rows
        has_grid = len(getattr(self.before, "edges", ())) or getattr(self.before, "counts", None) is not None
        return bool(there and has_grid and not self.hidden and not _is_only_counted(self.before))

    def shape(self) -> Shape:
        """Give both distributions; where what is missing has moved most, its shares."""
        from ..statistics.shapes import Shape, shape

        assert self.before is not None
        assert self.after is not None
        if self.sides and self.sides[0].rings and self.sides[0].apart.side == "missing":
            figures = self.sides[0].apart.figures
            before, after = ([figures[when], 1 - figures[when]] for when in ("before", "after"))
            return Shape(self.name, ["missing", "there"], before, after)
        return shape(self.name, self.before, self.after, is_time=self.kind == "time")

    def plot(self) -> Figure:
        """Draw both distributions; of pairs the correlations that have changed most.

        Raises
        ------
        NotFound
            Where there is nothing to draw.
        """
        from ..display.distributions import beside

        if self.role == "pairs" and self.sides:
            from .pictures import of_pairs

            return of_pairs(self)
        if not self.can_be_drawn:
            raise NotFound(f"{self.name} has nothing to draw: {self.why}.", f'report["{self.name}"].why')
        return beside([self.shape()], 3.0, 2.6)

    def view(self) -> View:
        """Draw the sides with their figures."""
        rows: list[tuple[Cell, ...]] = [
            (
                Badge(moved.column if self.role == "pairs" else moved.apart.side, "bad" if moved.rings else "idle"),
                moved.apart.effect,
                _interval(moved),
                moved.limit,
                moved.p,
            )
            for moved in self.sides[:_SHOWN]
        ]
        table = Table(
            ("pair" if self.role == "pairs" else "side", "effect", "95 % interval", "limit", "adjusted p"),
            rows,
            empty="It was not compared.",
        )
        facts: list[tuple[str, Cell]] = [("why", self.why), ("severity", figure(self.severity))]
        if self.importance is not None:
            facts.append(("importance", f"{100 * self.importance:.2g}%"))
        return Card(self.name, badge(self.outcome, self.level), facts, tables=[table])


@dataclass(frozen=True, repr=False, eq=False)
class DriftReport(Result):
    """Rows beside a reference.

    Attributes
    ----------
    reference, current : str
        What was compared.
    rows_before, rows : int
    columns : tuple of Column
        The most severe first; one of them, ``correlations``, is how the numbers go together.
    notes : tuple of str
        What was sampled or left out.
    """

    reference: str
    current: str
    rows_before: int
    rows: int
    columns: tuple[Column, ...]
    notes: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """Fail where a column has drifted; inconclusive where that can't be told of all."""
        known = [column.outcome for column in self.columns]
        return worst(known) if self.rows and self.rows_before and known else "inconclusive"

    @property
    def ok(self) -> bool | None:
        """False: drift. None: inconclusive."""
        return OKAY[self.outcome]

    @property
    def level(self) -> Level:
        """That of the worst column."""
        return max((column.level for column in self.columns), key=LEVELS.index, default="none")

    @property
    def severity(self) -> float:
        """That of the worst column."""
        return max((column.severity for column in self.columns), default=0.0)

    @property
    def drifted(self) -> tuple[str, ...]:
        """The columns that have drifted, the most severe first."""
        return tuple(column.name for column in self.columns if column.outcome == "fail")

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == str(name):
                return column
        raise NotFound(f"The report has no column {name!r}.{nearest(str(name), [c.name for c in self.columns])}")

    def __iter__(self) -> Any:
        return iter(self.columns)

    def plot(self, name: str | None = None) -> Figure:
        """Draw a column; without a name those that moved most."""
        from ..display.distributions import beside

        if name is not None:
            return self[name].plot()
        drawn = [column for column in self.columns if column.can_be_drawn][:DRAWN]
        if not drawn:
            raise NotFound("There is nothing to draw.", "report.frame()")
        return beside([column.shape() for column in drawn])

    def frame(self) -> pd.DataFrame:
        """Give a row for each column."""
        import pandas as pd

        return pd.DataFrame([_row(column) for column in self.columns])

    def to_dict(self) -> dict[str, Any]:
        """Give plain data."""
        plain = super().to_dict()
        return {"outcome": self.outcome, "level": self.level, **plain}

    def view(self) -> View:
        """Draw the report: counts at the top, what moved first."""
        return Card(
            f"Drift of {self.current} from {self.reference}",
            badge_of(self),
            facts_of(self),
            tables=[table_of(self)],
            pictures=pictures_of(self),
            tables_first=True,
            next=f'report.plot("{self.drifted[0]}")' if self.drifted and _has_plot(self[self.drifted[0]]) else "",
        )


def _has_plot(column: Column) -> bool:
    return column.can_be_drawn or bool(column.role == "pairs" and column.sides)


def _is_only_counted(sketch: Sketch | None) -> bool:
    return not len(getattr(sketch, "edges", ())) and not getattr(sketch, "counts", None)


def _interval(moved: Moved) -> str:
    low, high = moved.apart.interval
    return f"{low:.2f} to {high:.2f}"


def _row(column: Column) -> dict[str, Any]:
    strongest = column.sides[0] if column.sides else None
    figures = {key: value for moved in column.sides for key, value in moved.apart.figures.items()}
    return {
        "column": column.name,
        "role": column.role,
        "kind": column.kind,
        "outcome": column.outcome,
        "level": column.level,
        "severity": column.severity,
        "importance": column.importance,
        "side": strongest.apart.side if strongest else None,
        "effect": strongest.apart.effect if strongest else None,
        "low": strongest.apart.interval[0] if strongest else None,
        "high": strongest.apart.interval[1] if strongest else None,
        "p": strongest.p if strongest else None,
        "psi": figures.get("psi"),
        "ks": figures.get("ks"),
        "cramers_v": figures.get("cramers_v") if "ks" not in figures else None,
        "wasserstein": figures.get("wasserstein"),
        "why": column.why,
    }
