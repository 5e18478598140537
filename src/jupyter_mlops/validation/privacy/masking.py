"""Mask columns: drop, hash, generalise, pseudonymise and back; and mark them in ``mlops.toml``."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import tomlkit

from ...config import FILE_NAME
from ...disk import write_whole
from ...errors import Conflict, InvalidUsage, nearest, writing_to
from ...frames import as_frame
from ...pseudonyms import Pseudonyms, key_id, keyed_hash, project_key
from ...workspace import LOCAL, Workspace, find
from ..column import Column
from . import numbers, prose, words
from .results import Masked, MaskedColumn

_BANDS: Final = 10
_WAYS: Final = ("hash", "drop", "generalise", "pseudonymise", "restore")
_WITH_KEY: Final = ("hash", "pseudonymise", "restore")


def mask(data: Any, about: str, columns: Sequence[str], how: str, *, is_marked: bool, to: Path | None) -> Masked:
    """Mask columns in a new frame; see the command.

    Raises
    ------
    InvalidUsage
        Where it is no table or lacks the column, where there is no such way, or where a key is needed and there is no
        project.
    Conflict
        Where the file is there.
    """
    frame = as_frame(data)
    if how not in _WAYS:
        raise InvalidUsage(f"There is no way {how!r} to mask.{nearest(str(how), _WAYS)}", f"one of {', '.join(_WAYS)}")
    places = _places(frame, columns, about)
    _check_file(to)
    root = find(Path.cwd())
    workspace = Workspace(root) if root else None
    if workspace is None and how in _WITH_KEY:
        raise InvalidUsage(f"To {how} needs the key of a project, and {Path.cwd()} is in none.", "%mlops init")
    key = project_key(workspace.root / LOCAL) if workspace and how in _WITH_KEY else b""
    new, records = frame.copy(deep=False), []
    for place in places:
        column = Column(str(frame.columns[place]), frame.iloc[:, place])
        masked: Any = None if how == "drop" else _masked(column, how, key)
        after = 0 if masked is None else Column(column.label, masked).distinct
        records.append(MaskedColumn(column.label, how, len(column.there), column.distinct, after))
        if masked is not None:
            new.isetitem(place, masked)
    if how == "drop":
        new = new.iloc[:, [place for place in range(len(frame.columns)) if place not in places]]
    names = tuple(record.name for record in records)
    if to is not None:
        _write(new, to)
    marked = _mark(workspace, names) if workspace and is_marked and how != "restore" else ()
    return Masked(about, tuple(records), len(frame), new, key_id(key) if key else "", marked, str(to or ""))


def _places(frame: pd.DataFrame, columns: Sequence[str], about: str) -> list[int]:
    labels = [str(label) for label in frame.columns]
    if not columns:
        raise InvalidUsage("Which column is to be masked?", f"mlops.mask({about}, {labels[0] if labels else 'COLUMN'!r})")  # fmt: skip
    if unknown := [str(name) for name in columns if str(name) not in labels]:
        raise InvalidUsage(f"{about} has no column {unknown[0]!r}.{nearest(unknown[0], labels)}")
    wanted = set(map(str, columns))
    return [place for place, label in enumerate(labels) if label in wanted]  # all of a name that is there twice


def _check_file(to: Path | None) -> None:
    if to is not None and to.suffix not in (".parquet", ".csv"):
        raise InvalidUsage(f"{str(to)!r} should end in .parquet or .csv.")
    if to is not None and to.exists():
        raise Conflict(f"{to} is there already.", "give another name with --to")
    if to is not None and not to.parent.is_dir():
        raise InvalidUsage(f"There is no folder {str(to.parent)!r}.", f"mkdir -p {to.parent}")


def _write(frame: pd.DataFrame, to: Path) -> None:
    with writing_to(to):
        if to.suffix == ".csv":
            frame.to_csv(to, index=False)
            return
        try:
            frame.to_parquet(to)
        except (ValueError, TypeError, ArithmeticError):  # its message quotes a value
            to.unlink(missing_ok=True)
            raise InvalidUsage("Parquet has no type for one of the columns.", f"--to {to.with_suffix('.csv')}") from None  # fmt: skip


def _masked(column: Column, how: str, key: bytes) -> pd.Series[Any]:
    if how == "hash":
        return _each(column, lambda cell: keyed_hash(key, cell))
    if how == "generalise":
        return _generalised(column)
    pseudonyms = Pseudonyms(key)
    if how == "pseudonymise":
        return _each(column, pseudonyms.of)
    try:
        return _each(column, lambda cell: pseudonyms.value(str(cell)))
    except InvalidUsage as error:  # its message quotes the value, which may be somebody's
        raise InvalidUsage(f"{column.label} holds what is no pseudonym of this project's key.", error.hint) from None


def _each(column: Column, change: Callable[[Any], Any]) -> pd.Series[Any]:
    """Change each value once, however often it is there; what is missing stays so."""
    known: dict[Any, Any] = {}

    def changed(cell: Any) -> Any:
        try:
            if (type(cell), cell) not in known:
                known[type(cell), cell] = change(cell)
            return known[type(cell), cell]
        except TypeError:  # lists and the like can't be looked up
            return change(repr(cell))

    cells = zip(column.is_missing, column.values.tolist(), strict=True)
    new = [None if gone else changed(cell) for gone, cell in cells]
    series = pd.Series(new, index=column.values.index, name=column.values.name, dtype=object)
    with contextlib.suppress(UnicodeEncodeError):  # half a surrogate pair, which no type of text can hold
        return series.infer_objects()
    return series


def _generalised(column: Column) -> pd.Series[Any]:
    """Make values coarser, by what they are: positions, numbers, times, addresses of e-mail and machines, codes."""
    if column.kind in ("number", "truth"):
        return _banded(column)
    if column.kind == "time" or (column.kind == "text" and _are_births(column)):
        form = None if column.kind == "time" else "mixed"
        times = pd.to_datetime(column.values.astype(object), errors="coerce", utc=True, format=form)
        return times.dt.year.astype("Int64").astype(object).where(times.notna(), None)
    if column.kind == "nothing":
        return column.values
    if column.kind != "text":
        raise InvalidUsage(f"{column.label} can't be made coarser: it holds neither numbers, times nor text.", "how='hash', or how='drop'")  # fmt: skip
    return _each(column, lambda cell: _coarse(str(cell)))


def _are_births(column: Column) -> bool:
    return prose.births(column.comparable.head(300).astype(object), is_named=True)


def _banded(column: Column) -> pd.Series[Any]:
    values = pd.Series(column.values.to_numpy(dtype=np.float64, na_value=np.nan), index=column.values.index, name=column.values.name)  # fmt: skip
    if words.kind_of(column.label) == "geo-position":
        return values.round(1)  # 11 km of latitude
    finite = column.numbers
    span = float(np.ptp(finite)) if len(finite) else 0.0
    if not 0 < span < math.inf:
        return values
    width = 10.0 ** math.floor(math.log10(span / _BANDS))
    width = next(width * step for step in (1, 2, 5, 10) if span / (width * step) <= _BANDS)
    low = np.floor(values.where(np.isfinite(values)) / width) * width
    is_whole = width >= 1 and bool((finite % 1 == 0).all())
    told = {
        edge: f"{edge:.0f} to {edge + width - 1:.0f}" if is_whole else f"{edge:.6g} to {edge + width:.6g}"
        for edge in low.dropna().unique()
    }  # fmt: skip
    banded: pd.Series[Any] = low.map(told).astype(object).where(low.notna(), None)
    return banded


def _coarse(text: str) -> str:
    if "@" in text:
        return "@" + text.rpartition("@")[2]
    if numbers.share([text], numbers.is_ip):
        return text.rpartition(".")[0] + ".0" if "." in text else ":".join(text.split(":")[:3]) + "::"
    if " " in text.strip() and not any(map(str.isdecimal, text)):
        return ". ".join(word[0] for word in text.split()) + "."
    kept = math.ceil(len(text) / 2) if len(text) > 1 else 0
    return text[:kept] + "*" * (len(text) - kept)


def _mark(workspace: Workspace, names: Sequence[str]) -> tuple[str, ...]:
    """Add columns to ``[privacy] personal`` of ``mlops.toml``, and leave the rest of it as it is."""
    known = workspace.settings.privacy.personal
    new = tuple(dict.fromkeys(name for name in names if name and name not in known))
    if new:
        path = workspace.root / FILE_NAME
        document = tomlkit.parse(path.read_text(encoding="utf-8")) if path.exists() else tomlkit.document()
        document.setdefault("privacy", tomlkit.table())["personal"] = [*known, *new]
        write_whole(path, tomlkit.dumps(document))
    return new
