"""What the command of the log returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...display import Badge, Card, Cell, Table, View, figure
from ...result import Result

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class LabelProblem:
    """A label that raised a doubt: ``unknown``, ``changed``, ``two labels``, ``no label`` or ``no id``."""

    id: str
    problem: str
    before: object
    after: object


@dataclass(frozen=True, repr=False)
class Labelled(Result):
    """Labels that were given to the predictions of an endpoint.

    Attributes
    ----------
    new, same, changed : int
        Predictions that had no label, had this one, or had another: the last wins.
    unknown : int
        Labels of ids that are not in the log; they are kept, and wait for a prediction of that id.
    missing : int
        Rows without an id or without a label, which were skipped.
    doubled, contradicting : int
        Ids that stood in the data again, and those among them with another label: the last wins.
    kinds : dict of str to int
        How many labels of the endpoint are numbers, text or truth values.
    problems : tuple of LabelProblem
        Each of them; also ``frame()``.
    """

    endpoint: str
    column: str
    new: int
    same: int
    changed: int
    unknown: int
    missing: int
    doubled: int
    contradicting: int
    kinds: dict[str, int]
    dry_run: bool = False
    problems: tuple[LabelProblem, ...] = field(default=(), repr=False)

    @property
    def ok(self) -> bool:
        """Whether each label belongs to a prediction, and they are all of one kind and don't contradict each other."""
        return not (self.unknown or self.contradicting or len(self.kinds) > 1)

    def frame(self) -> pd.DataFrame:
        """Give a row for each doubt."""
        import pandas as pd

        columns = ["id", "problem", "before", "after"]
        return pd.DataFrame([(p.id, p.problem, p.before, p.after) for p in self.problems], columns=columns)

    def view(self) -> View:
        """Draw how many labels there are, and every doubt about them."""
        told = (
            ("new", self.new, ""),
            ("the same again", self.same, ""),
            ("changed", self.changed, "the last wins"),
            ("unknown", self.unknown, "no such prediction yet; kept, and joined when there is one"),
            ("missing", self.missing, "no id or no label; skipped"),
            (
                "doubled",
                self.doubled,
                f"ids that stand again, {self.contradicting:,} with another label; the last wins",
            ),
        )
        facts: list[tuple[str, Cell]] = [
            (name, f"{count:,}{f': {note}' if note else ''}") for name, count, note in told if count or name == "new"
        ]
        if len(self.kinds) > 1:
            kinds = ", ".join(f"{count:,} {kind}" for kind, count in self.kinds.items())
            facts.append(("kinds", f"{kinds}: the log gives all of them as text"))
        rows = [(p.id, p.problem, figure(p.before)[:60], figure(p.after)[:60]) for p in self.problems[:5]]
        more = len(self.problems) - len(rows)
        table = Table(("id", "problem", "before", "after"), rows, note=f"{more:,} more: .frame()" if more else "")
        done = "would be kept" if self.dry_run else "kept"
        badge = Badge(done, "idle") if self.dry_run else Badge(done, "good" if self.ok else "warn")
        return Card(f"Labels of {self.endpoint} from {self.column}", badge, facts, tables=[table] if rows else [])
