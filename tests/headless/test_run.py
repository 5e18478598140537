"""``jupyter mlops run``: exit codes, parameters, limits, and nothing lost on failure."""

from __future__ import annotations

import datetime
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from jupyter_mlops import cli
from jupyter_mlops.errors import InvalidUsage
from jupyter_mlops.headless.parameters import Parameter

from .conftest import executed, run

long = pytest.mark.long

LOAD = "%load_ext jupyter_mlops"
RAISE = "from jupyter_mlops.errors import *\nraise {}('what it was', 'what to do')"


@pytest.mark.parametrize(
    ("cells", "options", "code", "verdict", "statuses"),
    [
        (["1", "2"], [], 0, "passed", ["passed", "passed"]),
        (["1 / 0", "2"], [], 1, "a cell failed", ["failed", "not run"]),
        pytest.param(["1 / 0", "2"], ["--keep-going"], 1, "a cell failed", ["failed", "passed"], marks=long),
        ([("1 / 0", "raises-exception"), "2"], [], 0, "passed", ["raised", "passed"]),
        ([("no_such_widget", "interactive-only"), "2"], [], 0, "passed", ["skipped", "passed"]),
        ([RAISE.format("ValidationFailed"), "2"], [], 5, "a gate failed", ["failed", "not run"]),
        ([RAISE.format("Inconclusive")], [], 6, "a gate is inconclusive", ["failed"]),
        ([RAISE.format("BackendUnreachable")], [], 7, "server unreachable", ["failed"]),
        pytest.param([RAISE.format("NotFound")], [], 1, "a cell failed", ["failed"], marks=long),
        # an error of the user's that is only called so
        pytest.param(["class Inconclusive(Exception): exit_code = 6\nraise Inconclusive"], [], 1, "a cell failed", ["failed"], marks=long),
        (["import os\nos.kill(os.getpid(), 9)", "2"], [], 10, "the kernel died", ["stopped", "not run"]),
        pytest.param(["import os\nos._exit(3)"], [], 10, "the kernel died", ["stopped"], marks=long),
        (["import time\ntime.sleep(60)", "2"], ["--cell-timeout", "0.5"], 12, "a limit was reached", ["stopped", "not run"]),
        (["1", "import time\ntime.sleep(60)"], ["--timeout", "2"], 12, "a limit was reached", ["passed", "stopped"]),
        (["import time\nx = bytearray(400_000_000)\ntime.sleep(60)"], ["--memory", "300"], 12, "a limit was reached", ["stopped"]),
        # what other runners let pass
        (["%%capture\n1 / 0", "2"], [], 1, "a cell failed", ["failed", "not run"]),
        pytest.param(["get_ipython().run_cell('1 / 0')\n1"], [], 1, "a cell failed", ["failed"], marks=long),
        pytest.param(["%no_such_magic"], [], 1, "a cell failed", ["failed"], marks=long),
        (["open('s.py', 'w').write('1/0')", "%run s.py"], [], 1, "a cell failed", ["passed", "failed"]),
        pytest.param(["if"], [], 1, "a cell failed", ["failed"], marks=long),
        (["input('name? ')"], [], 1, "a cell failed", ["failed"]),
        pytest.param(["raise SystemExit(3)"], [], 1, "a cell failed", ["failed"], marks=long),
        (["import os\nos.makedirs('x')\nos.chdir('x')\nos.environ.clear()", "1"], [], 0, "passed", ["passed", "passed"]),
    ],
)  # fmt: skip
def test_the_exit_code_tells_the_truth_and_the_notebook_is_there(
    write: Callable[..., str], cells: list[str], options: list[str], code: int, verdict: str, statuses: list[str]
) -> None:
    write("a.ipynb", *cells)
    begin = time.monotonic()
    ran = run("a.ipynb", *options)
    assert time.monotonic() - begin < 20
    (book,) = ran.data["notebooks"]
    assert (ran.code, book["verdict"], ran.statuses) == (code, verdict, statuses)
    assert ran.data["exit_code"] == code
    there = executed()
    assert there.metadata.mlops.verdict == verdict
    kept = [cell.metadata.mlops.status for cell in there.cells if "mlops" in cell.metadata]
    assert kept == [status for status in statuses if status != "not run"]
    assert (code == 0) == ran.data["ok"]
    if code:
        assert book["message"]
        assert "✗ a.ipynb" in ran.err


