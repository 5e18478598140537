"""Drift by the values of a column: each slice beside itself in the week before, for a profile does not know of slices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pyarrow as pa

from ..serving.log import reader
from ..statistics import profiling
from ..statistics.profile import Profile
from .buckets import Who, of_who
from .comparison import compare
from .performance.slices import parts
from .results import DriftReport
from .rows import columns_of
from .seasons import DAY

_BEFORE: Final = 7 * DAY


@dataclass(frozen=True)
class Slice:
    """One value of a column in a window.

    Attributes
    ----------
    column, value : str
    drift : DriftReport
        Beside the same slice in the week before.
    """

    column: str
    value: str
    drift: DriftReport

    @property
    def why(self) -> str:
        """What moved most, in words."""
        if not self.drift.rows_before:
            return "nobody has asked for it in the week before"
        worst = self.drift.columns[0] if self.drift.columns else None
        return f"{worst.name}: {worst.why}" if worst is not None and self.drift.outcome != "pass" else "as before"


def drift_by_slices(
    log: Path,
    who: Who,
    reference: Profile,
    span: tuple[float, float],
    columns: Sequence[str],
    shift: float,
    level: float,
) -> Iterator[Slice]:
    """Hold each slice of a window against the same slice in the week before; it costs the rows of that week.

    Parameters
    ----------
    log : Path
    who : Who
        Who has answered: before, earlier versions of the model may have.
    reference : Profile
        That of the version: what its features are worth, and what may not be quoted.
    span : tuple of float
        The window.
    columns : sequence of str
        Of numbers the quarters are taken, of the rest the most frequent values.
    shift, level : float
        As for ``compare``; the level is shared by all slices.
    """
    start, end = span
    table = of_who(reader.read(log, since=start - _BEFORE, until=end), who)
    is_now = table["time"].cast(pa.int64()).to_numpy() >= start * 1e6
    known = columns_of(table, reference)
    hidden = {name for name, column in reference.columns.items() if column.hidden}
    for column in (name for name in columns if name in known.column_names):
        found = list(parts(known[column].to_pandas()))
        others = known.drop_columns([column])
        for value, places in found:
            before, now = (others.take(places[is_now[places] == its]) for its in (False, True))
            yield Slice(column, value, _drift(before, now, reference, hidden, shift, level / len(found), value))


def _drift(
    before: pa.Table, now: pa.Table, reference: Profile, hidden: set[str], shift: float, level: float, value: str
) -> DriftReport:
    known = replace(profiling.learn(before, hidden), importance=reference.importance)
    columns = compare(known, profiling.count(known, now), shift, level)
    return DriftReport("the week before", value, before.num_rows, now.num_rows, columns)
