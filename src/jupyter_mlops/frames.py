"""Data on the way in: pandas, polars, pyarrow, arrays and lists become a pandas frame."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from .errors import InvalidUsage, NotFound, nearest

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.dataset as ds

READERS: Final = {".parquet": "read_parquet", ".csv": "read_csv", ".json": "read_json", ".feather": "read_feather"}
"""What reads a file of data in pandas, by how its name ends."""
_TABLES: Final = {".parquet": "parquet", ".feather": "feather", ".arrow": "arrow", ".ipc": "arrow"}


def as_frame(data: Any) -> pd.DataFrame:
    """Read a table.

    Parameters
    ----------
    data : DataFrame, Series, anything with the Arrow PyCapsule interface, or array-like of at most two dimensions
        A series is one column.

    Raises
    ------
    InvalidUsage
        Where it is no table.
    """
    import pandas as pd

    if isinstance(data, pd.DataFrame):
        return data
    if data is None:
        raise InvalidUsage("There is no data: it is None.", "did what made it forget to return it?")
    if hasattr(data, "collect") and not hasattr(data, "__arrow_c_stream__"):  # polars' LazyFrame, and the like
        raise InvalidUsage(f"{a_kind(data)} is no table yet.", "df.collect()")
    if isinstance(data, pd.Series):
        return data.to_frame()
    try:
        if hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
            return _as_table(data).to_pandas()  # type: ignore[no-any-return]
        if isinstance(data, str | bytes | int | float):
            raise ValueError("it is text" if isinstance(data, str | bytes) else "it is a number")
        return pd.DataFrame(data)
    except (ValueError, TypeError) as error:
        said = str(error).rstrip(".!")
        raise InvalidUsage(
            f"{a_kind(data)} is no table: {said}.", "give a frame, or an array with rows and columns"
        ) from None


def read_file(path: Path) -> pd.DataFrame:
    """Read a file of data.

    Raises
    ------
    InvalidUsage
        Where it can't be read as what its name says.
    """
    import pandas as pd

    try:
        return getattr(pd, READERS[path.suffix.lower()])(path)  # type: ignore[no-any-return]
    except Exception as error:
        raise InvalidUsage(f"{str(path)!r} can't be read: {str(error).splitlines()[0]}.") from error


def as_source(data: Any) -> pd.DataFrame | pa.Table | pa.RecordBatchReader | ds.Dataset:
    """Take rows without reading more of them than are in memory already.

    Parameters
    ----------
    data : DataFrame, Table, Dataset, RecordBatchReader, anything with the Arrow PyCapsule interface, path, or array-like
        A path is that of a Parquet or Arrow file, or of a folder of such.

    Raises
    ------
    InvalidUsage
        Where it is no table.
    NotFound
        Where there is no such file.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.dataset as ds

    if isinstance(data, pd.DataFrame | pa.Table | pa.RecordBatchReader | ds.Dataset):
        return data
    if isinstance(data, str | Path):
        opened = as_dataset(str(data))
        if opened is None:
            raise InvalidUsage(f"{str(data)!r} is no file of tables: it should end in {', '.join(_TABLES)}.")
        return opened
    if hasattr(data, "collect") or not hasattr(data, "__arrow_c_stream__") or hasattr(data, "iloc"):
        return as_frame(data)
    try:
        if any(hasattr(data, name) for name in ("shape", "num_rows", "height")) or isinstance(data, pa.ChunkedArray):
            return _as_table(data)  # it is in memory
        return pa.RecordBatchReader.from_stream(data)
    except (ValueError, TypeError, pa.ArrowException) as error:
        raise InvalidUsage(f"{a_kind(data)} is no table: {error}.") from None


def as_dataset(word: str) -> ds.Dataset | None:
    """Open a Parquet or Arrow file, or a folder of them (its name ends in ``/``); None where the word names none.

    Raises
    ------
    NotFound
        Where there is no such file.
    InvalidUsage
        Where it is none of these.
    """
    path = Path(word)
    kind = _TABLES.get(path.suffix.lower())
    if kind is None and not word.endswith("/"):
        return None
    if not path.exists():
        beside = [str(file) for file in path.parent.glob("*")] if path.parent.is_dir() else []
        raise NotFound(f"There is no file {word!r}.{nearest(word, beside)}")
    import pyarrow as pa
    import pyarrow.dataset as ds

    try:
        return ds.dataset(path, format=kind or "parquet")
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InvalidUsage(f"{word!r} can't be read: {str(error).splitlines()[0]}.") from None


def a_kind(value: object) -> str:
    """Name what a value is, at the beginning of a sentence: ``A list``, ``An int``."""
    name = type(value).__name__
    return f"A{'n' if name[:1].lower() in 'aeiou' else ''} {name}"


def _as_table(data: Any) -> pa.Table:
    """Read what has the Arrow PyCapsule interface; a single column gets the name that it has, or ``0`` as pandas gives."""
    import pyarrow as pa

    if hasattr(data, "to_frame"):  # a series of polars
        data = data.to_frame()
    if isinstance(data, pa.Array | pa.ChunkedArray):
        return pa.table({"0": data})
    return pa.table(data)
