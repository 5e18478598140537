"""What a probability was worth: the map from what a model says to how often it was so, and whether the two agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from scipy import special

from .measured import Measured, measured, unknown
from .scores import LEAST_ROWS, Classified, Floats

_MOST_PLACES: Final = 50_000
_BINS: Final = 15
_FOLDS: Final = 5


@dataclass(frozen=True)
class Steps:
    """An isotonic map: it rises from one step to the next, and each step is a share of some rows.

    Attributes
    ----------
    begins, ends : array of float, of shape (n_steps,)
        From where to where, in what was said.
    shares : array of float, of shape (n_steps,)
        How often it was so.
    rows : array of int, of shape (n_steps,)
    """

    begins: Floats
    ends: Floats
    shares: Floats
    rows: Floats

    @classmethod
    def learn(cls, said: Floats, was: Floats) -> Self:
        """Fit it: a few hundred steps, however many the rows are."""
        from sklearn.isotonic import isotonic_regression

        places, which = np.unique(said, return_inverse=True)
        if len(places) > _MOST_PLACES:  # of so many, neighbours are one
            parts = np.array_split(np.argsort(said, kind="stable"), _MOST_PLACES)
            which = np.empty(len(said), dtype=np.int64)
            for number, part in enumerate(parts):
                which[part] = number
            places = np.bincount(which, said) / np.bincount(which)
        rows = np.bincount(which).astype(np.float64)
        fitted = isotonic_regression(np.bincount(which, was) / rows, sample_weight=rows, y_min=0, y_max=1)
        starts = np.flatnonzero(np.r_[True, np.diff(fitted) > 0])
        lasts = np.r_[starts[1:], len(fitted)] - 1
        return cls(places[starts], places[lasts], fitted[starts], np.add.reduceat(rows, starts))

    def __call__(self, said: Floats) -> Floats:
        """Give how often it was so, of what is said."""
        places = np.column_stack([self.begins, self.ends]).reshape(-1)
        return np.asarray(np.interp(said, places, np.repeat(self.shares, 2)))

    def noise(self, said: Floats, pull: Floats) -> float:
        """Give the variance that the steps' own rows leave, where each row pulls by so much (the delta method)."""
        step = np.searchsorted((self.ends[:-1] + self.begins[1:]) / 2, said)
        pulled = np.bincount(step, pull, len(self.rows))
        share = (self.shares * self.rows + 0.5) / (self.rows + 1)  # a share of 0 is not sure either
        return float((pulled**2 * share * (1 - share) / self.rows).sum())


@dataclass(frozen=True)
class Calibration:
    """How often it was so, by what the model had said: for each class an isotonic map (Zadrozny and Elkan, 2002).

    Attributes
    ----------
    maps : sequence of Steps
        For each class; of two classes the second's alone.
    """

    maps: Sequence[Steps]

    @classmethod
    def learn(cls, chances: Floats, truth: Floats) -> Self:
        """Take a reference.

        Parameters
        ----------
        chances, truth : array of float, of shape (n_rows, n_classes)
        """
        classes = range(chances.shape[1]) if chances.shape[1] > 2 else [1]
        return cls([Steps.learn(chances[:, one], truth[:, one]) for one in classes])

    def __call__(self, chances: Floats) -> Floats:
        """Give the probabilities that the model should have given."""
        if len(self.maps) == 1:
            second = self.maps[0](chances[:, 1])
            return np.column_stack([1 - second, second])
        found = np.column_stack([each(chances[:, one]) for one, each in enumerate(self.maps)])
        total = found.sum(axis=1, keepdims=True)
        return np.asarray(np.where(total > 0, found / np.where(total > 0, total, 1), chances))

    def noise(self, chances: Floats, influence: Floats) -> float:
        """Give the standard error that the map leaves a metric of these rows, by their influence."""
        if len(self.maps) == 1:
            pulls = [(influence[:, 1] - influence[:, 0])]
            said = [chances[:, 1]]
        else:
            middle = (influence * chances).sum(axis=1)
            pulls = [influence[:, one] - middle for one in range(len(self.maps))]
            said = list(chances.T)
        found = (each.noise(its, pull / len(chances)) for each, its, pull in zip(self.maps, said, pulls, strict=True))
        return float(np.sqrt(sum(found)))

    def to_dict(self) -> dict[str, Any]:
        """Give what JSON can hold."""
        return {"maps": [{name: np.round(side, 6).tolist() for name, side in vars(each).items()} for each in self.maps]}

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """Read what ``to_dict`` has given."""
        return cls(
            [Steps(**{name: np.array(side, dtype=float) for name, side in each.items()}) for each in stored["maps"]]
        )


