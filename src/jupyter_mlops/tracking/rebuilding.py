"""Rebuild what a run was made with: its cells as a notebook, its environment; and keep what they would overwrite."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

from ..backend.processes import last_words
from ..errors import InvalidUsage, NotFound, ProcessFailed, writing_to
from .earlier_code import EarlierCode
from .snapshot import python
from .snapshot.executed import Cell, repeated
from .snapshot.files import Snapshot, cells_of


def lay_out(taken: Snapshot, label: str, code: EarlierCode | None = None) -> list[Cell | str]:
    """Choose what makes the run again: the cells it needs, in the order in which they ran, and its own last.

    Parameters
    ----------
    taken : Snapshot
    label : str
        Of the run, for the title.
    code : EarlierCode, optional
        The modules of the project as they were; imported in place of those of today.

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
    setup = "%load_ext jupyter_mlops"
    if code is not None and code.tree is not None:
        setup += (
            "\nfrom jupyter_mlops.tracking.earlier_code import import_from\n"
            f"import_from({str(code.tree)!r}, {str(code.top)!r})  # the project's modules as they were"
        )
    chosen = [*repeated(cells, cells[-1]), cells[-1]]
    said = f"# {label}, rebuilt\n\nThe cells that it needs, in the order in which they ran, and the run itself."
    return [said, Cell(0, setup), *(Cell(0, python.without_installs(c.source), failed=c.failed) for c in chosen)]


@contextlib.contextmanager
def files_kept(cells: Sequence[Cell | str], folder: Path, beside: Path) -> Iterator[None]:
    """Put files back that a cell overwrites with ``%%writefile``, unless somebody has written to them meanwhile.

    Parameters
    ----------
    cells : sequence of Cell
    folder : Path
        Where they run.
    beside : Path
        A folder for the copies: should all of this be killed, they are there.
    """
    written = {
        (folder / Path(name).expanduser()).resolve(): body
        for cell in cells
        if isinstance(cell, Cell)
        for name, body in python.written_files(cell.source)
    }
    kept: dict[Path, Path | None] = {}
    with writing_to(beside):
        for number, file in enumerate(written):
            kept[file] = None
            if file.is_file():
                beside.mkdir(parents=True, exist_ok=True)
                kept[file] = Path(shutil.copy2(file, beside / f"{number}-{file.name}"))
    try:
        yield
    finally:
        for file, copy in kept.items():
            ours = file.is_file() and file.read_bytes().rstrip().endswith(written[file].encode().rstrip())
            if ours and copy is None:
                file.unlink()
            elif ours and copy is not None:
                shutil.copy2(copy, file)
        shutil.rmtree(beside, ignore_errors=True)


def environment_as_it_was(taken: Snapshot, folder: Path) -> Path:
    """Build a fresh environment from the run's lock, and give its Python.

    Raises
    ------
    NotFound
        Where the lock is missing on the server.
    ProcessFailed
        Where the lock can no longer be installed: which line, and why.
    """
    if "requirements.txt" not in taken.files:
        raise NotFound("The run's lock is missing on the server.", "without --env it is made again in today's")
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
        if (failed := last_words(command, folder.parent, seconds=3600)) is not None:
            raise ProcessFailed(
                f"The environment of the run can't be built: {failed}", "without --env it is made again in today's"
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
