"""Runs and versions side by side, and how the best has moved."""

from __future__ import annotations

from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

import jupyter_mlops as mlops
from jupyter_mlops.errors import InvalidUsage, NotFound
from jupyter_mlops.tracking.comparison import unified

from ..conftest import Face


@pytest.fixture
def runs(trained: Any) -> None:
    """Three runs that get better, and differ in a parameter."""
    for number, run_name in enumerate(["a", "bb", "ccc"]):
        trained(run_name, accuracy=0.9 + number / 100, log_loss=0.5 - number / 10)
        mlops.log(param={"depth": number, "same": 1})


def test_only_what_differs_is_shown(face: Face, runs: None) -> None:
    face("runs")
    found = mlops.compare("a", "ccc")
    assert found.params == ["depth"]
    assert found.metrics == ["accuracy", "log_loss"]
    assert found.data == ()
    assert found.packages == ()
    text = str(found)
    assert "same" in text
    assert "✓ 0.9200" in text  # the better accuracy …
    assert "✓ 0.3000" in text  # … and the smaller loss
    assert found.frame().loc[("metric", "accuracy")].tolist() == [0.9, 0.92]
    data = face("compare a bb ccc").data
    assert [side["metrics"]["accuracy"] for side in data["sides"]] == [0.9, 0.91, 0.92]


def test_versions_are_compared_by_alias_and_number(face: Face, runs: None, name: str) -> None:
    mlops.register(name, run="a", alias="challenger")
    mlops.register(name, run="ccc")
    sides = face(f"compare {name}@challenger {name}/2").data["sides"]
    assert [side["label"] for side in sides] == [f"{name}@challenger", f"{name}/2"]
    assert [side["metrics"]["accuracy"] for side in sides] == [0.9, 0.92]


def test_data_and_code_that_differ_are_named(shell: InteractiveShell, project: Any, cancer: Any) -> None:
    shell.user_ns["X"] = cancer[0]
    shell.run_cell("%%mlops run one --data X --no-autolog --quiet\na = 1\nb = 2", store_history=True)
    shell.run_cell("X = X.assign(new=1.0)\nX.iloc[0, 0] = 99", store_history=True)
    shell.run_cell("%%mlops run two --data X --no-autolog --quiet\na = 1\nb = 3", store_history=True)
    found = mlops.compare("one", "two")
    assert ("data: columns that differ", "mean radius, new", "") in found.data
    [(title, diff)] = found.changes
    assert title.startswith("Code: one")
    assert "-b = 2\n+b = 3" in diff
    html = found._repr_mimebundle_()["text/html"]
    assert '<span class="removed">-b = 2</span>' in html
    assert "+b = 3" in found._repr_mimebundle_()["text/plain"]


def test_what_is_shown_is_escaped(shell: InteractiveShell, project: Any) -> None:
    for number in (1, 2):
        shell.run_cell(
            f"%%mlops run r{number} --no-autolog --quiet\n%mlops log a={number}\n'<script>{number}'", store_history=True
        )
    html = mlops.compare("r1", "r2")._repr_mimebundle_()["text/html"]
    assert "<script>" not in html
    assert "&lt;script&gt;1" in html
    assert "data:image/png;base64," in html


@pytest.mark.parametrize("count", [2, 8])
def test_the_picture_is_bars_for_a_few_and_lines_for_many(trained: Any, count: int) -> None:
    names = [f"run {number}" for number in range(count)]
    for number, run_name in enumerate(names):
        trained(run_name, accuracy=0.9 + number / 100, f1=float("nan") if number == 1 else 0.5)
    figure = mlops.compare(*names).plot()
    [axes] = figure.axes
    assert bool(axes.patches) == (count == 2)
    assert bool(axes.lines) == (count == 8)


@pytest.mark.parametrize(
    ("line", "kind", "says"),
    [
        ("compare a", InvalidUsage, "two runs or more"),
        ("compare a a", InvalidUsage, "named twice"),
        ("compare a nobody", NotFound, "There is no run 'nobody'"),
        ("compare a nobody@champion", NotFound, "no registered model 'nobody'"),
        ("history --metric acuracy", NotFound, "Did you mean accuracy?"),
        ("history --since whenever", InvalidUsage, "is no time"),
    ],
)
def test_bad_words(face: Face, runs: None, line: str, kind: type[Any], says: str) -> None:
    outcome = face(line)
    assert outcome.exit_code == kind.exit_code
    assert says in outcome.error


def test_history_has_better_runs_versions_promotions_and_rollbacks(face: Face, runs: None, name: str) -> None:
    mlops.promote(mlops.register(name, run="a"))
    mlops.promote(mlops.register(name, run="bb"))
    mlops.rollback(name, reason="too slow")
    data = face("history").data
    assert data["metric"] == "accuracy"
    told = [(moment["kind"], moment["what"], moment["value"]) for moment in data["moments"]]
    assert told == [
        ("run", "a", 0.9),
        ("run", "bb", 0.91),
        ("run", "ccc", 0.92),
        ("version", f"{name}/1", 0.9),
        ("promote", f"{name}/1", 0.9),
        ("version", f"{name}/2", 0.91),
        ("promote", f"{name}/2", 0.91),
        ("rollback", f"{name}/1", 0.9),
    ]
    assert data["moments"][-1]["why"] == "too slow"
    assert all(moment["is_best"] for moment in data["moments"][:3])


def test_history_of_a_loss_gets_better_downwards(runs: None) -> None:
    found = mlops.history(metric="log_loss")
    assert [moment.is_best for moment in found.moments] == [True, True, True]
    assert found.plot().axes
    assert len(found.frame()) == 3
    assert mlops.history(metric="log_loss", since="1h").moments == found.moments
    assert mlops.history(metric="log_loss", since="2999-01-01").moments == ()
    assert "0 with log_loss" in str(mlops.history(metric="log_loss", since="2999-01-01"))


def test_history_without_a_run(face: Face, project: Any) -> None:
    assert face("history").exit_code == NotFound.exit_code


def test_a_diff_has_no_names_of_files() -> None:
    assert unified("a\nb", "a\nc") == "@@ -1,2 +1,2 @@\n a\n-b\n+c"
    assert unified("a", "a") == ""
