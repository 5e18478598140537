"""The environment of a run: a lock of what is installed, Python, the machine; and how two of them differ."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Any

import psutil

from ...backend.git import without_credentials


@dataclass(frozen=True)
class Environment:
    """What a run was made with.

    Attributes
    ----------
    python, platform : str
        ``3.11.7`` and ``Linux-6.1-x86_64``.
    hardware : dict
        Processor, cores, memory in bytes.
    packages : dict of str to str
        The version of each installed distribution, by its normalised name.
    sources : dict of str to str
        Where those came from that no index has: ``git+https://…@commit``, ``file:///…``.
    """

    python: str
    platform: str
    hardware: dict[str, Any]
    packages: dict[str, str]
    sources: dict[str, str]

    @property
    def lock(self) -> str:
        """The packages as pip and uv install them, a line each; what is only on this machine is a comment."""
        return "".join(f"{self._line(name)}\n" for name in sorted(self.packages))

    def _line(self, name: str) -> str:
        source = self.sources.get(name)
        if source is None:
            return f"{name}=={self.packages[name]}"
        return f"# {name} {self.packages[name]} from {source}" if source.startswith("file:") else f"{name} @ {source}"


def here() -> Environment:
    """Describe the environment of this process."""
    packages, sources = _installed(tuple(sys.path))
    return Environment(platform.python_version(), platform.platform(), _hardware(), dict(packages), dict(sources))


def of_dict(values: Mapping[str, Any]) -> Environment:
    """Read one that was written down."""
    return Environment(**{name: values[name] for name in ("python", "platform", "hardware", "packages", "sources")})


def differences(then: Environment, now: Environment) -> list[tuple[str, str, str]]:
    """Say what differs, as (what, then, now); what is not installed is ``""``.

    The machine is left out: other hardware is told by ``platform`` where it matters.
    """
    found = [("Python", then.python, now.python)] if then.python != now.python else []
    if then.platform.split("-")[0] != now.platform.split("-")[0]:
        found.append(("platform", then.platform, now.platform))
    for name in sorted({*then.packages, *now.packages}):
        versions = then.packages.get(name, ""), now.packages.get(name, "")
        if versions[0] != versions[1]:
            found.append((name, *versions))
    return found


@cache
def _installed(path: tuple[str, ...]) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Read the installed distributions; 0.2 s for a few hundred, so once for each search path."""
    packages: dict[str, str] = {}
    sources: dict[str, str] = {}
    for distribution in metadata.distributions(path=list(path)):
        name = (distribution.metadata["Name"] or "").lower().replace("_", "-").replace(".", "-")
        if not name or name in packages:  # the first on the path is the one that is imported
            continue
        packages[name] = distribution.version
        if direct := distribution.read_text("direct_url.json"):
            sources[name] = _source(json.loads(direct))
    return packages, sources


def _source(direct: Mapping[str, Any]) -> str:
    url = without_credentials(str(direct.get("url", "")))
    vcs = direct.get("vcs_info")
    return f"{vcs['vcs']}+{url}@{vcs['commit_id']}" if vcs else url


def _hardware() -> dict[str, Any]:
    return {
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory": psutil.virtual_memory().total,
    }


@cache
def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:  # noqa: PTH123 - platform.processor() is empty on Linux
            return next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "")
    except OSError:
        return platform.processor()
