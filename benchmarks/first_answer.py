"""From the wish to serve a registered version to its first answered prediction."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import requests
from measure import (
    CANCER,
    LOGISTIC,
    Claim,
    Report,
    Shell,
    alternate,
    await_answer,
    background,
    free_port,
    project,
    ratio,
    server_of,
    whole_process,
)

ROUNDS = 3

PREPARE = [
    "%load_ext jupyter_mlops",
    "%mlops init",
    CANCER,
    "row = X.head(1)\nrow.to_json('row.json', orient='split', double_precision=15)",
    f"%%mlops run\n{LOGISTIC}",
    "%mlops register tumour --run last",
]

OURS = "`%mlops deploy` and `%mlops predict`"
COMMAND_LINE = "`jupyter mlops deploy` and a request"
PEER = "`mlflow models serve` and a request"


def run() -> Report:
    with project() as folder, Shell(folder) as shell:
        for cell in PREPARE:
            shell.run(cell)
        body = f'{{"dataframe_split": {(folder / "row.json").read_text()}}}'
        ways = {
            OURS: lambda: _notebook(shell),
            COMMAND_LINE: lambda: _command_line(shell, folder, body),
            PEER: lambda: _peer(folder, body),
        }
        found = alternate(ways, ROUNDS)
    return Report(
        "first_answer",
        "The same registered version (skops, a logistic regression in a pipeline), fetched from the same server, one "
        "row asked. Ours in a notebook: two cells in a warm kernel. From the command line: the whole process of "
        "`jupyter mlops deploy`, then a request. The peer: `mlflow models serve --env-manager local` from its start "
        "until `/invocations` answers with 200.",
        list(found.values()),
        [
            Claim(OURS, f"{found[OURS].median:.2f} s", "≤ 3 s", found[OURS].median <= 3),
            ratio(found[OURS], found[PEER], 1 / 3),
            ratio(found[COMMAND_LINE], found[PEER]),
        ],
    )


def _notebook(shell: Shell) -> float:
    seconds = shell.run("%mlops deploy tumour/1") + shell.run("%mlops predict tumour --data row")
    shell.run("%mlops undeploy tumour")
    return seconds


def _command_line(shell: Shell, folder: Path, body: str) -> float:
    port = free_port()
    command = [sys.executable, "-m", "jupyter_mlops.cli", "deploy", "tumour/1", "--port", str(port)]
    begin = time.perf_counter()
    whole_process(command, folder)
    _invoke(port, body).raise_for_status()
    seconds = time.perf_counter() - begin
    shell.run("%mlops undeploy tumour")
    return seconds


def _peer(folder: Path, body: str) -> float:
    port = free_port()
    arguments = ["models", "serve", "-m", "models:/tumour/1", "--env-manager", "local", "--port", str(port)]
    begin = time.perf_counter()
    env = {"MLFLOW_TRACKING_URI": server_of(folder).url}
    with background([sys.executable, "-m", "mlflow", *arguments], folder, env):
        await_answer(lambda: _invoke(port, body))
        return time.perf_counter() - begin


def _invoke(port: int, body: str) -> requests.Response:
    headers = {"Content-Type": "application/json"}
    return requests.post(f"http://127.0.0.1:{port}/invocations", data=body, headers=headers, timeout=10)
