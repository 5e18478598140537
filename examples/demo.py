"""Run examples as CI does: ``jupyter mlops run``, each in a project of its own.

Usage: python examples/demo.py [OUTPUT_FOLDER [NAME ...]]; by default the quickstart, with each step shown.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent


def prepare(output: Path, names: list[str]) -> list[Path]:
    """Copy each into a fresh folder: what an earlier time has left, and what another makes, is none of its business."""
    shutil.rmtree(output, ignore_errors=True)
    notebooks = []
    for name in names:
        folder = output / "projects" / name
        folder.mkdir(parents=True)
        notebooks.append(Path(shutil.copy(HERE / f"{name}.ipynb", folder)))
        if name == "quickstart":
            shutil.copy(HERE / "mlops.toml", folder)
    return notebooks


def command(output: Path, notebooks: list[Path]) -> list[str]:
    """Say what is typed to run them."""
    words = ["jupyter", "mlops", "run", *map(str, notebooks), "--timeout", "600"]
    words += ["--output", str(output), "--html", str(output)]
    words += ["--junit", str(output / "junit.xml"), "--summary", str(output / "summary.md")]
    if len(notebooks) == 1:
        return [*words, "--show"]
    params = ["-p", "max_depth=4"] if any(notebook.stem == "quickstart" for notebook in notebooks) else []
    return [*words, *params, "--jobs", "2"]


def main(output: Path, names: list[str]) -> None:
    """Show the command, and become it."""
    words = command(output, prepare(output, names))
    print("$", shlex.join(words), flush=True)
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    os.execvp(words[0], words)


if __name__ == "__main__":
    chosen = sys.argv[2:] or ["quickstart"]
    every = sorted(path.stem for path in HERE.glob("*.ipynb"))
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/demo").absolute(), every if chosen == ["all"] else chosen)
