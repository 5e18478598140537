"""What a model answers to some of the rows that it was fitted on: enough to tell whether it was rebuilt."""

from __future__ import annotations

import warnings
from typing import Any

from ...backend.models import method_of
from ...result import plain
from ..fits import Fit

_MOST = 100  # rows, spread evenly


def answers_of(fit: Fit) -> dict[str, Any] | None:
    """Ask a fitted estimator.

    Returns
    -------
    dict, optional
        The method that was asked, and its ``values`` or its ``error``: what it answers to each of up to 100 rows, spread evenly over
        what the estimator was fitted on; None where it has no method that answers.
    """
    method = method_of(fit.estimator)
    rows = _some(fit.features)
    if method is None or rows is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they have been shown when the user's own code asked
        try:
            values = getattr(fit.estimator, method)(rows)
        except Exception as error:  # of the user's own class: the run is theirs, and goes on
            return {"method": method, "error": f"{type(error).__name__}: {error}"[:500]}
    return {"method": method, "values": plain(values.toarray() if hasattr(values, "toarray") else values)}


def _some(features: Any) -> Any:
    count = features.shape[0] if hasattr(features, "shape") else len(features) if hasattr(features, "__len__") else 0
    if not count:
        return None
    step = max(1, count // _MOST)
    if hasattr(features, "iloc"):
        return features.iloc[::step][:_MOST]
    return features[::step][:_MOST]
