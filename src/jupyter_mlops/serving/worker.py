"""The process of an endpoint: ``python -m jupyter_mlops.serving.worker --endpoint NAME …``.

It loads one model, serves it until SIGTERM, and ends with 0. A model or a port that it can't take
ends it with the exit code of the error, after one line ``refused: UntrustedModel: … → …`` on stderr.
"""

from __future__ import annotations

import argparse
import logging
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import uvicorn

from ..errors import Conflict, MlopsError
from .app import create_app
from .loader import load_model

GRACE = 5  # seconds that running requests have after SIGTERM

_log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve one model until told to stop.

    Returns
    -------
    int
        The exit code: 0 after SIGTERM or SIGINT, else that of the error.
    """
    options = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    try:
        model = load_model(options.folder)
        listener = _listen(options.host, options.port)
    except MlopsError as error:
        print(f"refused: {type(error).__name__}:", " ".join(str(error).split()), file=sys.stderr, flush=True)
        return error.exit_code
    app = create_app(
        model,
        endpoint=options.endpoint,
        model_name=options.model,
        version=options.version,
        hosts=[_in_url(options.host), *options.allow_host],
    )
    port = listener.getsockname()[1]
    _log.info(
        "endpoint %s serves %s/%s on http://%s:%d",
        options.endpoint,
        options.model,
        options.version,
        _in_url(options.host),
        port,
    )
    # log_config=None: everything goes to the one log above. Nobody reads an access log of a server
    # that answers thousands of requests a second, and it would cost a tenth of them.
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        lifespan="off",
        timeout_graceful_shutdown=GRACE,
    )
    with listener:
        uvicorn.Server(config).run(sockets=[listener])
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m jupyter_mlops.serving.worker", description="Serve one model.")
    parser.add_argument("--endpoint", required=True, help="the name of the endpoint")
    parser.add_argument("--folder", required=True, type=Path, help="the downloaded model")
    parser.add_argument("--model", required=True, help="the name of the registered model")
    parser.add_argument("--version", required=True, help="its version")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--port", required=True, type=int, help="the port to listen on; 0 takes a free one")
    parser.add_argument("--allow-host", action="append", default=[], help="one more name that clients may use")
    return parser


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    # Without it a restarted endpoint waits a minute for its own old port. (On Windows it means something else.)
    if sys.platform != "win32":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise Conflict(f"Can't listen on {host}:{port}: {error}.", "choose another port") from error
    return listener


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _stop(number: int, frame: FrameType | None) -> None:
    # uvicorn finishes the running requests, then raises the signal again: this makes it a clean end.
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
