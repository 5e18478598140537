"""What can go wrong, as one tree.

::

    MlopsError                      HTTP  exit
    ├── InvalidUsage                 400    2   the command, its words or the settings are off
    ├── NotFound                     404    3   a model, run, version, variable … that isn't there
    ├── Conflict                     409    4   somebody or something is in the way
    ├── ValidationFailed             422    5   a gate or a check said no
    │   └── Inconclusive             422    6   a gate could not say yes or no
    ├── BackendUnreachable           503    7   the tracking server is down, hangs, or isn't MLflow
    ├── MissingDependency            501    8   an extra that is not installed
    ├── UntrustedModel               403    9   a model file that would run code
    ├── ProcessFailed                502   10   a process of ours did not start or stay up
    ├── NotWritable                  507   11   a folder or a disk that takes nothing
    ├── LimitReached                 504   12   a time or memory limit that was set
    └── Differs                      422   13   something that should come out the same, and doesn't

Every error says what happened, and ``hint`` is the line that mends it. In a notebook it is shown as
these one to three lines, and the cell really fails.
"""

from __future__ import annotations

import contextlib
import difflib
import errno
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar


class MlopsError(Exception):
    """The base of all errors that jupyter-mlops raises on purpose.

    Parameters
    ----------
    message : str
        What happened and why, in one or two lines.
    hint : str, optional
        The line to paste that mends it.
    """

    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\n  → {self.hint}"

    def _render_traceback_(self) -> list[str]:
        """Show the lines that help; IPython calls this in place of its own traceback."""
        return f"{type(self).__name__}: {self}".split("\n")


class InvalidUsage(MlopsError):
    """The command, its words or the settings are off."""

    status = 400
    exit_code = 2


class NotFound(MlopsError):
    """A model, run, version, variable or endpoint that isn't there."""

    status = 404
    exit_code = 3


class Conflict(MlopsError):
    """Somebody or something is in the way: another promotion, a port in use."""

    status = 409
    exit_code = 4


class ValidationFailed(MlopsError):
    """A gate or a check said no."""

    status = 422
    exit_code = 5


class Inconclusive(ValidationFailed):
    """A gate could not say yes or no: a metric is missing, or there is no gate."""

    exit_code = 6


class BackendUnreachable(MlopsError):
    """The tracking server is down, hangs, answers with errors, or isn't MLflow."""

    status = 503
    exit_code = 7


class MissingDependency(MlopsError):
    """A package that this command needs is not installed."""

    status = 501
    exit_code = 8


class UntrustedModel(MlopsError):
    """A model file that would run code when it is loaded."""

    status = 403
    exit_code = 9


class ProcessFailed(MlopsError):
    """A server or an endpoint did not start, or did not stay up."""

    status = 502
    exit_code = 10


class NotWritable(MlopsError):
    """A folder that may not be written, or a disk that is full."""

    status = 507
    exit_code = 11


class LimitReached(MlopsError):
    """A limit of time or memory that was set has been reached."""

    status = 504
    exit_code = 12


class Differs(MlopsError):
    """Something was run again, and does not come out the same."""

    status = 422
    exit_code = 13


_OF_THE_DISK = frozenset(
    getattr(errno, name)
    for name in [
        "ENOSPC",
        "EDQUOT",
        "EROFS",
        "EACCES",
        "EPERM",
        "EIO",
        "ENOENT",
        "EEXIST",
        "ENOTDIR",
        "EISDIR",
        "ENAMETOOLONG",
        "EFBIG",
        "ELOOP",
        "ESTALE",
    ]
)


_ROOM = "free some space there, or work in a folder of your own"


def named(name: str) -> type[MlopsError]:
    """Give the class of an error by its name, as another process has told it; ``ProcessFailed`` where none is called so."""
    kind = globals().get(name)
    return kind if isinstance(kind, type) and issubclass(kind, MlopsError) else ProcessFailed


@contextlib.contextmanager
def writing_to(place: Path) -> Iterator[None]:
    """Say in one line where a disk is full or a folder may not be written.

    Raises
    ------
    NotWritable
        In place of the system's or SQLite's error.
    """
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        if isinstance(error, OSError) and error.errno not in _OF_THE_DISK:
            raise
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        is_no_place = getattr(error, "errno", None) in (errno.ENOENT, errno.ENOTDIR, errno.EISDIR)
        hint = "name a file in a folder that is there" if is_no_place else _ROOM
        raise NotWritable(f"{place} can't be written: {reason}.", hint) from error


def need_space(folder: Path, least: float = 20e6) -> None:
    """Make sure that a disk has ``least`` bytes free before something is begun.

    Raises
    ------
    NotWritable
        Where it hasn't.
    """
    disk = shutil.disk_usage(folder)
    if disk.total and disk.free < least:  # a total of 0 is no disk: /proc and the like
        raise NotWritable(f"The disk of {folder} is full: {disk.free / 1e6:.1f} MB are free.", "free some space there")


def nearest(name: str, known: Iterable[str], *, most: int = 3) -> str:
    """Name the known words that look like ``name``, or some that exist.

    Returns
    -------
    str
        ``" Did you mean churn?"``, ``" There are: a, b."`` or ``""`` where nothing is known.
    """
    names = sorted({str(word) for word in known})
    close = difflib.get_close_matches(name, names, n=most)
    if close:
        return f" Did you mean {' or '.join(close)}?"
    if not names:
        return ""
    more = ", …" if len(names) > most else ""
    return f" There {'is' if len(names) == 1 else 'are'}: {', '.join(names[:most])}{more}."
