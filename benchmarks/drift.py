"""Drift of 1,000,000 x 20 against a stored profile, beside scipy, Evidently's default report and NannyML's KS and χ²."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from measure import Claim, Report, Samples, alternate, environment, ratio
from peers import python_of

ROWS = int(os.environ.get("MLOPS_BENCH_ROWS", "1000000"))
ROUNDS = 3
AIM_EVIDENTLY, AIM_NANNYML, AIM_KS = 1 / 500, 1 / 8, 1e-3
PROCESS = Path(__file__).with_name("drift_process.py")
NAMES = {
    "ours": "`monitor`'s comparison with a stored profile, every side of every column",
    "scipy": "scipy, `ks_2samp` or `chi2_contingency` a column",
    "evidently": "Evidently, `DataDriftPreset` and its page",
    "nannyml": "NannyML, KS and χ², its reference fitted before",
}
OWN = ("ours", "scipy")


def run() -> Report:
    import numpy as np
    import pandas as pd

    def table(seed: int, shift: float) -> pd.DataFrame:
        chance = np.random.default_rng(seed)
        numbers = {f"number {place}": chance.normal(shift * (place % 3 == 0), 1, ROWS) for place in range(15)}
        words = {f"text {place}": chance.choice(["alpha", "beta", "gamma", "delta"], ROWS) for place in range(5)}
        return pd.DataFrame(numbers | words)

    extra: dict[str, list[float]] = {name: [] for name in NAMES}
    ks: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="mlops-bench-") as folder:
        before, after = (str(Path(folder) / name) for name in ("before.parquet", "after.parquet"))
        table(0, 0.0).to_parquet(before)
        table(1, 0.1).to_parquet(after)
        subprocess.run([sys.executable, str(PROCESS), "profile", before, after], env=environment(), check=True)
        size = Path(f"{before}.profile").stat().st_size / 1e3

        def measure(name: str) -> Callable[[], float]:
            python = sys.executable if name in OWN else str(python_of(name))

            def once() -> float:
                done = subprocess.run(
                    [python, str(PROCESS), name, before, after], env=environment(), check=True, capture_output=True
                )
                found = json.loads(done.stdout.splitlines()[-1])
                extra[name].append(found["extra"] / 1e6)
                ks[name] = found["ks"]
                return float(found["seconds"])

            return once

        found = alternate({NAMES[name]: measure(name) for name in NAMES}, ROUNDS)
    memory = [Samples(f"more memory at the most than before, {name}", extra[name], "MB") for name in NAMES]
    ours, _, evidently, nannyml = (found[name] for name in NAMES.values())
    off = max(abs(ks["ours"][name] - exact) for name, exact in ks["scipy"].items())
    return Report(
        Path(__file__).stem,
        f"Two pandas frames of {ROWS:,} rows, 15 columns of numbers (5 of them shifted by a tenth of a standard deviation) and 5 of text; each way in a "
        "process of its own, after the same on 5,000 rows, in seconds of the processor. **They don't do the same:** ours gives KS, PSI, Jensen-Shannon, "
        f"Wasserstein, χ², V, missing, range, new categories and stuck columns with intervals, from a profile of {size:.0f} kB that is read from its stored "
        "form; scipy one test a column; Evidently its tests and plots as a page; NannyML one test a column. Evidently and NannyML run with pandas 2 in "
        "environments of their own.",
        [*found.values(), *memory],
        [
            ratio(ours, evidently, AIM_EVIDENTLY),
            ratio(ours, nannyml, AIM_NANNYML),
            ratio(ours, found[NAMES["scipy"]]),
            Claim("KS, the most that ours is off scipy's", f"{off:.1e}", f"≤ {AIM_KS:g}", off <= AIM_KS),
        ],
    )
