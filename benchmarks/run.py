"""Run the benchmarks, print what they found and put it into ``RESULTS.md``, where the others stay as they were.

Usage: python benchmarks/run.py [NAME…]
"""

from __future__ import annotations

import importlib
import os
import platform
import re
import sys
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

import psutil
from measure import Claim, Report, Samples

NAMES = (
    "load_ext", "server", "run_overhead", "runs_table", "fingerprint", "first_answer", "prediction_log",
    "throughput", "swaps", "kills", "correlations", "data_report", "drift", "drift_files", "alarms", "privacy", "estimates", "concept", "headless", "lab",
)  # fmt: skip
RESULTS = Path(__file__).with_name("RESULTS.md")
HEADING = """# Results

- The machine is shared and busy: **trust the ratios, not the seconds.** All ways take turns (A B A B …) in one run.
  A ratio or a difference is that of the medians; in brackets the smallest and the largest of one round.
- MLflow's telemetry is off on both sides.
"""
PACKAGES = ("jupyter-mlops", "mlflow", "ipython", "scikit-learn", "skops", "pandas", "numpy", "uvicorn")


def main(names: Sequence[str]) -> int:
    unknown = set(names) - set(NAMES)
    if unknown:
        print(f"No benchmark {', '.join(sorted(unknown))}: there are {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    parts = sections()
    for name in names or NAMES:
        print(f"{name} …", file=sys.stderr)
        made = how(name)
        parts[name] = markdown(importlib.import_module(name).run(), made)
        print(parts[name], flush=True)
        RESULTS.write_text("\n".join([HEADING, *(parts[name] for name in NAMES if name in parts)]))
    return 0


def sections() -> dict[str, str]:
    """Give what the file has so far, by the names of the benchmarks."""
    text = RESULTS.read_text() if RESULTS.exists() else ""
    parts = re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]
    return {part[3 : part.index("\n")]: part.rstrip("\n") + "\n" for part in parts}


def how(name: str) -> str:
    """Say what makes this part of the file, and where and when it was made."""
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    return (
        f"`python benchmarks/run.py {name}`, {date.today():%-d %B %Y}: {os.cpu_count()} cores, "
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB, {platform.system()} {platform.machine()}, "
        f"load {os.getloadavg()[0]:.1f} before; Python {platform.python_version()}, {versions}."
    )


def markdown(report: Report, made: str) -> str:
    heading = ["| what | median | min | max | rounds |", "|---|---:|---:|---:|---:|"]
    table = "".join(f"{row}\n" for row in [*heading, *map(_row, report.samples), ""]) if report.samples else ""
    claims = [_claim(claim) for claim in report.claims]
    return f"""## {report.title}

{made}

{report.about}

{table}| compared | result | aim | holds |
|---|---|---|---|
{chr(10).join(claims)}
"""


def _row(samples: Samples) -> str:
    digits = {"s": 2, "off": 5}.get(samples.unit, 0)
    median, low, high = (
        f"{value:,.{digits}f} {samples.unit}".strip()
        for value in (samples.median, min(samples.values), max(samples.values))
    )
    return f"| {samples.name} | {median} | {low} | {high} | {len(samples.values)} |"


def _claim(claim: Claim) -> str:
    holds = "" if claim.holds is None else "yes" if claim.holds else "**no**"
    return f"| {claim.text} | {claim.value} | {claim.aim} | {holds} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
