"""Drift of a Parquet file, in a process of its own: prints its seconds, those of the processor, its memory, and some counts.

Usage: python drift_files_process.py write FOLDER ROWS | reading|ours|duckdb|polars|dask FOLDER
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

GROUP = 250_000
NUMBERS = [f"number {place}" for place in range(15)]
WORDS = [f"text {place}" for place in range(5)]
SHOWN = NUMBERS[3]
Way = Callable[[], Any]


def write(folder: Path, rows: int) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from jupyter_mlops.statistics import profiling

    def table(seed: int, rows: int, shift: float) -> pa.Table:
        chance = np.random.default_rng(seed)
        numbers = {name: chance.normal(shift * (place % 3 == 0), 1, rows) for place, name in enumerate(NUMBERS)}
        words = {
            name: pa.array(np.array(["alpha", "beta", "gamma", "delta"], dtype=object)[chance.integers(0, 4, rows)])
            for name in WORDS
        }
        return pa.table(numbers | words)

    profile = profiling.learn(table(0, 250_000, 0.0))
    (folder / "profile").write_bytes(profile.to_bytes())
    edges = {name: profile.columns[name].sketch.edges.tolist() for name in NUMBERS}
    (folder / "edges.json").write_text(json.dumps(edges))
    sizes = [GROUP] * (rows // GROUP) + [rows % GROUP] * bool(rows % GROUP)
    with pq.ParquetWriter(folder / "rows.parquet", table(1, 1, 0.1).schema) as writer:
        for seed, size in enumerate(sizes, 1):
            writer.write_table(table(seed, size, 0.1), row_group_size=GROUP)


def reading(folder: Path) -> Way:
    from concurrent.futures import ThreadPoolExecutor

    import pyarrow.parquet as pq

    path = folder / "rows.parquet"

    def group(place: int) -> int:
        with pq.ParquetFile(path, buffer_size=1 << 18, pre_buffer=False) as file:
            return sum(batch.num_rows for batch in file.iter_batches(98_304, row_groups=[place], use_threads=False))

    def read() -> dict[str, int]:
        with ThreadPoolExecutor(2) as pool:
            sum(pool.map(group, range(pq.read_metadata(path).num_row_groups)))
        return {}

    return read


def ours(folder: Path) -> Way:
    from jupyter_mlops.frames import as_source
    from jupyter_mlops.monitoring.comparison import compare
    from jupyter_mlops.statistics import profiling
    from jupyter_mlops.statistics.profile import Profile

    stored = (folder / "profile").read_bytes()

    def report() -> dict[str, int]:
        profile = Profile.of_bytes(stored)
        window = profiling.count(profile, as_source(folder / "rows.parquet"))
        compare(profile, window)
        sketch = window.columns[SHOWN].sketch
        return _nonzero(sketch.counts)

    return report


def duckdb(folder: Path) -> Way:
    import duckdb

    edges = json.loads((folder / "edges.json").read_text())
    connection = duckdb.connect(config={"threads": 2})
    asked = []
    for name in NUMBERS:
        bins = ", ".join(map(repr, edges[name]))
        asked += [f'{what}("{name}")' for what in ("min", "max", "avg", "stddev_pop", "count")]
        asked.append(f'histogram("{name}", [{bins}])')
    asked += [f'histogram("{name}")' for name in WORDS]

    def report() -> dict[str, int]:
        query = f"SELECT {', '.join(asked)} FROM read_parquet('{folder / 'rows.parquet'}')"
        row = connection.execute(query).fetchone()
        found = dict(row[NUMBERS.index(SHOWN) * 6 + 5])
        upto = [found.get(edge, 0) for edge in edges[SHOWN]]
        return _nonzero([*upto, sum(found.values()) - sum(upto)])

    return report


def polars(folder: Path) -> Way:
    import polars as pl

    edges = json.loads((folder / "edges.json").read_text())

    def report() -> dict[str, int]:
        rows = pl.scan_parquet(folder / "rows.parquet")
        asked = []
        for name in NUMBERS:
            column = pl.col(name)
            asked += [column.min().alias(f"{name} min"), column.max().alias(f"{name} max")]
            asked += [column.mean().alias(f"{name} mean"), column.std(ddof=0).alias(f"{name} std")]
            asked.append(column.null_count().alias(f"{name} missing"))
            ends = pl.Series(edges[name])
            place = pl.lit(ends).search_sorted(column, side="left")
            asked.append(place.value_counts().implode().alias(f"{name} counts"))
        asked += [pl.col(name).value_counts().implode().alias(name) for name in WORDS]
        found = rows.select(asked).collect(engine="streaming")
        pairs = found[f"{SHOWN} counts"][0].to_list()
        return {str(next(iter(pair.values()))): pair["count"] for pair in pairs}

    return report


def dask(folder: Path) -> Way:
    import dask
    import numpy as np
    import pandas as pd
    import pyarrow.parquet as pq

    edges = {name: np.array(found) for name, found in json.loads((folder / "edges.json").read_text()).items()}
    path = folder / "rows.parquet"

    def part(place: int) -> dict[str, Any]:
        rows = pq.ParquetFile(path).read_row_group(place, use_threads=False).to_pandas()
        found: dict[str, Any] = {}
        for name, ends in edges.items():
            values = rows[name].to_numpy()
            upto = np.searchsorted(np.sort(values), ends, side="right")
            found[name] = np.diff(np.concatenate([[0], upto, [len(values)]]))
        moments = rows[NUMBERS].agg(["min", "max", "mean", "std", "count"])
        return found | {"moments": moments} | {name: rows[name].value_counts() for name in WORDS}

    def report() -> dict[str, int]:
        groups = pq.read_metadata(path).num_row_groups
        parts = dask.compute(*map(dask.delayed(part), range(groups)), scheduler="threads", num_workers=2)
        for name in WORDS:
            pd.concat([found[name] for found in parts]).groupby(level=0).sum()
        return _nonzero(sum(found[SHOWN] for found in parts))

    return report


def _nonzero(counts: Any) -> dict[str, int]:
    return {str(place): int(count) for place, count in enumerate(counts) if count}


def main(name: str, folder: Path) -> None:
    way = {"reading": reading, "ours": ours, "duckdb": duckdb, "polars": polars, "dask": dask}[name](folder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cpu, begin = time.process_time(), time.perf_counter()
    counts = way()
    said = {
        "seconds": time.perf_counter() - begin,
        "cpu": time.process_time() - cpu,
        "extra": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024,
        "counts": dict(sorted(counts.items())),
    }
    print(json.dumps(said))


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main(sys.argv[1], Path(sys.argv[2]))
