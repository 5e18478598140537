"""A process of its own for one version: it loads it, shows that it works, and answers what has gathered."""

from __future__ import annotations

import contextlib
import gc
import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import FrameType
from typing import Any

import orjson

from ...errors import InvalidUsage, MlopsError
from ..log.inputs import names_of
from ..log.privacy import Privacy
from ..log.writer import LogWriter
from ..priority import step_back
from ..wire import Frame, Unpacker, pack
from . import sealed
from .loader import LoadedModel, load_model
from .order import Order
from .predictor import Predictor
from .protocols import Protocols
from .replies import Reply

_log = logging.getLogger(__name__)
_AT_ONCE = 1 << 18
_MOST_WAITING = 1 << 25  # bytes that are read before they are answered
_WARM_UP = 3


def run(order: Order, report: Connection) -> None:
    """Load, try, report, and serve until the parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    # The names and their order have been checked when an array comes in place of a frame.
    warnings.filterwarnings("ignore", message="X (does not have valid|has) feature names")
    _limit(order.memory)
    with ThreadPoolExecutor(1, initializer=step_back) as loading:
        try:
            predictor, said = loading.submit(_load, order).result()
            listener = listen(order.socket)
        except MlopsError as error:
            _say(report, {"refused": type(error).__name__, "message": error.message, "hint": error.hint})
            return
        except MemoryError:
            message = f"It takes more than the {order.memory // 2**20} MB that a model may have."
            _say(report, {"refused": "ProcessFailed", "message": message, "hint": None})
            return
    gc.freeze()  # nor does one look at the model, which stays as long as the process
    _say(report, said)
    service = Service(predictor, listener)
    signal.signal(signal.SIGTERM, service.end)
    service.run()


def _load(order: Order) -> tuple[Predictor, dict[str, Any]]:
    model = load_model(order.folder, pickles=sealed.check(order.folder, order.seal))
    # What scikit-learn warns of in the rows of a request, it would warn of in each.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"sklearn\.")
    said, predictions = _try(model)
    protocols = Protocols(model, order.model, str(order.version), predictions)
    predictor = Predictor(model, _log_of(order, model), max_rows=order.max_rows, protocols=protocols)
    return predictor, said | {"tensors": protocols.told()}


def _say(report: Connection, said: dict[str, Any]) -> None:
    report.send_bytes(orjson.dumps(said))  # JSON: a model is not trusted with what its controller would unpickle
    report.close()


class Service:
    """Answers one front after the other, until it is told to end and none is there."""

    def __init__(self, predictor: Predictor, listener: socket.socket) -> None:
        self._predictor = predictor
        self._listener = listener
        self._busy = False
        self._ending = False

    def run(self) -> None:
        """Serve."""
        while not self._ending:
            self._busy = False
            connection, _ = self._listener.accept()
            self._busy = True
            with connection, contextlib.suppress(ConnectionError):
                self._serve(connection)

    def end(self, number: int = 0, frame: FrameType | None = None) -> None:
        """End now, or when what the front has accepted is answered: then it hangs up."""
        self._ending = True
        if not self._busy:
            raise SystemExit(0)

    def _serve(self, connection: socket.socket) -> None:
        unpacker = Unpacker()
        while frames := _gather(connection, unpacker):
            replies = self._predictor.answer(frames)
            connection.sendall(b"".join([pack(key, _about(reply), reply.body) for key, reply in replies]))


def _about(reply: Reply) -> dict[str, Any]:
    about: dict[str, Any] = {"status": reply.status, "type": reply.media_type, "rows": reply.rows}
    return about | {"headers": reply.headers} if reply.headers else about


def _gather(connection: socket.socket, unpacker: Unpacker) -> list[Frame]:
    """Wait for a request, and take with it what else is there already; nothing where the front has gone."""
    frames: list[Frame] = []
    taken, is_more = 0, True
    while not frames or (is_more and taken < _MOST_WAITING):
        try:
            data = connection.recv(_AT_ONCE, socket.MSG_DONTWAIT if frames else 0)
        except BlockingIOError:
            break
        if not data:
            return []
        taken, is_more = taken + len(data), len(data) == _AT_ONCE
        frames += unpacker.feed(data)
    return frames


def _log_of(order: Order, model: LoadedModel) -> LogWriter | None:
    if order.log is None:
        return None
    marked = frozenset(order.personal) & frozenset(names_of(model.signature.inputs)) - frozenset(order.drop)
    privacy = Privacy(frozenset(order.drop), frozenset(order.hash) | marked, order.key)
    about = {"endpoint": order.endpoint, "model": order.model}
    return LogWriter(order.log, model.signature, version=order.version, privacy=privacy, **about)


def _try(model: LoadedModel) -> tuple[dict[str, Any], Any]:
    """Ask the model for its own example: it must answer, and the first answers are the slow ones.

    Returns
    -------
    dict, and the predictions
        What it says of itself, and what it answers; None where it has no example.
    """
    said: dict[str, Any] = {
        "inputs": model.signature.inputs.told(),
        "example": model.request,
        "mlflow_version": model.mlflow_version,
        "sklearn_version": model.sklearn_version,
    }
    if model.input_example is None:
        return said, None
    seconds = []
    try:
        for _ in range(_WARM_UP):
            begin = time.perf_counter()
            predictions = model.predict(model.input_example)
            seconds.append(time.perf_counter() - begin)
    except Exception as error:
        # Whatever it is, a model that fails on the rows it was logged with is not to answer anybody.
        raise InvalidUsage(f"It fails on its own example: {type(error).__name__}: {error}") from error
    # The fastest is what it can do; what else the machine does meanwhile is not its fault.
    return said | {"smoke_ms": min(seconds) * 1000}, predictions


def listen(path: Path) -> socket.socket:
    """Open a socket in a folder that must be nobody else's."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(8)
    return listener


def _limit(memory: int) -> None:
    if sys.platform != "linux":
        return  # elsewhere the system does not hold a process to it
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(0)  # nobody is left to answer to
