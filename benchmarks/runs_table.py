"""From ``%mlops runs`` to the drawn table in an experiment of 10,000 runs, beside ``mlflow.search_runs``."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import time
from functools import partial
from pathlib import Path

from measure import Claim, Report, Samples, Shell, alternate, project, ratio, server_of, whole_session

RUNS = 10_000
NESTED = 500  # the newest ones: the candidates of one search
ROUNDS = 9
ALL_ROUNDS = 2
FRESH_ROUNDS = 3
AIM_SECONDS = 1.0

METRICS = ("accuracy", "auc", "f1", "log_loss", "duration_seconds")
PARAMS = ("max_depth", "n_estimators", "min_samples_leaf", "max_features", "subsample", "learning_rate", "seed", "fold")

OURS = {
    "`%mlops runs`": "%mlops runs",
    "`%mlops runs --sort accuracy`": "%mlops runs --sort accuracy",
    "`%mlops runs 'accuracy > 0.9 and max_depth = 3'`": "%mlops runs 'accuracy > 0.9 and max_depth = 3'",
    "`%mlops runs --sort accuracy --page 400`": "%mlops runs --sort accuracy --page 400",
}
_FILTER = "metrics.accuracy > 0.9 AND params.max_depth = '3'"
PEERS = {
    "`mlflow.search_runs(max_results=20)`": "mlflow.search_runs([experiment], max_results=20)",
    "the same with `order_by`": "mlflow.search_runs([experiment], max_results=20, order_by=['metrics.accuracy DESC'])",
    "the same with `filter_string`": f'mlflow.search_runs([experiment], "{_FILTER}", max_results=20)',
}
ALL = "`mlflow.search_runs(max_results=10000)`"
ALL_CELL = "mlflow.search_runs([experiment], max_results=10000)"
FRESH = "`%mlops runs`, whole process"
FRESH_PEER = "`mlflow.search_runs(max_results=20)`, whole process"


def run() -> Report:
    with project() as folder:
        whole_session(["%load_ext jupyter_mlops", "%mlops init --experiment Default", "%mlops stop"], folder)
        experiment = fill(folder / ".mlops" / "mlflow.db", "Default")
        setup = ["%load_ext jupyter_mlops", "%mlops init"]
        whole_session(setup, folder)
        peer_setup = (
            f"import mlflow\nmlflow.set_tracking_uri({server_of(folder).url!r})\nexperiment = '{experiment}'\n"
            "assert len(mlflow.search_runs([experiment], max_results=1)) == 1"
        )
        with Shell(folder) as ours, Shell(folder) as peer:
            for cell in setup:
                ours.run(cell)
            peer.run(peer_setup)
            ways = {name: partial(ours.run, cell) for name, cell in OURS.items()}
            ways |= {name: partial(peer.run, cell) for name, cell in PEERS.items()}
            for warm_up in ways.values():
                warm_up()
            found = alternate(ways, ROUNDS)
            found |= alternate({ALL: partial(peer.run, ALL_CELL)}, ALL_ROUNDS)
        first, fresh_peer = OURS["`%mlops runs`"], next(iter(PEERS.values()))
        found |= alternate(
            {
                FRESH: partial(whole_session, [setup[0], first], folder),
                FRESH_PEER: partial(whole_session, [peer_setup, fresh_peer], folder),
            },
            FRESH_ROUNDS,
        )
    table, *others = (found[name] for name in OURS)
    return Report(
        "runs_table",
        f"One experiment of {RUNS:,} runs, each with {len(METRICS)} metrics, {len(PARAMS)} parameters and 5 tags, the "
        f"newest {NESTED} nested in one; on the project's own server (SQLite), written straight into its database while "
        "it was stopped. A cell in a warm process, one for each side, from its start until the table is drawn as text "
        "and as HTML. **They don't show the same:** ours leaves out nested runs and shows the columns in which the 20 "
        "runs differ; the peer gives a frame of every column. The whole processes start IPython and import all they need.",
        list(found.values()),
        [
            *(_within(samples) for samples in (table, *others)),
            *(ratio(ours, found[name]) for ours, name in zip((table, *others), PEERS, strict=False)),
            Claim(f"{table.name} ÷ {ALL}", f"{table.median / found[ALL].median:.4f}"),
            ratio(found[FRESH], found[FRESH_PEER]),
        ],
    )


def _within(samples: Samples) -> Claim:
    return Claim(samples.name, f"{samples.median:.2f} s", f"≤ {AIM_SECONDS:g} s", samples.median <= AIM_SECONDS)


def fill(database: Path, experiment: str, count: int = RUNS, nested: int = NESTED) -> int:
    """Write runs into the database of a stopped server, and give the experiment's id."""
    chance = random.Random(0)
    now = round(time.time() * 1000)
    runs = [(f"{chance.getrandbits(128):032x}", number) for number in range(count)]
    parent = runs[count - nested - 1][0]
    metrics = [(key, chance.random(), now, 0, 0, run_id) for run_id, _ in runs for key in METRICS]
    params = [(key, str(chance.randrange(2, 30)), run_id) for run_id, _ in runs for key in PARAMS]
    tags = [
        (key, value, run_id)
        for run_id, number in runs
        for key, value in {
            "mlflow.runName": f"run {number}",
            "mlflow.user": "anna" if number % 2 else "ben",
            "mlflow.source.name": "train.ipynb",
            "mlflow.source.type": "NOTEBOOK",
            "stage": "prod" if number % 10 == 0 else "dev",
        }.items()
    ]
    tags += [("mlflow.parentRunId", parent, run_id) for run_id, _ in runs[count - nested :]]
    with contextlib.closing(sqlite3.connect(database)) as db, db:
        (found,) = db.execute("SELECT experiment_id FROM experiments WHERE name = ?", (experiment,)).fetchone()
        db.executemany(
            "INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time,"
            " end_time, source_version, lifecycle_stage, artifact_uri, experiment_id)"
            f" VALUES (?, ?, 'UNKNOWN', '', '', 'anna', ?, ?, ?, '', 'active', 'mlflow-artifacts:/{found}', {found})",
            [_row(run_id, number, now - (count - number) * 60_000) for run_id, number in runs],
        )
        columns = "(key, value, timestamp, step, is_nan, run_uuid) VALUES (?, ?, ?, ?, ?, ?)"
        db.executemany(f"INSERT INTO latest_metrics {columns}", metrics)
        db.executemany(f"INSERT INTO metrics {columns}", metrics)
        db.executemany("INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)", params)
        db.executemany("INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)", tags)
    return int(found)


def _row(run_id: str, number: int, start: int) -> tuple[str, str, str, int, int]:
    return run_id, f"run {number}", "FAILED" if number % 17 == 0 else "FINISHED", start, start + 30_000
