"""Words that name somebody: people, streets, births, and sentences with somebody's data in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from . import numbers
from .lexicon import EAST, FIRM, NUMBERED, PEOPLE, PLACE, SPECIAL_VALUES, STREET, SURNAME
from .words import fold

_PERSON: Final = re.compile(r"[^\W\d_]+([ .,'’`´-]+[^\W\d_]+|\.)*[.]?")
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_EMAIL: Final = re.compile(r"[\w.+'-]+@[\w-]+(\.[\w-]+)+")
_IBAN: Final = re.compile(r"\b[A-Z]{2}\d{2}[ ]?([A-Z0-9]{4}[ ]?){2,7}[A-Z0-9]{1,4}\b")
_CALL: Final = re.compile(r"(?<![\w.])(\+\d{1,3}[\d ()./-]{6,18}\d|\(0?\d{1,5}\)[ ]?\d[\d ./-]{4,14}\d|0\d{1,5}[ /-][\d ./-]{4,14}\d|\d{3}[-. ]\d{3}[-. ]\d{4})(?![\w.])")  # fmt: skip
_LOGIN: Final = re.compile(r"[a-z][a-z0-9_-]{4,29}")
_LINE: Final = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff。、]{15}")
_ICD: Final = re.compile(r"[A-TV-Z]\d[\dAB](\.[\dA-Z]{1,4})?")
_TITLE: Final = re.compile(r"\b(mr|mrs|ms|miss|dr|prof|herr|frau|m|mme|mlle|sr|sra|srta|sig|dott|ing|mgr|pan|pani|dl|dna|dhr|mevr|hr|fru|bay|bayan)\.? ", re.IGNORECASE)  # fmt: skip
_LONGEST: Final = 300  # signs of an address
_OLDEST, _FIRST_YEAR = 115, 1900


def has_shape_of_people(values: Sequence[str]) -> float:
    """Say which part is written as names are: some words, and no digits."""
    return numbers.share(values, _has_shape)


def people(values: Sequence[str]) -> float:
    """Say which part of the values has a name of people in it; of firms and of places none has.

    Parameters
    ----------
    values : sequence of str
        Distinct ones.
    """
    values = [_TITLE.sub("", value) for value in values]
    if len(values) < 8 or not numbers.most(values, _has_shape, 0.85):
        return 0.0
    words = [_WORD.findall(value) for value in values]
    if np.mean([len(each) for each in words]) > 4.5:
        return 0.0
    if numbers.share(values, lambda v: bool(FIRM.search(v))) > 0.1 or numbers.share(values, lambda v: bool(PLACE.search(v))) > 0.2:  # fmt: skip
        return 0.0
    if numbers.share(values, lambda v: v[:1].isupper() or not v[:1].isascii()) < 0.8:
        return 0.0
    found = [any(is_name(fold(word)) for word in each) or bool(EAST.fullmatch(value.strip())) for each, value in zip(words, values, strict=True)]  # fmt: skip
    return sum(found) / len(found)


def addresses(values: Sequence[str]) -> float:
    """Say which part of the values is a street with a number."""
    texts = [value.replace("\n", ", ") for value in values]
    streets = numbers.share(texts, lambda v: len(v) <= _LONGEST and any(map(str.isdecimal, v)) and bool(STREET.search(v)))  # fmt: skip
    numbered = numbers.share(texts, lambda v: len(v) <= 80 and bool(NUMBERED.fullmatch(v)))
    return max(streets, 0.9 * numbered)


def are_emails(values: Sequence[str]) -> bool:
    """Whether at least half of the values are addresses of e-mail."""
    if not any("@" in value for value in values):
        return False
    from email_validator import EmailNotValidError, validate_email

    def is_one(value: str) -> bool:
        try:
            return bool(validate_email(value.strip(), check_deliverability=False, test_environment=True))
        except EmailNotValidError:
            # The names that nobody can have, such as example.invalid, are refused too: in data they stand for people.
            return bool(_EMAIL.fullmatch(value.strip())) and value.rsplit(".", 1)[-1] in ("invalid", "example", "local", "localhost", "test")  # fmt: skip

    return numbers.most(values, is_one, 0.5)


def births(values: pd.Series[Any], *, is_named: bool) -> bool:
    """Whether dates may be those of births: whole days, of people as old as people are.

    Parameters
    ----------
    values : Series
        Times, or text.
    is_named : bool
        The column's name says so already: then ages need not be those of grown-ups.
    """
    times = pd.to_datetime(values, errors="coerce", utc=True, format="ISO8601")
    if times.notna().mean() < 0.8:
        times = pd.to_datetime(values, errors="coerce", utc=True, format="mixed", dayfirst=True)
    times = times.dropna()
    if len(times) < 0.8 * len(values) or not len(times):
        return False
    ages = (pd.Timestamp.now(tz="UTC") - times).dt.days / 365.25
    fits = ((times.dt.year >= _FIRST_YEAR) & (ages >= 0) & (ages <= _OLDEST)).mean()
    if is_named:
        return bool(fits >= 0.8)
    is_days = (times == times.dt.floor("D")).mean() == 1
    return bool(is_days and fits >= 0.99 and ages.quantile(0.05) >= 14 and np.ptp(ages.quantile([0.05, 0.95])) >= 25)


def with_somebody(values: Sequence[str]) -> dict[str, float]:
    """Say which part of sentences has an address of e-mail, a phone number or an account in it."""
    found = {
        "e-mail addresses": numbers.share(values, lambda v: "@" in v and bool(_EMAIL.search(v))),
        "phone numbers": numbers.share(values, lambda v: any(_is_call(m.group()) for m in _CALL.finditer(v))),
        "IBANs": numbers.share(values, lambda v: any(numbers.is_iban(m.group().strip()) for m in _IBAN.finditer(v))),
    }
    return {what: part for what, part in found.items() if part > 0}


def is_prose(values: Sequence[str]) -> bool:
    """Whether these are sentences: of some words, most of which have letters; of scripts without spaces, of 15 signs."""
    if not len(values):
        return False
    spaces = float(np.mean([len(_WORD.findall(value)) for value in values]))
    return spaces > 4 or numbers.most(values, lambda value: bool(_LINE.search(value)), 0.5)


def user_names(values: Sequence[str]) -> bool:
    """Whether these are the names that people log in by: small letters and digits, made of names."""
    if len(values) < 8 or not numbers.most(values, lambda value: bool(_LOGIN.fullmatch(value)), 0.95):
        return False

    def is_of_a_name(value: str) -> bool:
        word = re.sub(r"[\d._-]", "", value)
        return any(word[:end] in PEOPLE or word[-end:] in PEOPLE for end in range(4, len(word)))

    return numbers.most(values, is_of_a_name, 0.3)


def is_name(word: str) -> bool:
    """Whether a folded word is one of a person's name: a known one, or a surname by its end."""
    return word in PEOPLE or (len(word) > 5 and bool(SURNAME.fullmatch(word)))


def special(values: Sequence[str]) -> str | None:
    """Name the special category of the law that most of the values are words of.

    Parameters
    ----------
    values : sequence of str
        Distinct ones; the empty word and "none" have been left out.
    """
    for category, words in SPECIAL_VALUES.items():
        known = set(words.split("|") if "|" in words else words.split())
        hits = sum(fold(value).strip() in known for value in values)
        if (hits >= 3 and hits >= 0.5 * len(values)) or (hits == len(values) == 2):
            return category
    if len(values) >= 8 and numbers.share(values, lambda v: bool(_ICD.fullmatch(v)) and "." in v) >= 0.8:
        return "health"
    return None


def _has_shape(value: str) -> bool:
    return len(value) <= 60 and bool(_PERSON.fullmatch(value.strip()))


def _is_call(found: str) -> bool:
    return 8 <= sum(map(str.isdecimal, found)) <= 15
