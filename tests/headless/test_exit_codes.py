"""Every exit code of ``jupyter mlops run``, as docs/ci.md has them."""

from __future__ import annotations

import contextlib
import importlib.util
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import pytest

from jupyter_mlops.errors import Conflict, MissingDependency
from jupyter_mlops.headless.outcome import Verdict
from jupyter_mlops.headless.place import alone

from .conftest import Source, book_of, executed, run

long = pytest.mark.long

DOCS = Path(__file__).parents[2] / "docs" / "ci.md"
RAISE = "from jupyter_mlops.errors import *\nraise {}('what it was', 'what to do')"
LEAVE = "import os\nos.makedirs('x')\nos.chdir('x')\nos.environ.clear()"
SIGNAL = "import os, signal, time\nos.kill(os.getppid(), signal.{})\ntime.sleep(600)"


@contextlib.contextmanager
def another_run(_: pytest.MonkeyPatch) -> Iterator[None]:
    with alone(Path("executed/a.ipynb").absolute()):
        yield


@contextlib.contextmanager
def without_nbclient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    found = importlib.util.find_spec
    with monkeypatch.context() as patch:
        patch.setattr(importlib.util, "find_spec", lambda name, *_: None if name == "nbclient" else found(name, *_))
        yield


@contextlib.contextmanager
def saved_otherwise(_: pytest.MonkeyPatch) -> Iterator[None]:
    book = book_of("print('accuracy', 0.95)")
    book.cells[0].outputs = [nbformat.v4.new_output("stream", name="stdout", text="accuracy 0.90")]
    nbformat.write(book, "a.ipynb")
    yield


@contextlib.contextmanager
def no_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    Path("mlops.toml").touch()
    monkeypatch.setenv("MLOPS_TRACKING_URI", "http://127.0.0.1:9")
    yield


@contextlib.contextmanager
def nothing_else(_: pytest.MonkeyPatch) -> Iterator[None]:
    yield


@dataclass(frozen=True)
class Case:
    """A notebook, and what it comes to; without a verdict it has not come so far as to be written."""

    code: int
    cells: Sequence[Source]
    options: str = ""
    verdict: str = ""
    statuses: str = ""
    around: Callable[[pytest.MonkeyPatch], contextlib.AbstractContextManager[None]] = field(default=nothing_else)


CASES = {
    "all ran": Case(0, [("1 / 0", "raises-exception"), ("no_such", "interactive-only"), LEAVE, "1"], "", "passed", "raised skipped passed passed"),
    "a cell failed": Case(1, ["1 / 0", "2"], "", "a cell failed", "failed not-run"),
    "keep going": Case(1, ["1 / 0", "2"], "--keep-going", "a cell failed", "failed passed"),
    "an error of ours": Case(1, [RAISE.format("NotFound")], "", "a cell failed", "failed"),
    "only called so": Case(1, ["class Inconclusive(Exception): exit_code = 6\nraise Inconclusive"], "", "a cell failed", "failed"),
    "parameters": Case(2, ["1"], "-p n=1"),
    "no notebook": Case(3, ["1"], "none.ipynb"),
    "no kernel": Case(3, ["1"], "--kernel none", "no such kernel", "not-run"),
    "another run": Case(4, ["1"], around=another_run),
    "a gate failed": Case(5, [RAISE.format("ValidationFailed"), "2"], "", "a gate failed", "failed not-run"),
    "inconclusive": Case(6, [RAISE.format("Inconclusive")], "", "a gate is inconclusive", "failed"),
    "unreachable": Case(7, [RAISE.format("BackendUnreachable")], "", "server unreachable", "failed"),
    "not tracked": Case(7, ["1"], "", "server unreachable", "passed", no_server),
    "nbclient is missing": Case(8, ["1"], around=without_nbclient),
    "killed": Case(10, ["import os\nos.kill(os.getpid(), 9)", "2"], "", "the kernel died", "stopped not-run"),
    "it went": Case(10, ["import os\nos._exit(3)"], "", "the kernel died", "stopped"),
    "no place": Case(11, ["1"], "--output a.ipynb/out"),
    "no place for a report": Case(11, ["1"], "--junit a.ipynb/j.xml", "passed", "passed"),
    "time of a cell": Case(12, ["import time\ntime.sleep(600)", "2"], "--cell-timeout 0.5", "a limit was reached", "stopped not-run"),
    "time of all": Case(12, ["1", "import time\ntime.sleep(600)"], "--timeout 12", "a limit was reached", "passed stopped"),
    "memory": Case(12, ["import time\nx = bytearray(400_000_000)\ntime.sleep(600)"], "--memory 300", "a limit was reached", "stopped"),
    "other metrics": Case(13, [], "--compare-outputs", "not the same as saved", "passed", saved_otherwise),
    "interrupted": Case(130, [SIGNAL.format("SIGINT"), "2"], "", "interrupted", "stopped not-run"),
    "terminated": Case(143, [SIGNAL.format("SIGTERM"), "2"], "", "terminated", "stopped not-run"),
}  # fmt: skip
LONG = ("keep going", "an error of ours", "only called so", "it went", "no kernel", "not tracked", "terminated")


