"""When a mean has grown: a test that may be looked at after every row, and rings falsely at a known rate.

An e-detector (Shin, Ramdas and Rinaldo, 2023) of the Shiryaev-Roberts kind. Each row multiplies bets against "the mean is
no more than before" by 1 + stake * (loss - limit); a bet is fair or worse as long as that is true, whatever the losses'
distribution, and a new one is begun at every row. When the bets are worth as much as rows that one false alarm is
allowed in, it rings: the mean number of rows until a false alarm is at least that many.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
from scipy import special, stats

from .scores import Floats

PATIENCE: Final = 100_000
"""Rows until a false alarm, on the mean: one in ten weeks of 10,000 labels a week."""
_STAKES: Final = np.array(
    [0.01, 0.03, 0.06, 0.12, 0.25, 0.5, 0.85]
)  # of the largest there is: for small and large changes
_SURE: Final = 0.99  # the reference's own mean is uncertain: its upper limit is what must be exceeded


@dataclass(frozen=True)
class Detector:
    """What is known after some rows; a few numbers, which JSON holds.

    Attributes
    ----------
    limit : float
        The mean, as part of ``most``, up to which nothing has grown.
    most : float
        What losses are cut at: bets need to be bounded.
    patience : int
    rows : int
        How many have been seen.
    worth : tuple of float
        The logarithm of each stake's bets.
    begun, totals, amounts : tuple of float
        For each stake the row since which betting has paid, the logarithm of what it has paid since, and the losses since.
    rang : int, optional
        The row at which it first rang.
    since : int, optional
        The row since which the mean has grown, as it seemed then.
    grown : float, optional
        The mean from then until it rang, in the unit of the losses.
    mean : float
        That of the reference.
    """

    limit: float
    most: float = 1.0
    patience: int = PATIENCE
    rows: int = 0
    worth: tuple[float, ...] = ()
    begun: tuple[int, ...] = ()
    totals: tuple[float, ...] = ()
    amounts: tuple[float, ...] = ()
    rang: int | None = None
    since: int | None = None
    grown: float | None = None
    mean: float = 0.0

    @classmethod
    def of(cls, reference: Floats, *, tolerance: float = 0.0, patience: int = PATIENCE) -> Self:
        """Begin from the losses of a reference.

        Parameters
        ----------
        reference : array of float, of shape (n_rows,)
            Not negative. Of labels 0 or 1; of numbers, losses are cut at the largest but a thousandth of these.
        tolerance : float
            By how much the mean may grow before it matters, in the unit of the losses.
        patience : int
            Rows until a false alarm, on the mean.
        """
        most = 1.0 if np.isin(reference, (0.0, 1.0)).all() else float(np.quantile(reference, 0.999)) or 1.0
        part = np.minimum(reference, most) / most
        return cls.beginning(
            float(part.sum()), len(part), float(part.var()), most=most, tolerance=tolerance, patience=patience
        )

    @classmethod
    def beginning(
        cls,
        total: float,
        rows: int,
        variance: float,
        *,
        most: float = 1.0,
        tolerance: float = 0.0,
        patience: int = PATIENCE,
    ) -> Self:
        """Begin from sums of the losses, as parts of ``most``, by the upper limit of their mean.

        Of 0 and 1 it is Clopper's and Pearson's (1934), else Student's.
        """
        mean = total / rows
        if abs(variance - mean * (1 - mean)) < 1e-9:
            upper = float(stats.beta.ppf(_SURE, total + 1, rows - total)) if total < rows else 1.0
        else:
            upper = mean + float(stats.t.ppf(_SURE, max(1, rows - 1)) * np.sqrt(variance / rows))
        return cls(min(upper + tolerance / most, 1.0), most, patience, mean=mean * most)

    @property
    def rings(self) -> bool:
        """Whether the mean has grown."""
        return self.rang is not None

    def asked(self, tolerance: float, patience: int) -> Self:
        """Begin with another tolerance, in the unit of the losses, and patience."""
        return replace(self, limit=min(self.limit + tolerance / self.most, 1.0), patience=patience)

    def after(self, losses: Floats) -> Self:
        """Give what is known after more rows, in their order; those that are no numbers are left out."""
        losses = losses[np.isfinite(losses)]
        if not len(losses) or self.limit >= 1:
            return replace(self, rows=self.rows + len(losses))
        part = np.clip(losses / self.most, 0.0, 1.0)
        gains = np.log1p(_STAKES[:, None] / self.limit * (part - self.limit))
        worth = self._worth(gains)
        found = self._runs(gains, part)
        begun, totals, amounts = zip(*found, strict=True)
        now = replace(
            self,
            rows=self.rows + len(part),
            worth=tuple(worth[:, -1].tolist()),
            begun=begun,
            totals=totals,
            amounts=amounts,
        )
        if self.rings:
            return now
        over = np.flatnonzero(special.logsumexp(worth, axis=0) - np.log(len(_STAKES)) >= np.log(self.patience))
        if not len(over):
            return now
        until = int(over[0]) + 1
        since, _, amount = max(self._runs(gains[:, :until], part[:until]), key=lambda run: run[1])
        rang = self.rows + until
        return replace(now, rang=rang, since=since, grown=amount / max(1, rang - since) * self.most)

    def _worth(self, gains: Floats) -> Floats:
        """Give the logarithm of what the bets of each stake are worth after each row: those begun at any row before."""
        paid = np.cumsum(gains, axis=1)
        before = np.array(self.worth or [-np.inf] * len(_STAKES))[:, None]
        begun = np.hstack([before, np.zeros((len(gains), 1)), -paid[:, :-1]])
        return np.asarray(paid + np.logaddexp.accumulate(begun, axis=1)[:, 1:])

    def _runs(self, gains: Floats, part: Floats) -> list[tuple[int, float, float]]:
        """Find for each stake the row since which betting has paid, what it has paid, and the losses since.

        That is from the lowest point of all that has been paid (Page, 1954).
        """
        found = []
        for place, its in enumerate(gains):
            begun, total, amount = (self.begun[place], self.totals[place], self.amounts[place]) if self.begun else (self.rows, 0.0, 0.0)  # fmt: skip
            paid = np.r_[total, total + np.cumsum(its)]
            lowest = len(paid) - 1 - int(np.argmin(paid[::-1]))
            if paid[lowest] > 0:
                found.append((begun, float(paid[-1]), amount + float(part.sum())))
            else:
                found.append((self.rows + lowest, float(paid[-1] - paid[lowest]), float(part[lowest:].sum())))
        return found

    def to_dict(self) -> dict[str, Any]:
        """Give what JSON can hold."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in vars(self).items()
            if value is not None
        }

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """Read what ``to_dict`` has given."""
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()
        }
        return cls(**given)
