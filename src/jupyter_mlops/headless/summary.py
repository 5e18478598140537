"""A summary for the change that is being reviewed: Markdown, as GitHub and GitLab draw it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from ..display import change, figure, span
from ..display.markdown import Raw
from ..display.markdown import escape as as_text
from .book import sound
from .outcome import MARKS
from .results import Batch, Executed, RunSeen, why_of

_MOST = 60_000  # characters; a comment on GitHub takes 65,536
_MENTION = re.compile(r"(?<!\w)@(?=\w)")
_MOST_RUNS = 20
_MOST_METRICS = 6
_MARKS: dict[bool | None, str] = {True: "✅", False: "❌", None: "❔ inconclusive"}


def write(batch: Batch) -> str:
    """Write what notebooks came to: cells that did not pass, gates, runs with their metrics beside the champion's, links."""
    text = sound("\n".join(_lines(batch))) + "\n"
    if len(text) <= _MOST:
        return text
    kept = text[:_MOST].rpartition("\n")[0]
    fence = ""
    for line in kept.split("\n"):  # a fence that is open would take in what stands below it
        if line.startswith("````") and set(line) == {"`"}:
            fence = "" if line == fence else fence or line
    opened = kept.rfind("<details>") > kept.rfind("</details>")
    return "\n".join(filter(None, (kept, fence, "\n</details>" if opened else ""))) + "\n\n… it was longer.\n"


def _lines(batch: Batch) -> Iterator[str]:
    passed = sum(book.ok for book in batch.notebooks)
    mark = "✅" if batch.ok else "❌"
    yield f"## {mark} {passed} of {len(batch.notebooks)} notebooks passed in {span(batch.seconds)}\n"
    yield from _table(
        ("notebook", "", "time", "cells", "why"),
        [(link(book.notebook, book.url), f"{'✅' if book.ok else '❌'} {book.verdict.word}", span(book.seconds), book.counted, book.message[:300])
         for book in batch.notebooks],
    )  # fmt: skip
    yield from (f"- {escape(why)}" for why in (*batch.unwritten, *batch.notes))
    for book in batch.notebooks:
        yield from _of_book(book)


def _of_book(book: Executed) -> Iterator[str]:
    told = [cell for cell in book.cells if cell.failed or cell.flaky or cell.note]
    if not (told or book.told or book.runs or book.params or book.notes):
        return
    yield f"\n### {escape(book.notebook)}\n"
    if book.params:
        yield (
            "Parameters: "
            + ", ".join(f"{escape(name)} = {escape(str(value))}" for name, value in book.params.items())
            + "\n"
        )
    yield from (f"- {escape(note)}" for note in book.notes)
    if told:
        rows = [(cell.number, f"{MARKS[cell.status]} {cell.status}", cell.title, why_of(cell)[:500]) for cell in told]
        yield from _table(("cell", "", "", "why"), rows)
    failed = book.stopped_at
    if failed and failed.failures and failed.failures[-1].traceback:
        yield (
            "<details><summary>Traceback</summary>\n\n"
            + _fenced(failed.failures[-1].traceback[-5000:])
            + "\n\n</details>\n"
        )
    for title, marks in (("gate or change", _MARKS), ("report", _MARKS | {False: "⚠️ found something"})):
        these = [each for each in book.told if each.is_report == (title == "report")]
        if these:
            yield from _table((title, "", ""), [(each.command, marks[each.ok], each.text) for each in these])
    if book.runs:
        yield from _runs(book.runs)


def _runs(runs: Sequence[RunSeen]) -> Iterator[str]:
    names = list(dict.fromkeys(name for run in runs for name in run.metrics))[:_MOST_METRICS]
    rows = [
        [link(run.name, run.url), run.status.lower(), *(_metric(run, name) for name in names), run.standing]
        for run in runs[:_MOST_RUNS]
    ]
    yield from _table(("run", "", *names, "model"), rows)
    if len(runs) > _MOST_RUNS:
        yield f"… and {len(runs) - _MOST_RUNS} more runs.\n"


def _metric(run: RunSeen, name: str) -> str:
    value = run.metrics.get(name)
    if value is None:
        return ""
    beside = run.champion.get(name)
    return figure(value) if beside is None else f"{figure(value)} ({change(value - beside)})"


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield "| " + " | ".join(map(escape, columns)) + " |"
    yield "|" + " --- |" * len(columns)
    for row in rows:
        yield "| " + " | ".join(map(escape, row)) + " |"
    yield ""


def escape(value: object) -> str:
    """Write a value as text that calls nobody: what a notebook says is no mention of a person or a team."""
    return as_text(value) if isinstance(value, Raw) else _MENTION.sub("@&#8203;", as_text(value))


def link(text: str, url: str) -> str:
    """Write a link, where the address is one."""
    if not url.startswith(("http://", "https://")) or any(sign in url for sign in "()<> \n|"):
        return text
    return Raw(f"[{escape(text)}]({url})")


def _fenced(text: str) -> str:
    longest = max((len(run) for run in text.replace("`", "\0").split() if set(run) == {"\0"}), default=0)
    fence = "`" * max(4, longest + 1)
    return f"{fence}\n{text}\n{fence}"
