"""Filters of runs: a short form that people type, written in MLflow's filter language.

::

    accuracy > 0.9 and max_depth = 3    metrics.accuracy > 0.9 AND params.max_depth = '3'
    failed                              attributes.status = 'FAILED'
    status != failed                    attributes.status != 'FAILED'
    name ~ base and user = anna         attributes.run_name ILIKE '%base%' AND tags.mlflow.user = 'anna'
    tag.stage = prod                    tag.stage = 'prod'
    `my metric` > 0.9                   metrics.`my metric` > 0.9
    since 7d and before 2026-11-01      attributes.start_time >= … AND attributes.start_time < …

Conditions are joined with ``and``; MLflow has no ``or``. What is in MLflow's language comes out as it is.

- A bare name is what the experiment's runs have: a metric if any run has one of that name, else a parameter, else a tag.
  ``name``, ``user`` and MLflow's attributes come first; a name in backticks or double quotes is never one of these.
- ``~`` is "contains", in any case of the letters; ``%`` and ``_`` stand for any characters, as in ``LIKE``.
- Parameters and tags are text in MLflow: they can be ``=``, ``!=`` and ``~``, and have no order.
- A comparison, also ``!=``, leaves out the runs that don't have what is compared.
- ``since`` and ``before`` take how long ago (``30min``, ``2h``, ``7d``, ``2w``), ``today``, ``yesterday``, or a date with or
  without a time, which is local where it names no zone. They are about when a run started.
"""

from __future__ import annotations

import contextlib
import difflib
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..backend.experiments import equals, like, literal
from ..entities import typed
from ..errors import InvalidUsage, nearest
from ..moments import moment
from . import filter_words as words
from .filter_words import EXAMPLE, IN, NULL, STATES, Field, Token


class Names(Protocol):
    """What the runs of an experiment have."""

    def kind(self, name: str) -> str | None:
        """Say what a name is: ``metrics``, ``params``, ``tags``, or nothing that a run has."""

    def known(self) -> Iterable[str]:
        """List names that runs have."""


def to_mlflow(where: str, names: Names, now: float | None = None) -> str:
    """Write a filter in MLflow's language; what is in it already comes out as it is.

    Parameters
    ----------
    where : str
        The short form, MLflow's, or conditions of both; empty for no filter.
    names : Names
        Says what a bare name is; it is asked for nothing else.
    now : float, optional
        The time that ``since 2h`` counts from, in seconds since the epoch.

    Raises
    ------
    InvalidUsage
        Where it can't be read, names what no run has, or asks what MLflow can't answer.
    """
    filter = _Filter(where, names, time.time() if now is None else now)
    return " AND ".join([filter.condition(part) for part in filter.parts()])


@contextlib.contextmanager
def told_plainly(where: str | None) -> Iterator[None]:
    """Say in our words where a server refuses a filter all the same: an older one that can do less."""
    try:
        yield
    except InvalidUsage as refusal:
        if not where:
            raise
        raise InvalidUsage(f"This MLflow server can't answer the filter {where!r}.", EXAMPLE) from refusal


