"""Endpoints and alerts at a glance, for a face that looks often: files are read, nothing is computed, sent or changed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..errors import MlopsError
from ..serving import history as serving_history
from ..serving import listing
from ..serving.files import files_of
from ..serving.pulse import Pulse, asked, errors
from ..serving.results import Endpoint
from ..workspace import Workspace
from . import place
from .alerting.alert import Alert, Book
from .alerting.keeping import Keeper

_WINDOWS: Final = 30
_ALERTS: Final = 200
_LIGHTS: Final = {"pass": "ok", "fail": "drift"}


@dataclass(frozen=True)
class AlertRow:
    """An alert; ``silenced`` says until when, by whom and why it is not told."""

    id: str
    endpoint: str
    model: str
    version: int
    rule: str
    asked: str
    level: str
    value: float | None
    why: str
    opened: float
    recovered: float | None
    silenced: dict[str, Any] | None


@dataclass(frozen=True)
class AlertRows:
    """What rings first, then the newest."""

    alerts: list[AlertRow]
    ringing: int


@dataclass(frozen=True)
class Window:
    """What was seen in one window."""

    start: float
    end: float
    version: int
    outcome: str
    rows: int


@dataclass(frozen=True)
class EndpointRow:
    """An endpoint as a list shows it; ``errors`` is the share of requests since it was started."""

    name: str
    model: str
    version: int
    follows: str | None
    state: str
    url: str
    started: float
    requests_per_second: float | None
    p50_ms: float | None
    p99_ms: float | None
    requests: int
    errors: float | None
    canary: int | None
    shadow: int | None
    refused: str
    drift: str
    drift_says: str
    series: list[list[float]]
    alerts: int


@dataclass(frozen=True)
class EndpointRows:
    """The endpoints of the project on this machine."""

    endpoints: list[EndpointRow]


@dataclass(frozen=True)
class WholeEndpoint(EndpointRow):
    """An endpoint with its versions' figures, which version has answered from when on, and what monitoring saw last."""

    arms: list[dict[str, Any]]
    history: list[dict[str, Any]]
    windows: list[Window]
    alerting: list[AlertRow]


def list_endpoints(workspace: Workspace, pulse_of: Callable[[str], Pulse]) -> EndpointRows:
    """List the endpoints with what they do right now; ``pulse_of`` gives what earlier looks have counted of one."""
    ringing = [alert for alert in list_alerts(workspace).alerts if alert.recovered is None]
    return EndpointRows([_row(workspace, one, pulse_of(one.name), ringing) for one in listing.endpoints(workspace)])


def whole(workspace: Workspace, name: str, pulse_of: Callable[[str], Pulse]) -> WholeEndpoint:
    """Give one endpoint.

    Raises
    ------
    NotFound
        Where there is none, with the nearest names.
    """
    endpoint = listing.now(workspace, listing.process_of(workspace, name))
    alerts = [alert for alert in list_alerts(workspace).alerts if alert.endpoint == name]
    row = _row(workspace, endpoint, pulse_of(name), [alert for alert in alerts if alert.recovered is None])
    return WholeEndpoint(
        **vars(row),
        arms=[dict(arm) for arm in endpoint.arms],
        history=serving_history.read_history(files_of(workspace.state.folder, name).history),
        windows=[window for window, _ in _windows(workspace, name)],
        alerting=alerts,
    )


def list_alerts(workspace: Workspace) -> AlertRows:
    """List what rings and has rung, at all endpoints; what can't be read is left out."""
    found: list[AlertRow] = []
    now = time.time()
    for file in sorted(place.folder(workspace).glob("*/alerts/alerts.json")):
        try:
            book = Keeper(file.parent).read()
        except MlopsError:
            continue
        found += [_alert(alert, book, now) for alert in book.alerts]
    found.sort(key=lambda one: (one.recovered is not None, one.silenced is not None, -one.opened))
    return AlertRows(found[:_ALERTS], sum(one.recovered is None for one in found))


def _alert(alert: Alert, book: Book, now: float) -> AlertRow:
    silence = book.silence_of(alert.rule, now) if alert.is_open else None
    silenced = None if silence is None else {"until": silence.until, "who": silence.who, "reason": silence.reason}
    names = ("id", "endpoint", "model", "version", "rule", "asked", "level", "value", "why", "opened", "recovered")
    return AlertRow(**{name: getattr(alert, name) for name in names}, silenced=silenced)


def _row(workspace: Workspace, endpoint: Endpoint, pulse: Pulse, ringing: list[AlertRow]) -> EndpointRow:
    standing = files_of(workspace.state.folder, endpoint.name).standing()
    is_starting = endpoint.state == "not answering" and (standing is None or standing.state == "starting")
    champion: dict[str, Any] = next((dict(arm) for arm in endpoint.arms if arm["role"] == "champion" and int(arm["version"]) == endpoint.version), {})  # fmt: skip
    total = asked(endpoint.arms)
    pulse.see(total)
    light, says = _light(workspace, endpoint.name)
    return EndpointRow(
        name=endpoint.name,
        model=endpoint.model,
        version=int(endpoint.version),
        follows=endpoint.follows,
        state="starting" if is_starting else endpoint.state,
        url=endpoint.url,
        started=endpoint.started,
        requests_per_second=pulse.rate if endpoint.state == "serving" else None,
        p50_ms=champion.get("p50_ms"),
        p99_ms=champion.get("p99_ms"),
        requests=total,
        errors=errors(endpoint.arms),
        canary=endpoint.canary,
        shadow=endpoint.shadow,
        refused=endpoint.refused,
        drift=light,
        drift_says=says,
        series=pulse.series,
        alerts=sum(alert.endpoint == endpoint.name for alert in ringing),
    )


def _light(workspace: Workspace, name: str) -> tuple[str, str]:
    """Say what the last look at the champion came to, and why."""
    looked = _windows(workspace, name, most=1)
    if not looked:
        return "unknown", "Nobody has looked yet: %mlops monitor"
    window, why = looked[-1]
    return _LIGHTS.get(window.outcome, "unknown"), why


def _windows(workspace: Workspace, name: str, most: int = _WINDOWS) -> list[tuple[Window, str]]:
    """Read the latest windows that are kept on this machine, the oldest first."""
    folder = place.folder_of(workspace, name) / "history"
    try:
        files = sorted(folder.glob("*.json*"), key=_ended)[
            -2 * most - 10 :
        ]  # some are of a canary, or again with labels
    except OSError:
        return []
    found: dict[tuple[float, int], tuple[Window, str]] = {}
    for file in files:
        try:
            said = json.loads(file.read_text())
            if said["arm"] != "champion":
                continue
            why = next((one["why"] for one in said["readings"] if one["name"] == "drift"), "")
            window = Window(said["start"], said["end"], int(said["version"]), said["outcome"], int(said["rows"]))
        except (OSError, ValueError, KeyError, TypeError):  # it is being written, or torn
            continue
        found.setdefault((window.end, window.version), (window, str(why)))
    return list(found.values())[-most:]


def _ended(file: Path) -> int:
    head = file.name.partition("-")[0]
    return int(head) if head.isdigit() else 0
