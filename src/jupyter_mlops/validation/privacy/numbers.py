"""Numbers that name somebody: ids by the rules of their countries, cards, accounts, phones and addresses of machines.

The rules are python-stdnum's and phonenumbers'; what is here says when enough of a column follows one.
"""

from __future__ import annotations

import importlib
import ipaddress
import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

import pandas as pd

ENOUGH: Final = 0.8  # of the values follow a rule: a check digit alone is right by chance in a tenth
_FEWEST: Final = 5
_FIRST: Final = 20
_SPAN: Final = 20  # years that the births in ids are apart: those in numbers of orders are of a few

# Rules with a check digit or a date within, by the form of what they apply to: most columns are left after that.
_IDS: Final = {
    r"\d{11}": ("ar.cuit", "be.nn", "br.cpf", "ee.ik", "hr.oib", "lt.asmens", "no.fodselsnummer", "pl.pesel", "tr.tckimlik", "de.idnr", "do.cedula", "gr.amka", "lv.pvn"),
    r"\d{13}": ("ro.cnp", "si.emso", "kr.rrn", "th.pin", "za.idnr"),
    r"\d{10}": ("bg.egn", "cz.rc", "dk.cpr", "ua.rntrc", "is_.kennitala", "se.personnummer", "ec.ci", "gb.nhs"),
    r"\d{12}": ("in_.aadhaar", "my.nric", "se.personnummer"),
    r"\d{9}": ("nl.bsn", "pt.nif", "cz.rc", "il.idnr", "ca.sin"),
    r"\d{6}[-+A-FU-Y]\d{3}[0-9A-Z]": ("fi.hetu",),
    r"\d{6,8}[-+]\d{4}": ("se.personnummer", "dk.cpr", "is_.kennitala"),
    r"\d{6}/\d{3,4}": ("cz.rc",),
    r"\d{15}|\d{13}|\d[\dAB]{14}|\d[\dAB]{12}": ("fr.nir",),
    r"\d{8}[A-Z]|[XYZ]\d{7}[A-Z]": ("es.nif",),
    r"\d{7}[A-W][A-IW]?": ("ie.pps",),
    r"[A-Z]{6}\w{2}[A-Z]\w{2}[A-Z]\w{3}[A-Z]": ("it.codicefiscale",),
    r"[A-Z]{4}\d{6}[HMX][A-Z]{5}\w\d": ("mx.curp",),
    r"[A-Z]{4}\d{6}\w{3}": ("mx.rfc",),
    r"[A-Z]{5}\d{4}[A-Z]": ("in_.pan",),
    r"\d{17}[\dX]": ("cn.ric",),
    r"756\d{10}": ("ch.ssn",),
    r"\d{7,8}[\dK]": ("cl.rut",),
    r"\d{9}[A-Z]{2}\d|\d{8}\d?[A-Z]{2}\d": ("pt.cc",),
}  # fmt: skip
_FORMS: Final = (
    (re.compile(r"\d{3}-\d{2}-\d{4}"), "US"),  # a social security number has no check digit, but is written so
    (re.compile(r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]"), "GB"),
)
_BIRTHS: Final = (("%y%m%d", slice(0, 6)), ("%d%m%y", slice(0, 6)), ("%Y%m%d", slice(0, 8)), ("%y%m%d", slice(1, 7)))
_BOOK: Final = re.compile(r"(97[89][- ]?)?(\d[- ]?){9}[\dXx]")
_COMPACT: Final = re.compile(r"[\s.\-/]")

_PHONE: Final = re.compile(r"\s*(tel\.?|phone|fax)?:?\s*[+(\d][\d\s()./–-]{5,24}\d\s*(\(?(x|ext\.?|#|доб\.?)\s?\d{1,6}\)?)?\s*", re.IGNORECASE)  # fmt: skip
_NO_PHONE: Final = re.compile(r"\d+|\d{4}[-/.]\d\d?[-/.]\d\d?.*|\d\d?[-/.]\d\d?[-/.]\d{4}.*|-?\d+[.]\d+|\d{1,3}(\.\d{1,3}){2,3}|\d{3}-\d\d-\d{4}|(\d{4}[ -]){3}\d{1,7}|97[89][- ].*|\d{1,3}([ .]\d{3})+|\d{6}[-/]\d{3,4}|[\d ]+(-[\d ]+)?")  # fmt: skip
_REGIONS: Final = ("US", "GB", "DE", "FR", "ES", "IT", "PL", "BR", "RO", "FI", "NL", "JP", "SE", "DK", "NO", "CZ", "SK", "HU", "TR", "PT", "BG", "HR", "GR", "MX", "UA", "KR", "AT", "CH", "BE", "IE", "IN", "CN", "RU", "AU", "CA", "AR", "CO", "CL", "ZA", "IL", "EE", "LT", "LV", "SI", "RS", "EG", "SA", "AE", "PH", "ID", "VN", "TH", "MY", "NG", "KE")  # fmt: skip


def share(values: Sequence[str], test: Callable[[str], bool]) -> float:
    """Say which part of the values passes a test; a value that breaks it does not."""
    return sum(map(_safely(test), values)) / len(values) if values else 0.0


def most(values: Sequence[str], test: Callable[[str], bool], part: float = ENOUGH) -> bool:
    """Whether at least such a part of the values passes a test; where few of the first do, the others aren't asked."""
    if len(values) > 2 * _FIRST and share(values[:_FIRST], test) < part / 2:
        return False
    return bool(values) and share(values, test) >= part


def national_id(values: Sequence[str]) -> str | None:
    """Name the country whose ids these are; ``?`` where they hold births, but follow no rule that is known.

    Parameters
    ----------
    values : sequence of str
        Distinct ones.
    """
    if len(values) < _FEWEST or not most(values, lambda value: sum(map(str.isdecimal, value)) >= 5):
        return None
    for form, country in _FORMS:
        if most(values, lambda value, form=form: bool(form.fullmatch(value.strip()))):  # type: ignore[misc]
            return country
    upper = [value.strip().upper() for value in values]
    compact = [_COMPACT.sub("", value) for value in upper]
    for form_, modules in _IDS.items():
        pattern = re.compile(form_)
        for written in (upper, compact):
            if not most(written, lambda value, p=pattern: bool(p.fullmatch(value))):  # type: ignore[misc]
                continue
            for module in modules:
                if most(written, _rule(module)):
                    return module.split(".")[0].strip("_").upper()
    return "?" if _hold_births(compact) else None


def is_card(value: str) -> bool:
    """Whether a number is one of a payment card: length, issuer and check digit."""
    digits = _COMPACT.sub("", value)
    return 12 <= len(digits) <= 19 and digits.isdecimal() and digits[0] in "23456" and bool(_rule("luhn")(digits))


def is_iban(value: str) -> bool:
    """Whether it is an account's number with the check digits in place."""
    return len(value) >= 15 and value[:2].isalpha() and bool(_rule("iban")(value))


def is_account(value: str) -> bool:
    """Whether it is written like one: IBAN's form, as with a typing error."""
    return bool(re.fullmatch(r"[A-Z]{2}\d\d[A-Z0-9]{11,30}", _COMPACT.sub("", value).upper()))


def is_ip(value: str) -> bool:
    """Whether it is an address of the Internet; a version has three parts."""
    if not (value.count(".") == 3 or value.count(":") >= 2):
        return False
    ipaddress.ip_address(value.strip())
    return True


def looks_like_phone(value: str) -> bool:
    """Whether it is written as phone numbers are, of whichever country."""
    return bool(_PHONE.fullmatch(value)) and 6 <= sum(map(str.isdecimal, value)) <= 20


def are_phones(values: Sequence[str]) -> bool:
    """Whether these are phone numbers by themselves: written so, and possible in one country.

    Parameters
    ----------
    values : sequence of str
        Distinct ones.
    """
    if len(values) < _FEWEST or not most(values, looks_like_phone):
        return False
    # A number with a country's code is told by it; others must be written as only phone numbers are.
    if share(values, lambda value: value.lstrip().startswith("+")) > 0.3:
        return most(values, lambda value: not value.lstrip().startswith("+") or _possible(value, None, strictly=False))
    written = share(values, lambda value: value.lstrip().startswith(("0", "(", "+")) or not _NO_PHONE.fullmatch(value))
    if written < ENOUGH / 2 or share(values, lambda value: bool(re.fullmatch(r"\d+", value))) > 0.5 * (1 + written):
        return False
    some = values[:50]
    return any(most(some, lambda value, region=region: _possible(value, region), 0.6) for region in _REGIONS)  # type: ignore[misc]


def is_book(value: str) -> bool:
    """Whether it is the number of a book."""
    return bool(_BOOK.fullmatch(value)) and bool(_rule("isbn")(value))


@cache
def _rule(module: str) -> Callable[[str], bool]:
    found: Callable[[str], bool] = importlib.import_module(f"stdnum.{module}").is_valid
    return _safely(found)


def _possible(value: str, region: str | None, *, strictly: bool = True) -> bool:
    import phonenumbers

    test = phonenumbers.is_valid_number if strictly else phonenumbers.is_possible_number
    try:
        return bool(test(phonenumbers.parse(value, region)))
    except phonenumbers.NumberParseException:
        return False


def _hold_births(values: Sequence[str]) -> bool:
    """Whether digits at one place are dates of birth in all values: by chance one in thirty is a date."""
    digits = ["".join(filter(str.isdecimal, value)) for value in values]
    if len(values) < 20 or not all(10 <= len(each) <= 13 for each in digits) or len(set(map(len, digits))) > 1:
        return False
    for form, place in _BIRTHS:
        times = pd.to_datetime(pd.Series([each[place] for each in digits]), format=form, errors="coerce")
        if times.notna().mean() >= 0.97 and times.dt.year.max() - times.dt.year.min() >= _SPAN:
            return True
    return False


def _safely(test: Callable[[str], Any]) -> Callable[[str], bool]:
    def safe(value: str) -> bool:
        try:
            return bool(test(value))
        except Exception:  # rules of others, on values that they weren't made for
            return False

    return safe
