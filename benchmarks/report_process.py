"""One report on a Parquet file, in a process of its own: prints its seconds, and the most memory beyond the frame.

Usage: python report_process.py ours|evidently|pandera FILE
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable

import pandas as pd
import psutil

Way = Callable[[pd.DataFrame], object]


def ours() -> Way:
    from jupyter_mlops.limits import ValidationSettings
    from jupyter_mlops.validation.reporting import report_on

    def report(frame: pd.DataFrame) -> object:
        return report_on(frame, "frame", ValidationSettings(), target="y")._repr_mimebundle_()

    return report


def evidently() -> Way:
    from evidently import BinaryClassification, DataDefinition, Dataset, Report
    from evidently.presets import DataSummaryPreset

    def report(frame: pd.DataFrame) -> object:
        numbers = [name for name in frame if frame[name].dtype.kind in "fi"]
        words = [name for name in frame if name not in numbers]
        definition = DataDefinition(numerical_columns=numbers, categorical_columns=words)
        data = Dataset.from_pandas(frame, data_definition=definition)
        return Report([DataSummaryPreset()]).run(data, None).get_html_str(as_iframe=False)

    assert BinaryClassification
    return report


def pandera() -> Way:
    import pandera.pandas as pa

    def report(frame: pd.DataFrame) -> object:
        """Hold types, gaps, ranges, categories, constants and copies: what is written down about a table like this."""
        columns = {}
        for name in frame:
            few = pa.Check(lambda values: values.isna().mean() < 0.1, name="missing")
            differ = pa.Check(lambda values: values.nunique() > 1, name="constant")
            if frame[name].dtype.kind in "fi":
                columns[name] = pa.Column(float, [few, differ, pa.Check.in_range(-100, 100)], nullable=True)
            else:
                known = pa.Check.isin(["alpha", "beta", "gamma", "no", "yes"])
                columns[name] = pa.Column(None, [few, differ, known], nullable=True)
        return pa.DataFrameSchema(columns, unique=list(frame)).validate(frame, lazy=True)

    return report


def main(name: str, file: str) -> None:
    way = {"ours": ours, "evidently": evidently, "pandera": pandera}[name]()
    frame = pd.read_parquet(file)
    way(frame.head(5_000))  # imports, and what is made once
    process, peak, over = psutil.Process(), [0], threading.Event()
    before = process.memory_info().rss

    def watch() -> None:
        while not over.wait(0.005):
            peak[0] = max(peak[0], process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    begin = time.perf_counter()
    way(frame)
    seconds = time.perf_counter() - begin
    over.set()
    watcher.join()
    size = int(frame.memory_usage(deep=True).sum())
    print(json.dumps({"seconds": seconds, "extra": max(0, peak[0] - before), "frame": size}))


if __name__ == "__main__":
    main(*sys.argv[1:])
