"""The thread behind a panel: it looks, and replaces the display where something has changed.

A look may take a fifth of the time, whatever was asked for: it shares the interpreter with the cells. It draws nothing where nothing
has changed, and stops by itself, for a kernel is not told that an output was cleared.
"""

from __future__ import annotations

import contextvars
import os
import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ..display import Table, View, html, mime, text
from ..errors import MlopsError

if TYPE_CHECKING:
    from .results import Panel

_AGE: Final = 20.0  # seconds after which "12 s ago" is written anew
_SHARE: Final = 5.0  # a look may take one part in so many
_open: dict[str, _Live] = {}
_lock = threading.Lock()


def is_watched() -> bool:
    """Whether a person may see a display change: a kernel that somebody can answer, and not one of CI.

    nbclient, papermill and their like tell a kernel that nobody is there to be asked.
    """
    ipython = sys.modules.get("IPython")
    kernel = getattr(ipython and ipython.get_ipython(), "kernel", None)
    is_ci = os.environ.get("CI", "").lower() in ("1", "true")
    return kernel is not None and bool(getattr(kernel, "_allow_stdin", False)) and not is_ci


def begin(panel: Panel) -> None:
    """Show a panel and go on showing it, in place of the one of its kind that was open."""
    live = _Live(panel)
    with _lock:
        before, _open[panel.what] = _open.get(panel.what), live
    if before is not None:
        before.stop("another panel has taken over")
    live.start()


def is_open(panel: Panel) -> bool:
    """Whether a panel is redrawn."""
    found = _open.get(panel.what)
    return found is not None and found.panel is panel and found.goes_on


def close(panel: Panel) -> None:
    """Stop one."""
    with _lock:
        found = _open.get(panel.what)
        if found is None or found.panel is not panel:
            return
        del _open[panel.what]
    found.stop("closed")


def close_all() -> list[str]:
    """Stop all of this kernel, and name those that went on."""
    with _lock:
        found = dict(_open)
        _open.clear()
    closed = [what for what, live in found.items() if live.goes_on]
    for live in found.values():
        live.stop("closed")
    return closed


class _Live:
    """One panel that is open."""

    def __init__(self, panel: Panel) -> None:
        from IPython.display import DisplayHandle

        self.panel = panel
        self._handle: Any = DisplayHandle()  # type: ignore[no-untyped-call]
        self._stopped = threading.Event()
        self._seen: list[Any] = []
        self._drawn = 0.0
        self._last = panel.first
        self._drawing = threading.Lock()
        # In the context of the cell: what is sent then says that it belongs to it.
        run = contextvars.copy_context().run
        self._thread = threading.Thread(target=run, args=(self._watch,), name=f"mlops-panel-{panel.what}", daemon=True)

    @property
    def goes_on(self) -> bool:
        """Whether it still looks."""
        return self._thread.is_alive() and not self._stopped.is_set()

    def start(self) -> None:
        """Show it, and begin to look."""
        self._seen, self._drawn = [mime.data(self._last), self._note()], time.monotonic()
        self._handle.display(self._bundle(self._last, self._note()), raw=True)
        self._thread.start()

    def stop(self, why: str) -> None:
        """Stop looking; what was drawn last stays, and says so."""
        self._stopped.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(0.5)  # in the middle of a look it ends after it
        with self._drawing:
            self._draw(self._last, f"{why}; as of {_now()}")

    def _watch(self) -> None:
        assert self.panel.look is not None
        ends, pause = time.monotonic() + 60 * self.panel.minutes, self.panel.every
        while not self._stopped.wait(pause):
            if time.monotonic() > ends:
                self._stopped.set()
                self._draw(self._last, f"stopped after {self.panel.minutes:g} minutes; as of {_now()}")
                return
            begin = time.monotonic()
            note = self._note()
            try:
                seen = self.panel.look()
            except MlopsError as error:
                seen, note = self._last, f"not seen anew: {error.message}"
            except Exception as error:  # it goes on: what is broken now may be mended
                seen, note = self._last, f"not seen anew: {type(error).__name__}: {error}"
            with self._drawing:  # what is closed is not drawn as live a moment later
                if self._stopped.is_set():
                    return
                self._last = seen
                self._draw(seen, note)
            pause = max(self.panel.every, _SHARE * (time.monotonic() - begin))

    def _draw(self, view: View, note: str) -> None:
        """Draw it where it has changed; where only time has passed, now and then."""
        seen = [mime.data(view), note]
        if seen != self._seen or time.monotonic() - self._drawn > _AGE:
            self._seen, self._drawn = seen, time.monotonic()
            self._handle.update(self._bundle(view, note), raw=True)

    def _note(self) -> str:
        return f"live, every {self.panel.every:g} s · %mlops panel --close stops it"

    def _bundle(self, view: View, note: str) -> dict[str, Any]:
        """Draw a view in each form of a result, with what is going on below it, and which display it is.

        A front end that was loaded anew has forgotten that, and finds it there.
        """
        noted = _noted(view, note)
        subject = {"display": self._handle.display_id}
        if self.panel.endpoint:
            subject["endpoint"] = self.panel.endpoint
        own = mime.render(noted, type(self.panel).__name__, subject)
        return {"text/plain": text.render(noted), "text/html": html.render(noted), **own}


def _noted(view: View, note: str) -> View:
    """Write the note below the last table, or among the facts where there is none; an empty one is a line, and so is this."""
    if isinstance(view, Table) and not view.rows:
        return replace(view, empty=" · ".join(filter(None, (view.empty, note))))
    if isinstance(view, Table):
        return replace(view, note=" · ".join(filter(None, (view.note, note))))
    if not view.tables:
        return replace(view, facts=[*view.facts, ("this panel", note)])
    *before, last = view.tables
    noted = _noted(last, note)
    assert isinstance(noted, Table)
    return replace(view, tables=[*before, noted])


def _now() -> str:
    return f"{time.strftime('%H:%M:%S', time.gmtime())} UTC"
