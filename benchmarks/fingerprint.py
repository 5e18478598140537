"""The digest of 1,000,000 x 20, beside the one that MLflow gives a data set."""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path
from timeit import timeit

from measure import Claim, Report, alternate, ratio

ROWS = 1_000_000
ROUNDS = 7
AIM_SECONDS = 1.0
OURS, OURS_WIDE, PEER = "`fingerprint(frame)`", "the same of numbers only", "`mlflow.data.from_pandas(frame).digest`"


def run() -> Report:
    import mlflow.data
    import numpy as np
    import pandas as pd

    from jupyter_mlops.fingerprint import fingerprint

    warnings.simplefilter("ignore")  # MLflow's remarks on integer columns
    random = np.random.default_rng(0)
    numbers = {f"number {place}": random.normal(size=ROWS) for place in range(15)}
    texts = {f"text {place}": random.choice(["alpha", "beta", "gamma"], ROWS) for place in range(5)}
    frame, wide = pd.DataFrame(numbers | texts), pd.DataFrame(random.normal(size=(ROWS, 20)))
    ways = {
        OURS: partial(timeit, lambda: fingerprint(frame), number=1),
        OURS_WIDE: partial(timeit, lambda: fingerprint(wide), number=1),
        PEER: partial(timeit, lambda: mlflow.data.from_pandas(frame).digest, number=1),
    }
    found = alternate(ways, ROUNDS)
    ours, peer = found[OURS], found[PEER]
    changed = frame.copy()
    changed.loc[ROWS - 1, "number 0"] = 0.0
    ours_sees = fingerprint(changed).digest != fingerprint(frame).digest
    peer_sees = mlflow.data.from_pandas(changed).digest != mlflow.data.from_pandas(frame).digest
    return Report(
        Path(__file__).stem,
        f"A pandas frame of {ROWS:,} rows, 15 columns of numbers and 5 of text, in memory. **They don't cover the same:** "
        "ours takes every value, type and name, and their order, into 32 hex digits; MLflow's takes the first 10,000 rows "
        "into 8. The last line changes one value in the last row.",
        list(found.values()),
        [
            Claim(ours.name, f"{ours.median:.2f} s", f"≤ {AIM_SECONDS:g} s", ours.median <= AIM_SECONDS),
            ratio(ours, peer),
            Claim(
                "one value of the last row is seen",
                f"ours {_word(ours_sees)}, MLflow's {_word(peer_sees)}",
                "yes",
                ours_sees,
            ),
        ],
    )


def _word(seen: bool) -> str:
    return "yes" if seen else "no"
