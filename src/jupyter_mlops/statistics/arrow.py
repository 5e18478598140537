"""Columns of Arrow, counted without a detour through pandas."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from .counting import Counts
from .profile import Known
from .sketches import Numbers, Sketch, Words

BATCH: Final = 98_304  # rows: of fewer the work of each batch shows, of more the memory
_BUFFER: Final = 1 << 18  # bytes of a column

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
            return sketch.placed(_tallied(values, sketch), len(values), values.null_count)
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


def pieces(data: ds.Dataset, texts: Collection[str] = ()) -> list[Callable[[], Iterator[pa.RecordBatch]]]:
    """Split a data set at its files and row groups, each of which is read batch by batch.

    Parameters
    ----------
    data : Dataset
    texts : collection of str
        Columns that are read as Parquet has them: as places in a dictionary, where they are texts.
    """
    found: list[Callable[[], Iterator[pa.RecordBatch]]] = []
    for fragment in data.get_fragments():
        if not isinstance(fragment, ds.ParquetFileFragment):
            found.append(partial(_scanned, fragment, data.schema))
            continue
        is_as_stored = fragment.physical_schema.equals(data.schema)
        plain = [field.name for field in data.schema if field.name in texts and is_text(field.type)]
        parts = fragment.split_by_row_group()
        found += [
            partial(_streamed, part, plain) if is_as_stored else partial(_scanned, part, data.schema) for part in parts
        ]
    return found


def _streamed(part: Any, texts: list[str]) -> Iterator[pa.RecordBatch]:
    """Read page by page: a data set would unpack row groups as a whole, however large they are."""
    groups = [group.id for group in part.row_groups]
    with (
        part.filesystem.open_input_file(part.path) as source,
        pq.ParquetFile(source, read_dictionary=texts, buffer_size=_BUFFER, pre_buffer=False) as file,
    ):
        yield from file.iter_batches(BATCH, row_groups=groups, use_threads=False)


def _scanned(part: Any, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Read what has another schema than the whole: columns that are lacking, of another type, or in the names of folders."""
    batches = part.to_batches(
        schema=schema, batch_size=BATCH, use_threads=False, batch_readahead=1, fragment_readahead=1
    )
    return (batch for batch in batches if batch.num_rows)


def _tallied(values: Values, sketch: Words) -> Counts:
    """Count the categories of the grid: looking each text up there takes less than counting all there are."""
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    known = pa.array(list(sketch.counts), kind)
    found = np.zeros(len(known), dtype=np.int64)
    for chunk in values.chunks if isinstance(values, pa.ChunkedArray) else [values]:
        if isinstance(chunk, pa.DictionaryArray):  # its texts are looked up once, and not row by row
            rows = np.bincount(chunk.indices.drop_null().to_numpy(), minlength=len(chunk.dictionary))
            places = pc.index_in(chunk.dictionary, value_set=known).fill_null(len(known)).to_numpy()
            found += np.bincount(places, rows, len(known) + 1)[:-1].astype(np.int64)
            continue
        for start in range(0, len(chunk), BATCH):  # what is made on the way stays in the cache
            places = pc.index_in(chunk.slice(start, BATCH), value_set=known).drop_null().to_numpy()
            found += np.bincount(places, minlength=len(known))
    return found
