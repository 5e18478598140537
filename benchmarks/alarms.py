"""How often chance rings, and how often what has moved is found: `drift` beside raw tests, Bonferroni, a fixed threshold, Evidently and NannyML."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from alarms_process import MOVED, reference, table
from measure import Claim, Report, environment
from peers import python_of
from scipy import stats

from jupyter_mlops.monitoring.comparison import compare
from jupyter_mlops.statistics import profiling

REPORTS = int(os.environ.get("MLOPS_BENCH_REPORTS", "200"))
PEER_REPORTS = min(REPORTS, 30)  # Evidently takes a second for each
SIZES = tuple(int(size) for size in os.environ.get("MLOPS_BENCH_SIZES", "200,1000,10000,100000,1000000").split(","))
LARGE = 10_000  # rows from which on a table takes longer to make than all else; peers are not asked
LARGE_REPORTS, LARGE_TESTS = min(REPORTS, 100), min(REPORTS, 10)
AIM_FALSE, AIM_POWER = 0.01, 0.95
PICTURES = Path(__file__).parent.parent / "docs" / "images"
THEMES = {"light": ("#ffffff", "#1f2328"), "dark": ("#0d1117", "#e6edf3")}  # GitHub's page, and its text
PROCESS = Path(__file__).with_name("alarms_process.py")
Judge = Callable[[dict[str, tuple[float, float]]], set[str]]
Named = dict[str, list[set[str]]]
RULES: dict[str, Judge] = {
    "a test a column, p < 0.05": lambda found: {name for name, (p, _) in found.items() if p < 0.05},
    "the same, Bonferroni": lambda found: {name for name, (p, _) in found.items() if p < 0.05 / len(found)},
    "PSI > 0.1": lambda found: {name for name, (_, psi) in found.items() if psi > 0.1},
}
PEERS = {"Evidently": "evidently", "NannyML": "nannyml"}
OURS = "`drift`"
LINES = {  # colours that are told apart on white and on black, also by those who don't see red and green
    OURS: ("o-", "#0072b2"),
    "a test a column, p < 0.05": ("s--", "#8a8a8a"),
    "the same, Bonferroni": ("^--", "#e69f00"),
    "PSI > 0.1": ("v--", "#cc79a7"),
    "Evidently": ("D:", "#d55e00"),
    "NannyML": ("P:", "#009e73"),
}


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


def of_peer(name: str, rows: int) -> Named:
    """Give what a peer names as drift by its own defaults, in an environment of its own."""
    command = [str(python_of(name)), str(PROCESS), name, str(rows), str(PEER_REPORTS)]
    env = environment() | {"NML_DISABLE_USAGE_LOGGING": "1", "DO_NOT_TRACK": "1"}
    done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
    return {what: [set(names) for names in found] for what, found in json.loads(done.stdout.splitlines()[-1]).items()}


def of_ours_and_tests(rows: int) -> dict[str, Named]:
    """Give what `drift` names, and what rules upon tests do."""
    before = reference(rows)
    profile = profiling.learn(before)
    named: dict[str, Named] = {rule: {"still": [], "moved": []} for rule in (OURS, *RULES)}
    reports, tests = (REPORTS, REPORTS) if rows <= LARGE else (LARGE_REPORTS, LARGE_TESTS)
    for what, most in {"still": reports, "moved": tests}.items():
        for seed in range(most):
            after = table(rows, seed, moved=what == "moved")
            columns = compare(profile, profiling.count(profile, after))
            named[OURS][what].append({column.name for column in columns if column.outcome == "fail"})
            if seed < tests:
                found = peer(before, after)
                for rule, judge in RULES.items():
                    named[rule][what].append(judge(found))
    return named


def run() -> Report:
    shares: dict[str, dict[str, list[float]]] = {what: {rule: [] for rule in LINES} for what in ("false", *MOVED)}
    for rows in SIZES:
        named = of_ours_and_tests(rows)
        if rows <= LARGE:
            named |= {rule: of_peer(name, rows) for rule, name in PEERS.items()}
        for rule, found in named.items():
            shares["false"][rule].append(float(np.mean([bool(names) for names in found["still"]])))
            for column in MOVED:
                shares[column][rule].append(float(np.mean([column in names for names in found["moved"]])))
    draw(shares)
    worst = max(shares["false"][OURS])
    found_at = {column: dict(zip(SIZES, shares[column][OURS], strict=True)).get(1_000, shares[column][OURS][-1]) for column in MOVED}  # fmt: skip
    rows_said = ", ".join(f"{size:,}" for size in SIZES)
    return Report(
        Path(__file__).stem,
        f"{REPORTS} reports each on windows of {rows_said} rows (of more than {LARGE:,} rows {LARGE_REPORTS}, and {LARGE_TESTS} where things have moved or the tests judge), 20 columns (normal, skewed, heavy-tailed, counts, categories, constant, 30% missing), "
        f"beside a reference of as many rows, at least 5,000: the share of reports that ring though nothing has moved, and the share that find each of two "
        f"columns, and of a correlation between two others, that have. Evidently and NannyML by their defaults, {PEER_REPORTS} reports each; NannyML's thresholds are by the spread of windows of the "
        f"reference, and it gets 20 of them; both up to {LARGE:,} rows. Shares are of the sizes in that order; drawn in `docs/images/alarms-light.png`.",
        [],
        [
            Claim("false alarms of ours, at the most of all sizes", f"{worst:.3f}", f"≤ {AIM_FALSE}", worst <= AIM_FALSE),
            *(
                Claim(f"ours finds {what} in 1,000 rows", f"{found_at[column]:.2f}", f"≥ {AIM_POWER}", found_at[column] >= AIM_POWER)
                for column, what in MOVED.items()
            ),
            *(Claim(f"rings falsely, {rule}", _shares(found)) for rule, found in shares["false"].items()),
            *(
                Claim(f"finds {what}, {rule}", _shares(found))
                for column, what in MOVED.items()
                for rule, found in shares[column].items()
            ),
        ],
    )  # fmt: skip


def _shares(found: list[float]) -> str:
    return " · ".join(f"{100 * share:.3g} %" for share in found)


def draw(shares: dict[str, dict[str, list[float]]]) -> None:
    """Draw it on a light and on a dark page."""
    import matplotlib as mpl

    mpl.use("agg")
    for theme, (page, ink) in THEMES.items():
        names = (
            "text.color",
            "axes.labelcolor",
            "axes.edgecolor",
            "axes.titlecolor",
            "xtick.color",
            "ytick.color",
            "grid.color",
        )
        with mpl.rc_context({**dict.fromkeys(names, ink), "figure.facecolor": page, "axes.facecolor": page}):
            _draw(shares, PICTURES / f"alarms-{theme}.png")


def _draw(shares: dict[str, dict[str, list[float]]], picture: Path) -> None:
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    figure, grid = plt.subplots(2, 2, figsize=(9, 6.4), sharex=True, sharey=True, layout="constrained")
    axes = grid.ravel()
    titles = ["Rings though nothing has moved", *(f"Finds {what}" for what in MOVED.values())]
    for axis, title, found in zip(axes, titles, shares.values(), strict=True):
        for rule, (line, colour) in LINES.items():
            own = rule == OURS
            axis.plot(
                SIZES[: len(found[rule])], found[rule], line, color=colour, linewidth=2.5 if own else 1.3,
                label=rule.strip("`"), zorder=3 if own else 2, clip_on=False,
            )  # fmt: skip
        axis.set(xscale="log", title=title, ylim=(0, 1))
        axis.title.set_fontsize(10)
        axis.set_xticks(SIZES, [f"{size:,}" for size in SIZES])
        axis.minorticks_off()
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.2)
        axis.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
    for axis in grid[:, 0]:
        axis.set_ylabel("of all reports on 20 columns")
    for axis in grid[-1]:
        axis.set_xlabel("rows in the window")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(picture, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    print(run())
