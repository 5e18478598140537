"""The performance of an endpoint in short: a table, what is to be known of it, and the picture over time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Final

from ...display import Badge, Cell, Picture, Table
from .judging import judge
from .kept import Change, Performance
from .performed import Performed, span_of, told
from .pictures import over_time
from .record import record

if TYPE_CHECKING:
    import pandas as pd

    from ..watched import Look

_SHOWN: Final = ("accuracy", "f1", "roc_auc", "brier", "mae", "rmse", "bias")
_DRAWN: Final = ("accuracy", "mae")
_TONES: Final[dict[str, Badge]] = {
    "none": Badge("as it was", "idle"),
    "minor": Badge("worse", "warn"),
    "major": Badge("far worse", "bad"),
}


def over_looks(looks: Sequence[Look]) -> Performance:
    """Put windows in a row: of each time the version that has answered most as the champion."""
    found: list[tuple[Look, Performed]] = []
    for _, together in groupby(looks, key=lambda look: look.start):
        known = [(look, look.performance) for look in together if look.performance is not None]
        if known:
            found.append(max(known, key=lambda pair: (pair[0].arm == "champion", pair[0].rows)))
    changes = [
        Change(datetime.fromtimestamp(now[1].first, UTC), _named(before[0], now[0]), _named(now[0], before[0]))
        for before, now in pairwise(found)
        if before[0].name != now[0].name
    ]
    notes = list(dict.fromkeys(note for _, each in found for note in each.window.notes))
    reference = found[-1][1].reference if found else None
    return Performance([each.window for _, each in found], changes, reference, notes)


def table_of(performed: Performed) -> Table:
    """Put what labels say, what is estimated, and what it was beside each other."""
    window = performed.window
    rows: list[tuple[Cell, ...]] = []
    for name in [name for name in _SHOWN if name in window.metrics]:
        by_labels, guess = window.metrics[name], window.estimates.get(name)
        was = performed.reference.metrics.get(name) if performed.reference is not None else None
        level, outcome = judge(name, by_labels, performed.was(name), performed.window.length)
        badge: Cell = _TONES[level] if outcome != "inconclusive" and performed.was(name) is not None else ""
        estimated = told(guess) if guess is not None else performed.why
        rows.append((name, badge, told(by_labels), estimated if guess is None or guess.value is not None or name == _main(performed) else "", told(was) if was is not None and was.value is not None else ""))  # fmt: skip
    rows += [(name, "", told(its), "", "") for name, its in window.business.items()]
    source = "" if performed.reference is None else {"train": "on its training data", "test": "on the test data", "labels": "by earlier labels"}[performed.reference.source]  # fmt: skip
    return Table(
        ("metric", "", f"by {window.labelled:,} of {window.predicted:,} labels", "an estimate, without labels", source or "before"),
        rows,
        title="Performance",
    )  # fmt: skip


def slices_of(performed: Performed) -> list[Table]:
    """Put the slices of each column together, the worst by labels first where they are known."""
    name, found = _main(performed), []
    for column in dict.fromkeys(column for column, _ in performed.slices):
        rows: list[tuple[Cell, ...]] = []
        for (its, value), window in performed.slices.items():
            if its == column:
                by_labels, guess = window.metrics[name], window.estimates.get(name)
                level, outcome = judge(name, by_labels, performed.was(name), performed.window.length)
                badge: Cell = _TONES[level] if outcome != "inconclusive" and performed.was(name) is not None else ""
                rows.append(
                    (
                        value,
                        window.predicted,
                        window.labelled,
                        badge,
                        told(by_labels),
                        performed.why if guess is None else told(guess),
                    )
                )
        found.append(
            Table(
                (column, "rows", "labelled", "", f"{name} by labels", "an estimate, without labels"),
                rows,
                title=f"By {column}",
            )
        )
    return found


def slice_frame(looks: Sequence[Look]) -> pd.DataFrame:
    """Give a row for each column, value, metric and source; of the drift its severity."""
    import pandas as pd

    found = [
        Performance([window]).frame().assign(column=column, slice=value)
        for look in looks
        if look.performance is not None
        for (column, value), window in look.performance.slices.items()
    ]
    drift = [
        {
            "column": its.column, "slice": its.value, "begin": span_of(look.start, look.end)[0], "end": span_of(look.start, look.end)[1],
            "metric": "drift", "source": "the week before", "value": its.drift.severity if its.drift.outcome != "inconclusive" else None,
            "rows": its.drift.rows, "why": its.why, "version": look.name,
        }
        for look in looks
        for its in look.slices
    ]  # fmt: skip
    found += [pd.DataFrame(drift)] if drift else []
    both = pd.concat(found, ignore_index=True) if found else Performance([]).frame().assign(column=None, slice=None)
    return both[["column", "slice", *(name for name in both.columns if name not in ("column", "slice"))]]


def is_worse(performed: Performed) -> bool:
    """Whether labels say that it is worse than it was: by the main metric, or by what the watch over the loss has seen."""
    name = _main(performed)
    its = performed.window.metrics.get(name)
    return (performed.watch is not None and performed.watch.rings) or (
        its is not None and judge(name, its, performed.was(name), performed.window.length)[1] == "fail"
    )


def facts_of(performance: Performance, performed: Performed) -> list[tuple[str, Cell]]:
    """Tell whether what the inputs mean has changed, what estimates have been worth, and what is wrong with the labels."""
    facts: list[tuple[str, Cell]] = []
    if performed.watch is not None and performed.watch.detector.rows:
        facts.append(("concept drift", performed.watch.why))
    its = record(performance, _main(performed))
    if its.off is not None and its.windows > 1:
        facts.append(("the estimate so far", its.why))
    return facts + [("labels", note) for note in performed.window.notes]


def pictures_of(performance: Performance, performed: Performed) -> list[Picture]:
    """Draw the main metric over time."""
    from ...display.plots import picture

    name = _main(performed)
    known = [each for window in performance.windows for side in (window.metrics, window.estimates) if (each := side.get(name)) and each.value is not None]  # fmt: skip
    return (
        [picture(over_time(performance, name), f"{name} over time")] if known and len(performance.windows) > 1 else []
    )


def _main(performed: Performed) -> str:
    return next((name for name in _DRAWN if name in performed.window.metrics), "accuracy")


def _named(look: Look, other: Look) -> str:
    return str(look.version) if look.model == other.model else look.name
