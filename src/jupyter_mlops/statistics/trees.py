"""A regressor as a few kilobytes of JSON: boosted trees (Friedman, 2001), fitted by scikit-learn.

Read back without it: what is stored outlives its versions, and runs no code.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import pandas as pd

from .scores import Floats

MOST_ROWS: Final = 50_000  # that it is fitted on
MOST_CATEGORIES: Final = 50
TREES: Final = 60
LEAVES: Final = 8  # of a tree, grown where it tells most
_DEEPEST: Final = 8
_STEPS: Final = 6.0  # trees by their pace: what the first have left, all together leave a four-hundredth of
_OFTEN: Final = 5  # rows of a category whose mean is kept: nor is that one of a single person
_LEAST_IN_LEAF: Final = 0.005  # a leaf is no single person

_Columns = Mapping[str, Mapping[str, float] | None]
_Tree = tuple[Any, Any, Any, Any, Any]


@dataclass(frozen=True)
class Trees:
    """What is expected of a row, by its columns.

    Attributes
    ----------
    columns : mapping of str to mapping, optional
        The columns that are asked; one of categories has a number for each of them.
    base, pace : float
        What is expected of any row, and how much of each tree counts.
    trees : sequence of (features, thresholds, lefts, rights, values)
        A node of feature -1 is a leaf.
    """

    columns: _Columns
    base: float
    pace: float
    trees: Sequence[_Tree]

    @classmethod
    def learn(cls, frame: pd.DataFrame, target: Floats, *, trees: int = TREES, leaves: int = LEAVES) -> Self:
        """Fit it.

        Parameters
        ----------
        frame : DataFrame
            Numbers, truths and categories; columns of more than 50 categories are left out.
        target : array of float, of shape (n_rows,)
        trees, leaves : int
            How many, and of how many leaves each.
        """
        from sklearn.ensemble import GradientBoostingRegressor

        some = np.random.default_rng(0).permutation(len(frame))[:MOST_ROWS]
        frame, target = frame.iloc[some], target[some]
        columns = {
            str(name): codes for name, codes in ((name, _codes(frame[name], target)) for name in frame) if codes != {}
        }
        base, pace = float(target.mean()), min(0.5, _STEPS / trees)
        if not columns or not len(target):
            return cls(columns, base, 0.0, [])
        fitted = GradientBoostingRegressor(
            n_estimators=trees,
            learning_rate=pace,
            max_depth=_DEEPEST,
            max_leaf_nodes=leaves,
            subsample=0.5,
            min_samples_leaf=max(1, int(_LEAST_IN_LEAF * len(target))),
            init="zero",
            random_state=0,
        ).fit(_numbers(frame, columns), target - base)
        return cls(columns, base, pace, [_plain(each[0].tree_) for each in fitted.estimators_])

    def predict(self, frame: pd.DataFrame) -> Floats:
        """Give what is expected of each row; a column that is not there is missing in all of them."""
        rows = _numbers(frame, self.columns)
        found = np.full(len(frame), self.base)
        every = np.arange(len(frame))
        for features, thresholds, lefts, rights, values in self.trees:
            node = np.zeros(len(frame), dtype=np.int64)
            for _ in range(_DEEPEST):
                goes_left = rows[every, features[node]] <= thresholds[node]
                node = np.where(features[node] < 0, node, np.where(goes_left, lefts[node], rights[node]))
            found += self.pace * values[node]
        return found

    def to_dict(self) -> dict[str, Any]:
        """Give what JSON can hold."""
        return {
            "columns": dict(self.columns),
            "base": self.base,
            "pace": self.pace,
            "trees": [[side.tolist() for side in tree] for tree in self.trees],
        }

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """Read what ``to_dict`` has given."""
        trees = [tuple(np.array(side) for side in tree) for tree in stored["trees"]]
        return cls(stored["columns"], float(stored["base"]), float(stored["pace"]), trees)  # type: ignore[arg-type]


def _codes(column: pd.Series[Any], target: Floats) -> dict[str, float] | None:
    """Give each category its mean as a number, so that trees can split between them; None for numbers, {} to leave out."""
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        return None
    texts = pd.Series(_texts(column))
    counts = texts.value_counts()
    if len(counts) > MOST_CATEGORIES:
        return {}
    means = {str(name): mean for name, mean in pd.Series(target).groupby(texts).mean().items()}
    return {name: float(f"{mean:.6g}") for name, mean in means.items() if counts[name] >= _OFTEN}


def _texts(column: pd.Series[Any]) -> Any:
    """Write categories as text; among missing ones whole numbers have become 7.0."""
    column = column.astype(object)
    if not column.map(lambda value: isinstance(value, Hashable)).all():  # lists and the like
        column = column.map(str)
    codes, values = pd.factorize(column, use_na_sentinel=True)
    names = [str(int(value)) if isinstance(value, float) and value.is_integer() else str(value) for value in values]
    return np.array([*names, "nan"], dtype=object)[codes]  # -1 is missing, and the last


def _numbers(frame: pd.DataFrame, columns: _Columns) -> Floats:
    """Write rows as numbers; what is missing, and what is new, lies below all else."""
    found = np.full((len(frame), len(columns)), -_FAR)
    for place, (name, codes) in enumerate(columns.items()):
        if name not in frame.columns:
            continue
        column = frame[name]
        if codes is not None:
            values = pd.Series(_texts(column)).map(codes)
        elif pd.api.types.is_datetime64_any_dtype(column):
            values = column.astype("int64") / 1e9
        else:
            values = pd.to_numeric(column, errors="coerce")
        found[:, place] = np.nan_to_num(
            values.to_numpy(dtype=float, na_value=np.nan), nan=-_FAR, posinf=_FAR, neginf=-_FAR
        )
    return np.asarray(np.clip(found, -_FAR, _FAR).astype(np.float32), dtype=np.float64)  # as scikit-learn splits them


_FAR: Final = 1e30


def _plain(tree: Any) -> _Tree:
    features = np.where(tree.children_left < 0, -1, tree.feature)
    thresholds = np.array([float(f"{value:.7g}") for value in tree.threshold])
    values = np.array([float(f"{value:.4g}") for value in tree.value[:, 0, 0]])
    return (
        features,
        thresholds,
        tree.children_left.copy(),
        tree.children_right.copy(),
        np.where(features < 0, values, 0.0),
    )
