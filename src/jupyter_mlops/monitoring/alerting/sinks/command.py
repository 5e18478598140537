"""A program of the user's own, which gets the alert as JSON on its standard input."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from pathlib import Path

from ....ways import CommandSettings
from ..message import Message
from .way import NotSent


def send(message: Message, settings: CommandSettings, folder: Path) -> None:
    """Run it; what it prints is nobody's, for it may be anything."""
    name = Path(settings.run[0]).name
    given = json.dumps(message.to_dict(), ensure_ascii=False).encode()
    try:
        process = subprocess.Popen(
            settings.run,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise NotSent(f"{name} can't be run: {(getattr(error, 'strerror', None) or str(error)).lower()}") from None
    try:
        process.communicate(given, timeout=settings.timeout)
    except subprocess.TimeoutExpired:
        _stop(process)
        raise NotSent(f"{name} was stopped: it took over {settings.timeout:g} s") from None
    except BaseException:
        _stop(process)
        raise
    if process.returncode:
        raise NotSent(f"{name} ended with {process.returncode}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End it, and what it has started."""
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
