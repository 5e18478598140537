"""What the controller tells a model process when it starts it; a module of its own, since it costs no import."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from .sealed import Seal


@dataclass(frozen=True)
class Order:
    """What a process is to serve, and where.

    Attributes
    ----------
    folder : Path
        The downloaded model.
    socket : Path
        Where the front finds it; the folder that it is in must be nobody else's.
    memory : int
        Bytes that the process may take.
    endpoint : str
    log : Path, optional
        The folder of the prediction log; None where nothing is to be remembered.
    drop, hash : tuple of str
        The columns that the log leaves out, or keeps as a hash with ``key``.
    personal : tuple of str
        Those that the project has marked: hashed too, where the model has them and nothing else is said of them.
    max_rows : int
        Rows that a request may have.
    seal : Seal
        What the files must fit.
    """

    folder: Path
    model: str
    version: int
    socket: Path
    memory: int
    endpoint: str
    log: Path | None = None
    drop: tuple[str, ...] = ()
    hash: tuple[str, ...] = ()
    personal: tuple[str, ...] = ()
    key: bytes = b""
    max_rows: int = 50_000
    seal: Seal = field(default_factory=Seal)
