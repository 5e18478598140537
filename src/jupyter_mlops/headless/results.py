"""What a run of notebooks came to, and what their parameters are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..display import Badge, Card, Cell, Code, Table, View, span
from ..result import Result
from .observer import Told
from .outcome import CellRecord, Verdict

if TYPE_CHECKING:
    import pandas as pd

    from .parameters import Parameter


@dataclass(frozen=True)
class RunSeen:
    """A run that a notebook has made.

    Attributes
    ----------
    name, status : str
    metrics : dict
        Those of its own.
    champion : dict
        The same of the champion of the model that the run was registered as, where there is another.
    standing : str
        That model's version, and how it stands to the champion.
    url : str
    """

    run_id: str
    name: str
    status: str
    metrics: dict[str, float]
    champion: dict[str, float] = field(default_factory=dict)
    standing: str = ""
    url: str = ""


@dataclass(frozen=True, repr=False)
class Executed(Result):
    """One notebook, as it was executed.

    Attributes
    ----------
    notebook : str
        As it was named.
    verdict : Verdict
    message : str
        What kept it from passing; empty where it passed.
    cells : tuple of CellRecord
    seconds, started : float
    executed, page : str
        The executed notebook and its page; empty where there is none.
    params : dict
        What it was given.
    told : tuple of Told
        What its commands came to: gates, promotions, reports.
    notes : tuple of str
        What else there is to know.
    runs : tuple of RunSeen
        The runs that it has made.
    run : str
        The id of the run that the execution is; empty where it was not tracked.
    url : str
        Of that run.
    """

    notebook: str
    verdict: Verdict
    message: str
    cells: tuple[CellRecord, ...]
    seconds: float
    started: float
    executed: str = ""
    page: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    told: tuple[Told, ...] = ()
    notes: tuple[str, ...] = ()
    runs: tuple[RunSeen, ...] = ()
    run: str = ""
    url: str = ""

    @property
    def ok(self) -> bool:
        """Whether every cell ran, every gate passed, and all that was logged is on the server."""
        return self.verdict is Verdict.PASSED

    @property
    def exit_code(self) -> int:
        """As ``errors.py`` has them; 130 and 143 after a signal."""
        return self.verdict.exit_code

    @property
    def stopped_at(self) -> CellRecord | None:
        """The first cell that failed or was stopped."""
        return next((cell for cell in self.cells if cell.failed), None)

    @property
    def counted(self) -> str:
        """``9 passed, 1 skipped``, with how many only when they were tried again."""
        counts: dict[str, int] = {}
        for cell in self.cells:
            counts[cell.status] = counts.get(cell.status, 0) + 1
        told = [f"{number} {status}" for status, number in counts.items()]
        flaky = sum(cell.flaky for cell in self.cells)
        return ", ".join([*told, *([f"{flaky} only when tried again"] if flaky else [])])

    def to_dict(self) -> dict[str, Any]:
        """Give plain data, with the exit code."""
        return super().to_dict() | {"verdict": self.verdict.word, "exit_code": self.exit_code, "ok": self.ok}

    def view(self) -> View:
        """Draw the cells."""
        rows: list[Sequence[Cell]] = [
            (cell.number, Badge(cell.status, _tone(cell)), span(cell.seconds), cell.title, why_of(cell))
            for cell in self.cells
        ]
        table = Table(("cell", "", "time", "", "why"), rows)
        facts: list[tuple[str, Cell]] = [("why", self.message)] if self.message else []
        facts += [("executed", self.executed)] if self.executed else []
        facts += [("page", self.page)] if self.page else []
        facts += [(f"parameter {name}", str(value)) for name, value in self.params.items()]
        facts += [("note", note) for note in self.notes]
        return Card(self.notebook, Badge(self.verdict.word, self.verdict.tone), facts=facts, tables=[table])


@dataclass(frozen=True, repr=False)
class Batch(Result):
    """All notebooks of one ``run``.

    Attributes
    ----------
    notebooks : tuple of Executed
    seconds : float
    written : tuple of str
        The reports on them.
    unwritten : tuple of str
        Why a report or a page is not there.
    notes : tuple of str
        What else there is to know of all of them.
    """

    notebooks: tuple[Executed, ...]
    seconds: float
    written: tuple[str, ...] = ()
    unwritten: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether all have passed, and every report is written."""
        return not self.unwritten and all(each.ok for each in self.notebooks)

    @property
    def exit_code(self) -> int:
        """That of the first notebook that has not passed, in the order in which they were named; a signal's before all."""
        signalled = [
            each.exit_code for each in self.notebooks if each.verdict in (Verdict.INTERRUPTED, Verdict.TERMINATED)
        ]
        if signalled:
            return signalled[0]
        if self.unwritten and all(each.ok for each in self.notebooks):
            return Verdict.NOT_WRITTEN.exit_code
        failed = [each.exit_code for each in self.notebooks if not each.ok]
        reasons = [each.exit_code for each in self.notebooks if not each.ok and each.verdict is not Verdict.NOT_RUN]
        return (reasons or failed or [0])[0]

    def frame(self) -> pd.DataFrame:
        """Give a row for each cell."""
        import pandas as pd

        return pd.DataFrame(
            [
                {"notebook": book.notebook, "cell": cell.number, "status": cell.status, "seconds": cell.seconds,
                 "attempts": cell.attempts, "source": cell.title, "error": why_of(cell)}
                for book in self.notebooks for cell in book.cells
            ]
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Give plain data, with the exit code."""
        books = [each.to_dict() for each in self.notebooks]
        return super().to_dict() | {"notebooks": books, "exit_code": self.exit_code, "ok": self.ok}

    def view(self) -> View:
        """Draw one notebook by its cells, several by a line each."""
        facts: list[tuple[str, Cell]] = [("written", path) for path in self.written]
        facts += [("not written", why) for why in self.unwritten]
        facts += [("note", note) for note in self.notes]
        if len(self.notebooks) == 1:
            card = self.notebooks[0].view()
            assert isinstance(card, Card)
            return Card(card.title, card.badge, facts=[*card.facts, *facts], tables=card.tables)
        rows: list[Sequence[Cell]] = [
            (
                book.notebook,
                Badge(book.verdict.word, book.verdict.tone),
                span(book.seconds),
                book.counted,
                where_of(book),
            )
            for book in self.notebooks
        ]
        passed = sum(book.ok for book in self.notebooks)
        badge = Badge(f"{passed} of {len(self.notebooks)} passed", "good" if self.ok else "bad")
        table = Table(("notebook", "", "time", "cells", "why"), rows)
        return Card(f"{len(self.notebooks)} notebooks in {span(self.seconds)}", badge, facts=facts, tables=[table])


@dataclass(frozen=True, repr=False)
class Parameters(Result):
    """The parameters of a notebook."""

    notebook: str
    parameters: tuple[Parameter, ...]
    values: dict[str, Any] = field(default_factory=dict)

    def frame(self) -> pd.DataFrame:
        """Give a row for each parameter."""
        import pandas as pd

        return pd.DataFrame([vars(each) for each in self.parameters])

    def view(self) -> View:
        """Draw names, types, values and what they mean."""
        rows: list[Sequence[Cell]] = [
            (Code(each.name), each.type or "any", self.values.get(each.name, each.default), each.help)
            for each in self.parameters
        ]
        value = "value" if self.values else "default"
        return Table(
            ("parameter", "type", value, "meaning"), rows, title=f"Parameters of {self.notebook}" if self.notebook else "Parameters",
            empty="It has none: begin the cell that sets them with %%mlops params.",
        )  # fmt: skip


def some(names: Sequence[str], most: int = 3) -> str:
    """Name the first of several: ``a.ipynb, b.ipynb, c.ipynb and 4 more``."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _tone(cell: CellRecord) -> Any:
    from .outcome import TONES

    return "warn" if cell.flaky else TONES[cell.status]


def why_of(cell: CellRecord) -> str:
    """Say why a cell did not simply pass."""
    error = cell.failures[-1].line if cell.failures and cell.failed else ""
    tries = f"tried {cell.attempts} times" if cell.attempts > 1 else ""
    return "; ".join(filter(None, (error, cell.note, tries)))


def where_of(book: Executed) -> str:
    """Say where a notebook ended, and why."""
    cell = book.stopped_at
    return f"cell {cell.number}: {book.message}" if cell else book.message
