"""The errors of a regressor that its features let expect: direct loss estimation.

Trees learn the absolute error from the features and the prediction, and others by how much its square exceeds the square
of that; on rows without labels the means are the estimated MAE and MSE. It is true as long as errors hang on the features as they did; concept drift is not seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import pandas as pd

from ..measured import Measured, measured
from ..scores import Floats
from ..trees import Trees

_LEAST_ROWS: Final = 300
_LEAST_HELD_OUT: Final = 0.2
_MOST_OFF: Final = 4.0  # standard errors, of rows that the trees have not seen
_PREDICTED: Final = "prediction"
_PARTS: Final = 20
_TREES, _LEAVES, _TREES_OF_EXCESS = 40, 32, 12
_LEAST_ERROR: Final = 0.05  # of the mean one


@dataclass(frozen=True)
class Noise:
    """How uncertain a mean of expected errors is, by the rows of the reference that were like them.

    Attributes
    ----------
    edges : array of float, of shape (n_parts - 1,)
        Between parts of the reference, by the error that was expected.
    variances : array of float, of shape (n_parts,)
        Of the mean of what the errors were beyond that, in each.
    """

    edges: Floats
    variances: Floats

    @classmethod
    def learn(cls, expected: Floats, beyond: Floats) -> Self:
        """Take a reference."""
        edges = np.unique(np.quantile(expected, np.arange(1, _PARTS) / _PARTS))
        part = np.searchsorted(edges, expected)
        rows, squares = (np.bincount(part, weights, len(edges) + 1) for weights in (None, beyond**2))
        return cls(edges, squares / np.maximum(rows, 1) ** 2)

    def __call__(self, expected: Floats) -> float:
        """Give the standard error of the mean of some."""
        part = np.bincount(np.searchsorted(self.edges, expected), minlength=len(self.variances)) / len(expected)
        return float(np.sqrt((part**2 * self.variances).sum()))

    def to_dict(self) -> list[Any]:
        """Give what JSON can hold."""
        return [self.edges.tolist(), self.variances.tolist()]


@dataclass(frozen=True)
class Expected:
    """What errors are expected of rows.

    Attributes
    ----------
    absolute, excess : Trees
        What is expected of an error, and of its square in parts of that one's square.
    least : float
        What is expected of any error.
    peak : float
        The mean fourth power of the errors by that of their square's expectation: how uncertain squares are.
    noise : (Noise, Noise)
        How uncertain the absolute and the squared errors are, of rows of the reference that were held out.
    """

    absolute: Trees
    excess: Trees
    least: float
    peak: float
    noise: tuple[Noise, Noise]

    @classmethod
    def learn(cls, features: pd.DataFrame, predicted: Floats, truth: Floats) -> tuple[Self | None, str]:
        """Learn from a reference; second, why it can't be trusted."""
        rows = len(truth)
        if rows < _LEAST_ROWS:
            return None, f"{rows:,} rows are too few to learn errors from; it takes {_LEAST_ROWS}"
        asked = features.assign(**{_PREDICTED: predicted})
        error = np.abs(truth - predicted)
        held = np.random.default_rng(0).random(rows) < _LEAST_HELD_OUT
        trial = Trees.learn(asked[~held], error[~held], trees=_TREES, leaves=_LEAVES)
        guessed = trial.predict(asked[held])
        off = error[held] - guessed
        worst = abs(float(off.mean())) / max(float(off.std(ddof=1)) / np.sqrt(held.sum()), 1e-300)
        absolute, least = Trees.learn(asked, error, trees=_TREES, leaves=_LEAVES), float(error.mean()) * _LEAST_ERROR
        likely = np.maximum(absolute.predict(asked), least or 1.0)  # without any errors none is expected
        excess = Trees.learn(asked, (error / likely) ** 2, trees=_TREES_OF_EXCESS)
        spread = np.maximum(likely**2 * excess.predict(asked), likely**2 * _LEAST_ERROR)
        peak = float(np.mean(error**4) / np.mean(spread**2))
        noise = Noise.learn(guessed, off), Noise.learn(spread[held], (error**2 - spread)[held])
        far = f"expected errors are {worst:.1f} standard errors off on rows that were held out"
        return cls(absolute, excess, least, peak, noise), "" if worst <= _MOST_OFF else far

    def estimate(self, features: pd.DataFrame, predicted: Floats) -> dict[str, Measured]:
        """Estimate the metrics of rows without labels."""
        asked, rows = features.assign(**{_PREDICTED: predicted}), len(predicted)
        absolute = np.maximum(self.absolute.predict(asked), self.least)
        square = absolute**2 * np.maximum(self.excess.predict(asked), 1.0)  # a variance is not negative
        mae, mse = float(absolute.mean()), float(square.mean())
        error = np.hypot(np.sqrt((square - absolute**2).sum()) / rows, self.noise[0](absolute))
        of_square = np.hypot(np.sqrt(max(0.0, self.peak - 1) * (square**2).sum()) / rows, self.noise[1](square))
        rmse = float(np.sqrt(mse))
        return {
            "mae": measured(mae, float(error), rows, "positive", estimated=True),
            "rmse": measured(rmse, float(of_square) / (2 * rmse) if rmse else 0.0, rows, "positive", estimated=True),
        }

    def to_dict(self) -> dict[str, Any]:
        """Give what JSON can hold."""
        return {
            "absolute": self.absolute.to_dict(),
            "excess": self.excess.to_dict(),
            "least": self.least,
            "peak": self.peak,
            "noise": [its.to_dict() for its in self.noise],
        }

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """Read what ``to_dict`` has given."""
        noise = tuple(Noise(*map(np.array, its)) for its in stored["noise"])
        return cls(Trees.read(stored["absolute"]), Trees.read(stored["excess"]), stored["least"], stored["peak"], noise)  # type: ignore[arg-type]
