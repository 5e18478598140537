"""What a model answers to its own training data: all that is known of its performance until it is validated.

It flatters: no estimate is made of it, and nothing is judged by it.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd

from .reference import Reference
from .rows import Task

FLATTERS: Final = "all that is known is its performance on its training data, which flatters"
_ROWS, _PROBED = 5_000, 100
_SECONDS: Final = 0.4


def of_training(
    features: pd.DataFrame, target: Any, answer: Callable[[pd.DataFrame], Any], classes: Sequence[Any] | None
) -> dict[str, Any]:
    """Measure a model on what it was fitted on; empty where that can't be done.

    Parameters
    ----------
    features : DataFrame
    target : array-like of shape (n_rows,)
    answer : callable
        Gives the predictions for some rows.
    classes : sequence, optional
        ``classes_`` of a classifier.
    """
    try:
        truth = np.asarray(target)
        truth = truth[:, 0] if truth.ndim == 2 and truth.shape[1] == 1 else truth
        if truth.shape != (len(features),):
            return {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they have been shown where the model was fitted
            start = time.perf_counter()
            answer(features.iloc[:_PROBED])
            each = (time.perf_counter() - start) / min(_PROBED, len(features))
            rows = int(min(_ROWS, len(features), max(_PROBED, _SECONDS / max(each, 1e-9))))
            places = np.linspace(0, len(features) - 1, rows).round().astype(np.int64)
            predicted = answer(features.iloc[places])
        task: Task = "regressor" if classes is None else "classifier"
        found = Reference.learn(truth[places], predicted, classes=classes, task=task, source="train")
    except Exception:  # whatever a model makes of its own rows: it is stored, and can be validated
        return {}
    return replace(found, untrusted=FLATTERS).to_dict()
