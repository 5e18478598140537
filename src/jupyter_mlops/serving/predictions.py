"""What an endpoint answers to rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..display import Card, Cell, Table, View, figure
from ..entities import ModelRef
from ..result import Result

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False, eq=False)
class Predictions(Result):
    """What an endpoint answered, in the order of the rows.

    Attributes
    ----------
    values : list
        One entry for each row.
    index : list
        The index of the rows, where they came with one.
    ids : list of str
        What the log of the endpoint knows each by: ``%mlops label`` takes them with what really was.
    """

    endpoint: str
    model: str
    version: int
    values: list[Any]
    index: list[Any]
    ids: list[str]
    milliseconds: float

    @property
    def ref(self) -> ModelRef:
        """The version that answered."""
        return ModelRef(self.model, version=self.version)

    def __len__(self) -> int:
        return len(self.values)

    def frame(self) -> pd.DataFrame:
        """Give the predictions beside the index of the rows."""
        import pandas as pd

        if self.values and isinstance(self.values[0], list):
            return pd.DataFrame(self.values, index=self.index).add_prefix("prediction_")
        return pd.DataFrame({"prediction": self.values}, index=self.index)

    def view(self) -> View:
        """Draw the first answers and how often each occurs."""
        head = Table(
            ("row", "prediction"),
            [(str(i), _short(v)) for i, v in zip(self.index[:5], self.values[:5], strict=True)],
            empty="No rows.",
        )
        counts: dict[str, int] = {}
        for value in self.values:
            counts[_short(value)] = counts.get(_short(value), 0) + 1
        facts: list[tuple[str, Cell]] = [("answered", f"{len(self.values):,} rows in {self.milliseconds:,.0f} ms")]
        if len(self.values) > 1 and len(counts) <= 10:
            facts.append(("predictions", ", ".join(f"{value}: {count:,}" for value, count in sorted(counts.items()))))
        more = len(self.values) - 5
        note = f"{more:,} more: .frame()" if more > 0 else ""
        return Card(
            f"{self.model}/{self.version} answers",
            None,
            facts,
            tables=[Table(head.columns, head.rows, empty=head.empty, note=note)],
        )


def _short(value: object) -> str:
    text = (
        f"[{', '.join(figure(v) for v in value[:4])}{', …' if len(value) > 4 else ''}]"
        if isinstance(value, list)
        else figure(value)
    )
    return text[:80]
