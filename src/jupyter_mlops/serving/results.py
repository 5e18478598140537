"""What the serving commands return."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..display import Badge, Card, Cell, Code, Link, Table, View, ago, span
from ..entities import ModelRef, typed
from ..result import Result

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from .by_hand import ShellLine
    from .predictions import Predictions


@dataclass(frozen=True, repr=False)
class Endpoint(Result):
    """A running endpoint.

    Attributes
    ----------
    name, url : str
    model : str
    version : int
        The version that answers.
    pid, port : int
    started : float
        Seconds since the epoch.
    state : str
        ``"serving"``, ``"not answering"``, ``"failed"``, ``"stopped"`` or ``"planned"``.
    follows : str, optional
        The alias that it follows; None stays at its version.
    host : str
        Where it listens.
    auth : bool
        Whether it asks for a key.
    key_file : str
        Where the key is, if it was made here; else who asks has it in the environment.
    refused : str
        Which version was to answer last and does not, and why; empty where it does.
    orphans : int
        How many of its processes have outlived its controller, since one hangs; ``--restart`` ends them.
    last_lines : str
        The end of its log, where it has failed.
    canary, shadow : int, optional
        The versions that stand beside the one that answers; ``share`` is the canary's part of the requests, 0 to 1.
    arms : list of dict
        The figures of each version in each role since the endpoint was started: ``role``, ``version``, ``answered``,
        ``refused`` (4xx), ``failed`` (5xx), ``p50_ms``, ``p99_ms``, and of a shadow ``compared`` and ``agreed``.
    auto : str
        What ``--auto`` waits for, or has decided last.
    restarts : int
        How often one of its processes has died or hung.
    dropped : str
        What stood beside it until this call took it away.
    is_new : bool
        Whether this call started it.
    """

    name: str
    model: str
    version: int
    url: str
    pid: int
    port: int
    started: float
    state: str = "serving"
    follows: str | None = None
    host: str = "127.0.0.1"
    auth: bool = False
    key_file: str = ""
    refused: str = ""
    orphans: int = 0
    last_lines: str = ""
    auto: str = ""
    restarts: int = 0
    canary: int | None = None
    share: float = 0.0
    shadow: int | None = None
    arms: Sequence[Mapping[str, Any]] = ()
    dropped: str = ""
    is_new: bool = False
    seconds: float | None = None

    @property
    def ok(self) -> bool:
        """Whether it serves, or would."""
        return self.state in ("serving", "planned")

    @property
    def ref(self) -> ModelRef:
        """The version that answers."""
        return ModelRef(self.model, version=self.version)

    @property
    def stands_for(self) -> dict[str, Any]:
        """The endpoint."""
        return {"endpoint": self.name}

    @property
    def beside(self) -> str:
        """Which other version takes part: ``canary 3, 10%``."""
        canary = f"canary {self.canary}, {self.share:.0%}" if self.canary else ""
        return ", ".join(filter(None, [canary, f"shadow {self.shadow}" if self.shadow else ""]))

    @property
    def key_for_shell(self) -> str:
        """The option by which curl sends the key, where the endpoint asks for one."""
        key = f"$(cat {shlex.quote(self.key_file)})" if self.key_file else "$MLOPS_API_KEY"
        return f' -H "Authorization: Bearer {key}"' if self.auth else ""

    def predict(self, data: Any) -> Predictions:
        """Ask the endpoint; see ``mlops.predict``."""
        from .client import ask

        return ask(self, data)

    def curl(self) -> ShellLine:
        """Write the line that asks for its example in a shell: to paste, or ``!{ep.curl()}``."""
        from .by_hand import curl

        return curl(self)

    def open(self) -> str:
        """Open its page in the browser, where this machine has one, and give the address of it."""
        from .by_hand import show

        return show(self)

    def log(
        self,
        since: datetime | float | str | None = None,
        until: datetime | float | str | None = None,
        ids: Collection[str] | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Read what it has answered, in the order of time, with the labels that have come.

        Parameters
        ----------
        since, until : datetime, float or str, optional
            From when, and until before when: ``"2h"`` ago, ``"yesterday"``, ``"2026-11-01"``, a datetime, or seconds since
            the epoch.
        ids : collection of str, optional
            Only the rows of these ids: the first row of a request has the request's, the others ``ID/1``, ``ID/2`` …
        limit : int, optional
            The newest so many rows.

        Returns
        -------
        DataFrame
            ``id``, ``time``, ``endpoint``, ``model``, ``version``, ``arm``, ``latency_ms``, ``tags``, the inputs as
            ``input.NAME``, ``prediction`` or ``prediction_0`` …, ``label``, ``labelled``.
        """
        from ..workspace import Workspace
        from .files import files_of
        from .log.reader import read_frame

        folder = files_of(Workspace.here().state.folder, self.name).predictions
        return read_frame(folder, since=since, until=until, ids=ids, limit=limit)

    def view(self) -> View:
        """Draw where it is, what it serves and how to ask it."""
        ready = f" in {span(self.seconds)}" if self.seconds else ""
        follows = f", follows @{self.follows}" if self.follows else ""
        facts: list[tuple[str, Cell]] = [("serves", f"{self.model}/{self.version}{follows}")]
        if self.canary:
            facts.append(("canary", f"{self.model}/{self.canary} answers {self.share:.0%} of the requests"))
        if self.shadow:
            facts.append(("shadow", f"{self.model}/{self.shadow} is asked too"))
        if self.dropped:
            facts.append(("taken away", self.dropped))
        if self.refused:
            facts.append(("refused", self.refused))
        if self.orphans:
            facts.append(("left over", f"{self.orphans} processes; %mlops endpoints --restart ends them"))
        if self.auto:
            facts.append(("auto", self.auto))
        if self.restarts:
            facts.append(("restarts", self.restarts))
        if self.state != "planned":
            facts += [
                ("url", Link(self.url, self.url)),
                (
                    "process",
                    f"pid {self.pid}, {'started' + ready if self.is_new else 'running since ' + ago(self.started)}",
                ),
                (
                    "ask",
                    Code(
                        f"curl {self.url}/invocations{self.key_for_shell} -H 'Content-Type: application/json' -d @rows.json"
                    ),
                ),
            ]
        return Card(
            f"Endpoint {self.name}",
            state_badge(self.state),
            facts,
            tables=[arms_table(self.arms)] if self.arms else [],
            text=self.last_lines,
            next=f"%mlops predict {typed(self.name)} --data X_test" if self.ok else "",
        )


