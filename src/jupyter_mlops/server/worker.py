"""The process that calls commands for the server: a question in JSON a line, and a line for each answer."""

from __future__ import annotations

import inspect
import json
import os
import traceback
from typing import Any

from .. import command as registry
from ..errors import Conflict, MlopsError
from ..workspace import find, is_project
from .answers import TooLarge, problem
from .workers import MOST


def main() -> None:
    """Answer until nobody asks any more."""
    asked, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # what a command starts shall not take the next question
    os.dup2(2, 1)  # nor write into the answer
    for line in asked:
        asked_for = json.loads(line)
        answers.write(_bounded(_answer(**asked_for), asked_for["command"]) + b"\n")
        answers.flush()


def _answer(command: str, parameters: dict[str, Any]) -> dict[str, Any]:
    from pathlib import Path

    from .parameters import make_sure_within

    try:
        here = Path.cwd()
        if not is_project(here) and (above := find(here)) is not None:
            raise Conflict(f"This folder lies in the project {above.name}, above what the server shows.", None)
        called = registry.commands()[command]
        make_sure_within(called, parameters, here)
        return _shown(_call(called, parameters))
    except MlopsError as error:
        return {"error": problem(error) | {"status": error.status}}
    except Exception as error:
        traceback.print_exc()
        said = f"{command} failed: {type(error).__name__}: {' '.join(str(error).split())[:300]}"
        return {"error": {"code": "Internal", "message": said, "hint": "the log of the Jupyter server says more", "status": 500}}  # fmt: skip


def _call(command: registry.Command, parameters: dict[str, Any]) -> Any:
    from .. import values
    from ..grammar import Invocation

    args: list[Any] = []
    for name, parameter in inspect.signature(command.function).parameters.items():
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            args += parameters.pop(name, [])
    return Invocation(command, tuple(args), parameters).call(values.from_file)


def _shown(result: Any) -> dict[str, Any]:
    from ..display import html, mime, text

    view = result.view()
    return {
        "ok": result.ok,
        "result": result.to_dict(),
        "text": text.render(view),
        "html": html.render(view),
        "mime": mime.render(view, type(result).__name__, result.stands_for),
    }


def _bounded(answer: dict[str, Any], command: str) -> bytes:
    said = json.dumps(answer, default=str).encode()
    if len(said) <= MOST:
        return said
    error = TooLarge(
        f"The command has given {len(said) / 1e6:.0f} MB, more than can be sent.", f"%mlops {command} in a cell"
    )
    return json.dumps({"error": problem(error) | {"status": error.status}}).encode()


if __name__ == "__main__":
    main()
