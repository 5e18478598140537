"""What the session commands return."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..display import Badge, Card, Cell, Code, Link, Table, View, ago
from ..result import Result

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Setting:
    """One setting: its value and where it came from."""

    name: str
    value: str
    source: str


@dataclass(frozen=True)
class Counts:
    """How much there is: runs of the experiment (up to 1,000), registered models, living endpoints."""

    runs: int
    models: int
    endpoints: int

    def __str__(self) -> str:
        return f"{_count(self.runs, 'run')}, {_count(self.models, 'model')}, {_count(self.endpoints, 'endpoint')}"


@dataclass(frozen=True, repr=False)
class Status(Result):
    """The project: its server, what there is, and the next useful step.

    ``there`` and ``settings`` are what ``status`` adds to the card that ``init`` ends with.
    """

    root: str
    experiment: str
    server: str
    url: str
    is_up: bool
    next: str
    there: Counts | None = None
    settings: tuple[Setting, ...] = ()
    guard: str = ""

    @property
    def ok(self) -> bool:
        """Whether the tracking server answers, or starts when it is needed."""
        return self.is_up

    def view(self) -> View:
        """Draw the project."""
        facts: list[tuple[str, Cell]] = [("project", self.root), ("server", self.server)]
        if self.url:
            facts.append(("MLflow", Link(self.url, self.url)))
        if self.guard:
            facts.append(("guard", self.guard))
        facts.append(("experiment", self.experiment))
        if self.there:
            facts.append(("there are", str(self.there)))
        rows: list[Sequence[Cell]] = [(s.name, s.value, s.source) for s in self.settings]
        return Card(
            "jupyter-mlops",
            Badge("ready", "good") if self.is_up else Badge("server away", "bad"),
            facts,
            tables=[Table(("setting", "value", "from"), rows)] if rows else [],
            next=self.next,
        )


@dataclass(frozen=True, repr=False)
class Stopped(Result):
    """Which processes were stopped; ``untold`` are the endpoints whose end the audit could not be told."""

    names: tuple[str, ...]
    left: tuple[str, ...]
    dry_run: bool = False
    untold: tuple[str, ...] = ()

    def view(self) -> View:
        """Draw what was stopped, and what goes on."""
        facts: list[tuple[str, Cell]] = [
            ("would be stopped" if self.dry_run else "stopped", ", ".join(self.names) or "nothing was running")
        ]
        if self.left:
            facts.append(("still runs", ", ".join(self.left)))
        if self.untold:
            facts.append(("not in the audit", f"the end of {', '.join(self.untold)}: the server is away"))
        return Card("jupyter-mlops", None, facts, next="%mlops stop --all" if self.left else "")


@dataclass(frozen=True)
class OptionRow:
    """One parameter of a command."""

    flag: str
    help: str
    default: str


@dataclass(frozen=True)
class CommandRow:
    """One command, as the table of commands shows it."""

    magic: str
    group: str
    usage: str
    summary: str


@dataclass(frozen=True, repr=False)
class Help(Result):
    """The commands, or one of them with its parameters."""

    commands: tuple[CommandRow, ...]
    options: tuple[OptionRow, ...] = ()

    def frame(self) -> pd.DataFrame:
        """Give a row for each command."""
        import pandas as pd

        return pd.DataFrame(
            [{"command": row.magic, "group": row.group, "summary": row.summary} for row in self.commands]
        )

    def view(self) -> View:
        """Draw the table of commands, or the parameters of one."""
        if len(self.commands) == 1:
            row = self.commands[0]
            table = Table(
                ("parameter", "meaning", "default"), [(Code(o.flag), o.help, o.default) for o in self.options]
            )
            return Card(row.usage, text=row.summary, tables=[table])
        rows: list[Sequence[Cell]] = [(row.group, Code(row.magic), row.summary) for row in self.commands]
        return Table(
            ("", "command", "what it does"),
            rows,
            title="jupyter-mlops",
            note="%mlops help COMMAND shows its parameters.",
        )


@dataclass(frozen=True)
class Finding:
    """One thing that doctor looked at."""

    what: str
    ok: bool
    seen: str
    mend: str = ""


@dataclass(frozen=True, repr=False)
class Diagnosis(Result):
    """What doctor found."""

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether all is well."""
        return all(finding.ok for finding in self.findings)

    def view(self) -> View:
        """Draw the findings, those to mend first."""
        rows: list[Sequence[Cell]] = [
            (
                f.what,
                Badge("well" if f.ok else "mend", "good" if f.ok else "bad"),
                f.seen,
                Code(f.mend) if f.mend else "",
            )
            for f in sorted(self.findings, key=lambda finding: finding.ok)
        ]
        return Table(("what", "state", "seen", "mend"), rows, title="Doctor")


def running(pid: int, port: int, started: float) -> str:
    """Say of a process where it is and since when."""
    return f"port {port}, pid {pid}, up {ago(started).removesuffix(' ago').replace('just now', 'since now')}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
