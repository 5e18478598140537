"""Probabilities for a log that holds answers alone: the version is asked again, of the inputs that were logged.

It must give the answers that it gave then; where it doesn't, these are not the inputs, or not the model, that answered.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from ...statistics.performance.classes import codes_of, plain
from ...statistics.performance.rows import CHANCE
from .estimates import INPUT

_LEAST_SAME: Final = 0.999


def from_model(estimator: Any, frame: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Ask a classifier for the probabilities of logged rows.

    Parameters
    ----------
    estimator : estimator
        Of the version that answered all these rows, loaded as it is to be served.
    frame : DataFrame
        As ``ep.log()`` gives it.

    Returns
    -------
    DataFrame
        With the columns ``chance.CLASS``; as it was, where there is a reason.
    str
        Why there are none: personal columns that the log leaves out, a model without probabilities, other answers.
    """
    if not len(frame):
        return frame, "there were no predictions"
    if not hasattr(estimator, "predict_proba"):
        return frame, f"a {type(estimator).__name__} gives no probabilities"
    logged = [name for name in frame.columns if str(name).startswith(INPUT)]
    names = getattr(estimator, "feature_names_in_", None)
    wanted = logged if names is None else [f"{INPUT}{name}" for name in names]
    if missing := [name[len(INPUT) :] for name in wanted if name not in frame.columns]:
        return frame, f"the log leaves out {', '.join(missing[:3])}, which the model needs"
    if not wanted:
        return frame, "the log has no inputs"
    asked = frame[wanted].rename(columns={name: name[len(INPUT) :] for name in wanted}).reset_index(drop=True)
    try:
        chances = np.asarray(estimator.predict_proba(asked if names is not None else asked.to_numpy()), dtype=float)
        answers = estimator.classes_[chances.argmax(axis=1)]
    except Exception as error:  # whatever an estimator does with what it was not made for: hashed columns, other types
        return (
            frame,
            f"the model can't answer the logged inputs again ({type(error).__name__}): personal columns may be hashed",
        )
    classes = [plain(one) for one in estimator.classes_]
    if "prediction" in frame.columns:
        then, now = codes_of(frame["prediction"], classes), codes_of(answers, classes)
        clear = np.sort(chances, axis=1)[:, -1] - np.sort(chances, axis=1)[:, -2] > 1e-6 if chances.shape[1] > 1 else np.ones(len(then), bool)  # fmt: skip
        same = float((then == now)[clear].mean()) if clear.any() else 1.0
        if same < _LEAST_SAME:
            return frame, f"asked again, the model answers {100 * (1 - same):.1f}% of the rows otherwise than it did"
    return frame.assign(**{f"{CHANCE}{one}": chances[:, place] for place, one in enumerate(classes)}), ""
