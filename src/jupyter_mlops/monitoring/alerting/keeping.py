"""Where alerts are kept: one file for each endpoint, changed by one process at a time and written whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from filelock import BaseFileLock, FileLock, Timeout

from ...disk import write_whole
from ...errors import Conflict, NotWritable, writing_to
from ...workspace import Workspace
from .alert import Book

_FILE: Final = "alerts.json"
_WAIT: Final = 10.0
_MOST_ALERTS, _MOST_STREAKS, _MOST_SILENCES = 500, 5_000, 200


class Keeper:
    """The book of an endpoint's alerts.

    Parameters
    ----------
    folder : Path
        Of the endpoint's alerts.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of(cls, workspace: Workspace, endpoint: str) -> Keeper:
        """Give that of an endpoint."""
        from ..place import folder_of

        return cls(folder_of(workspace, endpoint) / "alerts")

    def read(self) -> Book:
        """Read it; a torn one is put aside, for an alert that is told again is better than none.

        Raises
        ------
        NotWritable
        """
        file = self.folder / _FILE
        try:
            return Book.read(json.loads(file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return Book()
        except (ValueError, TypeError, KeyError, AttributeError):
            with writing_to(file):
                file.replace(file.with_suffix(".torn"))
            return Book()
        except OSError as error:
            raise NotWritable(f"{file} can't be read: {error.strerror}.") from None

    def change(self, by: Callable[[Book], Book]) -> Book:
        """Change it, alone.

        Raises
        ------
        Conflict
            Where another process holds it for seconds.
        NotWritable
        """
        try:
            with writing_to(self.folder), self._lock(".lock", _WAIT):
                book = self.read()
                changed = _tidy(by(book))
                if changed != book:
                    write_whole(self.folder / _FILE, json.dumps(changed.to_dict()))
                return changed
        except Timeout:
            raise Conflict(f"Another process holds the alerts in {self.folder}.", "try again") from None

    @contextmanager
    def sending(self) -> Iterator[bool]:
        """Be the only one who sends: False where another process does."""
        try:
            with writing_to(self.folder):
                lock = self._lock(".sending", 0).acquire()
        except Timeout:
            yield False
            return
        with lock:
            yield True

    def _lock(self, name: str, seconds: float) -> BaseFileLock:
        self.folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self.folder / name, timeout=seconds)


def _tidy(book: Book) -> Book:
    """Let go of what is old: alerts that are over, streaks of versions that answer no more."""
    over = [one for one in book.alerts if not one.is_open and all(each.state != "waiting" for each in one.deliveries)]
    gone = {one.id for one in over[: max(0, len(book.alerts) - _MOST_ALERTS)]}
    newest = sorted(book.streaks, key=lambda key: -book.streaks[key].judged)[:_MOST_STREAKS]
    return replace(
        book,
        alerts=tuple(one for one in book.alerts if one.id not in gone),
        streaks={key: book.streaks[key] for key in book.streaks if key in set(newest)},
        silences=book.silences[-_MOST_SILENCES:],
    )