def test_a_hidden_error_is_told_and_where_it_hid(write: Callable[..., str]) -> None:
    write("a.ipynb", "%%capture\n{}['lost']")
    (cell,) = run("a.ipynb").data["notebooks"][0]["cells"]
    assert cell["failures"][-1]["kind"] == "KeyError"
    assert "hides this error" in cell["note"]


PARAMS = "%%mlops params\nn: int = 3  # how many trees\nrate: float = 0.5\nkind: Literal['a', 'b'] = 'a'\nwords: list[str] = []\nfast: bool = False\nname: str = '1'\nfree = None"


@pytest.mark.parametrize(
    "first",
    [PARAMS, (PARAMS.removeprefix("%%mlops params\n").replace("Literal['a', 'b']", "str"), "parameters")],
    ids=["params", "papermill's tag"],
)
def test_parameters_take_the_values_given_in_their_types(write: Callable[..., str], first: object) -> None:
    write("a.ipynb", LOAD, "from typing import Literal", first, "print(repr((n, rate, kind, words, fast, name, free)))")
    words = ["n=5", "rate=1", "kind=b", 'words=["x", "y"]', "fast=true", "name=7", "free=[1]"]
    ran = run("a.ipynb", *(part for word in words for part in ("-p", word)))
    assert ran.code == 0, ran
    assert executed().cells[-1].outputs[0].text.strip() == "(5, 1.0, 'b', ['x', 'y'], True, '7', [1])"
    assert executed().cells[3].metadata.tags == ["injected-parameters"]
    again = run("executed/a.ipynb", "--output", "again", "-p", "n=6")  # what was executed can be executed
    assert again.code == 0
    assert executed("again/a.ipynb").cells[-1].outputs[0].text.startswith("(6, 0.5")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("m=3", "no parameter 'm'. Its parameters: n, rate, kind"),
        ("raet=3", "Did you mean rate?"),
        ("n=many", "takes int, and 'many' is none"),
        ("n=1.5", "takes int"),
        ("n=", "takes int"),
        ("kind=c", "takes Literal['a', 'b'], and 'c' is none"),
        ("words=3", "takes list[str]"),
        ("words=[1]", "takes list[str]"),
        ("n", "is no parameter: it should be name=value"),
        ("n=true", "takes int"),
        ("words=[true]", "takes list[str]"),
        ("free=[NaN]", "can't be written into a cell"),
    ],
)
def test_an_unknown_or_ill_typed_parameter_is_an_error_before_anything_runs(
    write: Callable[..., str], given: str, said: str
) -> None:
    write("a.ipynb", PARAMS)
    ran = run("a.ipynb", "-p", given)
    assert ran.code == 2
    assert said in ran.err
    assert not Path("executed").exists()


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        ("str | None", "7", "7"),
        ("str | None", "None", None),
        ("Optional[str]", "true", "true"),
        ("bool", "1", True),
        ("float", "nan", "nan"),
        ("int | bool", "true", True),
        ("float", 3, 3.0),
    ],
)
def test_a_word_is_read_as_the_type_has_it(kind: str, given: object, value: object) -> None:
    read = Parameter("x", kind, "None").read(given)
    assert (str(read) if value == "nan" else read) == value
    assert type(read) is type(value) or value == "nan"


