"""The environment of a run: a lock of what is installed, Python, the machine; and how two of them differ."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import metadata
from pathlib import Path
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
        Processor, cores, memory in bytes, and the GPUs that ``nvidia-smi`` lists; of other makers' nothing is known.
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
    packages, sources = _installed(tuple((folder, _changed(folder)) for folder in sys.path))
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


def _changed(folder: str) -> int:
    """Say when something was last put into a folder, or taken out of it: ``%pip install`` does."""
    try:
        return Path(folder or ".").stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=1)
def _installed(path: tuple[tuple[str, int], ...]) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Read the installed distributions; 0.2 s for a few hundred, so again only where a folder of the path has changed."""
    packages: dict[str, str] = {}
    sources: dict[str, str] = {}
    for distribution in metadata.distributions(path=[folder for folder, _ in path]):
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
        "gpus": list(_gpus()),
    }


@cache
def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:  # noqa: PTH123 - platform.processor() is empty on Linux
            return next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "")
    except OSError:
        return platform.processor()


@cache
def _gpus() -> tuple[str, ...]:
    """Ask ``nvidia-smi``, where there is one, for name, memory and driver of each GPU."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    words = [program, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        told = subprocess.run(words, capture_output=True, text=True, timeout=5, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(line.strip() for line in told.splitlines() if line.strip())
