"""Contracts as files: YAML as pandera writes it, which runs nothing and is reviewed like code; or a schema in Python."""

from __future__ import annotations

import hashlib
import re
import runpy
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandera.pandas as pa
import yaml
from pandera.io._flat_checks import COMPONENT_RESERVED_KEYS
from pandera.io.pandas_io import deserialize_schema, serialize_schema

from ...disk import write_whole
from ...errors import Conflict, InvalidUsage, MlopsError, NotFound, nearest
from ...frames import a_kind

_YAML: Final = (".yaml", ".yml")
_HEADING: Final = """\
# What {name} must be: a schema of pandera (https://pandera.readthedocs.io), written from {rows:,} rows. Edit it, and keep it in git:
#   %mlops validate data {name} --contract {path}
# strict: true refuses columns that are not here, least_rows tables that are cut off. No values of personal columns are written down.
"""
_KNOWN: Final = (*COMPONENT_RESERVED_KEYS, *(name for name in dir(pa.Check) if name[0].islower()))
_LEAST_ROWS: Final = "least_rows"
_TOP: Final = frozenset(serialize_schema(pa.DataFrameSchema({}), minimal=False)) | {"metadata", "multiindex"}


@dataclass(frozen=True)
class Contract:
    """What data must be.

    Attributes
    ----------
    name : str
        The path of its file.
    schema : DataFrameSchema
    digest : str
        Of the file; empty where there is none.
    least_rows : int
        How many rows there must be; pandera's schemas don't say.
    """

    name: str
    schema: pa.DataFrameSchema
    digest: str = ""
    least_rows: int = 0


def may_write(path: Path, *, force: bool) -> None:
    """Make sure that a contract may be written there.

    Raises
    ------
    InvalidUsage
        Where it is no file of YAML.
    Conflict
        Where there is one.
    """
    if path.suffix.lower() not in _YAML:
        raise InvalidUsage(f"A contract is written as YAML, and {str(path)!r} is none.", f"--save-contract {path.with_suffix('.yaml')}")  # fmt: skip
    if path.exists() and not force:
        raise Conflict(f"{path} is there, and may have been edited.", f"--save-contract {path} --force writes it anew")


def write(schema: pa.DataFrameSchema, path: Path, name: str, rows: int) -> None:
    """Write a contract.

    Raises
    ------
    NotWritable
    """
    plain = serialize_schema(schema)
    columns = plain["columns"] or {}
    for stats in columns.values():
        if str(stats.get("dtype", "")).startswith("string"):
            stats["dtype"] = "str"  # as people write it, whatever pandas keeps text in
        for side in ("include_min", "include_max") if "in_range" in stats else ():
            stats["in_range"].pop(side, None)  # as it is by default
    kept = {_LEAST_ROWS: min(rows, 1), "columns": columns, "strict": False, "unique": plain.get("unique")}
    text = yaml.safe_dump({key: value for key, value in kept.items() if value is not None}, sort_keys=False, allow_unicode=True)  # fmt: skip
    shown = re.sub(r"\W+", "_", name) or "df"
    write_whole(path, _HEADING.format(name=shown, rows=rows, path=path.as_posix()) + text)


def read(contract: Any) -> Contract:
    """Read a contract.

    Parameters
    ----------
    contract : path, DataFrameSchema or DataFrameModel

    Raises
    ------
    NotFound
        Where there is no such file.
    InvalidUsage
        Where it can't be understood: the message has the line.
    """
    if isinstance(contract, pa.DataFrameSchema):
        return Contract(str(contract.name or "the contract"), contract)
    if isinstance(contract, type) and issubclass(contract, pa.DataFrameModel):
        return Contract(contract.__name__, contract.to_schema())
    if not isinstance(contract, str | Path):
        raise InvalidUsage(f"{a_kind(contract)} is no contract: give a file, or a schema of pandera.pandas.")
    path = Path(contract)
    if not path.is_file():
        beside = [str(file) for file in path.parent.glob("*") if file.suffix in (*_YAML, ".py")] if path.parent.is_dir() else []  # fmt: skip
        raise NotFound(f"There is no contract {str(path)!r}.{nearest(str(path), beside)}", f"%mlops validate data df --save-contract {path}")  # fmt: skip
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if path.suffix.lower() == ".py":
        return Contract(str(path), _of_python(path), digest)
    if path.suffix.lower() not in _YAML:
        raise InvalidUsage(f"{str(path)!r} is no contract: it should end in .yaml, .yml or .py.")
    schema, least = _of_yaml(path)
    return Contract(str(path), schema, digest, least)


