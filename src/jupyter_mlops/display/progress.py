"""What to show while somebody waits: one line, replaced in place, and gone when the wait is over."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Any


class Progress:
    """A line that follows the work: in a notebook one display, in a terminal one line of stderr.

    Nothing is shown where nobody waits: the first ``say`` draws it.
    """

    def __init__(self) -> None:
        self._handle: Any = None
        self._last = ""

    def say(self, text: str) -> None:
        """Show what is going on now."""
        if text == self._last:
            return
        self._last = text
        if _in_notebook():
            from IPython.display import DisplayHandle

            if self._handle is None:
                self._handle = DisplayHandle()  # type: ignore[no-untyped-call]
                self._handle.display({"text/plain": text}, raw=True)
            else:
                self._handle.update({"text/plain": text}, raw=True)
        elif sys.stderr.isatty():
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: TracebackType | BaseException | None) -> None:
        if not self._last:
            return
        if self._handle is not None:
            with contextlib.suppress(Exception):  # a kernel that shuts down has no front end left to tell
                self._handle.update(
                    {"text/plain": f"{self._last.split(' …')[0]}: {'failed' if kind else 'done'}"}, raw=True
                )
        elif sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


@contextlib.contextmanager
def waiting(text: str, after: float = 1.0) -> Iterator[None]:
    """Say what is going on, where it takes longer than somebody waits without a word: ``after`` seconds."""
    with Progress() as progress:
        timer = threading.Timer(after, progress.say, [text])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()


def _in_notebook() -> bool:
    """Whether a kernel runs us: a terminal's IPython has no display that can be replaced."""
    ipython = sys.modules.get("IPython")
    ask = getattr(ipython, "get_ipython", None)  # another thread may be importing it right now
    shell = ask() if ask else None
    return shell is not None and hasattr(shell, "kernel")
