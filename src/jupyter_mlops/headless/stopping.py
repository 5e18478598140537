"""A wish that comes from outside: to end, in order, and with everything written."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

from .outcome import Verdict

SIGNALLED = (Verdict.INTERRUPTED, Verdict.TERMINATED)


class Enough(BaseException):
    """A further signal, when all is written and only the server is still to be told."""


class Stopping:
    """Whether the run is to end, and why.

    Attributes
    ----------
    verdict : Verdict, optional
        ``NOT_RUN`` where only no further notebook is to be begun.
    at_once : bool
        Whether a further signal ends it where it stands: nothing can be lost any more. It does so once.
    """

    def __init__(self) -> None:
        self.verdict: Verdict | None = None
        self.at_once = False
        self.tell: Callable[[Verdict], None] = lambda _: None

    @property
    def signalled(self) -> bool:
        """Whether a signal has come: there are seconds left until the machine is taken away."""
        return self.verdict in SIGNALLED

    def ask(self, verdict: Verdict) -> None:
        """Wish for it; a signal outdoes a notebook that failed, and the first one counts."""
        if self.signalled and self.at_once:
            self.at_once = False
            raise Enough
        if not self.signalled:
            self.verdict = verdict
        self.tell(verdict)


@contextlib.contextmanager
def signals() -> Iterator[Stopping]:
    """Take SIGTERM and SIGINT as a wish to end in order, from the first notebook that is read to the last report."""
    stopping = Stopping()
    if threading.current_thread() is not threading.main_thread():
        yield stopping
        return
    names = {signal.SIGTERM: Verdict.TERMINATED, signal.SIGINT: Verdict.INTERRUPTED}
    before = {number: signal.signal(number, lambda n, _: stopping.ask(names[signal.Signals(n)])) for number in names}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
