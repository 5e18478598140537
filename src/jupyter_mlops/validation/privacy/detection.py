"""Which columns hold personal data: by their names, types and a sample of their values together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ..column import Column
from ..data import Data
from . import numbers, prose, words
from .recognisers import Read, Reader
from .words import NAMES

_MOST: Final = 300  # distinct values that are looked at: a kind that is a column's shows in fewer
_TEXTS: Final = 2000  # sentences that are looked at: one in a hundred has somebody in it
_SIGNS: Final = 10_000  # of each of them
_GROUPING: Final = re.compile(
    r"(?<!\S)(group|type|status|class|category|kategorie)(?!\S)"
)  # an ethnic group, a blood type
_NAMES: Final = 0.05  # of the sentences must name somebody: models see people where there are firms, in some
_DAY: Final = r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([T ]00:00:00(\.0+)?)?"
_NOTHING: Final = frozenset({"", "none", "n/a", "na", "nan", "null", "unknown", "other", "-", "?", "no", "yes"})


@dataclass(frozen=True)
class Personal:
    """What a column holds.

    Attributes
    ----------
    column : Column
    kind : str
        Such as ``e-mail``, ``name`` or ``health``.
    by : str
        What has told it: its name, its values, or both.
    group : {"direct", "special", "text"}
        Data of a person, of a special category (Art. 9, 10), or within sentences.
    detail : str
        The country of an id, or what is in the sentences.
    """

    column: Column
    kind: str
    by: str
    group: str = "direct"
    detail: str = ""


def personal_columns(data: Data) -> list[Personal]:
    """Find the columns with personal data; each is looked at once for all checks."""
    return data.once(_look)[0]


def free_text(data: Data) -> dict[str, Read]:
    """Give what was read in the columns of sentences, and by what; each once for all checks."""
    return data.once(_look)[1].columns


def _look(data: Data) -> tuple[list[Personal], Reader]:
    reader = Reader(prose.is_name)
    found = [one for column in data.columns if (one := look_at(column, reader)) is not None]
    return found + _other_coordinate(data, found), reader


def _other_coordinate(data: Data, found: Sequence[Personal]) -> list[Personal]:
    """Find the other half of a position of which one half is named, by the number of its digits."""
    halves = [one.column for one in found if one.kind == "geo-position" and one.column.kind == "number"]
    if len(halves) != 1 or (digits := _digits(halves[0])) < 4:
        return []
    taken = {one.column.label for one in found}
    like = [
        column
        for column in data.columns
        if column.kind == "number" and column.label not in taken and abs(_digits(column) - digits) <= 1
        and len(column.numbers) and 1 < np.abs(column.numbers).max() <= 180
    ]  # fmt: skip
    return [_found(like[0], "geo-position", None, by_values=True)] if len(like) == 1 else []


def _digits(column: Column) -> int:
    """Say how many digits after the point the numbers of a column have."""
    return max((len(repr(float(value)).partition(".")[2]) for value in column.numbers[:_MOST:7]), default=0)


def look_at(column: Column, reader: Reader) -> Personal | None:
    """Say what one column holds, if it is personal.

    Parameters
    ----------
    column : Column
    reader : Reader
        Of free text.
    """
    if column.kind in ("nothing", "truth", "mixed") and words.special_of(column.label) is None:
        return None
    if column.kind == "number" and not words.says_anything(column.label) and _has_fractions(column):
        return None  # most columns of wide tables: nothing tells them from measurements
    values = _sample(column)
    special = _special(column, values)
    if special is not None:
        return special
    if column.kind == "time":
        return _birth(column)
    if column.kind == "number":
        return _number(column, values)
    return _text(column, values, reader) if column.kind == "text" else None


def _text(column: Column, values: Sequence[str], reader: Reader) -> Personal | None:
    if not values:
        return None
    named = words.kind_of(column.label)
    for kind, test in (("e-mail", prose.are_emails), ("IP address", lambda v: numbers.most(v, numbers.is_ip, 0.5)), ("IBAN", lambda v: numbers.most(v, numbers.is_iban, 0.5))):  # fmt: skip
        if test(values):
            return _found(column, kind, named, by_values=True)
    if prose.is_prose(values):
        return _sentences(column, named, reader)
    if (named in (None, "date of birth")) and (birth := _birth(column)):
        return birth
    if numbers.most(values, numbers.is_book, 0.5):
        return None
    if numbers.most(values, numbers.is_card) and named in (None, "card number"):
        return _found(column, "card number", named, by_values=True)
    if named != "phone number" and (country := numbers.national_id(values)):
        return _found(column, "national id", named, by_values=True, detail="" if country == "?" else country)
    if named is not None and named in _BY_NAME:
        return _found(column, named, named) if _BY_NAME[named](values) else None
    if named == "name":
        return _found(column, named, named) if prose.has_shape_of_people(values) >= 0.7 else None
    if words.is_of_a_thing(column.label):
        return None
    if numbers.are_phones(values):
        return _found(column, "phone number", named, by_values=True)
    if column.distinct >= 0.5 * len(column.there) and prose.addresses(values) >= 0.6:
        return _found(column, "address", named, by_values=True)
    if prose.user_names(values):
        return _found(column, "user name", named, by_values=True)
    of_people = prose.people(values)
    if of_people >= (0.15 if words.may_name_people(column.label) else 0.4):
        return _found(column, "name", "name" if words.may_name_people(column.label) else None, by_values=True)
    return None


# What suffices under a name that says what a column is.
_BY_NAME: Final[dict[str, Any]] = {
    "phone number": lambda values: numbers.share(values, numbers.looks_like_phone) >= 0.5,
    "IBAN": lambda values: numbers.share(values, numbers.is_account) >= 0.5 or _are_codes(values),
    "card number": lambda values: numbers.share(values, numbers.is_card) >= 0.5,
    "national id": lambda values: _are_codes(values),
    "address": lambda values: _have_letters(values) >= 0.7 and np.mean([len(v) for v in values]) >= 6 and _have_digits(values) >= 0.2,
    "geo-position": lambda values: numbers.share(values, _is_position) >= 0.8,
    "user name": lambda values: numbers.share(values, lambda v: 2 < len(v) <= 40 and " " not in v.strip()) >= 0.8 and _are_many(values),
}  # fmt: skip


def _number(column: Column, values: Sequence[str]) -> Personal | None:
    named = words.kind_of(column.label)
    if named == "geo-position":
        within = np.abs(column.numbers) <= 180
        has_parts = bool((column.numbers % 1 != 0).any())
        return _found(column, named, named) if len(within) and within.all() and has_parts else None
    if not values or _has_fractions(column):
        return None
    if numbers.most(values, numbers.is_card) and len(values) >= 5:
        return _found(column, "card number", named, by_values=True)
    if country := numbers.national_id(values):
        return _found(column, "national id", named, by_values=True, detail="" if country == "?" else country)
    lengths = np.mean([len(value) for value in values])
    if named == "date of birth":
        years = column.numbers
        is_year = len(years) and ((years >= 1900) & (years <= 2100)).mean() > 0.9
        return _found(column, named, named) if is_year else None
    if (named == "phone number" and lengths >= 7) or (named in ("national id", "IBAN") and lengths >= 6):
        return _found(column, named, named)
    return None


def _has_fractions(column: Column) -> bool:
    return bool((column.numbers[:1000] % 1 != 0).any())


def _birth(column: Column) -> Personal | None:
    named = words.kind_of(column.label) == "date of birth"
    if not named and words.is_of_a_thing(column.label):
        return None
    some = column.there if len(column.there) <= _MOST else column.there.iloc[:: len(column.there) // _MOST]
    try:
        if column.kind == "text" and not named and not some.astype(str).str.fullmatch(_DAY).all():
            return None
        if not prose.births(some.astype(object), is_named=named):
            return None
    except (ValueError, TypeError, OverflowError, AttributeError):
        return None
    return _found(column, "date of birth", "date of birth" if named else None, by_values=not named)


def _special(column: Column, values: Sequence[str]) -> Personal | None:
    told = [value for value in values if value.strip().lower() not in _NOTHING]
    named = words.special_of(column.label)
    by_values = prose.special(told) if column.kind == "text" and told else None
    if named is not None and by_values is None and not _may_be_special(column, named):
        return None
    if named is None and by_values is None:
        return None
    by = "name and values" if named and by_values else "name" if named else "values"
    return Personal(column, by_values or named or "", by, "special")


def _may_be_special(column: Column, named: str) -> bool:
    """Whether a column may be of the category in its name: a "race" in seconds is none, nor the "size of a party"."""
    if column.kind == "nothing" or words.is_of_a_thing(_GROUPING.sub("", words.split(column.label))):
        return False
    if column.kind == "time":
        return False
    if column.kind == "number":
        return named == "health" or column.distinct <= 30
    return column.kind in ("truth", "text", "mixed")


def _sentences(column: Column, named: str | None, reader: Reader) -> Personal | None:
    texts = column.comparable
    some = texts if len(texts) <= _TEXTS else texts.iloc[:: len(texts) // _TEXTS]
    values = [str(value)[:_SIGNS] for value in some]
    if named == "address" and prose.addresses(values) >= 0.4:
        return _found(column, "address", named, by_values=True)
    counts = Counter({what: round(part * len(values)) for what, part in prose.with_somebody(values).items()})
    read = reader.read(column.label, values)
    within = _enough(counts, len(values), 0.005) | _enough(read.found, read.rows, 0.005)
    if read.found["names"] < _NAMES * read.rows:
        within.pop("names", None)
    if not within:
        if not named and not words.is_of_a_thing(column.label) and prose.addresses(values) >= 0.6:
            return _found(column, "address", named, by_values=True)
        return None
    told = ", ".join(f"{what} in {100 * part:.2g}%" for what, part in within.items())
    return Personal(column, "free text", "values", "text", told)


def _enough(counts: Counter[str], rows: int, part: float) -> dict[str, float]:
    """Give the shares of what is in more than a slip or two."""
    return {what: count / rows for what, count in counts.items() if count >= max(2, part * rows)}


def _found(column: Column, kind: str, named: str | None, *, by_values: bool = False, detail: str = "") -> Personal:
    by = "name and values" if by_values and named == kind else "values" if by_values else "name and form"
    return Personal(column, kind, by, "direct", detail)


def _sample(column: Column) -> list[str]:
    """Give distinct values as text, from everywhere in the column; whole numbers without a point."""
    if column.kind not in ("text", "number", "mixed", "truth"):
        return []
    there = column.comparable
    step = max(1, len(there) // (4 * _MOST))
    distinct = list(dict.fromkeys(there.iloc[::step].tolist()))[:_MOST]
    return [_written(value) for value in distinct]


def _written(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < 1e19 else str(value)


def _are_codes(values: Sequence[str]) -> bool:
    """Whether these are numbers of something: mostly digits, about as long as one another, and many."""
    enough = numbers.share(values, lambda v: 5 <= len(v) <= 34 and sum(map(str.isdecimal, v)) >= 0.4 * len(v)) >= 0.8
    return enough and _are_many(values)


def _are_many(values: Sequence[str]) -> bool:
    return len(values) >= 5


def _have_letters(values: Sequence[str]) -> float:
    return numbers.share(values, lambda value: any(map(str.isalpha, value)))


def _have_digits(values: Sequence[str]) -> float:
    return numbers.share(values, lambda value: any(map(str.isdecimal, value)))


def _is_position(value: str) -> bool:
    parts = value.strip("() ").replace(";", ",").split(",")
    return all(abs(float(part)) <= 180 and "." in part for part in parts) and len(parts) <= 2


assert set(_BY_NAME) <= set(NAMES)
