"""The digest of data: the same from everywhere, and another one for every change."""

from __future__ import annotations

import datetime
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.sparse

from jupyter_mlops.errors import InvalidUsage
from jupyter_mlops.fingerprint import fingerprint

ROWS = 500

# pyarrow's own way of reading pandas, in the tests that make a table of Arrow's.
pytestmark = pytest.mark.filterwarnings("ignore:Series.values returning an ndarray that drops timezone")


def table(seed: int = 0) -> pd.DataFrame:
    """A table with a column of each kind, each with gaps."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "double": random.normal(size=ROWS),
            "float": random.normal(size=ROWS).astype("float32"),
            "long": random.integers(-9, 9, ROWS),
            "gaps": pd.array([None if place % 7 == 0 else place for place in range(ROWS)], dtype="Int64"),
            "flag": random.random(ROWS) > 0.5,
            "text": random.choice(["a", "bé", "", None], ROWS),
            "kind": pd.Categorical(random.choice(["x", "y"], ROWS)),
            "time": pd.date_range("2020", periods=ROWS, freq="h"),
            "zoned": pd.date_range("2020", periods=ROWS, freq="h", tz="Europe/Paris"),
            "span": pd.to_timedelta(random.integers(0, 10**6, ROWS), unit="s"),
            "day": [datetime.date(2020, 1, 1 + place % 20) for place in range(ROWS)],
            "list": [[1, 2] * (place % 3) for place in range(ROWS)],
        }
    )
    frame.loc[::5, "double"] = np.nan
    frame.loc[3, "time"] = pd.NaT
    return frame


def chunked(frame: pd.DataFrame) -> pa.Table:
    return pa.concat_tables([pa.Table.from_pandas(frame.iloc[:123]), pa.Table.from_pandas(frame.iloc[123:])])


@pytest.mark.parametrize(
    "read",
    [
        pa.Table.from_pandas,
        pl.from_pandas,
        chunked,
        lambda frame: pa.Table.from_pandas(pd.concat([frame, frame])).slice(ROWS),
        lambda frame: frame.set_axis(np.random.default_rng(1).permutation(ROWS)),
        lambda frame: frame.convert_dtypes(dtype_backend="pyarrow"),
        lambda frame: frame.copy(),
    ],
    ids=["pyarrow", "polars", "chunks", "a slice", "another index", "pandas on pyarrow", "a copy"],
)
def test_it_is_the_same_however_the_table_is_kept(read: Any) -> None:
    assert fingerprint(read(table())) == fingerprint(table())


@pytest.mark.parametrize("read", [pd.read_parquet, pq.read_table, pl.read_parquet], ids=["pandas", "pyarrow", "polars"])
def test_it_is_the_same_from_the_parquet_file(read: Any, tmp_path: Path) -> None:
    frame = table().set_axis(np.random.default_rng(1).permutation(ROWS))
    frame.to_parquet(tmp_path / "table.parquet")
    assert fingerprint(read(tmp_path / "table.parquet")).digest == fingerprint(frame).digest


def test_an_index_with_a_name_counts_as_parquet_keeps_it(tmp_path: Path) -> None:
    frame = table().set_index("time")
    assert fingerprint(frame).digest != fingerprint(frame.reset_index(drop=True)).digest
    frame.to_parquet(tmp_path / "table.parquet")
    assert fingerprint(pl.read_parquet(tmp_path / "table.parquet")).digest == fingerprint(frame).digest


def test_it_is_the_same_in_another_process() -> None:
    script = "from tests.test_fingerprint import *; print(fingerprint(table()).digest)"
    folder = Path(__file__).parent.parent
    out = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=True).stdout
    assert out.strip() == fingerprint(table()).digest


@pytest.mark.parametrize("column", table().columns)
def test_every_cell_counts(column: str) -> None:
    frame = table()
    changed = frame.copy()
    cells = frame[column].tolist()
    other = next(cell for cell in cells if str(cell) != str(cells[401]) and cell is not pd.NA)
    cells[401] = other
    changed[column] = pd.Series(cells, dtype=frame[column].dtype)
    one, two = fingerprint(frame), fingerprint(changed)
    assert one.digest != two.digest
    assert [a[0] for a, b in zip(one.columns, two.columns, strict=True) if a != b] == [column]


@pytest.mark.parametrize(
    "change",
    [
        lambda f: f.rename(columns={"long": "Long"}),
        lambda f: f[[*f.columns[1:], f.columns[0]]],
        lambda f: f.iloc[::-1],
        lambda f: f.iloc[:-1],
        lambda f: f.astype({"long": "float64"}),
        lambda f: f.astype({"long": "int32"}),
        lambda f: f.assign(text=f["text"].fillna("")),
        lambda f: f.assign(double=f["double"].fillna(0.0)),
        lambda f: f.assign(zoned=f["zoned"].dt.tz_convert("UTC")),
        lambda f: f.assign(kind=f["kind"].astype(str)),
    ],
    ids=["name", "columns", "rows", "a row less", "type", "width", "gap", "zero", "zone", "category"],
)
def test_names_types_and_order_count(change: Any) -> None:
    assert fingerprint(change(table())).digest != fingerprint(table()).digest


def test_texts_do_not_run_into_each_other() -> None:
    assert fingerprint(pd.DataFrame({"a": ["ab", "c"]})) != fingerprint(pd.DataFrame({"a": ["a", "bc"]}))
    assert fingerprint(pd.DataFrame({"a": [[1], [2, 3]]})) != fingerprint(pd.DataFrame({"a": [[1, 2], [3]]}))
    one, two = pd.DataFrame({"a": [1.0], "b": [2.0]}), pd.DataFrame({"a": [2.0], "b": [1.0]})
    assert fingerprint(one) != fingerprint(two)


@pytest.mark.parametrize(
    "data",
    [
        pd.DataFrame(),
        pd.DataFrame({"a": []}),
        pd.DataFrame([[1, 2]], columns=["same", "same"]),
        pd.DataFrame({"o": [1, "x", None, object(), {1: {2, 3}}, np.arange(3)]}),
        pd.DataFrame({"c": [1 + 2j], "p": [pd.Period("2020")], "i": [pd.Interval(0, 1)]}),
        pd.DataFrame({"s": pd.arrays.SparseArray([0, 0, 1])}),
        pd.DataFrame({"huge": [2**70]}),
        pd.DataFrame({"far": np.array(["9999-12-31"], dtype="datetime64[s]")}),
        pd.DataFrame(np.zeros((2, 3)), columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)])),
        pd.Series([1, 2], name="y"),
        np.zeros((4, 3, 2)),
        np.array(["a", "b"]),
        np.array([1, 2], dtype=">i4"),
        [[1, 2], [3, 4]],
        [1, [2, 3]],
        ["text", None],
        scipy.sparse.eye(5),
        pa.table({"map": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64()))}),
        pa.table({"struct": [{"a": 1, "b": None}], "none": [None]}),
        pl.DataFrame({"decimal": [None, 1]}).cast(pl.Decimal(10, 2)),
        pl.DataFrame({"array": [[1, 2]]}, schema={"array": pl.Array(pl.Int8, 2)}),
    ],
)
def test_odd_tables_have_one_too(data: Any) -> None:
    assert len(fingerprint(data).digest) == 32
    assert fingerprint(data) == fingerprint(data)


def test_endless_kinds_of_numbers_are_told_apart() -> None:
    values: list[Any] = [0, 0.0, False, "0", None, b"0", [0], np.float32(0), np.int8(0), pd.Timestamp(0)]
    digests = {fingerprint(pd.DataFrame({"a": [value]})).digest for value in values}
    assert len(digests) == len(values)


def test_the_order_of_bytes_is_the_machines_own_matter() -> None:
    assert fingerprint(np.array([1, 2], dtype=">i4")) == fingerprint(np.array([1, 2], dtype="<i4"))


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(InvalidUsage, match="no table"):
        fingerprint(5)


NESTED = pd.DataFrame(
    {"s": [{"x": 1, "y": "q"}, {"x": 2, "y": "r"}], "l": [[{"y": "q"}], []], "b": [[b"a"], [b"b", b""]]}
)
FIXED = pd.DataFrame({"t": pd.to_datetime(["2020-01-01", "2021-02-03"]).tz_localize("+02:00")})
COUNTED = pd.DataFrame({"a": range(5)}).rename_axis("id")


@pytest.mark.parametrize("frame", [NESTED, FIXED, COUNTED], ids=["nested", "a fixed offset", "a named range"])
@pytest.mark.parametrize("read", [pd.read_parquet, pq.read_table, pl.read_parquet], ids=["pandas", "pyarrow", "polars"])
def test_what_libraries_name_differently_is_the_same(frame: pd.DataFrame, read: Any, tmp_path: Path) -> None:
    frame.to_parquet(tmp_path / "table.parquet")
    assert fingerprint(read(tmp_path / "table.parquet")) == fingerprint(frame)


def test_what_lies_behind_a_missing_struct_does_not_count() -> None:
    def hidden(value: int) -> pa.Table:
        mask = pa.array([False, True])
        return pa.table({"a": pa.StructArray.from_arrays([pa.array([1, value])], ["x"], mask=mask)})

    assert hidden(7).equals(hidden(8))
    assert fingerprint(hidden(7)) == fingerprint(hidden(8))


def test_the_order_of_ordered_categories_counts_and_of_others_does_not() -> None:
    def kinds(categories: list[str], *, ordered: bool) -> str:
        cells = pd.Categorical(["x", "y"], categories=categories, ordered=ordered)
        return fingerprint(pd.DataFrame({"a": cells})).digest

    assert kinds(["x", "y"], ordered=False) == kinds(["y", "x"], ordered=False)
    assert (
        len({kinds(["x", "y"], ordered=True), kinds(["y", "x"], ordered=True), kinds(["x", "y"], ordered=False)}) == 3
    )


@pytest.mark.parametrize(
    "column",
    [
        pl.Series("a", [1, None]),
        pa.array([1, None]),
        pa.chunked_array([[1], [None]]),
        pa.record_batch({"a": [1, None]}),
    ],
    ids=lambda column: type(column).__name__,
)
def test_a_single_column_of_arrow_is_a_table_of_one(column: Any) -> None:
    [(name, kind, _)] = fingerprint(column).columns
    assert (name in ("a", "0"), kind) == (True, "int64")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([pd.DateOffset(months=1)], [pd.DateOffset(months=2)]),
        (pa.array([pa.MonthDayNano([1, 2, 3])]), pa.array([pa.MonthDayNano([1, 2, 4])])),
        (pa.RunEndEncodedArray.from_arrays([2, 3], [1, 2]), pa.RunEndEncodedArray.from_arrays([1, 3], [1, 2])),
        (
            pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])]),
            pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "c"])]),
        ),
        (pl.Series("a", [1, 2], dtype=pl.Int128), pl.Series("a", [1, 3], dtype=pl.Int128)),
        (pl.Series("a", [object(), 1], dtype=pl.Object), pl.Series("a", [object(), 2], dtype=pl.Object)),
    ],
    ids=["DateOffset", "interval", "run ends", "union", "128 bits", "objects"],
)
def test_types_that_arrow_can_not_cast_are_told_apart_too(one: Any, other: Any) -> None:
    a, b = (pd.DataFrame({"a": each}) if isinstance(each, list) else each for each in (one, other))
    assert fingerprint(a) == fingerprint(a)
    assert fingerprint(a).digest != fingerprint(b).digest


def test_an_address_in_memory_is_no_value() -> None:
    def table() -> pd.DataFrame:
        return pd.DataFrame({"a": [lambda x: x]})

    one, other = table(), table()
    assert fingerprint(one) == fingerprint(other)
