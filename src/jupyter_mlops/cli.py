"""The command line, ``jupyter mlops COMMAND``: the same commands, with files where a notebook has variables."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from importlib.metadata import version


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; the codes stand in ``errors.py``."""
    from .errors import MlopsError

    try:
        return _run(list(sys.argv[1:] if argv is None else argv))
    except MlopsError as error:
        print(_in_shell(str(error)), file=sys.stderr)
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
        tokens = ["help", *[token for token in tokens if not token.startswith("-")]]
    invocation = grammar.parse(tokens or ["status"])
    if invocation.command.needs_kernel:
        name = invocation.command.name
        raise InvalidUsage(
            f"{name} acts on the body of a notebook's cell.", f"%%mlops {name}, or in Python: with mlops.{name}():"
        )
    result = invocation.call(values.from_file)
    if invocation.json:
        import json

        print(json.dumps(result.to_dict(), indent=2))
    elif not invocation.quiet:
        print(_in_shell(str(result)))
    sys.stdout.flush()
    return 0 if result.ok else 1


def _in_shell(text: str) -> str:
    """Write commands as they are typed here; a cell's command has no such form."""
    return re.sub(r"(?<!%)%mlops\b", "jupyter mlops", text)


if __name__ == "__main__":
    sys.exit(main())