@dataclass(frozen=True)
class _Filter:
    """A filter that is read; its errors show it as it should be."""

    where: str
    names: Names
    now: float

    def parts(self) -> Iterator[Sequence[Token]]:
        """Split it at each ``and``."""
        part: list[Token] = []
        for token in words.tokens(self.where):
            if token.says("or", "|", "||"):
                both = (typed(half.strip()) for half in (self.where[: token.start], self.where[token.end :]))
                raise InvalidUsage(
                    "MLflow's filters know no or.", "one command for each: %mlops runs {}, %mlops runs {}".format(*both)
                )
            if token.says("&", "&&", ";"):
                raise InvalidUsage("Conditions are joined with and.", self._mended(token, " and "))
            if token.says("and"):
                yield part
                part = []
            else:
                part.append(token)
        if self.where.strip():
            yield part

    def condition(self, part: Sequence[Token]) -> str:
        """Write one condition."""
        if not part:
            raise InvalidUsage(f"A condition is missing beside an and: {self.where!r}.", EXAMPLE)
        first, *rest = part
        if first.says(*STATES) and not rest:
            return f"attributes.status = '{first.text.upper()}'"
        if first.says("since", "before") and rest and rest[0].kind != "operator":
            return self._time(first, rest)
        operator, values = self._operator(first, rest)
        field = self._field(first)
        if operator not in field.operators:
            raise self._unfit(field, operator, rest)
        return f"{field.written} {self._comparison(field, operator, values)}"

    def _operator(self, first: Token, rest: Sequence[Token]) -> tuple[str, Sequence[Token]]:
        """Find the comparison that follows a name, and the tokens that follow it."""
        for count in (3, 2, 1):
            operator = words.OPERATORS.get(" ".join(token.text.lower() for token in rest[:count]))
            if operator and len(rest) >= count:
                return operator, rest[count:]
        if first.says("not", "("):
            negated = first.says("not") and rest and rest[0].says(*STATES)
            hint = f"%mlops runs 'status != {rest[0].text}'" if negated else EXAMPLE
            raise InvalidUsage("There is no not and no parenthesis: all conditions must hold.", hint)
        shown = self.where[first.start : [first, *rest][-1].end]
        state = difflib.get_close_matches(first.text.lower(), STATES, n=1)
        raise InvalidUsage(
            f"{shown!r} is no condition: a name, a comparison (= != < > ~) and a value.",
            f"%mlops runs {state[0]}" if state and not rest else EXAMPLE,
        )

    def _field(self, token: Token) -> Field:
        """Find out what a name means."""
        prefix, dot, key = token.text.partition(".")
        if token.kind in ("name", "word") and dot and prefix.lower() in words.KINDS:
            return self._prefixed(token, prefix, key.strip("`'\""))
        if token.kind == "word" and token.text in (*words.OURS, *words.ATTRIBUTES):
            return self._prefixed(token, *words.OURS.get(token.text, f"attributes.{token.text}").split(".", 1))
        if token.kind in ("operator", "mark") or words.number(token.text) is not None:
            raise InvalidUsage(f"A condition begins with a name, not with {token.text}.", EXAMPLE)
        kind = self.names.kind(token.value)
        if kind is None:
            raise self._unknown(token)
        return Field(words.KINDS[kind], token.value, f"{kind}.{words.quoted(token.value)}")

    def _prefixed(self, token: Token, prefix: str, key: str) -> Field:
        """Take a name that says itself what it is: ``metrics.accuracy``, ``tag.stage``."""
        kind = words.KINDS[prefix.lower()]
        known = {"attribute": words.ATTRIBUTES, "data set": words.OF_DATA_SETS}.get(kind, (key,))
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = self._mended(token, f"{prefix}.{close[0]}") if close else EXAMPLE
            raise InvalidUsage(f"MLflow knows no {kind} {key!r}.{nearest(key, known)}", hint)
        return Field(kind, key, f"{prefix.lower()}.{words.quoted(key)}")

    def _comparison(self, field: Field, operator: str, values: Sequence[Token]) -> str:
        """Write what follows the name."""
        if operator in NULL and not values:
            return operator
        if operator in IN and len(values) > 2 and values[0].says("(") and values[-1].says(")"):
            return f"{operator} {self.where[values[0].start : values[-1].end]}"
        if operator in (*NULL, *IN) or len(values) != 1 or values[0].kind not in ("word", "text"):
            raise self._no_value(operator, values)
        if field.is_number:
            return f"{operator} {words.figure(field, values[0].value)}"
        return self._text(field, operator, values[0])

    def _text(self, field: Field, operator: str, token: Token) -> str:
        value = token.value
        if operator == "~":
            return f"ILIKE '%{like(value)}%'"
        if operator in ("=", "!=") and field.key == "status" and field.kind == "attribute":
            value = self._state(token)
        if operator == "=":
            return equals(value)
        if operator == "!=" and literal(value) is None:
            raise InvalidUsage(f"MLflow's filters can't write {value!r}: it ends in \\.", EXAMPLE)
        return f"{operator} {literal(value) or literal(like(value))}"

    def _state(self, token: Token) -> str:
        """Write a status as MLflow does, in capitals."""
        if token.value.lower() in STATES:
            return token.value.upper()
        close = difflib.get_close_matches(token.value.lower(), STATES, n=1) or ["failed"]
        raise InvalidUsage(
            f"No run is ever {token.value!r}.{nearest(token.value, STATES)}", self._mended(token, close[0])
        )

    def _time(self, word: Token, rest: Sequence[Token]) -> str:
        """Write ``since 7d`` as a condition on the start."""
        text = " ".join(token.value for token in rest)
        begin = moment(text, self.now)
        if begin is None:
            raise InvalidUsage(
                f"{text!r} is no time: it should be 30min, 2h, 7d, 2w, today, yesterday or '2026-11-01 14:30'.",
                f"%mlops runs '{word.text} 7d'",
            )
        return f"attributes.start_time {'>=' if word.says('since') else '<'} {round(begin * 1000)}"

    def _unknown(self, token: Token) -> InvalidUsage:
        name = token.value
        if name.lower() in ("started", "age"):
            return InvalidUsage("When a run started is asked with since and before.", "%mlops runs 'since 7d'")
        known = sorted(set(self.names.known()))
        close = difflib.get_close_matches(name, known, n=1)
        return InvalidUsage(
            f"No run has a metric, a parameter or a tag {name!r}.{nearest(name, known)}",
            self._mended(token, words.short(close[0])) if close else "mlops.runs().frame().columns lists what there is",
        )

    def _unfit(self, field: Field, operator: str, rest: Sequence[Token]) -> InvalidUsage:
        """Say why a comparison does not go with what is compared, and which does."""
        if field.is_number:
            signs = " ".join(words.OF_NUMBERS)
            hint = EXAMPLE if operator in (*NULL, *IN) else self._mended(rest[0], "=")
            return InvalidUsage(f"{field.key} is a number: it can be {signs}, not {operator}.", hint)
        if operator not in words.ORDER:
            allowed = "run ids and data sets" if operator in IN else "parameters and tags"
            return InvalidUsage(f"In MLflow, {operator} is for {allowed} only.", EXAMPLE)
        hint = self._mended(rest[0], "=")
        if field.kind == "parameter" and len(rest) > 1:
            hint += f"; a number that is to be compared is a metric: %mlops log {typed(f'{field.key}={rest[1].value}')}"
        return InvalidUsage(
            f"{field.key} is a {field.kind}, which is text in MLflow: it can be = != ~, not {operator}.", hint
        )

    def _no_value(self, operator: str, values: Sequence[Token]) -> InvalidUsage:
        """Say what is wrong with what follows a comparison."""
        if operator in IN:
            return InvalidUsage(f"{operator} takes a list of texts.", "%mlops runs \"run_id in ('3f2a…', '9c01…')\"")
        if not values:
            return InvalidUsage(f"{operator} has no value.", EXAMPLE)
        shown = self.where[values[0].start : values[-1].end]
        if operator in NULL or any(token.kind != "word" for token in values):
            return InvalidUsage(f"{shown!r} is no value: conditions are joined with and.", EXAMPLE)
        mended = f'{self.where[: values[0].start]}"{shown}"{self.where[values[-1].end :]}'
        return InvalidUsage(f"A value of several words is put in quotes: {shown!r}.", f"%mlops runs {typed(mended)}")

    def _mended(self, token: Token, text: str) -> str:
        """Write the line with ``text`` in place of a token."""
        return f"%mlops runs {typed(' '.join(f'{self.where[: token.start]}{text}{self.where[token.end :]}'.split()))}"
