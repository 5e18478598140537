"""Data held to its contract: all that breaks it, at once, a finding for each way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from ..catalogues import DATA
from ..checks import NotApplicable, unquoted
from ..column import Column
from ..data import Data, share
from ..findings import Finding
from ..quality.names import listed
from ..quality.quoting import is_personal

if TYPE_CHECKING:
    import pandera.pandas as pa

    from .files import Contract

_MOST: Final = 8
_EXAMPLES: Final = 3
_RANGES: Final = frozenset({"in_range", "greater_than", "greater_than_or_equal_to", "less_than", "less_than_or_equal_to", "equal_to", "not_equal_to"})  # fmt: skip
_CATEGORIES: Final = frozenset({"isin", "notin", "unique_values_eq"})
_SAYS: Final = {
    "rows": ("too few rows", "find out where the others are, or change least_rows in {}"),
    "gone": ("missing columns", "bring them back, or take them out of {}"),
    "new": ("columns that it does not have", "leave them out, or write them into {}"),
    "type": ("of another type", "convert them: df[…].astype(…), or change {}"),
    "null": ("gaps", "find out where they are from, or write nullable: true into {}"),
    "twice": ("keys of more than one row", "df[df.duplicated(…, keep=False)] shows them"),
    "range": ("beyond the range", "find out where those rows are from, or widen the range in {}"),
    "categories": ("not in the list", "correct them, or add them to the list in {}"),
    "check": ("checks that fail", "see the check in {}"),
}  # fmt: skip


@dataclass(frozen=True)
class _Breach:
    """One way in which a column breaks the contract."""

    what: str
    columns: tuple[str, ...]
    told: str
    rows: int


@DATA.check("DQ027", "As in the contract", "What others count on is written down in the contract: a model, a report or a colleague breaks where it does not hold.")  # fmt: skip
def contract(data: Data) -> Iterator[Finding]:
    """Hold data to its contract."""
    if data.contract is None:
        raise NotApplicable("There is no contract: --contract contracts/df.yaml.")
    by_kind: dict[str, list[_Breach]] = defaultdict(list)
    for breach in _breaches(data, data.contract):
        by_kind[breach.what].append(breach)
    for what, (seen, do) in _SAYS.items():
        found = by_kind.get(what, [])
        if found:
            told = "; ".join(breach.told for breach in found[:_MOST])
            more = f"; and {len(found) - _MOST} more" if len(found) > _MOST else ""
            names = tuple(dict.fromkeys(name for breach in found for name in breach.columns))
            figures = {"kind": what, "rows": {breach.told.partition(":")[0]: breach.rows for breach in found}}
            yield Finding("error", f"{seen}: {told}{more}.", do.format(data.contract.name), names, figures)  # fmt: skip


def _breaches(data: Data, held: Contract) -> Iterator[_Breach]:
    from pandera.config import ValidationDepth, config_context
    from pandera.errors import SchemaError, SchemaErrors

    if len(data) < held.least_rows:
        yield _Breach("rows", (), f"{len(data):,}, and should be at least {held.least_rows:,}", 0)
    frame = pd.DataFrame({label: column.values for label, column in data.by_label.items()}, copy=False)
    try:
        with config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_AND_DATA):
            _fitted(held.schema, data).validate(frame, lazy=True)
    except SchemaErrors as errors:
        for error in errors.schema_errors:
            yield _breach(data, error)
    except SchemaError as error:
        yield _breach(data, error)


def _fitted(schema: pa.DataFrameSchema, data: Data) -> pa.DataFrameSchema:
    """Take a type off the schema where the column holds what it means, in whatever way pandas keeps it."""
    fitted = deepcopy(schema)
    for label, asked in fitted.columns.items():
        column = data.by_label.get(str(label))
        if column is not None and asked.dtype is not None and not asked.coerce and _holds(column, str(asked.dtype)):
            asked.dtype = None
    return fitted


def _holds(column: Column, dtype: str) -> bool:
    """Whether a column holds what a type means: whole numbers also as floats or with gaps, text also as categories."""
    if column.kind == "nothing":
        return True
    if dtype.lower().startswith(("int", "uint")):
        if column.kind != "number":
            return False
        numbers = column.numbers
        is_whole = len(numbers) == len(column.there) and not (numbers % 1).any()
        return is_whole and not (dtype.lower().startswith("u") and len(numbers) and numbers.min() < 0)
    if dtype.startswith("datetime64"):
        zone = getattr(column.values.dtype, "tz", None)
        is_known = isinstance(column.values.dtype, np.dtype | pd.DatetimeTZDtype) and column.values.dtype != object
        return column.kind == "time" and (not is_known or ("," in dtype) == (zone is not None))
    kinds = {"float": "number", "Float": "number", "bool": "truth", "str": "text", "object": "text"}
    return column.kind == next((kind for begins, kind in kinds.items() if dtype.startswith(begins)), "")


def _breach(data: Data, error: Any) -> _Breach:
    reason = getattr(error.reason_code, "name", "")
    label = str(getattr(error.schema, "name", None) or "")
    cases = error.failure_cases
    if reason in ("COLUMN_NOT_IN_DATAFRAME", "COLUMN_NOT_IN_SCHEMA"):
        return _Breach("gone" if reason == "COLUMN_NOT_IN_DATAFRAME" else "new", (str(cases),), str(cases), 0)
    if reason in ("WRONG_DATATYPE", "DATATYPE_COERCION"):
        column = data.by_label[label]
        return _Breach(
            "type", (label,), f"{label}: {column.kind}, and should be {_name(error.schema.dtype)}", len(data)
        )
    rows = len(cases["index"].drop_duplicates()) if isinstance(cases, pd.DataFrame) and "index" in cases else 0
    told = share(rows, len(data))
    if reason == "SERIES_CONTAINS_NULLS":
        return _Breach("null", (label,), f"{label}: {told}", rows)
    if reason in ("SERIES_CONTAINS_DUPLICATES", "DUPLICATES"):
        keys = (label,) if label in data.by_label else tuple(map(str, error.schema.unique or ()))
        return _Breach("twice", keys, f"{', '.join(keys)}: {told}", rows)
    name = str(getattr(error.check, "name", None) or error.check)
    what = "range" if name in _RANGES else "categories" if name in _CATEGORIES else "check"
    said = str(getattr(error.check, "error", None) or name)
    columns = (label,) if label in data.by_label else ()
    shown = _examples(data, label, cases)
    if reason == "CHECK_ERROR" or not rows:
        return _Breach("check", columns, f"{label or data.name}: {said[:120]} {_raised(data, label, cases) if reason == 'CHECK_ERROR' else 'does not hold'}", 0)  # fmt: skip
    should = (
        f", and should be {_bounds(error.check)}"
        if what == "range"
        else f" fail {said[:120]}"
        if what == "check"
        else ""
    )
    return _Breach(what, columns, f"{label or data.name}: {told}{shown}{should}", rows)


def _bounds(check: Any) -> str:
    found = getattr(check, "statistics", None) or {}
    if {"min_value", "max_value"} <= set(found):
        return f"{found['min_value']} to {found['max_value']}"
    return str(getattr(check, "error", None) or check)


def _name(dtype: Any) -> str:
    return "text" if str(dtype).startswith("str") else str(dtype)


def _examples(data: Data, label: str, cases: Any) -> str:
    """Quote some of the values; none of people."""
    column = data.by_label.get(label)
    if column is None or not isinstance(cases, pd.DataFrame) or is_personal(data, column):
        return ""
    distinct = list(dict.fromkeys(map(str, cases["failure_case"].head(1000))))
    return f", such as {listed(tuple(text[:30] for text in distinct[:_EXAMPLES]))}" if distinct else ""


def _raised(data: Data, label: str, cases: Any) -> str:
    """Say what a check has raised; the message may quote a value."""
    column = data.by_label.get(label)
    hidden = column is not None and is_personal(data, column)
    said = str(cases) if column is not None else unquoted(str(cases))  # of all columns, those of people among them
    return "raises an error" if hidden else f"raises {said:.120}"
