"""Drift of 10,000,000 x 20 in a Parquet file against a stored profile, beside merely reading it, DuckDB, polars and Dask."""

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

ROWS = int(os.environ.get("MLOPS_BENCH_ROWS", "10000000"))
GROUP = 250_000
ROUNDS = 3
AIM_READING, AIM_MEGABYTES = 1.5, 400
PROCESS = Path(__file__).with_name("drift_files_process.py")
NAMES = {
    "reading": "merely reading all columns, pyarrow",
    "ours": "`drift` of the file, against a stored profile",
    "duckdb": "DuckDB, the counts between the same edges",
    "polars": "polars, the same, streaming",
    "dask": "Dask, the same",
}
OWN = ("reading", "ours")


def run() -> Report:
    seconds: dict[str, list[float]] = {name: [] for name in NAMES}
    memory: dict[str, list[float]] = {name: [] for name in NAMES}
    counts: dict[str, dict[str, int]] = {}
    with tempfile.TemporaryDirectory(prefix="mlops-bench-") as folder:
        subprocess.run([sys.executable, str(PROCESS), "write", folder, str(ROWS)], env=environment(), check=True)
        megabytes = (Path(folder) / "rows.parquet").stat().st_size / 1e6

        def measure(name: str) -> Callable[[], float]:
            python = sys.executable if name in OWN else str(python_of("tables"))
            limits = {"POLARS_MAX_THREADS": "2", "OMP_NUM_THREADS": "1"}

            def once() -> float:
                done = subprocess.run(
                    [python, str(PROCESS), name, folder], env=environment() | limits, check=True, capture_output=True
                )
                found = json.loads(done.stdout.splitlines()[-1])
                seconds[name].append(found["cpu"])
                memory[name].append(found["extra"] / 1e6)
                counts[name] = found["counts"]
                return float(found["seconds"])

            return once

        found = alternate({NAMES[name]: measure(name) for name in NAMES}, ROUNDS)
    cpu = {name: Samples(f"processor, {NAMES[name]}", values) for name, values in seconds.items()}
    peak = [
        Samples(f"more memory at the most than before, {NAMES[name]}", values, "MB") for name, values in memory.items()
    ]
    reading, ours, *peers = (found[name] for name in NAMES.values())
    most = max(memory["ours"])
    agree = [name for name in counts if name not in OWN and counts[name] == counts["ours"]]
    return Report(
        Path(__file__).stem,
        f"A Parquet file of {ROWS:,} rows, 15 columns of numbers and 5 of text, {megabytes:,.0f} MB in row groups of {min(ROWS, GROUP):,}; each way on two "
        "threads in a process of its own, by the clock. **They don't do the same:** ours gives the whole report (KS, PSI, Jensen-Shannon, Wasserstein, χ², "
        "V, missing, range, new categories, stuck columns, intervals); the peers count the rows between the same 1,023 edges, and give least, "
        "most, mean, deviation, what is missing and the counts of the texts, of which the measures could be made.",
        [*found.values(), *cpu.values(), *peak],
        [
            ratio(ours, reading, AIM_READING),
            ratio(cpu["ours"], cpu["reading"]),
            *(ratio(ours, peer, 1.0) for peer in peers),
            Claim("more memory than before, ours", f"{most:.0f} MB", f"≤ {AIM_MEGABYTES} MB", most <= AIM_MEGABYTES),
            Claim("peers that count every bin of a column as ours", f"{len(agree)} of {len(peers)}", f"{len(peers)}", len(agree) == len(peers)),
        ],
    )  # fmt: skip
