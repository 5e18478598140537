"""``jupyter mlops run``: exit codes, parameters, limits, and nothing lost on failure."""

from __future__ import annotations

import datetime
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


def test_many_small_outputs_and_the_state_of_widgets_are_limited_too(write: Callable[..., str]) -> None:
    write(
        "a.ipynb", "for n in range(5000): display(n)", "for n in range(5000): print(n, flush=True)",
        "import ipywidgets\nimages = [ipywidgets.Image(value=bytes(90_000)) for _ in range(4)]", "ipywidgets.Text(value='s' * 30_000)",
    )  # fmt: skip
    ran = run("a.ipynb", "--max-output", "0.2")
    assert ran.code == 0
    notes = [cell["note"] for cell in ran.data["notebooks"][0]["cells"]]
    assert ["left out" in note for note in notes] == [True, False, True, True]
    there = executed()
    assert len(there.cells[0].outputs) < 1000
    assert [output.text.count("\n") for output in there.cells[1].outputs] == [5000]
    assert Path("executed/a.ipynb").stat().st_size < 1_000_000


def test_what_is_cleared_stays_away_and_what_comes_after_is_whole(write: Callable[..., str]) -> None:
    loop = "from IPython.display import clear_output\nfor i in range(8):\n    print('a', i, flush=True)\n    print('b', i, flush=True)\n    "
    write(
        "a.ipynb", loop + "clear_output(wait=True)", loop + "clear_output()", loop + "if i < 7: clear_output(wait=True)"
    )
    assert run("a.ipynb").code == 0
    there = [[output.text for output in cell.outputs] for cell in executed().cells]
    assert there == [["a 7\nb 7\n"], [], ["a 7\nb 7\n"]]


def test_a_widget_there_was_no_room_for_is_shown_as_text_and_so_is_what_holds_it(write: Callable[..., str]) -> None:
    write(
        "a.ipynb",
        "import ipywidgets\nsmall = ipywidgets.Text(value='s')\nlarge = ipywidgets.Text(value='l' * 300_000)\nlong = ipywidgets.Dropdown(options=[str(n) for n in range(99_000)])",
        "small", "ipywidgets.VBox([small, large])", "long",
    )  # fmt: skip
    assert run("a.ipynb", "--max-output", "0.2").code == 0
    view = "application/vnd.jupyter.widget-view+json"
    assert [[view in output.data for output in cell.outputs] for cell in executed().cells[1:]] == [
        [True],
        [False],
        [False],
    ]
    assert "VBox" in executed().cells[2].outputs[0].data["text/plain"]


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


def test_what_it_has_done_is_written_now_and_then(write: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_mlops.headless import batch

    monkeypatch.setattr(batch, "_WRITE_EVERY", 0.0)
    write("a.ipynb", "print('first')", "seen = open('executed/a.ipynb').read()\nassert 'first' in seen")
    assert run("a.ipynb").code == 0
