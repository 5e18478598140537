"""Columns of Arrow, counted without a detour through pandas."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from .profile import Known
from .sketches import Numbers, Sketch, Words

Values = Any
"""An array, or a chunked one."""


def counted(known: Known, values: Values) -> Sketch | None:
    """Count a column on the grid of its reference; None where it takes pandas to say what it holds.

    Parameters
    ----------
    known : Known
    values : Array or ChunkedArray
    """
    kind = values.type
    sketch = known.sketch
    if is_text(kind):
        if known.is_only_counted and isinstance(sketch, Words):
            return Words({}, len(values) - values.null_count, values.null_count)
        if known.kind == "text" and isinstance(sketch, Words):
            return sketch.count(_tally(values), values.null_count)
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    if is_number and known.kind == "number" and isinstance(sketch, Numbers):
        there = values.drop_null() if values.null_count else values
        return sketch.count(there.to_numpy(), values.null_count)
    return None


def is_text(kind: Any) -> bool:
    """Whether it is text, as it is or by a dictionary."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def with_dictionaries(data: ds.Dataset, texts: Collection[str]) -> tuple[list[Any], pa.Schema]:
    """Split a data set at its files and row groups; of Parquet, texts are read as what they are stored as: numbers into a dictionary.

    Returns
    -------
    parts : list of Fragment
    schema : Schema
    """
    fragments = list(data.get_fragments())
    schema = data.schema
    if not isinstance(getattr(data, "format", None), ds.ParquetFileFormat):
        return fragments, schema
    parts = [part for fragment in fragments for part in fragment.split_by_row_group()]
    plain = [
        field.name
        for field in schema
        if field.name in texts and is_text(field.type) and not pa.types.is_dictionary(field.type)
    ]
    if not plain or len(set(schema.names)) < len(schema.names):
        return parts, schema
    options = ds.ParquetReadOptions(dictionary_columns=plain)
    form = ds.ParquetFileFormat(read_options=options)
    fields = [
        field.with_type(pa.dictionary(pa.int32(), field.type)) if field.name in plain else field for field in schema
    ]
    return [_read_by(form, part) for part in parts], pa.schema(fields)


def _read_by(form: ds.ParquetFileFormat, part: Any) -> Any:
    return form.make_fragment(
        part.path, part.filesystem, part.partition_expression, row_groups=[group.id for group in part.row_groups]
    )


def _tally(values: Values) -> pd.Series[Any]:
    """Count each text."""
    chunks = values.chunks if isinstance(values, pa.ChunkedArray) else [values]
    if not pa.types.is_dictionary(values.type):
        return _series(pc.value_counts(values.drop_null()))
    return pd.concat([_of_dictionary(chunk) for chunk in chunks]) if chunks else pd.Series(dtype=np.int64)


def _of_dictionary(values: Values) -> pd.Series[Any]:
    words = values.dictionary
    places = values.indices.drop_null().to_numpy()
    return pd.Series(np.bincount(places, minlength=len(words)), index=words.to_pandas())


def _series(found: Any) -> pd.Series[Any]:
    words, counts = found.flatten()
    return pd.Series(counts.to_numpy(), index=words.to_pandas())
