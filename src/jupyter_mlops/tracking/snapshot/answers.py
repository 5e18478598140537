"""What a model answers to some of the rows that it was fitted on: enough to tell whether it was rebuilt."""

from __future__ import annotations

import warnings
from typing import Any

from ...backend.models import method_of
from ...result import plain
from ..fits import Fit


def answers_of(fit: Fit) -> dict[str, Any] | None:
    """Ask a fitted estimator.

    Returns
    -------
    dict, optional
        The method that was asked, and its ``values`` or its ``error``: what it answers to each of up to 100 rows, spread evenly over
        what the estimator was fitted on; None where it has no method that answers.
    """
    method = method_of(fit.estimator)
    rows = fit.features.rows() if fit.features else None
    if method is None or rows is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they have been shown when the user's own code asked
        try:
            values = getattr(fit.estimator, method)(rows)
        except Exception as error:  # of the user's own class: the run is theirs, and goes on
            return {"method": method, "error": f"{type(error).__name__}: {error}"[:500]}
    return {"method": method, "values": plain(values.toarray() if hasattr(values, "toarray") else values)}
