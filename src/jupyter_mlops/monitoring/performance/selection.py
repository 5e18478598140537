"""Whether rows with labels are like those without: labels that come late, or only of some, are no random sample."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from ...statistics.alarms import judge
from ...statistics.measures import apart
from ...statistics.performance.rows import Rows
from ...statistics.sketches import Numbers, Words

_LEAST_ROWS: Final = 30  # of each kind


def unlike_the_rest(rows: Rows) -> str:
    """Say how the labelled rows differ from the others, by their predictions and probabilities; empty where they don't."""
    known = rows.labelled
    few = min(int(known.sum()), int((~known).sum()))
    if few < _LEAST_ROWS:
        return ""
    column = rows.frame["prediction"] if "prediction" in rows.frame.columns else pd.Series(rows.predicted)
    if rows.task == "regressor":
        reference = Numbers.learn(rows.predicted[~known])
        moved = judge({"prediction": apart(reference, reference.count(rows.predicted[known]))})
        if not any(each.rings for each in moved):
            return ""
        medians = [float(np.nanmedian(rows.predicted[part])) for part in (known, ~known)]
        return f"The {int(known.sum()):,} rows with labels are unlike the others: predicted {medians[0]:.4g} at the median, and {medians[1]:.4g}. The metrics are theirs alone."  # fmt: skip
    words = Words.learn(column[~known].value_counts())
    sides = {"prediction": apart(words, words.count(column[known].value_counts()))}
    if rows.chances is not None:
        top = rows.chances.max(axis=1)
        numbers = Numbers.learn(top[~known])
        sides["probability"] = apart(numbers, numbers.count(top[known]))
    rings = [each for each in judge(sides) if each.rings]
    if not rings:
        return ""
    if rings[0].column == "probability" and rows.chances is not None:
        sure = [float(np.nanmedian(rows.chances[part].max(axis=1))) for part in (known, ~known)]
        how = f"the model was {sure[0]:.2f} sure of them at the median, and {sure[1]:.2f} of the others"
    else:
        shares = [column[part].value_counts(normalize=True) for part in (known, ~known)]
        most = max(shares[0].index.union(shares[1].index), key=lambda name: abs(shares[0].get(name, 0) - shares[1].get(name, 0)))  # fmt: skip
        how = f"{100 * shares[0].get(most, 0):.0f}% of them were answered with {most}, and {100 * shares[1].get(most, 0):.0f}% of the others"  # fmt: skip
    return f"The {int(known.sum()):,} rows with labels are unlike the others: {how}. The metrics are theirs alone."
