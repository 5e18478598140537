"""The command that mends what the checks of privacy find: ``mask``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ...command import File, Variable, command, name_of

if TYPE_CHECKING:
    from .results import Masked


@command()
def mask(
    data: Variable,
    *columns: str,
    how: Literal["hash", "drop", "generalise", "pseudonymise", "restore"] = "hash",
    mark: bool = True,
    to: File | None = None,
) -> Masked:
    """Mask personal columns of data in a new frame, and mark them as personal in mlops.toml.

    Parameters
    ----------
    data
        A frame or an array; it is left as it is.
    columns
        The columns to mask.
    how
        hash: by the project's key, the same value always the same; pseudonymise: so that restore with that key gives it
        back; generalise: bands of numbers, years of dates, the beginning of codes; drop: leave the column out.
    mark
        Mark the columns, so that examples, logs of endpoints and records of data don't show them.
    to
        A file to write the new frame to: .parquet or .csv.

    Returns
    -------
    Masked
        With the new frame as ``.data``, and the record.

    Raises
    ------
    InvalidUsage
        Where it is no table or lacks the column, or where a key is needed and there is no project.
    Conflict
        Where the file is there.
    """
    from . import masking

    return masking.mask(data, name_of(data, "df"), columns, how, is_marked=mark, to=Path(to) if to else None)
