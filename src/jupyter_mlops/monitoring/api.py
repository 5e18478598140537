"""The commands of monitoring: ``drift`` between any two tables, and ``monitor`` for what endpoints answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..command import Endpoint, Rows, Variable, command, name_of
from ..workspace import Workspace

if TYPE_CHECKING:
    from .alerting.results import Tested
    from .results import DriftReport
    from .watched import Monitored


@command()
def drift(*, reference: Rows, current: Rows) -> DriftReport:
    """Compare rows with a reference: which columns are distributed in another way, how much, and in what.

    Parameters
    ----------
    reference
        What it was like: a frame (Dask's too), anything of Arrow, or a Parquet or Arrow file of any size, or a folder/ of them.
    current
        What it is like now; likewise.

    Returns
    -------
    DriftReport
        With ``.ok`` (False: drift; None: inconclusive), ``report["age"].why``, ``.plot("age")`` and ``.frame()``.

    Raises
    ------
    InvalidUsage
        Where one of them is no table.
    NotFound
        Where there is no such file.
    """
    from .drifting import drift as compare

    settings = Workspace.here().settings
    names = name_of(reference, "the reference"), name_of(current, "the current rows")
    return compare(reference, current, names, settings.privacy.personal, settings.validation.data.shift)


@command()
def monitor(
    endpoint: Endpoint,
    *,
    window: str = "1h",
    since: str | None = None,
    profile: Variable = None,
    slice: list[str] | None = None,
    test_alert: bool = False,
) -> Monitored | Tested:
    """Look at what an endpoint was asked and has answered, beside what its version was trained on.

    Parameters
    ----------
    endpoint
        The name of the endpoint.
    window
        How much time is taken together: 30min, 1h, 1d.
    since
        All windows since then: 24h, yesterday, 2026-11-01; by default only the last one, up to now.
    profile
        What the version was trained on, where it was stored without a profile: it gets one.
    slice
        A column by whose values its performance and its drift in the last window are told too; again for more.
    test_alert
        Look at nothing; send a test to wherever its alerts go, and say what came of it.

    Returns
    -------
    Monitored
        With ``.alerts`` (what rings), ``.ok`` (False: drift; None: inconclusive), ``.readings``, ``report["age"].why``, ``.plot()`` and ``.frame()``.

    Raises
    ------
    NotFound
        Where there is no such endpoint.
    InvalidUsage
        Where a time is none, or the data for a profile lacks a column.
    """
    from dataclasses import replace

    from . import baseline, looking
    from .alerting import watch

    workspace = Workspace.here()
    if test_alert:
        from .alerting.results import Tested

        return Tested(endpoint, tuple(watch.test(workspace, watch.find(workspace, endpoint))))
    told = () if profile is None else (baseline.make(workspace, endpoint, profile),)
    found = watch.after(
        workspace,
        looking.look(workspace, endpoint, window, since, slices=[slice] if isinstance(slice, str) else slice or ()),
    )
    return replace(found, notes=(*told, *found.notes))
