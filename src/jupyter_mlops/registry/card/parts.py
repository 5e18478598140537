"""The parts of a card that only a person can write: kept byte for byte, whatever is written anew around them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ...errors import Conflict

_MARK = re.compile(r"(?<!\\)<!--\s*(yours|end)\s*:\s*([\w-]+)\s*-->")
_SEAL = re.compile(r"\A\ufeff?\s*<!-- Yours are .* seal: (\w+) -->\s*")
_RULE = re.compile(r"^[ \t]*\|?[ \t]*:?-+:?[ \t]*\|[-:| \t]*$", re.MULTILINE)  # below the heading of a table
_NOTHING = "\n\n"


@dataclass(frozen=True)
class Part:
    """A section that only a person can write, and what to think of there."""

    key: str
    title: str
    hint: str


PARTS = (
    Part("what-it-is-for", "What it is for", "Which decision does it help with, whose, and how is its answer used?"),
    Part("who-should-not-use-it", "Who should not use it", "For whom, or for what, would its answer mislead?"),
    Part(
        "limits-and-risks", "Limits and risks", "Where is it known to be wrong, about whom, and what would that cost?"
    ),
    Part("contact", "Contact", "Who answers for it, and where are questions and complaints heard?"),
)
# Only these words: whoever writes may take them out, and what stands beside them is somebody's.
_HINT = re.compile(rf"[*_]Still open: (?:{'|'.join(re.escape(part.hint) for part in PARTS)})[*_]")
_ESCAPE = "a mark that is only to be read takes a backslash before it: \\<!--"


def read(text: str, file: str) -> dict[str, str]:
    """Take out of a card what people wrote, by the names of the parts.

    Raises
    ------
    Conflict
        Where the lines around a part are broken: what is a person's can't be told then.
    """
    found: dict[str, str] = {}
    inside, begin = "", 0
    for mark in _MARK.finditer(text):
        word, name = mark.groups()
        if word == "yours":
            if inside:
                raise _broken(file, inside, "has no end", f"put {_end(inside)} below its text")
            if name in found:
                raise _broken(file, name, "stands there twice", "make one of the two")
            inside, begin = name, mark.end()
        elif name != inside:
            if inside:
                raise _broken(file, inside, f"ends as {name!r}", f"put {_end(inside)} below its text")
            raise _broken(file, name, "has no beginning", f"put {_begin(name)} above its text")
        else:
            found[name] = text[begin : mark.start()]
            inside = ""
    if inside:
        raise _broken(file, inside, "has no end", f"put {_end(inside)} below its text")
    for part in PARTS:  # a section that is gone altogether comes back; one without its lines may have a person's text
        if part.key not in found and re.search(rf"^##[ \t]+{part.title}\s*$", _without(text), re.MULTILINE):
            raise _broken(
                file, part.key, "has lost the lines around it",
                f"put {_begin(part.key)} above its text and {_end(part.key)} below",
            )  # fmt: skip
    return found


def need_own(text: str, file: str) -> None:
    """Make sure that nobody has written outside of the parts: it would be lost.

    Raises
    ------
    Conflict
        Where somebody has. A card whose first line is gone is not looked at.
    """
    seal = _SEAL.search(text)
    if seal and seal[1] != _digest(text):
        raise Conflict(
            f"{file} was changed outside of the parts that are yours, and would be written anew there.",
            f"put what you wrote between {_begin('notes')} and {_end('notes')}, or delete the first line of the file",
        )


def section(key: str, content: str | None) -> str:
    """Write a section of a card: its heading, what to think of while nobody has written it, and the part."""
    part = next(part for part in PARTS if part.key == key)
    hint = f"*Still open: {part.hint}*\n\n" if is_open(content) else ""
    return f"## {part.title}\n\n{hint}{written(key, content)}"


def written(name: str, content: str | None) -> str:
    """Write a part with the lines around it; without content, with room for some."""
    return f"{_begin(name)}{_NOTHING if content is None else content}{_end(name)}"


def is_open(content: str | None) -> bool:
    """Whether nobody has written anything there."""
    return not (content or "").strip()


def still_open(found: Mapping[str, str]) -> tuple[str, ...]:
    """Name the sections that nobody has written yet."""
    return tuple(part.title for part in PARTS if is_open(found.get(part.key)))


def title(name: str) -> str:
    """Give the title of a part; of one that people have added, its name."""
    return next((part.title for part in PARTS if part.key == name), name)


def own(found: Mapping[str, str]) -> dict[str, str]:
    """List the parts that people have added to those that every card has."""
    known = {part.key for part in PARTS}
    return {name: content for name, content in found.items() if name not in known}


def sealed(text: str) -> str:
    """Add the line by which a later change outside of the parts is noticed."""
    told = 'Yours are the parts between the lines "yours" and "end"; the rest is written anew by mlops card.'
    return f"<!-- {told} seal: {_digest(text)} -->\n{text}"


def unmarked(text: str) -> str:
    """Take out the lines around the parts, and the seal: for readers."""
    return re.sub(rf"\s*{_MARK.pattern}\s*", "\n\n", _SEAL.sub("", text))


def _digest(text: str) -> str:
    """Take a digest of all that is outside of the parts, but for white space and the width of tables: formatters move them."""
    ruled = _RULE.sub(lambda rule: re.sub("-+", "-", rule[0]), _without(text))
    return hashlib.sha256("".join(ruled.split()).encode()).hexdigest()[:12]


def _without(text: str) -> str:
    """Leave out the parts, with the lines around them and their hints."""
    return re.sub(rf"{_MARK.pattern}.*?{_MARK.pattern}", "", _HINT.sub("", _SEAL.sub("", text)), flags=re.DOTALL)


def _begin(name: str) -> str:
    return f"<!-- yours: {name} -->"


def _end(name: str) -> str:
    return f"<!-- end: {name} -->"


def _broken(file: str, name: str, what: str, mend: str) -> Conflict:
    return Conflict(f"{file} is not written: its part {title(name)!r} {what}.", f"{mend}; {_ESCAPE}")
