"""A figure and how sure it is; where there is none, why."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, Self

from scipy import special, stats

LEVEL: Final = 0.95
_NOTHING: Final = 1e-9
Kind = Literal["share", "positive", "any"]


@dataclass(frozen=True)
class Measured:
    """A figure with its interval, or the reason why it can't be told.

    Attributes
    ----------
    value, low, high : float, optional
        The figure, and between what it lies in 95 of 100 cases; None is inconclusive.
    error : float, optional
        Its standard error.
    rows : int
        Of how many rows.
    why : str
        The reason, where there is no figure.
    estimated : bool
        Whether no label has been seen: it is a guess by what was true of the reference.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    error: float | None = None
    rows: int = 0
    why: str = ""
    estimated: bool = False

    @property
    def conclusive(self) -> bool:
        """Whether there is a figure."""
        return self.value is not None

    def to_dict(self) -> dict[str, Any]:
        """Give what JSON can hold."""
        return {
            name: value
            for name, value in asdict(self).items()
            if value is not None and value is not False and value != ""
        }

    @classmethod
    def read(cls, stored: dict[str, Any]) -> Self:
        """Read what ``to_dict`` has given."""
        return cls(**stored)


def unknown(why: str, rows: int = 0, *, estimated: bool = False) -> Measured:
    """Say that a figure can't be told, and why."""
    return Measured(rows=rows, why=why, estimated=estimated)


def measured(
    value: float, error: float, rows: int, kind: Kind = "any", *, support: float = 0.0, estimated: bool = False
) -> Measured:
    """Put an interval around a figure by its standard error.

    Parameters
    ----------
    value, error : float
    rows : int
    kind : {"share", "positive", "any"}
        Between 0 and 1: Wilson's interval (1927) for as many rows as the error is worth, as surveys have it (Franco,
        Little, Louis and Slud, 2019). Above 0: on the logarithm's scale, since errors are skewed. Any: Student's.
    support : float
        The rows that a share is of, where its error is 0 as nothing, or everything, has been right.
    """
    if not (math.isfinite(value) and math.isfinite(error)):
        return unknown("it is not defined for these rows", rows, estimated=estimated)
    if kind == "share":
        value = min(max(value, 0.0), 1.0)  # sums of parts may be a last digit beyond
        low, high = _wilson(value, error, support or rows)
    else:
        half = float(stats.t.ppf((1 + LEVEL) / 2, max(rows - 1, 1))) * error
        grown = math.exp(min(half / value, 50.0)) if kind == "positive" and value > 0 else 0.0
        low, high = (value / grown, value * grown) if grown else (value - half, value + half)
    return Measured(value, low, high, error, rows, estimated=estimated)


def _wilson(value: float, error: float, support: float) -> tuple[float, float]:
    size = value * (1 - value) / error**2 if error > _NOTHING and 0 < value < 1 else support
    z2 = float(special.ndtri((1 + LEVEL) / 2)) ** 2
    middle = (value + z2 / (2 * size)) / (1 + z2 / size)
    half = math.sqrt(z2 * (value * (1 - value) / size + z2 / (4 * size**2))) / (1 + z2 / size)
    return min(value, max(0.0, middle - half)), max(value, min(1.0, middle + half))
