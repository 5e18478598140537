"""The commands of monitoring: ``drift`` between any two tables, and ``monitor`` for what endpoints answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..command import Rows, command, name_of
from ..workspace import Workspace

if TYPE_CHECKING:
    from .results import DriftReport


@command()
def drift(*, reference: Rows, current: Rows) -> DriftReport:
    """Compare rows with a reference: which columns are distributed in another way, how much, and in what.

    Parameters
    ----------
    reference
        What it was like: a frame, anything of Arrow, or a Parquet or Arrow file of any size, or a folder/ of them.
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
