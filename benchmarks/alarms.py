"""How often chance rings, and how often a shift is found: `drift`'s rule beside raw tests, Bonferroni and fixed thresholds."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from measure import Claim, Report, Samples
from scipy import stats

from jupyter_mlops.monitoring.comparison import compare
from jupyter_mlops.statistics import profiling

REPORTS = int(os.environ.get("MLOPS_BENCH_REPORTS", "200"))
SIZES = tuple(int(size) for size in os.environ.get("MLOPS_BENCH_SIZES", "200,1000,10000").split(","))
SHIFT = 0.3
AIM_FALSE, AIM_POWER = 0.01, 0.95
PICTURE = Path(__file__).parent.parent / "docs" / "images" / "alarms.png"
Judge = Callable[[dict[str, tuple[float, float]]], set[str]]
RULES: dict[str, Judge] = {
    "a test a column, p < 0.05": lambda found: {name for name, (p, _) in found.items() if p < 0.05},
    "the same, Bonferroni": lambda found: {name for name, (p, _) in found.items() if p < 0.05 / len(found)},
    "PSI > 0.1": lambda found: {name for name, (_, psi) in found.items() if psi > 0.1},
}
OURS = "`drift`"


def table(rows: int, seed: int, shift: float = 0.0) -> pd.DataFrame:
    """20 columns of all sorts; one of them may be shifted, in standard deviations."""
    chance = np.random.default_rng(seed)
    gaps = chance.normal(size=(rows, 2))
    gaps[chance.random((rows, 2)) < 0.3] = np.nan
    return pd.DataFrame(
        {f"normal {n}": chance.normal(shift * (n == 0), 1, rows) for n in range(5)}
        | {f"skewed {n}": chance.lognormal(size=rows) for n in range(3)}
        | {f"heavy {n}": chance.standard_cauchy(rows) for n in range(2)}
        | {f"count {n}": chance.poisson(2, rows) for n in range(3)}
        | {f"city {n}": chance.choice(["a", "b", "c", "d"], rows, p=[0.5, 0.3, 0.15, 0.05]) for n in range(4)}
        | {"constant": np.full(rows, 7.0)}
        | {f"gaps {n}": gaps[:, n] for n in range(2)}
    )


def peer(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Give the p of scipy's test and the PSI between deciles, or of the categories, a column."""
    found = {}
    for name in before:
        one, other = before[name].dropna(), after[name].dropna()
        if one.dtype.kind in "fi":
            p = float(stats.ks_2samp(one, other, method="asymp").pvalue)
            cuts = np.unique(np.quantile(one, np.arange(1, 10) / 10))
            counts = [np.bincount(np.searchsorted(cuts, each), minlength=len(cuts) + 1) for each in (one, other)]
        else:
            both = pd.concat([one.value_counts(), other.value_counts()], axis=1).fillna(0)
            counts = list(both.to_numpy().T)
            p = float(stats.chi2_contingency(np.array(counts)).pvalue)
        q, r = (np.maximum(each, 0.5) / each.sum() for each in counts)
        found[str(name)] = p, float(((q - r) * np.log(q / r)).sum())
    return found


def run() -> Report:
    false: dict[str, list[float]] = {rule: [] for rule in (OURS, *RULES)}
    power: dict[str, list[float]] = {rule: [] for rule in (OURS, *RULES)}
    for rows in SIZES:
        before = table(max(rows, 5_000), 1_000_000)
        profile = profiling.learn(before)
        rang: dict[str, list[set[str]]] = {rule: [] for rule in false}
        seen: dict[str, list[set[str]]] = {rule: [] for rule in false}
        for seed in range(REPORTS):
            for shift, kept in ((0.0, rang), (SHIFT, seen)):
                after = table(rows, seed, shift)
                columns = compare(profile, profiling.count(profile, after))
                kept[OURS].append({column.name for column in columns if column.outcome == "fail"})
                found = peer(before, after)
                for rule, judge in RULES.items():
                    kept[rule].append(judge(found))
        for rule in false:
            false[rule].append(float(np.mean([bool(names) for names in rang[rule]])))
            power[rule].append(float(np.mean(["normal 0" in names for names in seen[rule]])))
    draw(false, power)
    worst = max(false[OURS])
    found_at = dict(zip(SIZES, power[OURS], strict=True)).get(1_000, power[OURS][-1])
    rows_said = ", ".join(f"{size:,}" for size in SIZES)
    return Report(
        Path(__file__).stem,
        f"{REPORTS} reports each on windows of {rows_said} rows, 20 columns (normal, skewed, heavy-tailed, counts, categories, constant, 30% missing), "
        f"beside a reference of as many rows, at least 5,000: the share of reports that ring though nothing has moved, and the share that find the one "
        f"column that has moved by {SHIFT} standard deviations. Values are of the sizes in that order; drawn in `docs/images/alarms.png`.",
        [
            *(Samples(f"rings falsely, {rule}", found, "of all reports") for rule, found in false.items()),
            *(Samples(f"finds the shift, {rule}", found, "of all reports") for rule, found in power.items()),
        ],
        [
            Claim("false alarms of ours, at the most of all sizes", f"{worst:.3f}", f"≤ {AIM_FALSE}", worst <= AIM_FALSE),
            Claim("ours finds the shift in 1,000 rows", f"{found_at:.2f}", f"≥ {AIM_POWER}", found_at >= AIM_POWER),
        ],
    )  # fmt: skip


def draw(false: dict[str, list[float]], power: dict[str, list[float]]) -> None:
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
    sides: tuple[tuple[Any, str, dict[str, list[float]]], ...] = (
        (axes[0], "Rings though nothing has moved", false),
        (axes[1], f"Finds a shift of {SHIFT} standard deviations", power),
    )
    for axis, title, found in sides:
        for place, (rule, shares) in enumerate(found.items()):
            own = rule == OURS
            axis.plot(
                SIZES,
                shares,
                ("o-", "s--", "^--", "v--")[place],
                color="#1f5fbf" if own else ("#8a8a8a", "#b5651d", "#7a5195")[place - 1],
                linewidth=2.5 if own else 1.3,
                label=rule.strip("`"),
                zorder=3 if own else 2,
                clip_on=False,
            )
        axis.set(xscale="log", xlabel="rows in the window", title=title, ylim=(0, 1))
        axis.set_xticks(SIZES, [f"{size:,}" for size in SIZES])
        axis.minorticks_off()
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25)
        axis.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    axes[0].set_ylabel(f"of {REPORTS} reports on 20 columns")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    figure.savefig(PICTURE, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    print(run())
