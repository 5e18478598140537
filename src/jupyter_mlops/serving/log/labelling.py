"""From a frame with ids and labels to the labels of an endpoint, and every doubt that there was about them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from ...entities import typed
from ...errors import InvalidUsage, nearest
from ...frames import as_frame
from . import labels, reader
from .cells import is_missing
from .results import Labelled, LabelProblem

if TYPE_CHECKING:
    import pandas as pd


def label(folder: Path, endpoint: str, data: Any, on: str, column: str | None, *, dry_run: bool) -> Labelled:
    """Keep the labels of a frame.

    Raises
    ------
    InvalidUsage
        Where the frame lacks the column of ids, or it can't be told which one has the labels.
    """
    frame = as_frame(data)
    ids = _column(frame, on, "--on")
    chosen = _column_of_labels(frame, endpoint, on, column)
    given: dict[str, tuple[labels.Label, labels.Kind]] = {}
    problems: list[LabelProblem] = []
    missing = doubled = 0
    for key, value in zip(map(_id, ids.tolist()), _column(frame, chosen, "--column").tolist(), strict=True):
        found = None if key is None else labels.plain(value)
        if key is None or found is None:
            missing += 1
            problems.append(LabelProblem(key or "", "no label" if key else "no id", None, None))
        elif key in given:
            doubled += 1
            if given[key] != found:
                problems.append(LabelProblem(key, "two labels", labels.value(*given[key]), labels.value(*found)))
            given[key] = found  # the last wins
        else:
            given[key] = found
    written = labels.write(folder, given, dry_run=dry_run)
    problems += [LabelProblem(change.id, "changed", change.before, change.after) for change in written.changed]
    unknown = _unknown(folder, list(given))
    problems += [LabelProblem(key, "unknown", None, labels.value(*given[key])) for key in unknown]
    return Labelled(
        endpoint=endpoint,
        column=chosen,
        new=written.new,
        same=written.same,
        changed=len(written.changed),
        unknown=len(unknown),
        missing=missing,
        doubled=doubled,
        contradicting=sum(problem.problem == "two labels" for problem in problems),
        kinds={kind: written.kinds[kind] for kind in sorted(written.kinds)},
        dry_run=dry_run,
        problems=tuple(problems),
    )


def _column_of_labels(frame: pd.DataFrame, endpoint: str, on: str, column: str | None) -> str:
    others = [str(name) for name in frame.columns if str(name) != on]
    if column is not None:
        return column
    if len(others) == 1:
        return others[0]
    if not others:
        raise InvalidUsage(f"The data has only the ids, {on!r}, and no column of labels.")
    more = f" and {len(others) - 5} more" if len(others) > 5 else ""
    raise InvalidUsage(
        f"Which column has the labels? There are {', '.join(others[:5])}{more}.",
        f"%mlops label {typed(endpoint)} --data DATA --on {typed(on)} --column {typed(others[-1])}",
    )


def _column(frame: pd.DataFrame, name: str, option: str) -> pd.Series[Any]:
    names = [str(known) for known in frame.columns]
    if names.count(name) == 1:
        return frame.iloc[:, names.index(name)]
    if name in names:
        raise InvalidUsage(f"The data has {names.count(name)} columns {name!r}.", "df.columns = [...], each name once")
    raise InvalidUsage(
        f"The data has no column {name!r}.{nearest(name, names)}", f"{option} NAME says which column is meant"
    )


def _id(value: Any) -> str | None:
    if type(value) is str:
        return value or None
    if is_missing(value):
        return None
    # Among missing ids whole numbers have become 7.0.
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _unknown(folder: Path, ids: list[str]) -> list[str]:
    """Find the ids that are not in the log, or not yet."""
    there = reader.read(folder, columns=["id"])["id"]
    given = pa.array(ids, pa.string())
    unknown: list[str] = given.filter(pc.invert(pc.is_in(given, there.combine_chunks()))).to_pylist()
    return unknown
