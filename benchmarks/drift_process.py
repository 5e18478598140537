"""Drift of one Parquet file from another, in a process of its own: prints its seconds of the processor, its memory and its KS.

Usage: python drift_process.py profile|ours|reading|scipy|evidently|nannyml REFERENCE CURRENT
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

Way = Callable[[pd.DataFrame, pd.DataFrame], Any]


def ours(stored: bytes) -> Way:
    """Against the profile as it is stored with a version."""
    from jupyter_mlops.monitoring.comparison import compare
    from jupyter_mlops.statistics import profiling
    from jupyter_mlops.statistics.profile import Profile

    def report(reference: pd.DataFrame, current: pd.DataFrame) -> Any:
        profile = Profile.of_bytes(stored)
        columns = compare(profile, profiling.count(profile, current))
        return {c.name: m.apart.figures["ks"] for c in columns for m in c.sides if "ks" in m.apart.figures}

    return report


def scipy() -> Way:
    from scipy import stats

    def report(reference: pd.DataFrame, current: pd.DataFrame) -> Any:
        found = {}
        for name in reference:
            if reference[name].dtype.kind in "fi":
                found[name] = float(stats.ks_2samp(reference[name], current[name]).statistic)
            else:
                counts = pd.concat([reference[name].value_counts(), current[name].value_counts()], axis=1).fillna(0)
                stats.chi2_contingency(counts.to_numpy())
        return found

    return report


def evidently() -> Way:
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    def report(reference: pd.DataFrame, current: pd.DataFrame) -> Any:
        numbers = [name for name in reference if reference[name].dtype.kind in "fi"]
        words = [name for name in reference if name not in numbers]
        definition = DataDefinition(numerical_columns=numbers, categorical_columns=words)
        before, after = (Dataset.from_pandas(frame, data_definition=definition) for frame in (reference, current))
        Report([DataDriftPreset()]).run(after, before).get_html_str(as_iframe=False)
        return {}

    return report


def nannyml() -> Way:
    import nannyml as nml

    calculators: dict[int, Any] = {}

    def report(reference: pd.DataFrame, current: pd.DataFrame) -> Any:
        fitted = calculators.get(len(reference))
        if fitted is None:  # its fit is our profile: made once
            fitted = nml.UnivariateDriftCalculator(
                column_names=list(reference),
                continuous_methods=["kolmogorov_smirnov"],
                categorical_methods=["chi2"],
                chunk_number=1,
            ).fit(reference)
            calculators[len(reference)] = fitted
            return {}
        fitted.calculate(current).to_df()
        return {}

    return report


def main(name: str, before: str, after: str) -> None:
    reference, current = pd.read_parquet(before), pd.read_parquet(after)
    if name == "profile":
        from jupyter_mlops.statistics import profiling

        Path(f"{before}.profile").write_bytes(profiling.learn(reference).to_bytes())
        return
    ways = {"scipy": scipy, "evidently": evidently, "nannyml": nannyml}
    stored = Path(f"{before}.profile")
    way = ours(stored.read_bytes()) if name == "ours" else ways[name]()
    way(reference.head(5_000), current.head(5_000))  # imports, and what is made once
    if name == "nannyml":
        way(reference, current)
    before_it = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.process_time()
    found = way(reference, current)
    seconds = time.process_time() - begin
    extra = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_it) * 1024
    print(json.dumps({"seconds": seconds, "extra": extra, "ks": found}))


if __name__ == "__main__":
    main(*sys.argv[1:])
