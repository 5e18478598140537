"""Run the body of a cell magic as the user's own cell would run, awaits and errors included."""

from __future__ import annotations

import ast
import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any

from IPython.core.getipython import get_ipython

_OURS = "%%mlops"


def run(ip: Any, body: str) -> Any:
    """Run a body in IPython, let its own exception through, and give its last line.

    IPython shows the error of an inner cell itself and returns; the outer cell would then pass.
    So its picture is held back, and shown once, by the exception when it leaves the outer cell.
    """
    with _held_traceback(ip) as held:
        result = ip.run_cell(body, store_history=False)
    _raise_error_of(result, held)
    return result.result


async def run_awaiting(ip: Any, body: str) -> Any:
    """Do the same for a body that awaits, in the loop that the outer cell runs in."""
    with _held_traceback(ip) as held:
        result = await ip.run_cell_async(body, store_history=False, transformed_cell=ip.transform_cell(body))
    _raise_error_of(result, held)
    return result.result


def await_body(lines: list[str]) -> list[str]:
    """Turn a ``%%mlops`` cell whose body awaits into one that awaits it (an input transformer).

    A magic is an ordinary function: it can't wait in the loop that the kernel already runs.
    """
    if not lines or lines[0].split()[:1] != [_OURS]:
        return lines
    line = lines[0].removeprefix(_OURS).strip()
    body = "".join(lines[1:])
    if not body.strip():  # IPython itself would only print "is a cell magic, but the cell body is empty" and pass
        return [f"get_ipython().run_cell_magic('mlops', {line!r}, '\\n')\n"]
    ip: Any = get_ipython()
    try:
        source = ip.transform_cell(body) if ip else body  # magics in the body are no Python yet
    except SyntaxError:
        return lines
    if _compiles(source) or not _compiles(source, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT):
        return lines  # also what can't be compiled either way is left to the ordinary magic
    return [f"await get_ipython().magics_manager.registry['MlopsMagics'].mlops_awaiting({line!r}, {body!r})\n"]


def _compiles(source: str, flags: int = 0) -> bool:
    try:
        compile(source, "<cell>", "exec", flags)
    except (SyntaxError, ValueError):
        return False
    return True


@contextlib.contextmanager
def interrupt_held() -> Iterator[None]:
    """Let an interrupt wait until this is done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.default_int_handler)
    if held:
        raise KeyboardInterrupt


@contextlib.contextmanager
def _held_traceback(ip: Any) -> Iterator[list[list[str]]]:
    """Keep what IPython would show of an error, instead of showing it."""
    held: list[list[str]] = []
    before = vars(ip).get("_showtraceback")  # of a body around this one
    ip._showtraceback = lambda _type, _value, lines: held.append(lines)
    try:
        yield held
    finally:
        if before is None:
            del ip._showtraceback
        else:
            ip._showtraceback = before


def _raise_error_of(result: Any, held: list[list[str]]) -> None:
    error = result.error_before_exec or result.error_in_exec
    if error is None:
        return
    if held and not hasattr(error, "_render_traceback_"):
        told = len(getattr(error, "__notes__", ()))
        with contextlib.suppress(AttributeError):  # an exception with slots shows the longer traceback, and no less
            # A note that comes later says that the run could not be ended.
            error._render_traceback_ = lambda: [*held[0], *getattr(error, "__notes__", ())[told:]]
    raise error
