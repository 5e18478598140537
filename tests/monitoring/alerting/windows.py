"""Windows as a look gives them, and a project that they are judged in: no server is needed for it."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from jupyter_mlops.backend.processes import Process
from jupyter_mlops.monitoring.alerting import watch
from jupyter_mlops.monitoring.alerting.alert import Alert, Book
from jupyter_mlops.monitoring.alerting.keeping import Keeper
from jupyter_mlops.monitoring.readings import Reading
from jupyter_mlops.monitoring.watched import Look, Monitored
from jupyter_mlops.workspace import Workspace

HOUR = 3600.0
NAME = "tumour"
T0 = time.time() // HOUR * HOUR - 12 * HOUR

Said = tuple[str, Any, str, str]


def fine(name: str, value: float = 0.0) -> Said:
    return name, value, "none", "pass"


def drifted(name: str = "drift:age", level: str = "major", value: float = 3.0) -> Said:
    return name, value, level, "fail"


def unknown(name: str) -> Said:
    return name, None, "none", "inconclusive"


def look(place: float, *said: Said, version: int = 1, rows: int = 400, length: float = HOUR) -> Look:
    start = T0 + place * HOUR
    where = (start, start + length, NAME, "tumour", version)
    readings = tuple(Reading(name, value, level, outcome, f"{name} is {value}", *where) for name, value, level, outcome in said)  # type: ignore[arg-type] # fmt: skip
    return Look(start, start + length, "tumour", version, "champion", rows, readings)


class Project:
    """A project with an endpoint that was deployed, and rules."""

    def __init__(self, folder: Path, settings: str = "", *, started: float = T0) -> None:
        self.folder = folder
        self.rules(settings)
        Workspace(folder).state.put(Process("endpoint", NAME, 0, 0.0, 0, started, {"model": "tumour", "version": 1}))

    def rules(self, settings: str) -> None:
        (self.folder / "mlops.toml").write_text(f'tracking_uri = "http://127.0.0.1:9"\nuser = "tester"\n{settings}')

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.folder)

    def monitored(self, *looks: Look, length: float = HOUR) -> Monitored:
        last = max((look.end - 60 for look in looks if look.rows), default=None)
        return Monitored(NAME, length, looks, last=last)

    def see(self, *looks: Look, now: float | None = None, length: float = HOUR, last: float | None = None) -> Monitored:
        found = self.monitored(*looks, length=length)
        found = found if last is None else replace(found, last=last)
        return watch.after(self.workspace, found, now=looks[-1].end if now is None else now)

    @property
    def book(self) -> Book:
        return Keeper.of(self.workspace, NAME).read()

    @property
    def alerts(self) -> tuple[Alert, ...]:
        return self.book.alerts

    @property
    def log(self) -> list[str]:
        file = self.folder / ".mlops/monitoring/alerts.log"
        return file.read_text().splitlines() if file.exists() else []

    def states(self) -> list[str]:
        return ["rings" if alert.is_open else "over" for alert in self.alerts]
