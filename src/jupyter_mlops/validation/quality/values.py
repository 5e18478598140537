"""Single values that can't be right: stand-ins for missing ones, far outliers, and what a role does not allow."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from ..catalogues import DATA
from ..checks import CantSay
from ..column import Column
from ..data import Data, share
from ..findings import Finding, Plot, Severity
from .names import listed
from .quoting import is_personal, quoted

_FEW_ROWS: Final = 100
_MOST_IMPOSSIBLE: Final = 0.2
_WORDS: Final = frozenset(
    {"", "-", "--", "?", ".", "na", "n/a", "n.a.", "#n/a", "nan", "null", "none", "nil", "missing", "unknown", "undefined", "not available", "k.a.", "keine angabe", "inconnu", "desconocido", "#value!", "#ref!", "tbd", "xxx"}
)  # fmt: skip
# Stand-ins that people have used for missing numbers; each must also lie apart from all else to count.
_CODES: Final = (-1.0, -9.0, -99.0, -999.0, -9999.0, -99999.0, 99.0, 999.0, 9999.0, 99999.0, 999999.0, -2147483648.0)
_EPOCH: Final = tuple(map(pd.Timestamp, ("1970-01-01", "1900-01-01", "9999-12-31", "1899-12-30", "2099-12-31")))


@DATA.check(
    "DQ016", "Missing values in disguise", "-999 or 'N/A' is taken for a value: it moves means, and becomes a category."
)
def disguised(data: Data) -> Iterator[Finding]:
    """Look for words and numbers that stand for nothing."""
    for column in data.columns:
        stand_ins = {"text": _words, "number": _codes, "time": _dates}.get(column.kind)
        found = stand_ins(column) if stand_ins else {}
        if found:
            rows = sum(found.values())
            told = ", ".join(f"{_quoted(value)} ({count:,} times)" for value, count in list(found.items())[:4])
            hidden = is_personal(data, column)
            yield Finding(
                "warning",
                f"{column.label} holds {f'what stands for nothing in {share(rows, len(data))}' if hidden else told}.",
                f"df[{column.label!r}].replace({'…' if hidden else _literal(found)}, None)",
                (column.label,),
                {"rows": rows} if hidden else {"rows": rows, "values": [str(value) for value in found]},
            )


@DATA.check("DQ017", "Outliers", "A few values far out decide a mean, a scale and a least-squares fit; often they are typing errors or other units.")  # fmt: skip
def outliers(data: Data) -> Iterator[Finding]:
    """Look for numbers that are far out, by median and MAD, on their own scale and on that of their logarithm."""
    if len(data) < _FEW_ROWS:
        raise CantSay(f"There are fewer than {_FEW_ROWS} rows.")
    for column in data.columns:
        if column.kind != "number" or len(column.numbers) < _FEW_ROWS or not column.has_more_than(19):
            continue
        far = _far(column.numbers, data.limits.far)
        count = int(far.sum())
        if count:
            worst = column.numbers[far]
            extreme = float(worst[np.argmax(np.abs(worst - np.median(column.numbers)))])
            severity: Severity = "warning" if count > data.limits.outliers * len(column.numbers) else "note"
            hidden = is_personal(data, column)
            values, edges = np.histogram(column.numbers, bins=40)
            such = "" if hidden else f", such as {extreme:g}; its median is {np.median(column.numbers):g}"
            yield Finding(
                severity,
                f"{column.label} is far out in {share(count, len(column.numbers))}{such}.",
                "look at those rows; where they are right, RobustScaler() or a logarithm",
                (column.label,),
                {"rows": count} if hidden else {"rows": count, "extreme": extreme},
                None if hidden else Plot("histogram", edges.tolist(), values.tolist(), axis=column.label),
            )


@dataclass(frozen=True)
class Role:
    """What a column is by its name, and what its values may be."""

    name: re.Pattern[str]
    what: str
    low: float
    high: float


def _role(words: str, what: str, low: float, high: float = np.inf) -> Role:
    return Role(re.compile(rf"(^|[_\W])({words})([_\W]|$)", re.IGNORECASE), what, low, high)


# By whole words of the name: an "average" is no age, and a "temperature" may be negative.
_ROLES: Final = (
    _role("age|alter|edad|age_years|customer_age|patient_age", "an age in years", 0, 130),
    _role("lat|latitude", "a latitude", -90, 90),
    _role("lon|lng|long|longitude", "a longitude", -180, 180),
    _role("percent|percentage|pct|prozent", "a percentage", -100, 1_000_000),
    _role("prob|probability|proba", "a probability", 0, 1),
    _role("height|weight|width|length|depth|area|volume|distance|duration", "a size", 0),
    _role("count|quantity|qty|n_[a-z]+|num_[a-z]+", "a count", 0),
    _role("month|mon", "a month", 0, 12),
    _role("hour", "an hour", 0, 24),
    _role("weekday|dayofweek|day_of_week", "a day of the week", 0, 7),
)
_PAST: Final = re.compile(r"(^|[_\W])(birth|born|dob|created|signup|registered|ordered|purchased?|last_[a-z]+|since|geboren|geburt\w*)([_\W]|$)", re.IGNORECASE)  # fmt: skip


@DATA.check("DQ018", "Impossible values", "A negative age or a birth in the future is an error somewhere before, and seldom the only one.")  # fmt: skip
def impossible(data: Data) -> Iterator[Finding]:
    """Look for values that the role of their column does not allow; the role is read from the name."""
    now = pd.Timestamp.now(tz="UTC")
    for column in data.columns:
        if column.kind == "number":
            role = role_of(column)
            if role is None:
                continue
            bad = column.numbers[(column.numbers < role.low) | (column.numbers > role.high)]
            # Where many are, the column is something else: it was scaled, or the name means another thing.
            if 0 < len(bad) <= _MOST_IMPOSSIBLE * len(column.numbers):
                yield Finding("error", f"{column.label} should be {role.what}, and is not in {share(len(bad), len(data))}, such as {quoted(data, column, f'{bad[0]:g}')}.", "find out where those rows are from, and leave them out", (column.label,), {"rows": len(bad)})  # fmt: skip
        elif column.kind == "time" and _PAST.search(column.label):
            times = _utc(column)
            late = int((times > now).sum()) if times is not None else 0
            if late:
                yield Finding("error", f"{column.label} lies in the future in {share(late, len(data))}.", "look for swapped days and months, and for stand-ins", (column.label,), {"rows": late})  # fmt: skip


def role_of(column: Column) -> Role | None:
    """Give the role of a column by its name, where it has one."""
    return next((role for role in _ROLES if role.name.search(column.label)), None)


def _words(column: Column) -> dict[Any, int]:
    counts = column.counts
    found = {value: int(count) for value, count in counts.items() if str(value).strip().lower() in _WORDS}
    return found if len(found) < len(counts) else {}


def _codes(column: Column) -> dict[Any, int]:
    """Find stand-ins among numbers: used often, round in the decimal system, and apart from all other values."""
    numbers = column.numbers
    if len(numbers) < _FEW_ROWS or not column.has_more_than(4):
        return {}
    found: dict[Any, int] = {}
    least, most = float(numbers.min()), float(numbers.max())
    used = [code for code in _CODES if least <= code <= most and int((numbers == code).sum()) >= 3]
    if not used:
        return {}
    rest = numbers[~np.isin(numbers, _CODES)]
    if len(rest) < len(numbers) / 20:
        return {}
    low, high = (float(rest.min()), float(rest.max())) if len(rest) else (0.0, 0.0)
    spread = max(float(np.subtract(*np.quantile(rest, [0.95, 0.05]))), 1e-300)
    for code in used:
        count = int((numbers == code).sum())
        gap = max(low - code, code - high)
        # -1 beside 0, 1, 2 … may be a code too, but as well the next number: only what is alone on its side counts.
        is_apart = gap > (0.5 * spread if abs(code) < 100 else 0.1 * spread)
        if count >= 3 and is_apart and not (code == -1.0 and low > 0.5 * spread):
            found[int(code)] = count
    return found


def _dates(column: Column) -> dict[Any, int]:
    times = _utc(column)
    if times is None or not column.has_more_than(9):
        return {}
    days = times.dt.floor("D").dt.tz_localize(None)
    return {str(day.date()): int(count) for day in _EPOCH if (count := int((days == day).sum())) > max(2, len(days) / 1000)}  # fmt: skip


def _far(numbers: np.ndarray[Any, np.dtype[np.float64]], limit: float) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Say which numbers are far out: on their own scale, and on that of the logarithm of their distance to the median.

    The modified z-score of Iglewicz and Hoaglin (1993). The second look lets skewed columns (incomes, prices) be.
    """
    if _is_narrow(numbers, limit):
        return np.zeros(len(numbers), dtype=bool)
    centred = numbers - np.median(numbers)
    scale = np.median(np.abs(centred))
    if scale == 0:  # more than half are one value: what is left is not told by it
        return np.zeros(len(numbers), dtype=bool)
    far: np.ndarray[Any, np.dtype[np.bool_]] = 0.6745 * np.abs(centred) / scale > limit
    if not far.any():
        return far
    for side in (centred > 0, centred < 0):
        logs = np.log1p(np.abs(centred[side]) / scale)
        if len(logs) > 1:
            middle = np.median(logs)
            mad = np.median(np.abs(logs - middle))
            far[side] &= 0.6745 * (logs - middle) > limit / 2 * max(float(mad), 1e-12)
    return far


def _is_narrow(numbers: np.ndarray[Any, np.dtype[np.float64]], limit: float) -> bool:
    """Whether none can be far out: by median and MAD of every nth number, which are off by a hundredth, not by a fifth."""
    if len(numbers) < 100_000:
        return False
    some = numbers[:: len(numbers) // 20_000]
    middle = float(np.median(some))
    scale = float(np.median(np.abs(some - middle)))
    widest = max(float(numbers.max()) - middle, middle - float(numbers.min()))
    return 0.6745 * widest < 0.8 * limit * scale


def _utc(column: Column) -> pd.Series[Any] | None:
    try:
        return pd.Series(pd.to_datetime(column.there, utc=True))
    except (ValueError, TypeError, OverflowError):
        return None


def _quoted(value: object) -> str:
    return repr(value) if isinstance(value, str) else str(value)


def _literal(found: dict[Any, int]) -> str:
    shown: Callable[[Any], str] = repr
    return f"[{listed(tuple(map(shown, found)))}]"