@pytest.mark.parametrize(("kind", "given"), [("int", True), ("", datetime.date(2026, 1, 2)), ("float", "true")])
def test_what_a_file_of_parameters_holds_is_of_the_type_and_can_be_written(kind: str, given: object) -> None:
    with pytest.raises(InvalidUsage, match="x"):
        Parameter("x", kind, "None").read(given)


def test_each_of_several_notebooks_is_given_what_it_declares(write: Callable[..., str]) -> None:
    write("a.ipynb", ("n = 1", "parameters"), "print(n)")
    write("b.ipynb", "print('none')")
    ran = run("a.ipynb", "b.ipynb", "-p", "n=5")
    assert ran.code == 0, ran
    assert executed().cells[-1].outputs[0].text == "5\n"
    ran = run("a.ipynb", "b.ipynb", "-p", "m=5")
    assert ran.code == 2
    assert "None of the 2 notebooks has a parameter 'm'" in ran.err
    assert "Their parameters: n" in ran.err


def test_parameters_of_a_notebook_without_any_and_of_one_with_two_cells(write: Callable[..., str]) -> None:
    write("a.ipynb", "1")
    assert "has no parameters" in run("a.ipynb", "-p", "n=1").err
    write("b.ipynb", ("n = 1", "parameters"), PARAMS)
    assert "more than one cell of parameters: cell 1 and cell 2" in run("b.ipynb").err


def test_help_names_the_letter_of_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["help", "run", "notebooks"]) == 0
    assert "-p, --param PARAM" in capsys.readouterr().out


def test_help_params_and_a_file_of_parameters(write: Callable[..., str]) -> None:
    write("a.ipynb", LOAD, "from typing import Literal", PARAMS, "print(n, rate)")
    listed = run("a.ipynb", "--help-params").data["parameters"]
    assert listed[0] == {"name": "n", "type": "int", "default": "3", "help": "how many trees"}
    Path("p.yaml").write_text("n: 8\nrate: 0.25\n")
    assert run("a.ipynb", "--params-file", "p.yaml", "-p", "n=9").code == 0
    assert executed().cells[-1].outputs[0].text == "9 0.25\n"
    Path("p.yaml").write_text("- n\n")
    assert "holds no parameters" in run("a.ipynb", "--params-file", "p.yaml").err


def test_a_cell_of_parameters_shows_them_and_minds_a_default_of_another_type(write: Callable[..., str]) -> None:
    write("a.ipynb", LOAD, "%%mlops params\nn: int = 3  # how many")
    assert run("a.ipynb").code == 0
    assert "how many" in executed().cells[1].outputs[0].data["text/plain"]
    write("b.ipynb", LOAD, "%%mlops params\nn: int = 'three'")
    ran = run("b.ipynb")
    assert ran.code == 1
    assert "declared as int, and its default 'three' is none" in ran.data["notebooks"][0]["message"]


def test_flaky_cells_are_tried_again_and_counted(write: Callable[..., str]) -> None:
    cell = "import os\nn = len(os.listdir('.'))\nopen(f'try{n}', 'w').close()\nassert n > 3, n"
    write("a.ipynb", (cell, "flaky"))
    ran = run("a.ipynb", "--junit", "j.xml")
    assert ran.code == 0
    (found,) = ran.data["notebooks"][0]["cells"]
    assert 1 < found["attempts"] <= 3
    assert len(ElementTree.parse("j.xml").findall(".//flakyFailure")) == found["attempts"] - 1
    write("b.ipynb", ("1 / 0", "flaky"))
    ran = run("b.ipynb", "--retries", "1")
    assert (ran.code, ran.data["notebooks"][0]["cells"][0]["attempts"]) == (1, 2)


