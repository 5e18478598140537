"""What each panel shows: a look at the project, as a card or a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from ..backend import reports
from ..display import Badge, Card, Cell, Table, Time, View, span
from ..entities import is_own, own_first, typed
from ..errors import NotFound
from ..registry import browsing as registry
from ..registry.gate import TONES
from ..serving import listing
from ..serving.pulse import asked, errors
from ..serving.results import Endpoints
from ..tracking import browsing as tracking
from ..tracking.results import status_badge
from ..workspace import Onlooker, Workspace

_MOST: Final = 15
_METRICS: Final = 3


def look_of(what: str, workspace: Onlooker, endpoint: str, window: str) -> Callable[[], View]:
    """Give what sees a panel's view, each time anew: the settings may have changed."""
    if what == "monitoring":
        return partial(monitoring, workspace.root, endpoint, window)
    look = {"runs": runs, "models": models, "validation": validation, "endpoints": endpoints}[what]
    return lambda: look(Onlooker(workspace.root))


def endpoint_of(workspace: Onlooker, name: str | None) -> str:
    """Choose the endpoint that is monitored.

    Raises
    ------
    NotFound
        Where there is none, or none of this name.
    """
    if name is not None:
        return listing.process_of(workspace, name).name
    found = workspace.state.all(listing.KIND)
    if not found:
        raise NotFound("There is no endpoint to monitor yet.", "%mlops deploy NAME@champion")
    return found[-1].name


def runs(workspace: Onlooker) -> View:
    """Show the newest runs, with the metrics that people have logged."""
    page = tracking.list_runs(workspace, limit=_MOST)
    names = own_first(dict.fromkeys(name for row in page.runs for name in row.metrics))
    shown = ([name for name in names if is_own(name)] or names)[:_METRICS]
    rows: list[Sequence[Cell]] = [
        (
            f"run:{row.run_id[:6]}",
            row.name,
            status_badge(row.status),
            Time(row.started),
            span(row.ended - row.started) if row.ended else "",
            *(row.metrics.get(name) for name in shown),
        )
        for row in page.runs
    ]
    return Table(
        ("run", "name", "status", "started", "took", *shown),
        rows,
        title=f"Runs of {workspace.settings.experiment}",
        empty="No run yet: %%mlops run NAME, and the cell that fits the model.",
        note="older ones: %mlops runs --page 2" if page.next else "",
    )


def models(workspace: Onlooker) -> View:
    """Show the models that have changed last."""
    page = registry.list_models(workspace, limit=_MOST)
    rows: list[Sequence[Cell]] = [
        (
            model.name,
            f"{model.name}/{model.latest}" if model.latest else "",
            ", ".join(f"@{alias} {number}" for alias, number in sorted(model.aliases.items())),
            Time(model.updated),
        )
        for model in page.models
    ]
    return Table(
        ("model", "newest", "aliases", "changed"),
        rows,
        title="Registered models",
        empty="No registered model yet: %mlops register NAME --run last",
        note="there are more: %mlops models" if page.next else "",
    )


def validation(workspace: Onlooker) -> View:
    """Show what the reports on data and models came to, of the newest runs that have one."""
    kinds = ("data", "model")
    found: dict[str, tracking.Row] = {}
    outcomes: dict[tuple[str, str], str] = {}
    for kind in kinds:
        tag = reports.TAG + kind
        for row, value in tracking.with_tag(workspace, tag, most=_MOST):
            found[row.run_id] = row
            outcomes[row.run_id, kind] = value.partition(" ")[0]
    newest = sorted(found.values(), key=lambda row: -row.started)[:_MOST]
    rows: list[Sequence[Cell]] = [
        (
            f"run:{row.run_id[:6]}",
            row.name,
            Time(row.started),
            *(_outcome(outcomes.get((row.run_id, kind), "none")) for kind in kinds),
        )
        for row in newest
    ]
    failed = sum("fail" in {outcomes.get((row.run_id, kind)) for kind in kinds} for row in newest)
    table = Table(
        ("run", "name", "started", "data", "model"),
        rows,
        empty="No report yet: %mlops validate data df --run last, %mlops validate model NAME --data test --target y",
    )
    badge = (Badge(f"{failed} failed", "bad") if failed else Badge("none failed", "good")) if rows else None
    return Card("Validation", badge, tables=[table])


def endpoints(workspace: Onlooker) -> View:
    """Show the endpoints, and what they have answered."""
    found = Endpoints(tuple(listing.endpoints(workspace)))
    view = found.view()
    if not found.rows or not isinstance(view, Table):
        return view
    columns = [*view.columns, "answered", "errors", "p50", "p99"]
    rows = [[*row, *_figures(endpoint.arms)] for row, endpoint in zip(view.rows, found.rows, strict=True)]
    return Table(columns, rows, title=view.title, note=view.note, empty=view.empty)


def monitoring(root: Path, endpoint: str, window: str) -> View:
    """Show the last window of an endpoint, beside what its version was trained on; its rules are judged, as by ``monitor``."""
    from ..monitoring import looking
    from ..monitoring.alerting import watch

    Onlooker(root).mlflow.check()  # a server that somebody has stopped is not started again by who only looks
    workspace = Workspace(root)
    view = watch.after(workspace, looking.look(workspace, endpoint, window, None)).view()
    return replace(view, next=f"%mlops monitor {typed(endpoint)}") if isinstance(view, Card) else view


def closed(names: Sequence[str]) -> View:
    """Say which panels were closed."""
    return Card(f"Closed: {', '.join(names)}." if names else "No panel was open.")


def _outcome(outcome: str) -> Cell:
    return "" if outcome == "none" else Badge(outcome, TONES.get(outcome, "idle"))


def _figures(arms: Sequence[Mapping[str, Any]]) -> list[Cell]:
    champion: Mapping[str, Any] = next((arm for arm in arms if arm["role"] == "champion"), {})
    share = errors(arms)
    p50, p99 = (champion.get(name) for name in ("p50_ms", "p99_ms"))
    return [
        asked(arms),
        "" if share is None else f"{share:.2%}",
        *("" if value is None else f"{value:.3g} ms" for value in (p50, p99)),
    ]
