"""How the best value of a metric has moved: over runs, over registered versions, with promotions and rollbacks."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..backend import audit, experiments, versions
from ..display import Badge, Card, Cell, Table, Time, View, ago, plots
from ..entities import CHAMPION, DURATION, is_own, own_first, smaller_is_better
from ..errors import InvalidUsage, NotFound, nearest
from ..moments import moment as moment_of
from ..result import Result
from ..workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from mlflow.entities import Run

_MOST_RUNS = 10_000
_MOST_ROWS = 15


@dataclass(frozen=True)
class Moment:
    """Something that happened.

    Attributes
    ----------
    at : float
        Seconds since the epoch.
    kind : str
        ``run``, ``version``, ``promote`` or ``rollback``.
    what, who, why : str
    value : float, optional
        Of the metric.
    is_best : bool
        Whether it was better than all runs before it.
    is_forced : bool
        Whether it is a promotion that the gate has not let through.
    """

    at: float
    kind: str
    what: str
    who: str
    value: float | None
    is_best: bool = False
    why: str = ""
    is_forced: bool = False


@dataclass(frozen=True, repr=False)
class History(Result):
    """The progress of an experiment by one metric; a better run is a step, a promotion a mark."""

    experiment: str
    metric: str
    moments: tuple[Moment, ...]

    def frame(self) -> pd.DataFrame:
        """Give a row for each run, version, promotion and rollback, oldest first."""
        import pandas as pd

        rows = [
            {
                "at": pd.Timestamp(moment.at, unit="s", tz="UTC"),
                "kind": moment.kind,
                "what": moment.what,
                "who": moment.who,
                self.metric: moment.value,
                "is_best": moment.is_best,
                "why": moment.why,
                "is_forced": moment.is_forced,
            }
            for moment in self.moments
        ]
        return pd.DataFrame(rows)

    def plot(self) -> Figure:
        """Draw each run as a point, the best so far as a line, and marks where the champion changed."""
        figure, [axes] = plots.draw(height=2.8)
        runs = [moment for moment in self.moments if moment.kind == "run" and _is_number(moment.value)]
        best = [moment for moment in runs if moment.is_best]
        if runs:
            axes.plot([_date(m) for m in runs], [m.value for m in runs], "o", ms=4, color=plots.COLOURS[6], label="run")
        if best:
            ends = [*best, max([*runs, *self.moments], key=lambda moment: moment.at)]
            heights = [*(m.value for m in best), best[-1].value]
            axes.step([_date(m) for m in ends], heights, where="post", color=plots.COLOURS[0], lw=1.8, label="best run")
        for kind, mark, colour in (("promote", "^", plots.COLOURS[2]), ("rollback", "v", plots.COLOURS[1])):
            marks = [moment for moment in self.moments if moment.kind == kind]
            # What has no value stands at the foot: it happened all the same.
            for known, scale in ((True, "data"), (False, "axes fraction")):
                these = [moment for moment in marks if _is_number(moment.value) == known]
                where = [(_date(moment), moment.value if known else 0.03) for moment in these]
                label = kind if known else f"{kind}, without {self.metric}"
                if where:
                    axes.plot(
                        *zip(*where, strict=True), mark, ms=8, color=colour, label=label, ls="",
                        transform=axes.transData if known else axes.get_xaxis_transform(),
                    )  # fmt: skip
                for moment, at in list(zip(these, where, strict=True))[-6:]:
                    axes.annotate(moment.what, at, xycoords=("data", scale), xytext=(4, 6), textcoords="offset points",
                                  fontsize=8, color=colour)  # fmt: skip
        axes.set_ylabel(self.metric)
        axes.margins(x=0.04, y=0.15)
        _dates(axes)
        if self.moments:
            plots.legend(axes, loc="upper left", bbox_to_anchor=(1, 1))
        return figure

    def view(self) -> View:
        """Draw the picture, and what moved it: better runs, versions, promotions and rollbacks."""
        runs = [moment for moment in self.moments if moment.kind == "run"]
        told = [moment for moment in self.moments if moment.kind != "run" or moment.is_best]
        rows = [self._row(moment) for moment in reversed(told[-_MOST_ROWS:])]
        note = f"{len(self.moments) - len(rows)} more: .frame()" if len(self.moments) > len(rows) else ""
        best = next((moment for moment in reversed(runs) if moment.is_best), None)
        facts: list[tuple[str, Cell]] = [("runs", f"{len(runs):,} with {self.metric}")]
        if best:
            facts.append(("best", f"{best.what} with {best.value:.4g}, {ago(best.at)} by {best.who}"))
        return Card(
            f"{self.experiment} by {self.metric}",
            facts=facts,
            pictures=[plots.picture(self.plot(), self._alt(best))] if runs else [],
            tables=[Table(("when", "what", "", self.metric, "who", "why"), rows, note=note)],
        )

    def _row(self, moment: Moment) -> tuple[Cell, ...]:
        tones = {"run": "idle", "version": "idle", "promote": "good", "rollback": "warn"}
        badge = Badge("best so far" if moment.kind == "run" else moment.kind, tones[moment.kind])  # type: ignore[arg-type]
        if moment.is_forced:
            badge = Badge(f"{moment.kind}, forced", "warn")
        return Time(moment.at), badge, moment.what, moment.value, moment.who, moment.why

    def _alt(self, best: Moment | None) -> str:
        reached = f"; the best is {best.value:.4g} of {best.what}" if best else ""
        return f"{self.metric} over time{reached}"


def history(workspace: Workspace, metric: str | None, since: str | None) -> History:
    """Put together what has moved a metric.

    Raises
    ------
    NotFound
        Where no run has the metric.
    """
    mlflow = workspace.mlflow
    begin = _begin(since) if since else 0.0
    experiment = experiments.experiment_id(mlflow, workspace.settings.experiment, create=False)
    runs = experiments.search(mlflow, experiment, "attributes.status = 'FINISHED'", most=_MOST_RUNS, children=False)
    name = _metric(runs, metric)
    told = [*_of_runs(reversed(runs), name), *_of_models(workspace, {run.info.run_id: run for run in runs}, name)]
    chosen = sorted((each for each in told if each.at >= begin), key=lambda each: each.at)
    return History(workspace.settings.experiment, name, tuple(chosen))


def _begin(since: str) -> float:
    """Read ``7d``, ``12h``, ``2w`` (ago), ``yesterday`` or a date such as ``2026-11-01``."""
    begin = moment_of(since.strip(), time.time())
    if begin is None:
        raise InvalidUsage(f"{since!r} is no time.", "--since 7d, 12h, 2w, yesterday or a date such as 2026-11-01")
    return begin


def _metric(runs: Sequence[Run], asked: str | None) -> str:
    """Take the metric that was asked for, else the one of people's own that most runs have."""
    known = Counter(name for run in runs for name in run.data.metrics if name != DURATION)
    if asked in known:
        return str(asked)
    if asked is not None:
        raise NotFound(f"No finished run has a metric {asked!r}.{nearest(asked, known)}", "%mlops runs")
    if not known:
        raise NotFound("No finished run has a metric yet.", "%mlops log accuracy=0.9 in the run's cell")
    own = [each for each in own_first(known) if is_own(each)] or own_first(known)
    return max(own, key=lambda name: known[name])


