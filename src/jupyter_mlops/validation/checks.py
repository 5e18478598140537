"""The checks: each a function with a code, found by importing the rooms that hold them, and run one after the other."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..backend import fluent
from ..errors import InvalidUsage, MlopsError, nearest
from .findings import Checked, Finding, worst

_log = logging.getLogger(__name__)

_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"")

INTERRUPTED: Final = "It was interrupted."

Function = Callable[[Any], Iterable[Finding | str] | None]


class NotApplicable(Exception):
    """Raised by a check that has nothing to look at, with the reason."""


class CantSay(Exception):
    """Raised by a check that can't tell, with the reason: too few rows, something that is missing."""


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes
    ----------
    code : str
        Stable: what is ignored by it today is ignored by it in a year.
    title : str
        What it looks for.
    why : str
        Why it matters.
    function : callable
        Takes the subject, and gives its findings; and texts, which say something that is no finding.
    """

    code: str
    title: str
    why: str
    function: Function


class Catalogue:
    """The checks of one kind, by their codes."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}

    def check(self, code: str, title: str, why: str) -> Callable[[Function], Function]:
        """Make a function a check."""

        def register(function: Function) -> Function:
            assert code not in self._checks, f"{code} is there twice"
            self._checks[code] = Check(code, title, why, function)
            return function

        return register

    def __iter__(self) -> Iterator[Check]:
        return iter(sorted(self._checks.values(), key=lambda check: check.code))

    def chosen(self, only: Collection[str] | None, skip: Collection[str] | None) -> list[Check]:
        """Choose checks by their codes, or by how those begin: ``DQ``.

        Raises
        ------
        InvalidUsage
            Where no code is so, or begins so; or where none is left.
        """
        only, skip = ([each] if isinstance(each, str) else each for each in (only, skip))
        for code in [*(only or ()), *(skip or ())]:
            if not any(known.startswith(code.upper()) for known in self._checks):
                raise InvalidUsage(f"There is no check {code!r}.{nearest(code.upper(), self._checks)}")
        begins = tuple(code.upper() for code in only) if only else ("",)
        leave = tuple(code.upper() for code in skip or ())
        left = [
            check for check in self if check.code.startswith(begins) and not (leave and check.code.startswith(leave))
        ]
        if not left:
            raise InvalidUsage("No check is left: what is to be run is skipped, too.", "run fewer of --skip")
        return left

    def ignored(self, ignore: Mapping[str, str]) -> Mapping[str, str]:
        """Give what is ignored, once it is sure that there are such checks.

        Raises
        ------
        InvalidUsage
            Where one has the letters of this catalogue's, and there is none of its number.
        """
        families = {code[:2] for code in self._checks}
        for code in (given.partition(":")[0] for given in ignore):
            if code[:2] in families and code not in self._checks:
                raise InvalidUsage(f"[validation.ignore] names {code!r}, and there is no such check.{nearest(code, self._checks)}")  # fmt: skip
        return ignore


def run(checks: Sequence[Check], subject: Any, ignore: Mapping[str, str], say: Callable[[str], None]) -> list[Checked]:
    """Run checks; one that crashes could not run, and the others go on. An interrupt keeps those that are done.

    Parameters
    ----------
    checks : sequence of Check
    subject : object
        What they look at.
    ignore : mapping of str to str
        Codes, or codes with a column (``DQ002:age``), and why they are ignored.
    say : callable
        Is told what is looked at.
    """
    done: list[Checked] = []
    for number, check in enumerate(checks, start=1):
        say(f"{check.code} {check.title} ({number} of {len(checks)}) …")
        try:
            with fluent.unlogged():
                done.append(_run(check, subject, ignore))
        except KeyboardInterrupt:
            return done + interrupted(checks[number - 1 :])
    return done


def interrupted(checks: Sequence[Check]) -> list[Checked]:
    """Say of checks that they were not run."""
    return [Checked(check.code, check.title, check.why, "inconclusive", reason=INTERRUPTED) for check in checks]


def _run(check: Check, subject: Any, ignore: Mapping[str, str]) -> Checked:
    about = (check.code, check.title, check.why)
    if check.code in ignore:
        return Checked(*about, "ignored", reason=ignore[check.code])
    try:
        told = list(check.function(subject) or ())
    except NotApplicable as why:
        return Checked(*about, "skipped", reason=str(why))
    except (CantSay, MlopsError) as why:
        return Checked(*about, "inconclusive", reason=str(why).split("\n")[0])
    except Exception as error:  # data of people is odder than any test: the other checks go on
        _log.debug("check %s could not run", check.code, exc_info=True)
        said = unquoted(str(error))
        return Checked(*about, "inconclusive", reason=f"It could not run: {type(error).__name__}: {said}"[:300])
    found = [each for each in told if isinstance(each, Finding)]
    remarks = [each for each in told if isinstance(each, str)]
    left = [(finding, [f"{check.code}:{name}" for name in finding.columns]) for finding in found]
    ignored = [codes for _, codes in left if codes and all(code in ignore for code in codes)]
    findings = [finding for finding, codes in left if codes not in ignored]
    reasons = dict.fromkeys(
        f"{code.partition(':')[2]} is ignored: {ignore[code]}" for codes in ignored for code in codes
    )
    reason = "; ".join([*reasons, *remarks])
    if not findings and ignored:
        return Checked(*about, "ignored", reason=reason)
    order = {"error": 0, "warning": 1, "note": 2}
    return Checked(*about, worst(findings), tuple(sorted(findings, key=lambda f: order[f.severity])), reason)


def unquoted(text: str, known: Collection[str] = ()) -> str:
    """Leave out what an error quotes: libraries quote the value that they can't read, and it may be somebody's.

    Parameters
    ----------
    text : str
    known : collection of str
        What is nobody's, such as the names of the columns, and stays.
    """
    return _QUOTED.sub(lambda quoted: quoted.group() if quoted.group()[1:-1] in known else "'…'", text)
