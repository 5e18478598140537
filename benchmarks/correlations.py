"""How 20,000 x 2,000 go together, beside one matrix product of that size and pandas."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from timeit import timeit

from measure import Report, Samples, alternate, ratio

ROWS, COLUMNS = 20_000, 2_000
ROUNDS = 5
AIM = 3.0
OURS, WHOLE = "strengths and clusters, numbers only", "the checks DC001 to DC003, 1,900 numbers and 100 categories"
PRODUCT, PANDAS = "`X.T @ X` of numpy, float64", "`frame.corr()` of pandas, Pearson only"


def run() -> Report:
    import numpy as np
    import pandas as pd

    from jupyter_mlops.validation.catalogues import data_checks
    from jupyter_mlops.validation.checks import run as run_checks
    from jupyter_mlops.validation.correlations.groups import together
    from jupyter_mlops.validation.data import Data

    random = np.random.default_rng(0)
    table = random.normal(size=(ROWS, COLUMNS))
    for first in range(0, 400, 5):  # 80 groups of five
        table[:, first + 1 : first + 5] = table[:, [first]] + 0.2 * random.normal(size=(ROWS, 4))
    frame = pd.DataFrame(table).add_prefix("f")
    words = pd.DataFrame(random.choice(["alpha", "beta", "gamma", "delta"], (ROWS, 100))).add_prefix("word")
    mixed = pd.concat([frame.iloc[:, :1_900], words], axis=1)
    checks = data_checks().chosen(["DC"], None)
    told: list[int] = []

    def whole() -> None:
        found = run_checks(checks, Data(mixed), {}, lambda said: None)
        told.append(sum(len(checked.findings) for checked in found))

    ways = {
        OURS: lambda: together(Data(frame)).order,
        WHOLE: whole,
        PRODUCT: lambda: table.T @ table,
    }
    found = alternate({name: partial(timeit, way, number=1) for name, way in ways.items()}, ROUNDS)
    once = Samples(PANDAS, [timeit(lambda: frame.corr(), number=1)])
    beside_pandas = Samples(OURS, [found[OURS].median])
    return Report(
        Path(__file__).stem,
        f"A pandas frame of {ROWS:,} rows and {COLUMNS:,} columns in memory, with 80 groups of five that tell the same. Ours is Pearson over all "
        "rows (in float32), Spearman over 5,000 of them, and the clustering; the product is computed once, in float64, and is nothing but that. "
        f"The report tells it in {told[-1]} findings. pandas is measured once.",
        [*found.values(), once],
        [ratio(found[OURS], found[PRODUCT], AIM), ratio(found[WHOLE], found[PRODUCT]), ratio(beside_pandas, once)],
    )
