"""Write the README's table of commands from the registry: ``python docs/command_table.py [--check]``."""

from __future__ import annotations

import sys
from pathlib import Path

import jupyter_mlops as mlops

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- commands: begin (make docs) -->\n", "<!-- commands: end -->\n"


def table() -> str:
    """Draw one line for each command."""
    rows = [f"| `{row.magic}` | {row.summary} |\n" for row in mlops.help().commands]
    return "| command | what it does |\n| --- | --- |\n" + "".join(rows)


def main() -> int:
    """Replace the table, or with ``--check`` say whether it is the right one."""
    text = README.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    new = before + BEGIN + table() + END + after
    if "--check" in sys.argv:
        print("The table is right." if new == text else "The table of commands is out of date: make docs")
        return int(new != text)
    README.write_text(new)
    return 0


if __name__ == "__main__":
    sys.exit(main())
