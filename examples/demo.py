"""Run the quickstart without a screen: print each step, leave the executed notebook and a page behind.

Usage: python examples/demo.py [OUTPUT_FOLDER]
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter

import jupyter_mlops as mlops

HERE = Path(__file__).parent


def main(output: Path) -> int:
    """Run the quickstart in a fresh folder and say where its results are."""
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    shutil.copy(HERE / "mlops.toml", output)
    notebook = nbformat.read(HERE / "quickstart.ipynb", as_version=4)
    client = NotebookClient(
        notebook,
        timeout=300,
        resources={"metadata": {"path": str(output)}},
        on_cell_executed=show,
    )
    os.environ["IPYNB_FILE"] = "quickstart.ipynb"  # the kernel can't know which notebook it runs
    begin = time.perf_counter()
    try:
        client.execute()
    except CellExecutionError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        stop_all(output)
        executed, page = save(notebook, output)
    print(
        f"\nDone in {time.perf_counter() - begin:.0f} s.\n  executed notebook  {executed}\n  page               {page}"
    )
    return 0


def show(cell: nbformat.NotebookNode, cell_index: int, execute_reply: dict) -> None:
    """Print the source of a cell and what it answered, as text."""
    print("\n" + "\n".join(f"│ {line}" for line in cell.source.splitlines()))
    for output in cell.get("outputs", []):
        text = output.get("text") or output.get("data", {}).get("text/plain", "")
        print("\n".join(f"  {line}" for line in text.splitlines()), flush=True)


def save(notebook: nbformat.NotebookNode, output: Path) -> tuple[Path, Path]:
    """Write the notebook with its outputs, and the same as a page."""
    executed, page = output / "quickstart.ipynb", output / "quickstart.html"
    nbformat.write(notebook, executed)
    body, _ = HTMLExporter(embed_images=True).from_notebook_node(notebook)
    page.write_text(body, encoding="utf-8")
    return executed, page


def stop_all(output: Path) -> None:
    """Leave no process behind, also where a cell has failed."""
    with contextlib.chdir(output):
        if Path(".mlops").exists():
            mlops.stop(all=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/demo").resolve()))
