"""What running notebooks without a screen costs, beside nbclient and papermill."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import nbformat
from measure import Report, alternate, ratio, whole_process

ROUNDS = 5

BARE, EXECUTE, PAPERMILL, OURS = (
    "nbclient, 3 lines of Python",
    "`jupyter execute`",
    "`papermill`",
    "`jupyter mlops run`",
)
BARE_CALL, PAPERMILL_CALL, OURS_CALL = "nbclient, the call alone", "papermill, the call alone", "ours, the call alone"
BARE_MANY, OURS_MANY = "8 notebooks: nbclient, one by one", "8 notebooks: ours, `--jobs 2`"

_NBCLIENT = """
import sys, nbformat
from nbclient import NotebookClient
for name in sys.argv[1:]:
    book = nbformat.read(name, as_version=4)
    NotebookClient(book).execute()
    nbformat.write(book, "bare-" + name)
"""
# Imported beforehand what each imports by itself, so that only its own work counts.
_CALLS = {
    BARE_CALL: (
        "import nbformat, nbclient",
        "b = nbformat.read('n.ipynb', 4); nbclient.NotebookClient(b).execute(); nbformat.write(b, 'b.ipynb')",
    ),
    PAPERMILL_CALL: ("import papermill", "papermill.execute_notebook('n.ipynb', 'p.ipynb', progress_bar=False)"),
    OURS_CALL: (
        "import jupyter_mlops as mlops, jupyter_mlops.headless.running, jupyter_mlops.headless.saved, pydantic",
        "mlops.run_notebooks('n.ipynb')",
    ),
}
_TIMED = "import time\n{}\nbegin = time.perf_counter()\n{}\nprint(time.perf_counter() - begin)"


def run() -> Report:
    with tempfile.TemporaryDirectory(prefix="mlops-benchmark-") as name:
        folder = Path(name)
        _write(folder / "n.ipynb", 100)
        many = [f"many{number}.ipynb" for number in range(8)]
        for book in many:
            _write(folder / book, 10, seconds=1.0)
        programs = Path(sys.executable).parent
        command = [str(programs / "jupyter"), "mlops", "run"]
        ways = {
            BARE: partial(whole_process, [sys.executable, "-c", _NBCLIENT, "n.ipynb"], folder),
            EXECUTE: partial(whole_process, [str(programs / "jupyter"), "execute", "n.ipynb", "--output", "e"], folder),
            PAPERMILL: partial(
                whole_process, [str(programs / "papermill"), "--no-progress-bar", "n.ipynb", "p.ipynb"], folder
            ),
            OURS: partial(whole_process, [*command, "n.ipynb"], folder),
            BARE_MANY: partial(whole_process, [sys.executable, "-c", _NBCLIENT, *many], folder),
            OURS_MANY: partial(whole_process, [*command, *many, "--jobs", "2"], folder),
        }
        ways |= {each: partial(_call, *code, folder) for each, code in _CALLS.items()}
        found = alternate(ways, ROUNDS)
    return Report(
        "headless",
        "A notebook of 100 cells that print and show, as whole processes from their start to their end, and as calls after all imports; "
        "and 8 notebooks that each wait a second. No project, so the execution is not tracked.",
        list(found.values()),
        [
            ratio(found[OURS], found[BARE], 1.0),
            ratio(found[OURS], found[EXECUTE], 1.0),
            ratio(found[OURS], found[PAPERMILL], 1.0),
            ratio(found[OURS_CALL], found[BARE_CALL], 1.0),
            ratio(found[OURS_CALL], found[PAPERMILL_CALL], 1.0),
            ratio(found[OURS_MANY], found[BARE_MANY], 1.0),
        ],
    )


def _write(path: Path, cells: int, seconds: float = 0.0) -> None:
    sources = [f"x = {number}\nprint(x)\nx * 2" for number in range(cells)]
    sources[-1] += f"\nimport time\ntime.sleep({seconds})"
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(book, path)


def _call(imports: str, call: str, folder: Path) -> float:
    script = _TIMED.format(imports, call)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, env=dict(os.environ), check=True, capture_output=True, text=True
    )
    return float(done.stdout.split()[-1])
