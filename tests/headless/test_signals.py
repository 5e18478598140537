"""Ctrl-C and SIGTERM, whenever they come: it ends in order, and what there is by then is written."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import psutil
import pytest

from jupyter_mlops.headless.outcome import Verdict
from jupyter_mlops.headless.stopping import Enough, Stopping

from ..waiting import until
from .conftest import executed, run

long = pytest.mark.long


@pytest.mark.parametrize(
    ("phase", "number", "code", "verdict"),
    [
        ("in a cell", signal.SIGTERM, 143, "terminated"),
        ("while the kernel starts", signal.SIGINT, 130, "interrupted"),
        ("in a cell that does not mind", signal.SIGTERM, 143, "terminated"),
        pytest.param("in a cell", signal.SIGINT, 130, "interrupted", marks=long),
        pytest.param("while the kernel starts", signal.SIGTERM, 143, "terminated", marks=long),
        pytest.param("in a cell that does not mind", signal.SIGINT, 130, "interrupted", marks=long),
    ],
)
def test_a_signal_ends_it_in_order(
    write: Callable[..., str], number: int, code: int, verdict: str, phase: str, tmp_path: Path
) -> None:
    deaf = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n" if "not mind" in phase else ""
    write(
        "a.ipynb", "1", f"{deaf}import time\nprint('so far', flush=True)\nopen('reached', 'w').close()\ntime.sleep(600)"
    )
    write("b.ipynb", "1")
    command = [sys.executable, "-m", "jupyter_mlops.cli", "run", "a.ipynb", "b.ipynb", "--junit", "j.xml"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    until(lambda: _kernel_of(process) if "starts" in phase else Path("reached").exists())
    time.sleep(0 if "starts" in phase else 0.3)
    process.send_signal(number)
    _, err = process.communicate(timeout=120)
    assert process.returncode == code, err
    assert executed().metadata.mlops.verdict == verdict
    if "starts" not in phase:
        assert executed().cells[1].outputs[0].text == "so far\n"
    assert ElementTree.parse("j.xml").find(".//error") is not None
    assert not _left(tmp_path)


def test_a_signal_between_two_notebooks_ends_it_as_one_within_does(
    write: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlops.headless import reporting

    drawn = reporting.page

    def slow(*given: Any) -> str:
        if threading.current_thread() is not threading.main_thread():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.5)
        return drawn(*given)

    monkeypatch.setattr(reporting, "page", slow)
    write("a.ipynb", "1")
    write("b.ipynb", "1")
    ran = run("a.ipynb", "b.ipynb", "--html", "pages", "--junit", "j.xml")
    assert ran.code == 143
    assert [book["verdict"] for book in ran.data["notebooks"]] == ["passed", "terminated"]
    assert "terminated" in Path("j.xml").read_text()


def test_a_signal_while_reports_are_written_waits_for_them(
    write: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlops.headless import junit

    drawn = junit.write

    def late(batch: Any) -> str:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.1)
        return drawn(batch)

    monkeypatch.setattr(junit, "write", late)
    write("a.ipynb", "1")
    assert run("a.ipynb", "--junit", "j.xml").code == 0  # all was done
    assert Path("j.xml").exists()


def test_after_a_signal_reports_come_before_what_the_server_is_told(
    write: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlops.headless import tracked

    seen: list[bool] = []

    def end(*_: Any) -> tuple[tuple[()], str]:
        seen.append(Path("j.xml").exists())
        return (), ""

    monkeypatch.setattr(tracked.Tracked, "end", end)
    write("a.ipynb", "import os, signal, time\nos.kill(os.getppid(), signal.SIGTERM)\ntime.sleep(600)")
    assert run("a.ipynb", "--junit", "j.xml").code == 143
    assert seen == [True]


def test_a_signal_outdoes_a_notebook_that_failed_and_the_first_one_counts() -> None:
    stopping = Stopping()
    for asked, then in (
        (Verdict.NOT_RUN, Verdict.NOT_RUN),
        (Verdict.TERMINATED, Verdict.TERMINATED),
        (Verdict.INTERRUPTED, Verdict.TERMINATED),
    ):
        stopping.ask(asked)
        assert stopping.verdict is then
    stopping.at_once = True
    with pytest.raises(Enough):
        stopping.ask(Verdict.INTERRUPTED)


def test_a_signal_while_a_notebook_is_written_leaves_it_whole(
    write: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlops.headless import book as books

    written = books.write

    def late(*given: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.3)
        written(*given)

    monkeypatch.setattr(books, "write", late)
    write("a.ipynb", "print('kept')")
    write("b.ipynb", "1")
    ran = run("a.ipynb", "b.ipynb", "--junit", "j.xml")
    assert ran.code == 143
    assert [book["verdict"] for book in ran.data["notebooks"]] == ["passed", "terminated"]
    assert executed().cells[0].outputs[0].text == "kept\n"
    assert {path.name for path in Path("executed").iterdir()} == {"a.ipynb"}


def test_when_all_is_written_a_further_signal_ends_what_the_server_is_told(
    write: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlops.headless import tracked

    def end(*_: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(600)

    monkeypatch.setattr(tracked.Tracked, "end", end)
    write("a.ipynb", "import os, signal, time\nos.kill(os.getppid(), signal.SIGTERM)\ntime.sleep(600)")
    begin = time.monotonic()
    ran = run("a.ipynb", "--junit", "j.xml", "--summary", "s.md")
    assert time.monotonic() - begin < 120
    assert ran.code == 143
    assert any("further signal" in note for note in ran.data["notebooks"][0]["notes"])
    assert "further signal" in Path("s.md").read_text()


@long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_at_whatever_moment_it_comes_nothing_is_half_written_or_left(
    write: Callable[..., str], number: int, tmp_path: Path
) -> None:
    """From the first import to the last report, every 0.15 s."""
    write("a.ipynb", *["print('x' * 1000)"] * 3)
    command = [sys.executable, "-m", "jupyter_mlops.cli", "run", "a.ipynb", "--junit", "j.xml", "--html", "pages"]
    codes = []
    for step in range(1, 60):
        process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        time.sleep(0.15 * step)
        process.send_signal(number)
        _, err = process.communicate(timeout=120)
        codes.append(process.returncode)
        assert process.returncode in (0, -number, 128 + number), err
        assert "Traceback" not in err or process.returncode == -number
        if Path("executed/a.ipynb").exists():
            assert executed().metadata.mlops.verdict in ("passed", "interrupted", "terminated")
            Path("executed/a.ipynb").unlink()
        assert [path.name for path in Path("executed").glob("*")] == [] if Path("executed").exists() else True
        if Path("j.xml").exists():
            ElementTree.parse("j.xml")
        assert not _left(tmp_path)
        if codes[-2:] == [0, 0]:
            break
    assert 128 + number in codes
    assert codes[-1] == 0


def _kernel_of(process: subprocess.Popen[str]) -> bool:
    for child in psutil.Process(process.pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):  # others come and go
            if "ipykernel" in " ".join(child.cmdline()):
                return True
    return False


def _left(folder: Path) -> list[int]:
    left = []
    for each in psutil.process_iter():
        try:
            if each.cwd() == str(folder) and each.pid != os.getpid():
                left.append(each.pid)
        except psutil.Error:
            continue
    return left
