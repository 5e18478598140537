"""What a kernel tells of itself while a notebook runs: errors that a cell hides, and what commands came to.

The source below goes to the kernel as it is, before the first cell; it needs IPython and nothing of ours. What it
notes goes into a file, a line each: that is there also after the kernel has died.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SOURCE = """
def _watch(path):
    import json
    ip = get_ipython()

    def note(result):
        error = result.error_before_exec or result.error_in_exec
        if error is None:
            return
        info = getattr(result, "info", None)
        outer = bool(getattr(info, "store_history", False))
        code = getattr(error, "exit_code", None) if type(error).__module__ == "jupyter_mlops.errors" else None
        line = json.dumps({"error": type(error).__name__, "message": str(getattr(error, "message", None) or error)[:2000],
                           "hint": str(getattr(error, "hint", None) or "")[:500], "code": code, "outer": outer})
        with open(path, "a", encoding="utf-8") as file:
            file.write(line + "\\n")

    ip.events.register("post_run_cell", note)


def _end_in_order():
    # At its end ipykernel 7 stops the thread that writes before the one that answers the request to end. Where that one is
    # just flushing, it waits for the other: 10 s, or for ever. So it is waited for before; what notebooks do at exit comes earlier.
    import atexit
    import sys

    def wait():
        app = sys.modules["ipykernel.kernelapp"].IPKernelApp
        thread = getattr(app.instance(), "control_thread", None) if app.initialized() else None
        if thread is not None:
            thread.join(3)

    if "ipykernel.kernelapp" in sys.modules:
        atexit.register(wait)
"""


@dataclass(frozen=True)
class Seen:
    """An error that IPython has seen.

    Attributes
    ----------
    error, message, hint : str
    code : int, optional
        The exit code of its class, where it is one of ours.
    outer : bool
        Whether it was the cell itself that raised it, and not a piece that the cell had run.
    """

    error: str
    message: str
    hint: str
    code: int | None
    outer: bool


@dataclass(frozen=True)
class Told:
    """What a command came to: a gate, a promotion, a report."""

    command: str
    ok: bool | None
    text: str

    @property
    def is_report(self) -> bool:
        """Whether it only reports: what it finds fails nothing by itself, here as in a notebook that is worked in."""
        return self.command.startswith("validate ")


class Notes:
    """The file, as far as it has been read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._at = 0

    @property
    def begin(self) -> str:
        """The code for the kernel."""
        source = SOURCE + f"\n_watch({str(self.path)!r})\n_end_in_order()\n"
        return f"exec(compile({source!r}, '<mlops>', 'exec'), {{'get_ipython': get_ipython}})"

    def new(self) -> list[Seen | Told]:
        """Read what has come since the last time."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._at)
                text = file.read()
        except FileNotFoundError:
            return []
        whole = text[: text.rfind(b"\n") + 1]  # a kernel that is killed may leave half a line
        self._at += len(whole)
        found = (_read(line) for line in whole.decode("utf-8", "replace").splitlines())
        return [each for each in found if each is not None]


def _read(line: str) -> Seen | Told | None:
    try:
        said: dict[str, Any] = json.loads(line)
        if "command" in said:
            return Told(str(said["command"]), said["ok"], str(said["text"]))
        return Seen(said["error"], said["message"], said["hint"], said["code"], said["outer"])
    except (ValueError, KeyError, TypeError):
        return None
