"""Processes that outlive the kernel: start, recognise, stop. A pid alone is not a process: pids are used again."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from ..errors import Conflict, ProcessFailed

GRACE_SECONDS = 5.0


@dataclass(frozen=True)
class Process:
    """A process of this project, as it stands in the local state.

    Attributes
    ----------
    kind, name : str
        ``"server"`` or ``"endpoint"``, and which one.
    pid : int
    created : float
        The start time that the system gives; with the pid it names one process for good.
    port : int
    started : float
        Seconds since the epoch.
    details : dict
        What its kind wants to remember: an endpoint its model and version, and where it listens, if not on 127.0.0.1.
    """

    kind: str
    name: str
    pid: int
    created: float
    port: int
    started: float
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.details.get('host', '127.0.0.1')}:{self.port}"

    @property
    def alive(self) -> bool:
        """Whether exactly this process still runs."""
        return _find(self) is not None


def spawn(command: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> tuple[int, float]:
    """Start a process that outlives this one, with its output in ``log``.

    Returns
    -------
    pid, created : int, float
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-P", *command],  # -P: a numpy.py beside the notebook is not meant
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            start_new_session=True,  # an interrupt of the kernel is not one of the server
        )
    # Somebody must take the exit code, or it stays behind as a zombie for as long as this kernel lives.
    threading.Thread(target=process.wait, name=f"reap-{process.pid}", daemon=True).start()
    try:
        return process.pid, psutil.Process(process.pid).create_time()
    except psutil.NoSuchProcess:
        return process.pid, time.time()


def stop(process: Process, grace: float = GRACE_SECONDS) -> bool:
    """Ask a process and its children to end, and end them after ``grace`` seconds; of a dead one what it has left.

    Returns
    -------
    bool
        Whether it was running.
    """
    found = _find(process)
    family = orphans(process) if found is None else [found]
    if found is not None:
        with contextlib.suppress(psutil.Error):
            family += found.children(recursive=True)
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.terminate()
            member.resume()  # a stopped process does not see the signal
    _, left = psutil.wait_procs(family, timeout=grace)
    for member in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(left, timeout=grace)
    return found is not None


def orphans(process: Process) -> list[psutil.Process]:
    """Find what a dead process has started and left running, be it that it hangs.

    Each process that outlives the kernel leads a session, and the number of a session is nobody else's for as long as
    one member is there. After the machine was started again it is: then there is nothing to find.
    """
    if not hasattr(os, "getsid") or process.created < psutil.boot_time() - 1 or _is_somebody(process.pid):
        return []
    found = []
    for other in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):  # it may end meanwhile
            if os.getsid(other.pid) == process.pid and other.create_time() >= process.created - 1 and _is_ours(other):
                found.append(other)
    return found


def _is_somebody(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _is_ours(process: psutil.Process) -> bool:
    is_dead = process.status() == psutil.STATUS_ZOMBIE
    return not is_dead and __package__.partition(".")[0] in " ".join(process.cmdline())


def nudge(process: Process) -> None:
    """Tell a process that looks at something now and then to look now."""
    if (found := _find(process)) is not None and hasattr(signal, "SIGUSR1"):
        with contextlib.suppress(psutil.NoSuchProcess):
            found.send_signal(signal.SIGUSR1)


def await_ready(
    process: Process, ready: Callable[[], bool], log: Path, *, timeout: float, tick: Callable[[float], None]
) -> None:
    """Wait until ``ready()``, the process has died, or ``timeout`` seconds are over.

    Raises
    ------
    ProcessFailed
        With the last lines of the process's log.
    """
    begin = time.monotonic()
    while not ready():
        waited = time.monotonic() - begin
        what = f"The {process.kind} {process.name}"
        if not process.alive:
            raise ProcessFailed(f"{what} ended while it started. Its last lines:\n{tail(log)}", f"read {log}")
        if waited > timeout:
            raise ProcessFailed(
                f"{what} did not answer within {timeout:.0f} s. Its last lines:\n{tail(log)}", f"read {log}"
            )
        tick(waited)
        time.sleep(0.05 if waited < 2 else 0.2)


def tail(log: Path, lines: int = 3) -> str:
    """Give the last lines that a process wrote."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 256 * lines * 4))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join([line for line in text.splitlines() if line.strip()][-lines:])


def last_words(command: Sequence[str], folder: Path, seconds: float = 60) -> str | None:
    """Run a program to its end; None where it went well, else its last words, without colours."""
    plain = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "CLICOLOR_FORCE")}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=plain | {"NO_COLOR": "1"},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return None
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    told = [line for line in lines if line.lower().startswith(("error", "fatal", "×", "╰"))] or lines
    return " ".join(told[-2:])[:300] or f"it ended with {done.returncode}"


def free_port(wanted: int = 0) -> int:
    """Find a port on loopback that nobody listens on.

    Raises
    ------
    Conflict
        Where ``wanted`` is taken.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError as error:
            raise Conflict(
                f"Port {wanted} can't be used: {(error.strerror or str(error)).lower()}.", "--port 0 takes a free one"
            ) from None
        except OverflowError:
            raise Conflict(f"{wanted} is no port: it must be 0 to 65535.", "--port 0 takes a free one") from None
        return int(probe.getsockname()[1])


def _find(process: Process) -> psutil.Process | None:
    try:
        found = psutil.Process(process.pid)
        same = abs(found.create_time() - process.created) < 1
        return found if same and found.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None
