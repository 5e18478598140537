"""Columns with data of people: by themselves, of the special categories, and within sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..catalogues import DATA
from ..data import Data
from ..findings import Finding
from . import recognisers
from .detection import Personal, free_text, personal_columns

_PLURAL: Final = {"e-mail": "e-mail addresses", "IP address": "IP addresses", "phone number": "phone numbers", "IBAN": "account numbers", "card number": "card numbers", "national id": "ids of people", "date of birth": "dates of birth", "address": "addresses", "geo-position": "positions", "user name": "user names", "name": "names"}  # fmt: skip
_ARTICLES: Final = {"national id": ("4(1)", "5(1)(c)", "32", "87"), "IP address": ("4(1)", "5(1)(c)", "25", "32")}
_USUAL: Final = ("4(1)", "5(1)(c)", "25", "32")
_HOW: Final = {"date of birth": "generalise", "geo-position": "generalise", "address": "drop", "name": "pseudonymise"}


@DATA.check("GD001", "Personal data", "What is not needed should not be there (data minimisation), and what is there must be protected; a model can give away what it was trained on.")  # fmt: skip
def personal(data: Data) -> Iterator[Finding]:
    """Look for columns that name people, or lead to them."""
    for one in personal_columns(data):
        if one.group == "direct":
            of = f" of {one.detail}" if one.detail else ""
            yield _finding(data, one, f"holds {_PLURAL[one.kind]}{of}", _ARTICLES.get(one.kind, _USUAL), _HOW.get(one.kind, "hash"))  # fmt: skip


@DATA.check("GD002", "Special categories", "Data of health, religion, origin, orientation and the like may not be processed at all, but for the exceptions of Art. 9(2).")  # fmt: skip
def special(data: Data) -> Iterator[Finding]:
    """Look for columns of the special categories."""
    for one in personal_columns(data):
        if one.group == "special":
            articles = ("10",) if one.kind == "criminal record" else ("9(1)", "35(3)(b)")
            yield _finding(data, one, f"tells of {one.kind}", articles, "drop")


@DATA.check("GD003", "Personal data in sentences", "Free text brings along what nobody asked for, and no column says so; language models learn it by heart.")  # fmt: skip
def sentences(data: Data) -> Iterator[Finding | str]:
    """Look for addresses, numbers and accounts within text; and say by what it was read."""
    for one in personal_columns(data):
        if one.group == "text":
            yield _finding(data, one, f"is text with {one.detail} of the rows", _USUAL[:3], "drop")
    if read := free_text(data):
        yield recognisers.told(read)


def _finding(data: Data, one: Personal, what: str, articles: tuple[str, ...], how: str) -> Finding:
    label = one.column.label
    is_marked = label in data.marked
    is_grave = one.group == "special" and one.by == "name and values"
    told = "; it is marked as personal" if is_marked else ""
    return Finding(
        "note" if is_marked else "error" if is_grave else "warning",
        f"{label} {what}, by its {one.by}{told} (GDPR Art. {', '.join(articles)}).",
        "it is kept out of examples, logs and digests; see that it is needed"
        if is_marked
        else f"df = mlops.mask(df, {label!r}, how={how!r}).data",
        (label,),
        {"kind": one.kind, "by": one.by, "articles": list(articles), "marked": is_marked, "detail": one.detail},
    )
