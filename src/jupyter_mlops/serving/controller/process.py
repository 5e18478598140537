"""The process of a controller: ``python -m jupyter_mlops.serving.controller --root PROJECT --endpoint NAME``.

It runs until SIGTERM; then what was accepted is answered, and it ends with 0.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
import socket
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from ...errors import Conflict, MlopsError
from ..files import EndpointFiles, files_of
from .controller import LOCK, Controller

_PATIENCE = 5.0  # seconds for one before it to end


def main(argv: Sequence[str] | None = None) -> int:
    """Look after one endpoint until told to stop.

    Returns
    -------
    int
        The exit code: 0 after SIGTERM, else that of the error.
    """
    parser = argparse.ArgumentParser(prog="python -m jupyter_mlops.serving.controller", description="Serve.")
    parser.add_argument("--root", required=True, type=Path, help="the project")
    parser.add_argument("--endpoint", required=True, help="the name of the endpoint")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # until there is somebody to be nudged
    files = files_of(options.root / ".mlops", options.endpoint)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(_run(options.root, files))
    except MlopsError as error:
        print(f"refused: {type(error).__name__}:", " ".join(str(error).split()), file=sys.stderr, flush=True)
        return error.exit_code
    return 0


async def _run(root: Path, files: EndpointFiles) -> None:
    wanted = files.wanted()
    assert wanted is not None
    lock = FileLock(files.folder / LOCK)
    try:
        lock.acquire(timeout=_PATIENCE)
    except Timeout:
        raise Conflict(
            f"Another process looks after the endpoint {files.folder.name} already.",
            "%mlops endpoints, in a few seconds",
        ) from None
    # A folder of its own, 0700: whoever could reach the sockets could answer in the model's name.
    with _listen(wanted.host, wanted.port) as listener, tempfile.TemporaryDirectory(prefix="mlops-") as sockets:
        controller = Controller(root, files, listener, Path(sockets))
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel)
        loop.add_signal_handler(signal.SIGUSR1, controller.nudge)
        await controller.run()


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    # Without it a restarted endpoint waits a minute for its own old port. (On Windows it means something else.)
    if sys.platform != "win32":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except (OSError, OverflowError) as error:
        listener.close()
        mend = (
            "an address of this machine, or 0.0.0.0 for all"
            if isinstance(error, socket.gaierror)
            else "choose another port"
        )
        raise Conflict(f"Can't listen on {host}:{port}: {error}.", mend) from error
    return listener
