"""A minute of clients while the alias moves a hundred times, bad versions and ways back among the moves."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence

import requests
import traffic
from measure import Claim, Report, Samples

import jupyter_mlops as mlops
from jupyter_mlops.serving.results import Endpoint

CLIENTS = 8
CALM_SECONDS, SECONDS = 20.0, 60.0
GOOD = range(1, 7)
OTHER_COLUMNS, BROKEN = 7, 8
ROLLBACKS = 20
EVERY = 0.4  # seconds from one move to the next: 150 in a minute, of which a fifth goes to a bad version
PAUSE = 1.0  # until the swap before has been written into the audit
BACK, ANOTHER, BAD = "back to the version before", "to another", "to a bad one"


def run() -> Report:
    with traffic.home() as folder:
        for number in GOOD:
            traffic.register(number)
        traffic.register(OTHER_COLUMNS, columns=5)
        traffic.register(BROKEN)
        traffic.damage(BROKEN)
        traffic.point(1)
        endpoint = mlops.deploy(traffic.MODEL)
        with traffic.asking(endpoint.url, CLIENTS, folder) as calm:
            time.sleep(CALM_SECONDS)
        with traffic.asking(endpoint.url, CLIENTS, folder) as answers:
            moves = _move(endpoint, EVERY)
        with traffic.asking(endpoint.url, CLIENTS, folder) as hurried:
            more = _move(endpoint, 0)
        rollbacks = _roll_back(endpoint)
    return _report(calm, answers, moves, hurried, more, rollbacks)


def _move(endpoint: Endpoint, every: float) -> Counter[str]:
    """Move the alias every so many seconds, at the most as fast as the endpoint follows; count what it was moved to."""
    chance = random.Random(0)
    moves: Counter[str] = Counter()
    now, before = _answering(endpoint), 2
    begin = time.monotonic()
    while (spent := time.monotonic() - begin) < SECONDS:
        time.sleep(max(0.0, sum(moves.values()) * every - spent))
        others = [number for number in (*GOOD, OTHER_COLUMNS, BROKEN) if number != now]
        number = before if chance.random() < 0.3 else chance.choice(others)
        traffic.point(number)
        if chance.random() < 0.9:  # as our own commands tell it; else it sees by itself
            os.kill(endpoint.pid, signal.SIGUSR1)
        if number in GOOD:
            _until(lambda number=number: _answering(endpoint) == number)  # type: ignore[misc]
            moves[BACK if number == before else ANOTHER] += 1
            now, before = number, now
        else:
            _until(lambda number=number: _is_refused(number))  # type: ignore[misc]
            moves[BAD] += 1
    print(f"  {sum(moves.values())} moves", file=sys.stderr, flush=True)
    return moves


def _roll_back(endpoint: Endpoint) -> tuple[list[float], list[float]]:
    """Go back and forth between two warm versions: from the moved alias, and from the command, to the answer."""
    for number in (1, 2):
        traffic.point(number)
        _until(lambda number=number: _answering(endpoint) == number)  # type: ignore[misc]
    switches, commands = [], []
    for number in [1, 2] * (ROLLBACKS // 2):
        time.sleep(PAUSE)
        traffic.point(number)
        begin = time.perf_counter()
        os.kill(endpoint.pid, signal.SIGUSR1)
        _until(lambda number=number: _answering(endpoint) == number, tick=0)  # type: ignore[misc]
        switches.append((time.perf_counter() - begin) * 1000)
    for _ in range(ROLLBACKS // 4):
        mlops.promote(f"{traffic.MODEL}/3", force=True, reason="benchmark")
        _until(lambda: _answering(endpoint) == 3)
        time.sleep(PAUSE)
        begin = time.perf_counter()
        mlops.rollback(traffic.MODEL)
        _until(lambda: _answering(endpoint) != 3, tick=0)
        commands.append((time.perf_counter() - begin) * 1000)
    return switches, commands


def _answering(endpoint: Endpoint) -> int:
    return int(requests.get(f"{endpoint.url}/health", timeout=10).json()["version"])


def _is_refused(number: int) -> bool:
    why = mlops.endpoints().rows[0].refused
    return bool(why) and ("can't ask it" in why) == (number == OTHER_COLUMNS)


def _until(condition: Callable[[], bool], tick: float = 0.01) -> None:
    begin = time.monotonic()
    while not condition():
        if time.monotonic() - begin > 30:
            raise RuntimeError("The endpoint does not follow within 30 s.")
        time.sleep(tick)


def _report(
    calm: Sequence[traffic.Answer],
    answers: Sequence[traffic.Answer],
    moves: Counter[str],
    hurried: Sequence[traffic.Answer],
    more: Counter[str],
    rollbacks: tuple[list[float], list[float]],
) -> Report:
    bad = sum(answer.status != 200 for answer in (*answers, *hurried))
    mixed = sum(answer.is_mixed for answer in (*answers, *hurried))
    count = len(answers) + len(hurried)
    swaps = moves[BACK] + moves[ANOTHER]
    slower = traffic.p99(answers) / traffic.p99(calm)
    switch, command = (
        Samples("rollback: from the moved alias to the answer", rollbacks[0], "ms"),
        Samples("rollback: `%mlops rollback`, with its audit, to the answer", rollbacks[1], "ms"),
    )
    return Report(
        "swaps",
        f"{CLIENTS} clients ask one endpoint for {SECONDS:g} s over connections that stay, while the alias of its model "
        f"is moved every {EVERY:g} s: among {len(GOOD)} good versions, one with other columns and one whose file is "
        f"cut; then for {SECONDS:g} s more in a hurry, which is as fast as it follows. Each answer's value names the version that made it, and is held against the header. Calm: the same "
        f"clients for {CALM_SECONDS:g} s before. A rollback: the version before is warm, and the swap before has been written into the audit; /health is asked until it says so.",
        [
            Samples("answers while it swaps", [len(answers)], ""),
            Samples("answers in calm", [len(calm)], ""),
            Samples("answers in a hurry", [len(hurried)], ""),
            *(Samples(f"moves {what}", [many], "") for what, many in moves.items()),
            *(Samples(f"moves {what}, in a hurry", [many], "") for what, many in more.items()),
            Samples("p99 in calm", [traffic.p99(calm)], "ms"),
            Samples("p99 while it swaps", [traffic.p99(answers)], "ms"),
            Samples("p99 in a hurry", [traffic.p99(hurried)], "ms"),
            switch,
            command,
        ],
        [
            Claim("swaps", f"{swaps}", "≥ 100", swaps >= 100),
            Claim("answers that are not 200", f"{bad} of {count:,}", "0", bad == 0),
            Claim("answers that are not of the version they name", f"{mixed} of {count:,}", "0", mixed == 0),
            Claim("p99 while it swaps ÷ in calm", f"{slower:.2f}", "≤ 2", slower <= 2),
            Claim(switch.name, f"{switch.median:.0f} ms", "≤ 100 ms", switch.median <= 100),
        ],
    )
