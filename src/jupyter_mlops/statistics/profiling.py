"""From data to a profile in one pass: a frame or a table at once, files batch by batch in bounded memory.

What is too large for the memory gives its grid by a sample, and is then counted on it exactly. Any grid will do for that: what
is missed between two of its edges is the share of rows there, about a thousandth. So a profile made in batches
differs from one made at once by where the edges are, and not by its counts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds

from . import arrow
from . import pairs as pairing
from .column import Column
from .counting import Counts, Floats
from .pairs import Pairs
from .profile import Known, Profile, added
from .repeats import distinct
from .sketches import Numbers, Sketch, Words

Source: TypeAlias = "pd.DataFrame | pa.Table | pa.RecordBatchReader | ds.Dataset"
"""What ``frames.as_source`` gives."""

THREADS: Final = 2
SAMPLE: Final = 262_144  # rows that give a grid: a quantile of so many is off by less than 0.004 in 99 of 100 (DKW)
_PIECES: Final = 16  # of a file that a sample is taken from
_FEW: Final = 20
_PAIRED: Final = 10_000  # rows that correlations are taken of, and copies counted in
_MOST_PAIRED: Final = 100  # numbers that are looked at for those that go together most


def learn(data: Source, personal: Collection[str] = ()) -> Profile:
    """Take a reference.

    Parameters
    ----------
    data : DataFrame, Table, RecordBatchReader or Dataset
    personal : collection of str
        Columns of which no value may be kept.
    """
    hidden = frozenset(personal)
    if isinstance(data, pd.DataFrame | pa.Table):
        return _learnt(data, hidden)
    if isinstance(data, pa.RecordBatchReader):
        first = _first(data)
        grid = _learnt(first, hidden)
        if first.num_rows < SAMPLE:
            return grid
        note = f"The grid is of the first {first.num_rows:,} rows: a stream is read once."
        return _closed(grid, _count(grid, first) + added(_counts(grid, data), grid), note)
    pieces = arrow.pieces(data)
    sample = _sample(data, pieces)
    grid = _learnt(sample, hidden)
    if data.count_rows() <= sample.num_rows:
        return grid
    return closed(grid, count(grid, data), sample.num_rows)


def count(reference: Profile, data: Source) -> Profile:
    """Take a window: counted on the grid of its reference."""
    if isinstance(data, pd.DataFrame | pa.Table):
        return _count(reference, data)
    if isinstance(data, pa.RecordBatchReader):
        return added(_counts(reference, data), reference)
    texts = [name for name, known in reference.columns.items() if known.kind == "text"]
    return _counted(reference, arrow.pieces(data, texts))


class _Columns(Mapping[str, Column]):
    """The columns by their names, each made when it is asked for; of two of one name the first."""

    def __init__(self, data: Any) -> None:
        self._data = data
        self._is_frame = isinstance(data, pd.DataFrame)
        names = list(map(str, data.columns)) if self._is_frame else data.schema.names
        self._places = {name: names.index(name) for name in dict.fromkeys(names)}

    def __getitem__(self, name: str) -> Column:
        place = self._places[name]
        return Column(name, self._data.iloc[:, place] if self._is_frame else _series(self._data.column(place)))

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def floats(self, name: str, rows: Counts) -> Floats:
        """Give some rows of a column of numbers; NaN for what is none."""
        values = self._data.iloc[:, self._places[name]] if self._is_frame else self._data.column(self._places[name])
        if self._is_frame and _is_plain(values):
            found = values.to_numpy()[rows].astype(np.float64)
            return np.where(np.isfinite(found), found, np.nan)
        if not self._is_frame and (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
            return np.asarray(values.take(pa.array(rows)).to_numpy(zero_copy_only=False), dtype=np.float64)
        column = Column(name, values.iloc[rows] if self._is_frame else _series(values.take(pa.array(rows))))
        return column.floats() if column.kind == "number" else np.full(len(rows), np.nan)

    def counted(self, name: str, known: Known) -> Sketch | None:
        """Count a column as Arrow or NumPy has it; None where it takes pandas to say what it holds."""
        place = self._places[name]
        if not self._is_frame:
            return arrow.counted(known, self._data.column(place))
        column = self._data.iloc[:, place]
        if known.kind == "number" and isinstance(known.sketch, Numbers) and _is_plain(column):
            return known.sketch.count(column.to_numpy())
        values = column.array
        return arrow.counted(known, pa.array(values)) if isinstance(values, pd.arrays.ArrowStringArray) else None


def _learnt(data: Any, hidden: frozenset[str]) -> Profile:
    columns = dict(_Columns(data))
    with ThreadPoolExecutor(THREADS) as pool:
        known = list(pool.map(lambda column: _know(column, column.label in hidden), columns.values()))
    rows = data.num_rows if hasattr(data, "num_rows") else len(data)
    named = dict(zip(columns, known, strict=True))
    some = pairing.chosen(rows, _PAIRED)
    shown = pd.DataFrame({name: column.values.iloc[some].array for name, column in columns.items()})
    return Profile(
        rows,
        named,
        pairs=_pairs(columns, named, some),
        distinct=distinct(shown),
        distinct_rows=len(some),
    )


def _pairs(columns: Mapping[str, Column], known: Mapping[str, Known], some: Counts) -> Pairs | None:
    """Take the correlations of numbers, by some rows from everywhere."""
    sketches = {name: one.sketch for name, one in known.items() if one.kind == "number" and isinstance(one.sketch, Numbers)}  # fmt: skip
    names = list(sketches)[:_MOST_PAIRED]
    return Pairs.learn({name: columns[name].floats(some) for name in names}, sketches)


def _know(column: Column, hidden: bool) -> Known:
    kind = column.kind
    if hidden or kind == "mixed" or _names_rows(column):
        return Known(kind, Words({}, len(column) - column.missing, column.missing), hidden=hidden)
    if kind in ("number", "time"):
        return Known(kind, Numbers.learn(column.raw(), compact=kind == "number"))
    counts = column.counts if kind != "nothing" else pd.Series(dtype=np.int64)
    return Known(kind, Words.learn(counts, column.missing))


def _names_rows(column: Column) -> bool:
    """Whether it only goes on and on: whole numbers, each greater than the one before, as ids are."""
    values = column.values
    return bool(
        pd.api.types.is_integer_dtype(values.dtype)
        and len(values) >= _FEW
        and values.is_monotonic_increasing
        and values.is_unique
    )


def _count(reference: Profile, data: Any, some: int = pairing.SOME) -> Profile:
    columns = _Columns(data)
    rows = data.num_rows if hasattr(data, "num_rows") else len(data)
    changed: dict[str, str] = {}
    lacking = dict.fromkeys((name for name in reference.columns if name not in columns), rows) if rows else {}

    def one(name: str, known: Known) -> Sketch:
        if name not in columns:
            return known.sketch.emptied()
        if (found := columns.counted(name, known)) is not None:
            return found
        column = columns[name]
        if known.is_only_counted:
            return Words({}, len(column) - column.missing, column.missing)
        kind = column.kind
        if kind != "nothing" and known.kind not in (kind, "nothing"):
            changed[name] = kind
            return known.sketch.emptied()
        if isinstance(known.sketch, Numbers):
            return known.sketch.count(column.raw() if kind != "nothing" else np.full(len(column), np.nan))
        counts = column.counts if kind != "nothing" else pd.Series(dtype=np.int64)
        return known.sketch.count(counts, column.missing)

    # On one thread: two get in each other's way at the memory, and take a quarter more of the processor.
    counted = {name: replace(known, sketch=one(name, known)) for name, known in reference.columns.items()}
    new = {name: str(columns[name].kind) for name in columns if name not in reference.columns} if rows else {}
    together = _paired(reference, columns, rows, pairing.chosen(rows, some), {*lacking, *changed})
    return Profile(rows, counted, pairs=together, lacking=lacking, changed=changed, new=new)


def _paired(reference: Profile, columns: _Columns, rows: int, some: Counts, gone: Collection[str]) -> Pairs | None:
    """Take the correlations of a window, by some of its rows."""
    if reference.pairs is None or not len(some):
        return reference.pairs and reference.pairs.emptied()
    nothing = np.full(len(some), np.nan)
    values = [nothing if name in gone else columns.floats(name, some) for name in reference.pairs.names]
    sketches = [known.sketch for name in reference.pairs.names for known in [reference.columns[name]]]
    return reference.pairs.count(values, [each for each in sketches if isinstance(each, Numbers)], rows / len(some))


def _counts(reference: Profile, batches: Iterable[Any]) -> Iterator[Profile]:
    return (_count(reference, batch, pairing.OF_A_BATCH) for batch in batches)


def _counted(reference: Profile, pieces: Iterable[Callable[[], Iterator[Any]]]) -> Profile:
    """Count pieces of files on two threads; each holds one batch at a time."""

    def one(piece: Callable[[], Iterator[Any]]) -> Profile:
        return added(_counts(reference, piece()), reference)

    with ThreadPoolExecutor(THREADS) as pool:
        return added(pool.map(one, pieces), reference)


def spread(parts: int) -> list[int]:
    """Choose up to 16 of some parts, from everywhere."""
    return sorted({round(place) for place in np.linspace(0, parts - 1, min(_PIECES, parts))})


def closed(grid: Profile, counted: Profile, rows: int) -> Profile:
    """Give the profile of all rows, whose grid is of some of them."""
    return _closed(grid, counted, f"The grid is of {rows:,} rows from everywhere; all rows are counted on it.")


def _closed(grid: Profile, counted: Profile, note: str) -> Profile:
    columns = {
        name: replace(known, sketch=known.sketch.closed() if isinstance(known.sketch, Numbers) else known.sketch)
        for name, known in counted.columns.items()
    }
    return replace(grid, rows=counted.rows, columns=columns, notes=(note,))


def _sample(data: ds.Dataset, pieces: list[Callable[[], Iterator[Any]]]) -> pa.Table:
    """Take rows from everywhere: the first ones of up to 16 row groups."""
    chosen = spread(len(pieces))
    each = SAMPLE // max(1, len(chosen))
    found = []
    for place in chosen:
        wanted = each
        for batch in islice(pieces[place](), -(-each // arrow.BATCH)):
            found.append(batch.slice(0, wanted))
            wanted -= found[-1].num_rows
            if wanted <= 0:
                break
    return pa.Table.from_batches(found, data.schema)


def _first(stream: pa.RecordBatchReader) -> pa.Table:
    found, rows = [], 0
    for batch in stream:
        found.append(batch)
        rows += batch.num_rows
        if rows >= SAMPLE:
            break
    return pa.Table.from_batches(found, stream.schema)


def _is_plain(values: pd.Series[Any]) -> bool:
    """Whether they are numbers in NumPy's own types."""
    return isinstance(values.dtype, np.dtype) and values.dtype.kind in "iuf"


def _series(values: Any) -> pd.Series[Any]:
    if pa.types.is_decimal(values.type):
        values = values.cast(pa.float64())
    found: pd.Series[Any] = values.to_pandas()
    return found
