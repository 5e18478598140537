"""Rows of the prediction log as the columns that a profile knows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from ..serving.log.inputs import PREFIX, TENSOR
from ..serving.log.outputs import NAME
from ..settings import LogSettings
from ..statistics.profile import Known, Profile
from ..statistics.sketches import Numbers, Words
from ..validation.privacy import words

_MOST_CELLS: Final = 256


def columns_of(table: pa.Table, reference: Profile) -> pa.Table:
    """Take the inputs, by the names that the model knows them by, and the predictions.

    A column without any value that the reference has not is of another version in the same file.
    """
    found: dict[str, pa.ChunkedArray] = {}
    for name in table.column_names:
        if name.startswith(PREFIX):
            found[name.removeprefix(PREFIX)] = table[name]
        elif name == TENSOR:
            found |= unfolded(table[name])
        elif name == NAME or name.startswith(f"{NAME}_"):
            found[name] = table[name]
    return pa.table(
        {name: values for name, values in found.items() if name in reference.columns or values.null_count < len(values)}
    )


def inputs_of(table: pa.Table, reference: Profile) -> pd.DataFrame:
    """Take the inputs that the reference knows, numbers as floats, so that a row is the same in each piece of the log."""
    found = columns_of(table, reference)
    names = [
        name for name in found.column_names if name in reference.columns and reference.columns[name].role == "feature"
    ]
    known = found.select(names)
    fields = [
        pa.field(field.name, pa.float64()) if pa.types.is_integer(field.type) else field for field in known.schema
    ]
    frame: pd.DataFrame = known.cast(pa.schema(fields), safe=False).to_pandas()
    return frame


def as_logged(profile: Profile, personal: Collection[str], log: LogSettings) -> Profile:
    """Leave out what the log has not, and hide what it has only as hashes."""
    hashed = {*personal, *log.hash}
    columns = {
        name: replace(known, hidden=True, sketch=_counted(known)) if name in hashed and not known.hidden else known
        for name, known in profile.columns.items()
        if name not in log.drop
    }
    numbers = [name for name, known in columns.items() if isinstance(known.sketch, Numbers)]
    pairs = profile.pairs.of(numbers) if profile.pairs else None
    # Without a column rows are alike that are not: their share in the reference is another one, and not known.
    distinct = profile.distinct if columns.keys() == profile.columns.keys() else None
    return without_people(replace(profile, columns=columns, pairs=pairs, distinct=distinct))


def without_people(profile: Profile) -> Profile:
    """Hide texts whose column is named as those of people are, though nobody has marked it: names, addresses, diagnoses."""
    columns = {
        name: replace(known, hidden=True, sketch=_counted(known))
        if known.kind == "text" and not known.hidden and (words.says_anything(name) or words.may_name_people(name))
        else known
        for name, known in profile.columns.items()
    }
    return replace(profile, columns=columns)


def _counted(known: Known) -> Words:
    return Words({}, known.cells - known.sketch.missing, known.sketch.missing)


def unfolded(values: pa.ChunkedArray) -> dict[str, pa.ChunkedArray]:
    """Give the cells of an array of one dimension a row as columns, by their numbers; of more there is no telling."""
    kind = values.type
    if not len(values) or not (pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind)):
        return {}
    if pa.types.is_nested(kind.value_type):
        return {}
    rows = np.asarray(values.combine_chunks().flatten().to_numpy(zero_copy_only=False))
    width = len(rows) // len(values)
    if not 0 < width <= _MOST_CELLS or width * len(values) != len(rows):
        return {}
    return {str(place): pa.chunked_array([pa.array(cells)]) for place, cells in enumerate(rows.reshape(-1, width).T)}
