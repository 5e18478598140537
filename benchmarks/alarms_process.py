"""What a peer calls drift in tables in which nothing has moved, and in which two columns and a correlation have, by its own defaults.

Usage: python alarms_process.py evidently|nannyml ROWS REPORTS
Prints, for both, the columns that it names in each report.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd

SHIFT, POINTS = 0.3, 0.1
TOGETHER = {False: 0.6, True: 0.2}  # the correlation of two columns, by whether things have moved
MOVED = {
    "normal 0": f"a shift of {SHIFT} standard deviations",
    "city 0": f"a category's share moved by {POINTS:.0%}",
    "correlations": f"a correlation that went from {TOGETHER[False]} to {TOGETHER[True]}",
}
Names = set[str]


def table(rows: int, seed: int, *, moved: bool = False) -> pd.DataFrame:
    """20 columns of all sorts; of two that may have moved one is of numbers, the other of categories, and two go together."""
    chance = np.random.default_rng(seed)
    gaps = chance.normal(size=(rows, 2))
    gaps[chance.random((rows, 2)) < 0.3] = np.nan
    usual = np.array([0.5, 0.3, 0.15, 0.05])
    other = usual + np.array([-POINTS, POINTS, 0.0, 0.0])
    frame = pd.DataFrame(
        {f"normal {n}": chance.normal(SHIFT * (moved and n == 0), 1, rows) for n in range(5)}
        | {f"skewed {n}": chance.lognormal(size=rows) for n in range(3)}
        | {f"heavy {n}": chance.standard_cauchy(rows) for n in range(2)}
        | {f"count {n}": chance.poisson(2, rows) for n in range(3)}
        | {f"city {n}": chance.choice(["a", "b", "c", "d"], rows, p=other if moved and n == 0 else usual) for n in range(4)}
        | {"constant": np.full(rows, 7.0)}
        | {f"gaps {n}": gaps[:, n] for n in range(2)}
    )  # fmt: skip
    part = TOGETHER[moved]
    return frame.assign(**{"normal 4": part * frame["normal 3"] + (1 - part**2) ** 0.5 * frame["normal 4"]})


def reference(rows: int) -> pd.DataFrame:
    """As many rows as a window, and at least 5,000."""
    return table(max(rows, 5_000), 1_000_000)


def evidently(before: pd.DataFrame, rows: int) -> Callable[[pd.DataFrame], Names]:
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    numbers = [name for name in before if before[name].dtype.kind in "fi"]
    definition = DataDefinition(
        numerical_columns=numbers, categorical_columns=[name for name in before if name not in numbers]
    )
    known = Dataset.from_pandas(before, data_definition=definition)

    def named(after: pd.DataFrame) -> Names:
        report = Report([DataDriftPreset()]).run(Dataset.from_pandas(after, data_definition=definition), known)
        found = set()
        for metric in report.dict()["metrics"]:
            if "column" in metric["config"]:
                method, threshold = metric["config"]["method"], metric["config"]["threshold"]
                is_p = "p_value" in method
                if metric["value"] < threshold if is_p else metric["value"] >= threshold:
                    found.add(metric["config"]["column"])
        return found

    return named


def nannyml(before: pd.DataFrame, rows: int) -> Callable[[pd.DataFrame], Names]:
    """Its thresholds are by the spread of windows of the reference, so that it gets 20 of them."""
    import nannyml as nml

    before = table(20 * rows, 1_000_000)
    fitted = nml.UnivariateDriftCalculator(column_names=list(before), chunk_size=rows).fit(before)

    def named(after: pd.DataFrame) -> Names:
        found = fitted.calculate(after).filter(period="analysis").to_df()
        return {str(key[0]) for key in found if key[-1] == "alert" and bool(found[key].any())}

    return named


def main(name: str, rows: str, reports: str) -> None:
    warnings.simplefilter("ignore")
    named = {"evidently": evidently, "nannyml": nannyml}[name](reference(int(rows)), int(rows))
    found = {
        what: [sorted(named(table(int(rows), seed, moved=what == "moved"))) for seed in range(int(reports))]
        for what in ("still", "moved")
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