def _of_yaml(path: Path) -> tuple[pa.DataFrameSchema, int]:
    try:
        text = path.read_text(encoding="utf-8")
        node, plain = yaml.compose(text, yaml.SafeLoader), yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _broken(path, mark.line + 1 if mark else 1, error.problem or "it is no YAML") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _broken(path, 1, f"it is no YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(plain, dict):
        raise _broken(path, 1, "it should begin with columns:")
    least = plain.pop(_LEAST_ROWS, 0)
    for key, line, _ in _entries(path, node):
        if key not in {*_TOP, _LEAST_ROWS}:
            raise _broken(path, line, f"there is no setting {key!r}.{nearest(key, {*_TOP, _LEAST_ROWS})}")
        if key == _LEAST_ROWS and (not isinstance(least, int) or isinstance(least, bool) or least < 0):
            raise _broken(path, line, f"{_LEAST_ROWS} should be a whole number, and is {least!r}")
    columns = next((value for key, _, value in _entries(path, node) if key == "columns"), None)
    if isinstance(plain.get("columns"), dict):
        for name, line, value in _entries(path, columns):
            _try_column(path, name, line, value, plain["columns"])
    try:
        return _schema_of(plain), least
    except Exception as error:  # whatever pandera makes of it
        raise _broken(path, 1, _reason(error)) from None


def _try_column(path: Path, name: str, line: int, node: Any, columns: dict[Any, Any]) -> None:
    """Read one column by itself: what is wrong with it is told with its line."""
    stats = next(value for key, value in columns.items() if str(key) == name)
    if not isinstance(stats, dict):
        raise _broken(path, line, f"column {name!r} should have settings below it, such as dtype: int64")
    for key, of_key, _ in _entries(path, node):
        if key not in COMPONENT_RESERVED_KEYS and not hasattr(pa.Check, key):
            raise _broken(path, of_key, f"column {name!r} has no setting or check {key!r}.{nearest(key, _KNOWN)}")  # fmt: skip
    try:
        _schema_of(yaml.safe_load(yaml.safe_dump({"columns": {name: stats}})))
    except Exception as error:
        of_dtype = next((at for key, at, _ in _entries(path, node) if key == "dtype"), line)
        raise _broken(path, of_dtype if "data type" in str(error).lower() or "dtype" in str(error).lower() else line, f"column {name!r}: {_reason(error)}") from None  # fmt: skip


def _entries(path: Path, node: Any) -> Iterator[tuple[str, int, Any]]:
    """Give the keys of a mapping with their lines; each may be there once."""
    seen: set[str] = set()
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        name, line = str(key.value), key.start_mark.line + 1
        if name in seen:
            raise _broken(path, line, f"{name!r} is there twice")
        seen.add(name)
        yield name, line, value


def _of_python(path: Path) -> pa.DataFrameSchema:
    """Run a file of Python and take its schema: the one called ``schema``, or the only one."""
    try:
        names = runpy.run_path(str(path))
    except MlopsError:
        raise
    except SyntaxError as error:
        raise _broken(path, error.lineno or 1, error.msg) from None
    except Exception as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        raise _broken(path, frames[-1].lineno or 1 if frames else 1, f"{type(error).__name__}: {_reason(error)}") from None  # fmt: skip
    models = [each.to_schema() for each in names.values() if isinstance(each, type) and issubclass(each, pa.DataFrameModel) and each is not pa.DataFrameModel]  # fmt: skip
    found = [each for each in names.values() if isinstance(each, pa.DataFrameSchema)] + models
    named = names.get("schema")
    if isinstance(named, pa.DataFrameSchema):
        return named
    if len(found) != 1:
        raise _broken(path, 1, f"it has {len(found)} schemas of pandera.pandas, and none of them is called schema")
    return found[0]


def _schema_of(plain: Any) -> pa.DataFrameSchema:
    found: pa.DataFrameSchema = deserialize_schema(plain)  # type: ignore[no-untyped-call]
    return found


def _reason(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return (text[0] if text else type(error).__name__)[:200]


def _broken(path: Path, line: int, why: str) -> InvalidUsage:
    return InvalidUsage(f"{path}, line {line}: {why}{'' if why.endswith(('.', '?', '…')) else '.'}")
