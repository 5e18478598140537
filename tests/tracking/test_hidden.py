"""Which cells a cell needs, and what the notebook would not give it."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlops.tracking.snapshot import python
from jupyter_mlops.tracking.snapshot.executed import Cell, needed, repeated
from jupyter_mlops.tracking.snapshot.hidden import hidden_state
from jupyter_mlops.tracking.snapshot.names import Names
from jupyter_mlops.tracking.snapshot.notebook import Notebook

RUN = "%%mlops run --data x\nmodel = fit(x)"


def cells(*sources: str) -> list[Cell]:
    return [Cell(number, source, at=float(number)) for number, source in enumerate(sources, start=1)]


def slice_of(*sources: str) -> list[int]:
    *before, target = cells(*sources)
    return [cell.number for cell in needed(before, target)]


@pytest.mark.parametrize(
    ("sources", "numbers"),
    [
        (["x = 1", "y = 2", RUN], [1]),
        (["import numpy as np", "x = np.ones(3)", RUN], [1, 2]),
        (["x = 1", "x = 2", RUN], [2]),
        (["x = 1", "x = x + 1", RUN], [1, 2]),
        (["x = 1", "x += 1", RUN], [1, 2]),
        (["x = [1]", "x.append(2)", RUN], [1, 2]),
        (["x = {}", "x['a'] = 1", "x", "print(x)", RUN], [1, 2]),
        (["x = frame()", "x.head()", "x.describe()", RUN], [1]),
        (["x = frame()", "x.drop('a', inplace=True)", RUN], [1, 2]),
        (["x = frame()", "clean(x)\n'done'", RUN], [1, 2]),
        (["def fit(x): return K", "x = 1", "K = 3", RUN], [1, 2, 3]),
        (["x = 1", "if x: x = 2", RUN], [1, 2]),
        (["x = 1", "for _ in range(3):\n    x = x * 2", RUN], [1, 2]),
        (["with open('f') as file: x = file.read()", RUN], [1]),
        (["x, y = 1, 2", RUN], [1]),
        (["class fit: pass", "x = [a for a in range(3)]", RUN], [1, 2]),
        (["import numpy as np", "np.random.seed(0)", "x = 1", RUN], [1, 2, 3]),
        (["from tools import *", "x = 1", RUN], [1, 2]),
        (["%run tools.py", "x = 1", RUN], [1, 2]),
        (["!pip install tools", "%matplotlib inline", "%mlops init", "x = 1", RUN], [4]),
        (["%%mlops run other\nx = 1", RUN], [1]),
        (["%%time\nx = 1", RUN], [1]),
        (["x = await get()", RUN], [1]),
        (["x = 1", "model = 5", "model", RUN], [1]),
    ],
)
def test_the_cells_that_are_needed(sources: list[str], numbers: list[int]) -> None:
    assert slice_of(*sources) == numbers


def test_a_failed_cell_is_left_out() -> None:
    failed = Cell(1, "x = 1 / 0", failed=True)
    assert [cell.number for cell in needed([failed, Cell(2, "x = 1")], Cell(3, RUN))] == [2]


def test_names_of_what_is_no_python() -> None:
    assert Names.of("this is no python").anything
    assert not Names.of("").anything


def hidden(notebook: list[str] | None, *sources: str, saved: float = 100.0) -> str:
    *before, target = cells(*sources)
    book = Notebook(Path("x.ipynb"), saved, tuple(notebook), "") if notebook is not None else None
    return "; ".join(map(str, hidden_state(before, target, book)))


@pytest.mark.parametrize(
    ("notebook", "sources"),
    [
        (["x = 1", RUN], ["x = 1", RUN]),
        (["x = 1", RUN], ["x = 1", RUN, "x = 1", RUN]),
        (["y = 1", "x = y", RUN], ["y = 1", "x = y", "y = 5", RUN]),
        (["x = 2", RUN], ["x = 1", "x = 2", RUN]),
        (["x = 1", "x = x * 2", RUN], ["x = 1", "x = x * 2", "x = 1", "x = x * 2", RUN]),
        (["x = 1", RUN, "x = 2"], ["x = 1", RUN, "x = 2", "x = 1", RUN]),
        (["x = 1", "z = x", RUN], ["x = 1", "z = x", "x = 1", RUN]),
        (["m = M()", "x = 1", "m.fit(x)", RUN + "\nm"], ["m = M()", "x = 1", "m.fit(x)", "m.fit(x)", RUN + "\nm"]),
        (["import os\nx = os.getcwd()", RUN], ["import os\nx = os.getcwd()"] * 2 + [RUN]),
        (["x['b'] = x['a'] * 2", RUN], ["x['b'] = x['a'] * 2"] * 2 + [RUN]),
        (["x = 1", "other = 2", RUN], ["other = 3", "x = 1", RUN]),
        (None, ["x = 1", RUN]),
    ],
)
def test_no_hidden_state_is_told_where_there_is_none(notebook: list[str] | None, sources: list[str]) -> None:
    assert hidden(notebook, *sources) == ""


@pytest.mark.parametrize(
    ("notebook", "sources", "told"),
    [
        (["x = 2", RUN], ["x = 1", RUN], "x from In [1], which is no longer in the notebook"),
        (
            ["def f(a): return a", "x = f(1)", RUN],
            ["def f(a): return a + 1", "x = f(1)", "def f(a): return a", RUN],
            "f from In [1], which is no longer in the notebook",
        ),
        ([RUN, "x = 1"], ["x = 1", RUN], "x from In [1], which stands below In [2] but ran before it"),
        (["x = 1", RUN, "x = 2"], ["x = 1", RUN, "x = 2", RUN], "x from In [3], which stands below In [4]"),
        (["x = 1", "x = x * 2", RUN], ["x = 1", "x = x * 2", "x = x * 2", RUN], "x from In [3], which ran 2 times"),
        (["x = 1", "x['a'] = x['a'] * 2", RUN], ["x = 1", *["x['a'] = x['a'] * 2"] * 3, RUN], "which ran 3 times"),
        (None, ["x = 1", "x += 1", "x += 1", RUN], "x from In [3], which ran 2 times and builds on itself"),
    ],
)
def test_hidden_state_is_told(notebook: list[str] | None, sources: list[str], told: str) -> None:
    assert told in hidden(notebook, *sources)


def test_a_notebook_that_is_not_saved_yet_raises_no_alarm() -> None:
    assert hidden(["x = 2", RUN], "x = 1", RUN, saved=0.5) == ""
    assert hidden(["something else"], "x = 1", RUN) == ""  # not even the run's own cell is in it


def slice_to_repeat(*sources: str) -> list[int]:
    *before, target = cells(*sources)
    return [cell.number for cell in repeated(before, target)]


@pytest.mark.parametrize(
    "sources",
    [
        ["%time x = f()", RUN],
        ["import a\n%time x = a.load()\ny = 1", RUN],
        ["found = %mlops runs", RUN + "\nfound.rows"],
        ["x = load()  # really?", RUN],
        ["x = '''why\nnot?'''", RUN],
        ["base = 0.5", RUN + "\n%mlops log acc=1 base=base"],
        ["E = load()", "x = 1", "%%mlops run x --data E\nx"],
        ["async def f(): return 1", "%%mlops run x\nx = await f()"],
        ["x = load()", "clean(x)", RUN],
        ["x = load()", "for _ in range(3):\n    clean(x)", RUN],
        ["rng = default_rng(0)", "noise = rng.normal(size=3)", "x = rng.normal()", RUN],
        ["import numpy as np", "np.random.rand(7)", "x = 1", RUN],
        ["rng = default_rng(0)", "idx = [1, 2]", "rng.shuffle(idx)", "x = rng.normal()", RUN],
        ["rows = []", "r = rows", "r.append(1)", RUN + "\nrows"],
        ["rows = [1]", "r = rows", "r[0] = 2", RUN + "\nrows"],
        ["model = M()", "m = model", "m.fit(1)", RUN + "\nmodel.score(x)"],
        ["import sys", "sys.path.insert(0, 'src')", RUN],
        ["import os", "os.chdir('..')", RUN],
        ["import os", "os.environ['A'] = '1'", RUN],
        ["%%capture out\nprint(5)", RUN + "\nout.stdout"],
        ["%%mlops run other --into card\n1", RUN + "\ncard.metrics"],
        ["folder = 'src'", "!prepare {folder}", RUN],
        ["K = 3", "%run -i prepare.py", RUN],
        ["import numpy as np\nnp.random.seed(0)", "%%mlops run other\nother = M().fit(1)", RUN],
        ["rng = default_rng(0)", "%%mlops run other\nother = M(random_state=rng).fit(1)", RUN + "\nrng"],
        ["del x", RUN],
        ["%env A=1", "%cd ..", "%load_ext sql", "%%bash\ntouch a", RUN],
    ],
)
def test_all_that_may_matter_is_repeated(sources: list[str]) -> None:
    assert slice_to_repeat(*sources) == list(range(1, len(sources)))


@pytest.mark.parametrize(
    ("sources", "numbers"),
    [
        (["x = frame()", "x.describe()", "total = x.sum()", "x", "len(x)", RUN], [1]),
        (["import seaborn as sns", "sns.heatmap(x.corr())", "x?", RUN], [1]),
        (["%mlops runs", "%mlops compare a b", "%matplotlib inline", "%load_ext jupyter_mlops", RUN], []),
        (["x = 1", "%%mlops run other --data x\nother = M(3, random_state=0).fit(x)\n%mlops log a=x", RUN], [1]),
        (["x = 1", "import jupyter_mlops as mlops\nmlops.reproduce('last')", "mlops.runs()", RUN], [1, 2]),
        (["%pip install tools", "!pip install tools", "x = 1", RUN], [3]),
        (["%timeit x = 1", "x = 2", RUN], [2]),
    ],
)
def test_what_provably_does_not_matter_is_left_out(sources: list[str], numbers: list[int]) -> None:
    assert slice_to_repeat(*sources) == numbers


def test_a_cell_that_failed_is_repeated_and_one_that_was_interrupted_is_not() -> None:
    failed = Cell(1, "x = 1\n1 / 0", failed=True)
    stopped = Cell(2, "while True: poll()", failed=True, interrupted=True)
    assert repeated([failed, stopped], Cell(3, RUN)) == [failed]


@pytest.mark.parametrize(
    ("notebook", "sources", "told"),
    [
        (["x = 1", RUN + "\n%mlops log acc=B"], ["x = 1", "B = 1", RUN + "\n%mlops log acc=B"], "B from In [2]"),
        ([RUN], ["%time x = 3.0", RUN], "x from In [1], which is no longer"),
        (["%%mlops run a\nawait x"], ["x = 1", "%%mlops run a\nawait x"], "x from In [1], which is no longer"),
        (["x = 1", RUN], ["x = 1", "f(x)", "f(x)", RUN], "x from In [2], which is no longer"),
        (["y = 1", RUN], ["y = 1", "x = 1", RUN + "\n'edited'"], "x from In [2], which is no longer"),
    ],
)
def test_hidden_state_that_needs_a_close_look(notebook: list[str], sources: list[str], told: str) -> None:
    assert told in hidden(notebook, *sources)


def test_a_name_from_a_cell_that_failed_is_told() -> None:
    failed = Cell(1, "x = 9\nnobody()", failed=True)
    assert [str(each) for each in hidden_state([failed], Cell(2, RUN), None)] == ["x from In [1], which failed"]
    assert hidden_state([failed, Cell(2, "x = 1")], Cell(3, RUN), None) == []


def test_lines_that_install_are_taken_out_where_they_stand() -> None:
    cell = "import a\nif 1:\n    !pip install é\n%pip install \\\n  b\nout = !pip list\nx = 'ü'; y = 2"
    assert python.without_installs(cell) == "import a\nif 1:\n    None\nNone\nout = None\nx = 'ü'; y = 2\n"
    assert python.without_installs("%%capture\n!pip install a\nx = 1") == "%%capture\nNone\nx = 1\n"
    assert python.without_installs("x = 1  # why?\n%time y = 2") == "x = 1  # why?\n%time y = 2"
