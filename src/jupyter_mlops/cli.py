"""The command line, ``jupyter mlops COMMAND``: the same commands, with files where a notebook has variables."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .display import Cell, View


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; the codes stand in ``errors.py``."""
    from .errors import MlopsError

    try:
        return _run(list(sys.argv[1:] if argv is None else argv))
    except MlopsError as error:
        told = type(error)(error.message, error.hint and _in_shell(error.hint))  # the message may quote the user
        print(told, file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # whoever read has seen enough: jupyter mlops runs | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left is written nowhere
        return 141
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130


def _run(tokens: list[str]) -> int:
    from . import grammar, values
    from .errors import InvalidUsage

    if tokens == ["--version"]:
        print(version("jupyter-mlops"))
        return 0
    if any(flag in tokens for flag in grammar.HELP_FLAGS):
        tokens = grammar.asks_help(tokens)
    command = grammar.find(tokens or ["status"])
    if command.needs_kernel:  # before its words are read: no other ones would do
        name = command.name
        raise InvalidUsage(
            f"{name} acts on the body of a notebook's cell.", f"%%mlops {name}, or in Python: with mlops.{name}():"
        )
    invocation = grammar.parse(tokens or ["status"])
    result = invocation.call(values.from_file)
    if invocation.json:
        import json

        print(json.dumps(result.to_dict(), indent=2))
    elif not invocation.quiet:
        from .display import text

        # All of help is ours; elsewhere names, notes and code are the user's, and stay as they are.
        is_ours = invocation.command.name == "help"
        print(_in_shell(str(result)) if is_ours else text.render(_hints_in_shell(result.view())))
    sys.stdout.flush()
    return int(result.exit_code)


def _in_shell(text: str) -> str:
    """Write commands as they are typed here; a cell's command has no such form."""
    return re.sub(r"(?<!%)%mlops\b", "jupyter mlops", text)


def _hints_in_shell(view: View) -> View:
    """Write the hints of a view as they are typed here: the next step, what to do about an empty table, what to copy."""
    from .display import Card, Code, Table

    def cells(row: Sequence[Cell]) -> list[Cell]:
        return [Code(_in_shell(cell.text)) if isinstance(cell, Code) else cell for cell in row]

    def table(of: Table) -> Table:
        rows = [cells(row) for row in of.rows]
        if of.sentences:  # the last of them says what to do
            rows = [[*row[:-1], _in_shell(row[-1])] if isinstance(row[-1], str) else row for row in rows]
        note = _in_shell(of.note).replace("report.frame()", "--json")
        return replace(of, rows=rows, empty=_in_shell(of.empty), note=note)

    if isinstance(view, Table):
        return table(view)
    assert isinstance(view, Card)
    facts = [(name, cells([value])[0]) for name, value in view.facts]
    goes_on = view.next if "%mlops" in view.next else ""  # a line of Python is none for a shell
    return replace(view, facts=facts, tables=[table(each) for each in view.tables], next=_in_shell(goes_on))


if __name__ == "__main__":
    sys.exit(main())
