"""The quickstart, by every runner that people use; and a notebook that should fail fails."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from ..waiting import until

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The quickstart and its settings, copied to a folder of its own."""
    for name in ("quickstart.ipynb", "mlops.toml"):
        shutil.copy(EXAMPLES / name, tmp_path)
    return tmp_path


def execute(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    return NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()


def notebook_of(*cells: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])


def outputs(notebook: nbformat.NotebookNode) -> list[Any]:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def test_the_demo_runs_and_leaves_its_pages(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / "demo.py", tmp_path / "demo"],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "answers" in done.stderr  # each step is shown
    for name in ("quickstart.ipynb", "quickstart.html"):
        assert str(tmp_path / "demo" / name) in done.stdout
    executed = nbformat.read(tmp_path / "demo" / "quickstart.ipynb", as_version=4)
    results = [output for output in outputs(executed) if output.output_type in ("execute_result", "display_data")]
    assert len(results) >= 10
    for output in results:
        assert output.data["text/plain"].strip()
    for cell in executed.cells:  # one result for a line; a run's cell shows its last value and its card
        shown = [output for output in cell.get("outputs", []) if "text/html" in output.get("data", {})]
        assert len(shown) <= (2 if cell.source.startswith("%%mlops run") else 1), cell.source
    page = (tmp_path / "demo" / "quickstart.html").read_text()
    assert page.count('class="jupyter-mlops"') >= 10
    assert not _left(tmp_path)


@pytest.mark.long  # small notebooks go through all of them in tests/headless
@pytest.mark.parametrize(
    "command",
    [
        ["papermill", "quickstart.ipynb", "executed.ipynb"],
        ["jupyter-execute", "quickstart.ipynb"],
    ],
    ids=["papermill", "jupyter execute"],
)
def test_other_runners_run_it_too(folder: Path, command: list[str]) -> None:
    program = Path(sys.executable).parent / command[0]
    done = subprocess.run([program, *command[1:]], cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert not _left(folder)


def test_a_cell_that_fails_fails_the_notebook_with_our_own_lines(tmp_path: Path) -> None:
    notebook = notebook_of("%load_ext jupyter_mlops", "%mlops deploy churn@champion")
    with pytest.raises(CellExecutionError):
        execute(notebook, tmp_path)
    (error,) = outputs(notebook)
    assert error.output_type == "error"
    assert error.ename == "InvalidUsage"
    assert 1 <= len(error.traceback) <= 3
    assert error.traceback[-1].strip() == "→ %mlops init"


def test_quiet_shows_nothing_and_await_works_in_a_kernel(tmp_path: Path) -> None:
    notebook = notebook_of(
        "%load_ext jupyter_mlops",
        "x = %mlops init --experiment kernel",
        "%mlops runs --quiet",
        "%%mlops run waits --no-autolog --quiet\nimport asyncio\nawait asyncio.sleep(0.01, 'slept')",
        "_",
        "%mlops runs --json",
        "%mlops stop --all --quiet",
    )
    execute(notebook, tmp_path)
    cells = [cell.outputs for cell in notebook.cells]
    assert cells[2] == []
    assert cells[3][0].data["text/plain"] == "'slept'"
    assert cells[4][0].data["text/plain"] == "'slept'"
    assert cells[5][0].data["text/plain"].startswith("{")
    assert not _left(tmp_path)


def test_an_interrupted_cell_is_back_within_a_second_and_its_run_is_killed(tmp_path: Path) -> None:
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(cwd=str(tmp_path), kernel_name="python3")
    try:
        for cell in ("%load_ext jupyter_mlops", "%mlops init --quiet"):
            client.execute_interactive(cell, timeout=120, output_hook=lambda message: None)
        message = client.execute("%%mlops run long --no-autolog\nimport time\nprint('in', flush=True)\ntime.sleep(600)")
        while client.get_iopub_msg(timeout=120)["msg_type"] != "stream":
            pass
        begin = time.monotonic()
        manager.interrupt_kernel()
        reply = client.get_shell_msg(timeout=120)
        while reply["parent_header"]["msg_id"] != message:
            reply = client.get_shell_msg(timeout=120)
        assert time.monotonic() - begin < 20  # well before the cell would have ended, or the server been given up
        assert reply["content"]["ename"] == "KeyboardInterrupt"
        # and a kernel that is killed in a run is no hindrance for the next; right after an error it aborts what it is asked
        while client.execute_interactive("0", timeout=120)["content"]["status"] == "aborted":
            pass
        client.execute("%%mlops run dead --no-autolog\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
        until(lambda: not manager.is_alive())
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    notebook = notebook_of(
        "%load_ext jupyter_mlops",
        "%%mlops run next --no-autolog\n1",
        "runs = %mlops runs\n{row.name: row.status for row in runs.rows}",
        "%mlops stop --all --quiet",
    )
    execute(notebook, tmp_path)
    statuses = notebook.cells[2].outputs[0].data["text/plain"]
    assert statuses == "{'next': 'FINISHED', 'dead': 'KILLED', 'long': 'KILLED'}"
    assert not _left(tmp_path)


def _left(folder: Path) -> list[int]:
    """Find processes that still work in a folder, and end them, so that one failure is not many."""
    import psutil

    left = [p.pid for p in psutil.process_iter(["cmdline"]) if str(folder) in " ".join(p.info["cmdline"] or [])]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    return left


@pytest.mark.long  # `make examples` runs them in CI
@pytest.mark.parametrize("name", ["reproduce", "registry", "validation"])
def test_the_other_examples_run_and_show_what_they_say(name: str, tmp_path: Path) -> None:
    notebook = nbformat.read(EXAMPLES / f"{name}.ipynb", as_version=4)
    executed = execute(notebook, tmp_path)
    shown = "\n".join(output.get("data", {}).get("text/plain", "") for output in outputs(executed))
    errors = [output.evalue for output in outputs(executed) if output.output_type == "error"]
    if name == "reproduce":
        assert "✓ REPRODUCED" in shown
        assert "✗ NOT REPRODUCED" in shown
        assert "in malic_acid" in shown
        assert errors == []
    elif name == "validation":
        assert "days_of_therapy alone tells 100.0% of benign" in shown
        assert "email holds e-mail addresses" in shown
        assert "tumour/1 → tumour/3" in shown
        assert len(errors) == 1  # the wonder is refused
        assert "failed MV005 Tried on what it was trained on, MV016 Features are there when it is asked" in errors[0]
    else:
        assert "alias moved" in shown
        assert "Verified" in shown
        assert len(errors) == 1  # the changed file is refused
        assert "changed or damaged" in errors[0]