@pytest.mark.parametrize("name", [pytest.param(name, marks=long) if name in LONG else name for name in CASES])
def test_the_exit_code_tells_the_truth_and_the_notebook_is_there(
    write: Callable[..., str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    case = CASES[name]
    write("a.ipynb", *case.cells)
    begin = time.monotonic()
    with case.around(monkeypatch):
        ran = run("a.ipynb", *case.options.split())
    assert time.monotonic() - begin < 120  # and not 600
    assert ran.code == case.code, ran
    if not case.verdict:
        assert ran.data is None
        assert 1 <= len(ran.err.strip().splitlines()) <= 3
        assert not Path("executed/a.ipynb").exists()
        return
    (book,) = ran.data["notebooks"]
    statuses = [status.replace("-", " ") for status in case.statuses.split()]
    assert (book["verdict"], ran.statuses, ran.data["exit_code"]) == (case.verdict, statuses, case.code)
    there = executed()
    assert there.metadata.mlops.verdict == case.verdict
    kept = [cell.metadata.mlops.status for cell in there.cells if "mlops" in cell.metadata]
    assert kept == [status for status in statuses if status != "not run"]
    assert (case.code == 0) == ran.data["ok"]
    if case.verdict != "passed":
        assert book["message"]
        assert "✗ a.ipynb" in ran.err


def test_every_exit_code_is_documented_and_each_is_tried_above() -> None:
    rows = re.findall(r"^\| ([\d, ]+) \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    documented = {int(code) for row in rows for code in row.split(",")}
    assert documented == {case.code for case in CASES.values()}
    assert documented == {each.exit_code for each in Verdict} | {Conflict.exit_code, MissingDependency.exit_code}


def test_what_other_runners_let_pass_fails_and_a_hidden_error_is_told_where_it_hid(write: Callable[..., str]) -> None:
    Path("s.py").write_text("1/0")
    hide = ["%%capture\n{}['lost']", "get_ipython().run_cell('1 / 0')\n1", "%run s.py"]
    write("a.ipynb", *hide, "%no_such_magic", "if", "input('name? ')", "raise SystemExit(3)", "'the last'")
    ran = run("a.ipynb", "--keep-going")
    assert ran.code == 1
    assert ran.statuses == ["failed"] * 7 + ["passed"]
    cells = ran.data["notebooks"][0]["cells"]
    assert [cell["failures"][-1]["kind"] for cell in cells[:3]] == [
        "KeyError",
        "ZeroDivisionError",
        "ZeroDivisionError",
    ]
    assert ["hides this error" in cell["note"] for cell in cells] == [True] * 3 + [False] * 5
    assert "make it a parameter" in cells[5]["failures"][-1]["message"]