def arms_table(arms: Sequence[Mapping[str, Any]], title: str = "") -> Table:
    """Draw the figures of the versions side by side."""
    rows: list[Sequence[Cell]] = [
        (
            f"{arm['role']} {arm['version']}",
            arm["answered"],
            arm["refused"],
            arm["failed"],
            "" if arm["p50_ms"] is None else f"{arm['p50_ms']:.1f} ms",
            "" if arm["p99_ms"] is None else f"{arm['p99_ms']:.1f} ms",
            f"{arm['agreed'] / arm['compared']:.1%} of {arm['compared']:,}" if arm["compared"] else "",
        )
        for arm in arms
    ]
    columns = ("version", "answered", "refused", "failed", "p50", "p99", "agrees")
    return Table(columns, rows, title=title, empty="No request yet.")


def state_badge(state: str) -> Badge:
    """Draw the state of an endpoint."""
    return Badge(state, "good" if state == "serving" else "idle" if state in ("planned", "stopped") else "bad")


@dataclass(frozen=True, repr=False)
class Endpoints(Result):
    """The endpoints of the project on this machine."""

    rows: tuple[Endpoint, ...]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def ok(self) -> bool:
        """Whether all that should serve do."""
        return all(row.ok for row in self.rows)

    def frame(self) -> pd.DataFrame:
        """Give a row for each endpoint."""
        import pandas as pd

        return pd.DataFrame([row.to_dict() for row in self.rows])

    def view(self) -> View:
        """Draw the table."""
        columns = ["endpoint", "state", "serves", "url", "pid", "started"]
        rows: list[list[Cell]] = [
            [
                row.name,
                state_badge(row.state),
                f"{row.model}/{row.version}",
                Link(row.url, row.url),
                row.pid,
                ago(row.started),
            ]
            for row in self.rows
        ]
        only_where_needed: dict[str, list[Cell]] = {
            "beside it": [row.beside for row in self.rows],
            "refused": [row.refused for row in self.rows],
            "auto": [row.auto for row in self.rows],
            "left over": [row.orphans or "" for row in self.rows],
        }
        for title, said in only_where_needed.items():
            if any(said):
                columns.append(title)
                for cells, text in zip(rows, said, strict=True):
                    cells.append(text)
        compared = [arms_table(row.arms, f"{row.name}, side by side") for row in self.rows if row.beside]
        table = Table(
            columns,
            rows,
            title="" if compared else "Endpoints",
            note="" if self.ok else "What has stopped or failed is started again by %mlops endpoints --restart.",
            empty="No endpoint yet: %mlops deploy NAME@champion",
        )
        return Card("Endpoints", tables=[table, *compared]) if compared else table


@dataclass(frozen=True, repr=False)
class Logs(Result):
    """The last lines that a process wrote."""

    name: str
    path: str
    lines: tuple[str, ...]

    def view(self) -> View:
        """Draw the lines."""
        return Card(
            f"Log of {self.name}", facts=[("file", self.path)], text="\n".join(self.lines) or "Nothing written yet."
        )


@dataclass(frozen=True, repr=False)
class Undeployed(Result):
    """An endpoint that has been stopped."""

    name: str
    was_running: bool
    dry_run: bool = False

    def view(self) -> View:
        """Draw what was done."""
        state = "would be stopped" if self.dry_run else "stopped" if self.was_running else "was not running"
        return Card(f"Endpoint {self.name}", Badge(state, "idle"))
