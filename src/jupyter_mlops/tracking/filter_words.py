"""The words of a filter: its tokens, what a condition can be about, and how MLflow writes names, numbers and times."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from ..errors import InvalidUsage

EXAMPLE = "%mlops runs 'accuracy > 0.9 and status = finished'"

ORDER = ("<", "<=", ">", ">=")
OF_NUMBERS = ("=", "!=", *ORDER)
OF_TEXTS = ("=", "!=", "~", "LIKE", "ILIKE")
NULL = ("IS NULL", "IS NOT NULL")
IN = ("IN", "NOT IN")
OPERATORS = {sign.lower(): sign for sign in (*OF_NUMBERS, *OF_TEXTS, *NULL, *IN)} | {"==": "=", "<>": "!="}

# How MLflow spells each kind of name.
KINDS = {
    **dict.fromkeys(("metrics", "metric"), "metric"),
    **dict.fromkeys(("params", "param", "parameters", "parameter"), "parameter"),
    **dict.fromkeys(("tags", "tag"), "tag"),
    **dict.fromkeys(("attributes", "attribute", "attr", "run"), "attribute"),
    **dict.fromkeys(("datasets", "dataset"), "data set"),
}
_TIMES = ("start_time", "end_time", "created")
ATTRIBUTES = ("run_id", "run_name", "run name", "status", "user_id", "artifact_uri", *_TIMES)
OF_DATA_SETS = ("name", "digest", "context")
OURS = {"name": "attributes.run_name", "user": "tags.mlflow.user"}
STATES = ("running", "scheduled", "finished", "failed", "killed")

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<name>(?:\w+\.)?`[^`]+` | \w+\.(?:"[^"]+"|'[^']+'))
    | (?P<text>'[^']*' | "[^"]*")
    | (?P<operator>[<>!=]= | <> | [=<>~])
    | (?P<mark>&&? | \|\|? | [(),;])
    | (?P<word>[^\s'"`()=<>!~,;&|]+)
    )""",
    re.VERBOSE,
)

# MLflow reads such names as they are, but for a few words of SQL; others it reads in backticks.
_PLAIN = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_SQL = {"as", "case", "from", "in", "using", "values"}
_PLAIN_NUMBER = re.compile(r"-?\d+(\.\d+)?(e-?\d+)?")


@dataclass(frozen=True)
class Token:
    """A piece of a filter, and where it stands.

    Its ``kind`` is ``name`` (in backticks, or with a prefix and quotes), ``text`` (in quotes), ``operator``,
    ``mark`` or ``word``.
    """

    kind: str
    text: str
    start: int
    end: int

    def says(self, *words: str) -> bool:
        """Whether it is one of these words or signs; what is in quotes is none."""
        return self.text.lower() in words

    @property
    def value(self) -> str:
        """What it says, without its quotes."""
        return self.text[1:-1] if self.text[0] in "'\"`" else self.text


@dataclass(frozen=True)
class Field:
    """What a condition is about, and how MLflow writes it."""

    kind: str
    key: str
    written: str

    @property
    def is_number(self) -> bool:
        """Whether it compares with numbers, and not with texts."""
        return self.kind == "metric" or (self.kind == "attribute" and self.key in _TIMES)

    @property
    def operators(self) -> Collection[str]:
        """The comparisons that MLflow makes with it."""
        if self.is_number:
            return OF_NUMBERS
        if self.kind in ("parameter", "tag"):
            return (*OF_TEXTS, *NULL)
        return (*OF_TEXTS, *IN) if self.kind == "data set" or self.key == "run_id" else OF_TEXTS


def tokens(where: str) -> Iterator[Token]:
    """Take a filter apart.

    Raises
    ------
    InvalidUsage
        Where a quote is not closed, or a sign is none.
    """
    text, position = where.rstrip(), 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            left = text[position:].lstrip()[:40]
            if left[0] in "'\"`":
                raise InvalidUsage(f"A quote is not closed: {left}", 'in the other quotes: name = "it\'s"')
            raise InvalidUsage(f"No comparison is written so: {left}", EXAMPLE)
        kind = str(found.lastgroup)
        yield Token(kind, found[kind], *found.span(kind))
        position = found.end()


def quoted(name: str) -> str:
    """Write a name as MLflow reads it."""
    return name if _PLAIN.fullmatch(name) and not _SQL & set(name.lower().split(".")) else f"`{name}`"


def short(name: str) -> str:
    """Write a name as the short form reads it."""
    return name if re.fullmatch(r"[\w./:-]+", name) else f"`{name}`"


def number(text: str) -> float | None:
    """Read a number; ``inf`` and ``nan`` are none that MLflow compares with."""
    try:
        return float(text) if math.isfinite(float(text)) else None
    except ValueError:
        return None


def figure(field: Field, text: str) -> str:
    """Write a number as MLflow reads it: without a plus, anywhere.

    Raises
    ------
    InvalidUsage
        Where it is none.
    """
    value = number(text)
    if value is None and field.kind == "metric":
        raise InvalidUsage(f"{field.key} is a metric: it compares with a number, not with {text!r}.", EXAMPLE)
    if value is None:
        raise InvalidUsage(f"{field.key} is in milliseconds since 1970, not {text!r}.", "%mlops runs 'since 7d'")
    if field.kind != "metric":
        return str(int(value))
    return text if _PLAIN_NUMBER.fullmatch(text) else repr(value).replace("e+", "e")
