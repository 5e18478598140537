"""Fifty times ``kill -9`` under load: every answered id must be in the prediction log, once."""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from typing import Any

import psutil
import requests
import traffic
from measure import Claim, Report, Samples

import jupyter_mlops as mlops

CLIENTS = 8
KILLS = 50


def run() -> Report:
    chance = random.Random(0)
    killed: Counter[str] = Counter()
    back: list[float] = []
    given_up = 0
    with traffic.home() as folder:
        traffic.register(1)
        traffic.point(1)
        endpoint = mlops.deploy(traffic.MODEL)
        with traffic.asking(endpoint.url, CLIENTS, folder) as answers:
            while sum(killed.values()) < KILLS:
                time.sleep(chance.uniform(0.05, 1.0))
                what = chance.choice(["model", "model", "front", "all"])
                for process in _processes(endpoint.pid)[what]:
                    process.kill()
                killed[what] += 1
                begin = time.perf_counter()
                if what == "all":
                    endpoint = mlops.deploy(traffic.MODEL, port=endpoint.port)
                given_up += _until_it_answers(endpoint)
                back.append(time.perf_counter() - begin)
                print(f"\r  {sum(killed.values())} of {KILLS} kills", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        ids = Counter(mlops.deploy(traffic.MODEL).log()["id"])
    answered = [answer.id for answer in answers if answer.status == 200]
    lost = sum(ids[id] == 0 for id in answered)
    twice = sum(count > 1 for count in ids.values())
    return Report(
        "kills",
        f"{CLIENTS} clients ask one endpoint while one of its processes, or all of them, are killed by SIGKILL at random "
        "moments. Each answer that a client got is looked up in the log by its id.",
        [
            *(Samples(f"kills of {what}", [count], "") for what, count in sorted(killed.items())),
            Samples("answers that clients got", [len(answered)], ""),
            Samples("until it answers again", back),
            Samples("times that it was given up, as what keeps dying is, and was deployed again", [given_up], ""),
        ],
        [
            Claim("answered ids that are not in the log", f"{lost} of {len(answered):,}", "0", lost == 0),
            Claim("ids that are in the log more than once", f"{twice} of {len(ids):,}", "0", twice == 0),
        ],
    )


def _processes(pid: int) -> dict[str, list[psutil.Process]]:
    controller = psutil.Process(pid)
    children = controller.children()
    front = [child for child in children if "jupyter_mlops.serving.front.process" in child.cmdline()]
    template = [child for child in children if "forkserver" in " ".join(child.cmdline())]
    models = [model for child in template for model in child.children()]
    return {"front": front, "model": models, "all": [controller, *controller.children(recursive=True)]}


def _answers(url: str) -> bool:
    try:
        return requests.post(f"{url}/invocations", data=traffic.BODY, timeout=10).ok
    except requests.RequestException:
        return False


def _until_it_answers(endpoint: Any) -> int:
    """Wait; where it has been given up, deploy it again, as a person would. Gives how often that was."""
    begin, given_up = time.monotonic(), 0
    while not _answers(endpoint.url):
        if time.monotonic() - begin > 60:
            raise RuntimeError("The endpoint does not answer again within 60 s.")
        if any(row.state == "failed" for row in mlops.endpoints().rows):
            mlops.deploy(traffic.MODEL, port=endpoint.port)
            given_up += 1
        time.sleep(0.02)
    return given_up
