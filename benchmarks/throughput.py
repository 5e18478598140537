"""Requests a second and latency of an endpoint beside its peers, and the memory that each takes."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import peers
from load import CONNECTIONS, Load, Target, put
from measure import CANCER, LOGISTIC, Claim, Report, Samples, Shell, footprint, project

from jupyter_mlops.backend.state import State

ROUNDS = 3
SECONDS = 2.0
FOREST = "model = RandomForestClassifier(n_estimators=200, random_state=0).fit(X, y)"
OURS, MLFLOW, ECHO = "ours", "mlflow models serve", "bare echo"


@dataclass(frozen=True)
class Case:
    """A model, how many rows a request has, and how much quicker than each peer it should be."""

    name: str
    code: str
    rows: int
    aims: Mapping[str, float]
    p99: float | None = None


CASES = (
    Case(
        "1 row, logistic regression",
        LOGISTIC,
        1,
        {MLFLOW: 30, ECHO: 0.5, "MLServer": 10, "BentoML": 10, "BentoML, batching": 10},
        p99=0.1,
    ),
    Case("100 rows, logistic regression", LOGISTIC, 100, {MLFLOW: 15, "MLServer": 0, "BentoML": 0}),
    Case("1 row, forest of 200 trees", FOREST, 1, {MLFLOW: 5, "MLServer": 0, "BentoML": 0}),
)


def run() -> Report:
    samples: list[Samples] = []
    claims: list[Claim] = []
    for case in CASES:
        print(f" {case.name}", file=sys.stderr)
        with project() as folder, Shell(folder) as shell, contextlib.ExitStack() as stack:
            for cell in ("%load_ext jupyter_mlops", "%mlops init", CANCER, f"%%mlops run\n{case.code}"):
                shell.run(cell)
            shell.run("%mlops register tumour --run last\n%mlops deploy tumour/1")
            shell.run(f"X.head({case.rows}).to_json('rows.json', orient='split', double_precision=15)")
            targets = _targets(case, folder, stack)
            found = _take_turns(targets)
            samples += _samples(case, found)
            claims += _claims(case, found)
            if case is CASES[0]:
                more, said = _memory(targets)
                samples += more
                claims += said
    return Report(
        "throughput",
        f"The same model, fitted alike, behind each server with one worker and its defaults; ours with its prediction "
        f"log. wrk asks over {CONNECTIONS} connections that stay, {SECONDS:g} s a round, all servers in turn, client and "
        "servers on the same cores; every answer must be a good one. `mlflow models serve` serves the same version of "
        "the same registry; MLServer (scikit-learn runtime, v2 protocol) and BentoML (with and without its batching) "
        "have environments of their own. The bare echo is Starlette on the same stack (uvicorn, uvloop, httptools; ours without ASGI), "
        "which reads the body and answers a constant: no model at all. Memory: all processes of a server after the "
        "load; USS is what a process has for itself.",
        samples,
        claims,
    )


def _targets(case: Case, folder: Path, stack: contextlib.ExitStack) -> list[Target]:
    said = json.loads((folder / "rows.json").read_text())
    rows, columns = said["data"], said["columns"]
    process = State(folder / ".mlops").get("endpoint", "tumour")
    assert process
    body = json.dumps({"dataframe_split": {"columns": columns, "data": rows}}).encode()
    targets = [
        Target(OURS, f"{process.url}/invocations", body, process.pid),
        stack.enter_context(peers.mlflow(folder, "tumour", rows, columns)),
        stack.enter_context(peers.mlserver(folder, case.code, rows)),
        stack.enter_context(peers.bentoml(folder, case.code, rows, batchable=False)),
    ]
    if case.name == CASES[0].name:
        targets.append(stack.enter_context(peers.bentoml(folder, case.code, rows, batchable=True)))
        targets.append(stack.enter_context(peers.echo(folder, body)))
    return targets


def _take_turns(targets: Sequence[Target]) -> dict[str, list[Load]]:
    found: dict[str, list[Load]] = {target.name: [] for target in targets}
    for target in targets:
        put(target, 1)  # warm
    for number in range(1, ROUNDS + 1):
        for target in targets:
            load = put(target, SECONDS)
            found[target.name].append(load)
            shown = f"{load.requests_a_second:.0f} requests/s, p99 {load.p99_ms:.1f} ms"
            print(f"  round {number}/{ROUNDS}  {target.name}: {shown}", file=sys.stderr, flush=True)
    return found


def _samples(case: Case, found: Mapping[str, Sequence[Load]]) -> list[Samples]:
    rates = [
        Samples(f"{case.name}: {name}", [load.requests_a_second for load in loads], "requests/s")
        for name, loads in found.items()
    ]
    return rates + [
        Samples(f"{case.name}: {name}, p99", [load.p99_ms for load in loads], "ms") for name, loads in found.items()
    ]


def _claims(case: Case, found: Mapping[str, Sequence[Load]]) -> list[Claim]:
    claims = []
    ours = Samples(OURS, [load.requests_a_second for load in found[OURS]])
    for peer, aim in case.aims.items():
        theirs = Samples(peer, [load.requests_a_second for load in found[peer]])
        value = ours.median / theirs.median
        rounds = [a / b for a, b in zip(ours.values, theirs.values, strict=True)]
        shown = f"{value:.2f}x ({min(rounds):.2f} to {max(rounds):.2f})"
        text = f"{case.name}: ours ÷ {peer}"
        claims.append(Claim(text, shown, f"≥ {aim:g}x", value >= aim) if aim else Claim(text, shown))
    if case.p99:
        ours_p99 = Samples(OURS, [load.p99_ms for load in found[OURS]])
        value = ours_p99.median / Samples(MLFLOW, [load.p99_ms for load in found[MLFLOW]]).median
        claims.append(Claim(f"{case.name}: p99 ÷ {MLFLOW}", f"{value:.3f}", f"≤ {case.p99:g}", value <= case.p99))
    return claims


def _memory(targets: Sequence[Target]) -> tuple[list[Samples], list[Claim]]:
    found = {target.name: footprint(target.pid) for target in targets}
    samples = [
        sample
        for name, memory in found.items()
        for sample in (
            Samples(f"memory: {name}, USS", [memory.uss_mb], "MB"),
            Samples(f"memory: {name}, RSS of {memory.processes} processes", [memory.rss_mb], "MB"),
        )
    ]
    ours, theirs = found[OURS].uss_mb, found[MLFLOW].uss_mb
    return samples, [Claim(f"memory: USS, ours ÷ {MLFLOW}", f"{ours / theirs:.2f}", "< 1", ours < theirs)]
