"""Rebuild what a run was made with: its cells as a notebook, its code as of its commit, its environment."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from ..backend import git
from ..errors import InvalidUsage, NotFound, ProcessFailed
from .snapshot import notebook
from .snapshot.executed import Cell, needed
from .snapshot.files import Snapshot, cells_of

_OTHER_COMMANDS = ("%mlops", "!mlops", "!jupyter mlops", "%load_ext jupyter_mlops")


def lay_out(taken: Snapshot, label: str, code: Path | None) -> str:
    """Write the notebook that makes the run again: the cells it needs, in the order in which they ran.

    Parameters
    ----------
    taken : Snapshot
    label : str
        Of the run, for the title.
    code : Path, optional
        A folder with the modules of the project as they were; put before those of today.

    Raises
    ------
    InvalidUsage
        Where the run was not made by a cell.
    NotFound
        Where its cells are missing on the server.
    """
    cells = cells_of(taken)
    if not cells and taken.manifest["cell"] is not None:
        raise NotFound(
            f"The cells of {label} are missing on the server.",
            "restore the server's artifacts, or %mlops runs for another",
        )
    if not cells:
        raise InvalidUsage(
            f"{label} was made by a script, not by a cell: its snapshot has {', '.join(sorted(taken.files))}.",
            "run the script again, and compare: %mlops compare RUN last",
        )
    target = cells[-1]
    setup = "%load_ext jupyter_mlops"
    if code is not None:
        setup += f"\nimport sys\nsys.path.insert(0, {str(code)!r})  # the project's modules as they were"
    before = [Cell(0, cell.body) for cell in needed(cells, target) if cell.body.strip()]
    said = f"# {label}, rebuilt\n\nThe cells that it needs, in the order in which they ran, and the run itself."
    return notebook.write([said, Cell(0, setup), *before, Cell(0, _only_logging(target.source))], label)


def _only_logging(source: str) -> str:
    """Leave out commands of ours in the body that change more than the run: it is made again, not its promotion."""
    first, *rest = source.splitlines()
    kept = [line for line in rest if not line.strip().startswith(_OTHER_COMMANDS) or line.split()[1:2] == ["log"]]
    return "\n".join([first, *kept])


@contextlib.contextmanager
def code_as_it_was(root: Path, taken: Snapshot) -> Iterator[tuple[Path | None, str]]:
    """Give a folder with the project's code as of the run, where it has changed since; and what there is to say.

    It is a work tree of git's beside the user's own, which is left alone.
    """
    then, diff = taken.manifest["git"]["commit"], taken.files.get("uncommitted.diff", "")
    now = git.look(root)
    if then is None or (then == now.commit and diff == now.diff):
        yield None, "" if then else "the run was not in git: modules of the project are those of today"
        return
    with tempfile.TemporaryDirectory(prefix="mlops-code-") as scratch:
        tree = Path(scratch) / "tree"
        added = _run(["git", "worktree", "add", "--detach", "--quiet", str(tree), then], root)
        try:
            if added is not None:
                yield None, f"commit {then[:8]} is not in this repository ({added}): modules are those of today"
                return
            note = f"the project's code is that of {then[:8]}"
            if diff:
                patch = Path(scratch) / "uncommitted.diff"
                patch.write_text(diff, encoding="utf-8", errors="surrogateescape")
                refused = _run(["git", "apply", "--whitespace=nowarn", str(patch)], tree)
                note += " with what was not committed" if refused is None else f", without its diff: {refused}"
            top = git.root(root) or root
            yield tree / root.resolve().relative_to(top.resolve()), note
        finally:
            _run(["git", "worktree", "remove", "--force", str(tree)], root)


def environment_as_it_was(taken: Snapshot, folder: Path) -> Path:
    """Build a fresh environment from the run's lock, and give its Python.

    Raises
    ------
    ProcessFailed
        Where the lock can no longer be installed: which line, and why.
    """
    uv = shutil.which("uv")
    python = folder / "bin" / "python"
    lock = folder.parent / "requirements.txt"
    mine = _this_package()
    packages = [line for line in taken.files["requirements.txt"].splitlines() if not line.startswith("jupyter-mlops=")]
    lock.write_text("\n".join(packages), encoding="utf-8")
    make = [uv, "venv", "--quiet", str(folder)] if uv else [sys.executable, "-m", "venv", str(folder)]
    install = (
        [uv, "pip", "install", "--quiet", "--python", str(python)]
        if uv
        else [str(python), "-m", "pip", "install", "--quiet"]
    )
    for command in (make, [*install, "--requirement", str(lock)], [*install, "--no-deps", mine]):
        if (failed := _run(command, folder.parent, seconds=3600)) is not None:
            raise ProcessFailed(
                f"The environment of the run can't be built: {failed}", "%mlops reproduce RUN, in the one of today"
            )
    return python


def _this_package() -> str:
    """Say where this very jupyter-mlops is installed from: the one of the lock may know nothing of snapshots."""
    import json

    found = metadata.distribution("jupyter-mlops")
    direct = found.read_text("direct_url.json")
    if direct and (url := json.loads(direct)["url"]).startswith("file:"):
        return str(url).removeprefix("file://")
    return f"jupyter-mlops=={found.version}"


def _run(command: list[str], folder: Path, seconds: float = 60) -> str | None:
    """Run a program; None where it went well, else its last words."""
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=seconds, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return None
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    told = [line for line in lines if line.lower().startswith(("error", "fatal", "×", "╰"))] or lines
    return " ".join(told[-2:])[:300] or f"it ended with {done.returncode}"