def test_junit_has_a_case_for_each_cell_and_no_colours(write: Callable[..., str]) -> None:
    write("a.ipynb", "1", "raise ValueError('\\x1b[31m<&>\\x00 red')", "2", ("3", "interactive-only"))
    write("b.ipynb", "1", kernel="nowhere")
    ran = run("a.ipynb", "b.ipynb", "--junit", "out/j.xml")
    assert ran.code == 1
    text = Path("out/j.xml").read_text()
    assert "\x1b" not in text
    root = ElementTree.fromstring(text)
    first, second = root.findall("testsuite")
    assert [len(case) and case[0].tag for case in first.findall("testcase")] == [0, "failure", "skipped", "skipped"]
    assert "<&>" in (first.find(".//failure").get("message") or "")
    assert "Traceback" in first.find(".//failure").text
    assert "'nowhere' is not installed. There are: " in second.find(".//error").text
    assert (root.get("tests"), root.get("failures"), root.get("errors"), root.get("skipped")) == ("6", "1", "1", "3")


def test_a_cell_that_prints_without_end_costs_no_memory_and_what_it_shows_is_cut(write: Callable[..., str]) -> None:
    write("a.ipynb", "for _ in range(3000): print('x' * 10_000)", "print('a\\rb')")
    ran = run("a.ipynb", "--max-output", "0.1")
    assert ran.code == 0
    assert "output left out, over the limit of 100 kB" in ran.data["notebooks"][0]["cells"][0]["note"]
    assert Path("executed/a.ipynb").stat().st_size < 200_000
    assert executed().cells[1].outputs[0].text == "b\n"


def test_several_at_once_each_in_its_own_kernel_and_folder(write: Callable[..., str]) -> None:
    for name in "abc":  # two of one name
        write(f"{name}/same.ipynb", f"import os\nprint(os.path.basename(os.getcwd()))\nassert '{name}' != 'b'")
    ran = run("a/same.ipynb", "b/same.ipynb", "c/same.ipynb", "--jobs", "2", "--html", "pages")
    assert sorted(path.as_posix() for path in Path("pages").rglob("*.html")) == [f"pages/{n}/same.html" for n in "abc"]
    assert [book["verdict"] for book in ran.data["notebooks"]] == ["passed", "a cell failed", "passed"]
    assert executed("executed/c/same.ipynb").cells[0].outputs[0].text == "c\n"
    ran = run("b/same.ipynb", "a/same.ipynb", "--fail-fast")
    assert [book["verdict"] for book in ran.data["notebooks"]] == ["a cell failed", "not run"]
    assert ran.code == 1


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
        "a.ipynb", "1", f"{deaf}open('reached', 'w').close()\nimport time\nprint('so far', flush=True)\ntime.sleep(60)"
    )
    write("b.ipynb", "1")
    command = [sys.executable, "-m", "jupyter_mlops.cli", "run", "a.ipynb", "b.ipynb", "--junit", "j.xml"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    _wait(lambda: _kernel_of(process) if "starts" in phase else Path("reached").exists())
    time.sleep(0 if "starts" in phase else 0.3)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == code, err
    assert executed().metadata.mlops.verdict == verdict
    if "starts" not in phase:
        assert executed().cells[1].outputs[0].text == "so far\n"
    assert ElementTree.parse("j.xml").find(".//error") is not None
    assert not _left(tmp_path)


def test_what_it_has_done_is_written_now_and_then(write: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_mlops.headless import batch

    monkeypatch.setattr(batch, "_WRITE_EVERY", 0.0)
    write("a.ipynb", "print('first')", "seen = open('executed/a.ipynb').read()\nassert 'first' in seen")
    assert run("a.ipynb").code == 0


def _wait(until: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end
        time.sleep(0.02)


def _kernel_of(process: subprocess.Popen[str]) -> bool:
    import psutil

    return bool(psutil.Process(process.pid).children())


def _left(folder: Path) -> list[int]:
    import psutil

    left = []
    for each in psutil.process_iter():
        try:
            if each.cwd() == str(folder) and each.pid != os.getpid():
                left.append(each.pid)
        except psutil.Error:
            continue
    return left
