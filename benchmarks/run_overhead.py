"""What ``%%mlops run`` adds to a cell, beside plain MLflow and the bare fit."""

from __future__ import annotations

import contextlib
from functools import partial
from pathlib import Path

from measure import (
    CANCER,
    FOREST,
    LOGISTIC,
    Claim,
    Report,
    Samples,
    Shell,
    added,
    alternate,
    project,
    ratio,
    server_of,
    whole_session,
)

ROUNDS = 12
FRESH_ROUNDS = 5

FITS = {"logistic regression": LOGISTIC, "random forest": FOREST}

OURS = "`%%mlops run`"
PEER = "`mlflow.autolog()`"
LESS = "`mlflow.autolog(log_models=False)`"
BARE = "bare fit"

_OURS_CELL = "%%mlops run --data X\n{fit}"
_PEER_CELL = "with mlflow.start_run():\n    {fit}"


def run() -> Report:
    with project() as folder:
        whole_session(["%load_ext jupyter_mlops", "%mlops init --experiment ours"], folder)
        first = {
            OURS: ["%load_ext jupyter_mlops"],
            PEER: [_peer_setup(folder, "peer")],
            LESS: [_peer_setup(folder, "less", "log_models=False")],
            BARE: [],
        }
        cells = {OURS: _OURS_CELL, PEER: _PEER_CELL, LESS: _PEER_CELL, BARE: "{fit}"}
        samples: list[Samples] = []
        claims: list[Claim] = []
        # A process for each: autologging of the one would else stay behind in the other.
        with contextlib.ExitStack() as stack:
            shells = {name: stack.enter_context(Shell(folder)) for name in cells}
            for name, shell in shells.items():
                for cell in (*first[name], CANCER):
                    shell.run(cell)
            for kind, fit in FITS.items():
                ways = {
                    f"{name}, {kind}": partial(shells[name].run, cell.format(fit=fit)) for name, cell in cells.items()
                }
                for warm_up in ways.values():
                    warm_up()
                _note(samples, claims, list(alternate(ways, ROUNDS).values()), aim=1.0)
        fresh = {
            f"{name}, fresh process": partial(whole_session, [*first[name], CANCER, cell.format(fit=LOGISTIC)], folder)
            for name, cell in cells.items()
        }
        _note(samples, claims, list(alternate(fresh, FRESH_ROUNDS).values()), aim=None)
    return Report(
        "run_overhead",
        "The same fit on `load_breast_cancer` (569 × 30), against the same real server: as `%%mlops run --data X`, "
        "as `with mlflow.start_run():` after `mlflow.autolog()`, and bare. Warm processes, one each, imports and one "
        "run before; the fresh processes are whole ones with one run (logistic regression), from start to end. "
        "**They don't do the same:** `mlflow.autolog()` stores the model by its defaults as cloudpickle and finds out "
        "its requirements in a new process; ours stores it as skops with signature and example, writes the "
        "requirements down, and stores the cell, the duration and the best value so far too. "
        "`mlflow.autolog(log_models=False)` stores no model at all: it does less than ours, and shows what the rest "
        "costs.",
        samples,
        claims,
    )


def _note(samples: list[Samples], claims: list[Claim], found: list[Samples], aim: float | None) -> None:
    ours, peer, less, bare = found
    samples += found
    claims += [ratio(ours, peer, aim), ratio(ours, less), added(ours, bare), added(peer, bare)]


def _peer_setup(folder: Path, experiment: str, options: str = "") -> str:
    url = server_of(folder).url
    return (
        f"import mlflow\nmlflow.set_tracking_uri({url!r})\nmlflow.set_experiment({experiment!r})\n"
        f"mlflow.autolog({options})"
    )