def _of_runs(runs: Iterable[Run], metric: str) -> Iterator[Moment]:
    """Tell of each run, oldest first, and whether it was the best until then."""
    best: float | None = None
    for run in runs:
        value = run.data.metrics.get(metric)
        if value is None:
            continue
        is_best = math.isfinite(value) and (
            best is None or (value < best if smaller_is_better(metric) else value > best)
        )
        best = value if is_best else best
        who = run.data.tags.get("mlflow.user", "")
        yield Moment(run.info.start_time / 1000, "run", str(run.info.run_name), who, value, is_best)


def _of_models(workspace: Workspace, runs: dict[str, Run], metric: str) -> Iterator[Moment]:
    """Tell of the versions that were made of these runs, and of when they became champion."""
    mlflow = workspace.mlflow
    found: dict[str, dict[str, Run]] = {}
    for version in versions.of_runs(mlflow, runs):
        found.setdefault(version.name, {})[str(version.version)] = runs[str(version.run_id)]
    for name, of_version in found.items():
        for stored in audit.read(mlflow, name):
            event = stored.event
            run = of_version.get(event.after)
            is_champion = event.action in ("promote", "rollback") and event.alias == CHAMPION
            if run is not None and (event.action == "register" or is_champion):
                kind = "version" if event.action == "register" else event.action
                yield Moment(
                    event.time,
                    kind,
                    f"{name}/{event.after}",
                    event.who.partition("@")[0],
                    run.data.metrics.get(metric),
                    why=event.because,
                    is_forced=event.is_forced,
                )


def _is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _date(moment: Moment) -> datetime:
    return datetime.fromtimestamp(moment.at, UTC).astimezone()


def _dates(axes: Any) -> None:
    """Write as much of a date as tells the marks apart."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(maxticks=7)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.xaxis.get_offset_text().set(color="#808080", fontsize=8)
