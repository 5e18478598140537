"""Values that their names give away: ``api_key = "…"``, ``{"password": "…"}``, ``%env TOKEN=…``, ``getenv("PW", "…")``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from .names import NOUNS, is_asking, is_env_name, is_plural, is_random, kind_of, names_secret
from .scan import Span, anchored, find_all

_LONGEST_NAME: Final = 80
_NAME: Final = rf"(?P<name>[A-Za-z_][\w.-]{{1,{_LONGEST_NAME}}}+)"
_QUOTE: Final = r"\\*[\"']"  # in JSON it has a backslash, and inside a string of that JSON more of them
_STRING: Final = rf"[fFrRbBuU]{{0,2}}{_QUOTE}"

_VALUE: Final = re.compile(
    rf"""(?:[fFrRbBuU]{{0,2}}(?P<quote>(?P<mark>{_QUOTE})(?:(?P=mark){{2}})?))?
    (?:(?:Bearer|Basic|[Tt]oken|Api-?[Kk]ey|Api-Token|Bot)\s+)?
    (?(quote) (?P<quoted>(?:\\+(?P=mark)|(?!(?P=quote))[^\n]){{0,4000}}+)(?P=quote)
            | (?P<bare>[^\s"'`\\;&|<>(){{}}\[\]]{{4,500}}+(?=;)|[^\s"'`\\;&|<>(){{}}\[\],]{{4,500}}+)(?=[\s"'`\\;&|<),}}\]]|$))""",
    re.VERBOSE,
)
_MORE: Final = re.compile(rf"\s{{0,80}}[+]?\s{{0,80}}(?={_STRING})")
_NEXT: Final = re.compile(rf"\s{{0,80}},\s{{0,80}}(?={_STRING})")
_LEFT_OF: Final = re.compile(r"(?:^|\n|\")[ \t+-]*(?:[\w.]{1,40}[ \t]*,[ \t]*){1,9}$")

# name = …, name: Type = …, {"name": …}, environ["name"] = …, R's name <- …, set_name("…"); and what may come before the value.
_ASSIGNED: Final = re.compile(
    rf"""(?:(?<![\w.\\])|(?<=\\[nrt]))  # in JSON a line begins after the two characters "\n"
    {_NAME}(?:{_QUOTE})?\]?(?:\s*:\s*[A-Za-z][\w\[\].,\ |]{{0,40}}(?=\s=))?
    (?P<sign>[ \t]*(?:=(?![=~])>?|:=|:(?![:?])|<-)[ \t]*|\((?={_STRING}))
    (?:[\[(]\s*
        |(?:Secret\w*|[\w.]*(?:[Ff]ield|hex|b64encode|b64decode|unhexlify))\((?:default\s*=\s*)?
        |[\w.]{{1,60}}+(?:[\[(]{_QUOTE}\w{{1,60}}{_QUOTE}[\])])?\s+or\s+)?
    (?:["']\s*[+]\s*(?={_QUOTE}))?""",
    re.VERBOSE,
)
# getenv("NAME", …), getenv("NAME") or …, setattr(settings, "name", …), add_argument("-n", "--name", default=…), find("name").send_keys(…)
_ARGUMENT: Final = re.compile(
    rf"""\((?<=\w\()\s*(?:[\w.]{{1,40}}\s*,\s*|{_QUOTE}[\w.-]{{1,40}}{_QUOTE}\s*,\s*)?
    {_QUOTE}(?:--|\#)?{_NAME}{_QUOTE}(?:\s*,\s*|\)\s+or\s+|\)\.(?:send_keys|fill|type)\()(?:[^()\n]{{0,120}}?\bdefault\s*=\s*)?(?={_STRING})""",
    re.VERBOSE,
)
# --name value, %env NAME value, export NAME=value, aws configure set name value
_OPTION: Final = re.compile(rf"(?:%env|%set_env|--|export|(?:configure|config) set)\s*{_NAME}(?:[ \t]+|=)")
_OPTION_ANCHORS: Final = ("%env ", "%set_env ", "--", "export ", "configure set ", "config set ")
# {name: NAME, value: …} of a manifest
_MANIFEST: Final = re.compile(
    rf"name(?:{_QUOTE})?\s*:\s*(?:{_QUOTE})?{_NAME}(?:{_QUOTE})?\s*,?\s*(?:{_QUOTE})?value(?:{_QUOTE})?\s*:\s*"
)
# A mere "key" opens something if a person or a service is near: {"username": "maria", "key": …}
_LOGIN: Final = re.compile(r"(?i)login|user|auth|account|client|secret|api")


def assigned(text: str) -> Iterator[Span]:
    """Find the values that their names give away."""
    for start, end in _near_nouns(text):
        for place in _ASSIGNED.finditer(text, start, end):
            name, sign = place["name"], place["sign"]
            if not (sign == "(" and is_asking(name)):
                yield from _secret_at(place, entry=sign.strip() in ":(", python=not (sign == "=" and is_env_name(name)))
    for place in _ARGUMENT.finditer(text):
        yield from _secret_at(place, entry=True)
    for place in anchored(text, _OPTION_ANCHORS, _OPTION):
        yield from _secret_at(place, entry=place[0].startswith("--"), python=False)
    for place in anchored(text, ["name"], _MANIFEST):
        yield from _secret_at(place, entry=True)


def _near_nouns(text: str) -> Iterator[tuple[int, int]]:
    """Give the parts of a text that have a secret's noun in them: few, so that most of it need not be read closely."""
    lower = text.replace("İ", "I").lower()  # the one letter that would become two
    start = end = 0
    for hit in sorted(hit for noun in NOUNS for hit in find_all(lower, noun)):
        if hit - _LONGEST_NAME > end:
            yield start, end
            start = hit - _LONGEST_NAME
        end = hit + 4 * _LONGEST_NAME  # a name, and what stands between it and its value
    yield start, end


def _secret_at(place: re.Match[str], *, entry: bool, python: bool = True) -> Iterator[Span]:
    """Give the secret whose name stands at a place, if there is one: a span for each of its literals."""
    text = place.string
    if not kind_of(place["name"]) or not (value := _VALUE.match(text, place.end())):
        return
    name = _meant(place)
    bare = value["quote"] is None
    python = python and not (bare and text.startswith(";", value.end()))  # a ";" ends an entry of a connection string
    if bare and python and _is_python(value["bare"]):
        return
    for parts in _values(place, value) if python and not bare else [[value.span("bare" if bare else "quoted")]]:
        if names_secret(name, "".join(text[start:end] for start, end in parts), entry=entry or (bare and python)):
            kind = f"value of {place['name']}"
            for start, end in parts:
                if start < end:
                    yield Span(start, end, kind)
                    kind = ""


def _meant(place: re.Match[str]) -> str:
    """Say what a short name means where it stands: "key" beside a login, "token" in the query of a URL."""
    name, before = place["name"], place.string[max(0, place.start() - _LONGEST_NAME) : place.start()]
    if name == "key" and _LOGIN.search(before):
        return "login_token"
    return "access_token" if name == "token" and before.endswith(("?", "&")) else name


def _values(place: re.Match[str], value: re.Match[str]) -> Iterator[list[tuple[int, int]]]:
    """Give the literals of a value of Python: ``"a" "b"``; or of several: ``user, password = "a", "b"``."""
    text = place.string
    several = is_plural(place["name"]) or _LEFT_OF.search(text, max(0, place.start() - 80), place.start())
    parts = [value.span("quoted")]
    end = value.end()
    while gap := _MORE.match(text, end) or (several and _NEXT.match(text, end)) or None:
        if "," in gap[0]:
            yield parts
            parts = []
        following = _VALUE.match(text, gap.end())
        if not following:
            break
        parts.append(following.span("quoted"))
        end = following.end()
    yield parts


def _is_python(value: str) -> bool:
    """Tell whether a value without quotes may be Python's: a number or a variable."""
    if re.fullmatch(r"[\d.,_]+|[A-Za-z_]+|[A-Za-z_]\w*(?:\.\w+)+", value):
        return True
    return value.isidentifier() and not is_random(value)
