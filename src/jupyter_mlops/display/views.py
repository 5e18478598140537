"""The nouns of a picture, and how figures and times are written. No markup here."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, TypeAlias

Tone: TypeAlias = Literal["good", "bad", "warn", "idle"]


@dataclass(frozen=True)
class Badge:
    """A state in a word, with a mark that has a colour where there is any."""

    text: str
    tone: Tone = "idle"

    @property
    def mark(self) -> str:
        """The tone as a character: the colour never stands alone."""
        return {"good": "✓", "bad": "✗", "warn": "!", "idle": ""}[self.tone]

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Link:
    """A text that leads somewhere; only ``http`` and ``https`` become links."""

    text: str
    href: str | None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Code:
    """Something to type or to copy."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Time:
    """A moment (seconds since the epoch): how long ago, or ``exact``, for what is read later and elsewhere."""

    at: float
    exact: bool = False

    @property
    def utc(self) -> str:
        """The same in every place and whenever it is read: ``2026-11-24 12:43:05 UTC``."""
        return f"{datetime.fromtimestamp(self.at, UTC):%Y-%m-%d %H:%M:%S} UTC"

    def __str__(self) -> str:
        return self.utc if self.exact else ago(self.at)


Cell: TypeAlias = str | int | float | bool | Badge | Link | Code | Time | None


@dataclass(frozen=True)
class Table:
    """Rows under named columns. ``empty`` is what to say, and to do, where there are none.

    Of ``sentences`` the cells wrap, and stand below one another where it is narrow: nobody reads a sentence sideways.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    title: str = ""
    empty: str = "Nothing here yet."
    note: str = ""
    sentences: bool = False


@dataclass(frozen=True)
class Diff:
    """A change of a text, line by line as ``git diff`` writes it; ``title`` says of what."""

    title: str
    text: str


@dataclass(frozen=True)
class Picture:
    """A drawn figure; ``alt`` says what it shows to those who don't see it."""

    png: bytes
    alt: str

    @property
    def width(self) -> int:
        """How wide it is, in pixels, as its file says."""
        return int.from_bytes(self.png[16:20], "big")


@dataclass(frozen=True)
class Card:
    """One thing: a title, its state, facts by name, tables, pictures and diffs where needed, and the next step.

    ``text`` is shown as it is; ``markdown`` too where there is no HTML. With ``tables_first`` the pictures come below.
    """

    title: str
    badge: Badge | None = None
    facts: Sequence[tuple[str, Cell]] = ()
    tables: Sequence[Table] = ()
    pictures: Sequence[Picture] = ()
    diffs: Sequence[Diff] = ()
    text: str = ""
    markdown: str = ""
    next: str = field(default="")
    tables_first: bool = False


View: TypeAlias = Card | Table


def figure(value: object) -> str:
    """Write a number as people read it: ``0.9731``, ``12,000``, ``1.2e-07``; other things as they are."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "" if value is None else str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "∞", -math.inf: "-∞"}.get(value, "NaN")
    if abs(value) >= 1e12:
        return f"{value:.4g}"
    if float(value).is_integer():
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.1f}"
    if 0.01 <= abs(value) < 10:
        return f"{value:.4f}"  # the same number of digits in a column of scores
    return f"{value:.4g}" if abs(value) >= 1e-4 else f"{value:.2e}"


def short(text: str, most: int = 100) -> str:
    """Cut a long text, and say how long it is."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


def change(difference: float) -> str:
    """Write a difference with its sign: ``+0.012``; a vanishing one as ``±0``."""
    return "±0" if abs(difference) < 1e-12 else f"{difference:+.3g}"


def span(seconds: float) -> str:
    """Write a duration: ``0.4 s``, ``12 s``, ``3 min``, ``2 h 5 min``, ``4 d``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
    return f"{minutes // 1440} d"


def ago(timestamp: float, now: float | None = None) -> str:
    """Write how long ago a time (seconds since the epoch) was: ``just now``, ``3 min ago``."""
    seconds = (time.time() if now is None else now) - timestamp
    return "just now" if seconds < 5 else f"{span(seconds)} ago"


def bytes_of(count: float) -> str:
    """Write a size: ``812 B``, ``1.4 MB``."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