def cross_fitted(chances: Floats, truth: Floats) -> Floats:
    """Calibrate each row by a map of others: what the map would have said of rows that it has not seen."""
    fold = np.random.default_rng(0).integers(0, _FOLDS, len(chances))
    found = np.empty_like(chances)
    for number in range(_FOLDS):
        out = fold == number
        found[out] = Calibration.learn(chances[~out], truth[~out])(chances[out])
    return found


@dataclass(frozen=True)
class Reliability:
    """Whether probabilities are what they say.

    Attributes
    ----------
    off : Measured
        By how much they are too high, on the mean: of two classes those of the second; of more that of the answer.
    gap : float, optional
        How far what is said lies from what is, typically: the root of the mean square over bins, without what chance
        gives it (Bröcker, 2012; Kumar, Liang and Ma, 2019).
    p : float, optional
        Of Spiegelhalter's test (1986), if they were right.
    bins : sequence of (said, was, low, high)
        The reliability curve, with Wilson's intervals.
    """

    off: Measured
    gap: float | None = None
    p: float | None = None
    bins: Sequence[tuple[float, float, float, float]] = ()

    def to_dict(self) -> dict[str, Any]:
        """Give what JSON can hold."""
        return {"off": self.off.to_dict(), "gap": self.gap, "p": self.p, "bins": [list(each) for each in self.bins]}

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """Read what ``to_dict`` has given."""
        bins = [(said, was, low, high) for said, was, low, high in stored["bins"]]
        return cls(Measured.read(stored["off"]), stored["gap"], stored["p"], bins)


def reliability(rows: Classified) -> Reliability:
    """Hold the probabilities against the labels."""
    if rows.chances is None:
        return Reliability(unknown("there are no probabilities", len(rows)))
    if len(rows) < LEAST_ROWS:
        return Reliability(unknown(f"{len(rows):,} rows; {LEAST_ROWS} are needed", len(rows)))
    two = rows.truth.shape[1] == 2
    place = np.ones(len(rows), dtype=np.int64) if two else rows.chances.argmax(axis=1)
    every = np.arange(len(rows))
    said, was = rows.chances[every, place], rows.truth[every, place]
    each = said - was
    off = measured(float(each.mean()), float(each.std(ddof=1) / np.sqrt(len(each))), len(each))
    spread = float(((1 - 2 * said) ** 2 * said * (1 - said)).sum())
    z = float(((was - said) * (1 - 2 * said)).sum()) / np.sqrt(spread) if spread > 0 else np.nan
    bins = [_bin(said[part], was[part]) for part in _parts(said) if len(part) > 1]
    return Reliability(off, gap(said, was), float(2 * special.ndtr(-abs(z))) if np.isfinite(z) else None, bins)


def gap(said: Floats, was: Floats) -> float:
    """Give how far what is said lies from what is, typically, without what chance gives it."""
    total = 0.0
    for part in _parts(said):
        if len(part) > 1:
            share, mean = float(was[part].mean()), float(said[part].mean())
            total += len(part) * ((share - mean) ** 2 - share * (1 - share) / (len(part) - 1))
    return float(np.sqrt(max(0.0, total / len(said))))


def _parts(said: Floats) -> list[Any]:
    return np.array_split(np.argsort(said, kind="stable"), min(_BINS, max(1, len(said) // 10)))


def _bin(said: Floats, was: Floats) -> tuple[float, float, float, float]:
    share = float(was.mean())
    its = measured(share, float(np.sqrt(share * (1 - share) / len(was))), len(was), "share")
    return float(said.mean()), share, float(its.low or 0.0), float(1.0 if its.high is None else its.high)
