"""One client for all servers: wrk, in a process of its own.

``apt-get install wrk``: it keeps its connections, sends the next request as soon as it has an answer, and is quick
enough not to be what is measured.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

CONNECTIONS = 16

_SCRIPT = """
wrk.method = "POST"
local file = io.open({body!r}, "rb")
wrk.body = file:read("*a")
file:close()
{headers}
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\n{{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "bad": %d, "lost": %d}}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.status, e.connect + e.read + e.write + e.timeout))
end
"""


@dataclass(frozen=True)
class Target:
    """Where a server is asked, and with what; ``pid`` is the first of its processes."""

    name: str
    url: str
    body: bytes
    pid: int
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


@dataclass(frozen=True)
class Load:
    """What a client saw."""

    requests_a_second: float
    p50_ms: float
    p99_ms: float


def put(target: Target, seconds: float, connections: int = CONNECTIONS) -> Load:
    """Ask a server all the time.

    Raises
    ------
    RuntimeError
        Where there is no wrk, or any answer was not a good one: a server that refuses is quick.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        raise RuntimeError("This benchmark needs wrk: apt-get install wrk")
    with tempfile.TemporaryDirectory() as name:
        body, script = Path(name) / "body", Path(name) / "script.lua"
        body.write_bytes(target.body)
        headers = "\n".join(f'wrk.headers["{key}"] = "{value}"' for key, value in target.headers.items())
        script.write_text(_SCRIPT.format(body=str(body), headers=headers))
        command = [wrk, "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "30s", "-s", str(script), target.url]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = json.loads(said.strip().splitlines()[-1])
    if found["bad"] or found["lost"] or not found["requests"]:
        raise RuntimeError(f"{target.name}: {found['bad']} bad answers, {found['lost']} lost of {found['requests']}")
    return Load(found["requests"] / found["microseconds"] * 1e6, found["p50"] / 1000, found["p99"] / 1000)
