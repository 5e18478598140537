"""Runs and versions side by side, and how the best has moved."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

import jupyter_mlops as mlops
from jupyter_mlops import cli
from jupyter_mlops.backend import experiments
from jupyter_mlops.errors import InvalidUsage, NotFound
from jupyter_mlops.tracking import code, pictures
from jupyter_mlops.tracking.code import unified
from jupyter_mlops.tracking.snapshot.files import Snapshot
from jupyter_mlops.workspace import Workspace

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
    assert ("data: columns that differ", "", "mean radius, new") in found.data
    [(title, diff)] = found.changes
    assert title.startswith("Code: one")
    assert "-b = 2\n+b = 3" in diff
    html = found._repr_mimebundle_()["text/html"]
    assert '<span class="removed">-b = 2</span>' in html
    assert "+b = 3" in found._repr_mimebundle_()["text/plain"]


def plain_run(name: str, **metrics: float) -> None:
    """A run of plain MLflow, without a snapshot."""
    workspace = Workspace.here()
    experiment = experiments.experiment_id(workspace.mlflow, workspace.settings.experiment)
    run = workspace.mlflow.write("create_run", experiment, run_name=name)
    now = [experiments.entities().Metric(key, value, 0, 0) for key, value in metrics.items()]
    workspace.mlflow.write("log_batch", run.info.run_id, metrics=now)
    workspace.mlflow.write("set_terminated", run.info.run_id, "FINISHED")


def same(found: Any) -> str:
    return dict(found.view().facts).get("the same", "")


def test_an_upstream_cell_that_differs_is_in_the_diff_and_the_name_is_not(
    shell: InteractiveShell, project: Any
) -> None:
    run = "%%mlops run{} --no-autolog --quiet\nprint(depth)"
    for number, cell in enumerate(["depth = 3", "depth = 4", "unused = 1"]):
        shell.run_cell(cell, store_history=True)
        shell.run_cell(run.format(f" r{number}"), store_history=True)
    found = mlops.compare("r0", "r1")
    assert "code" not in same(found)
    [(_, diff)] = found.changes
    assert "-depth = 3\n+depth = 4" in diff
    assert "r0" not in diff
    assert "code of the cells" in same(mlops.compare("r1", "r2"))


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("%%mlops run base --data X", "%%mlops run --data X"),
        ("%%mlops run --data X base", "%%mlops run --data X"),
        ("%%mlops run 'my run' --param a=1", "%%mlops run --param a=1"),
        ("%%mlops run --no-autolog", "%%mlops run --no-autolog"),
        ("%%time\nx", "%%time\nx"),
    ],
)
def test_the_name_of_a_run_is_no_code(line: str, left: str) -> None:
    assert code._nameless(f"{line}\nfit()") == f"{left}\nfit()"


def test_modules_that_differ_are_told_by_commit_and_by_what_is_not_committed(
    shell: InteractiveShell, project: Path
) -> None:
    def git(*words: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *identity, *words], cwd=project, check=True, capture_output=True)

    def run(name: str, module: str) -> None:
        (project / "tools.py").write_text(module)
        shell.run_cell(f"%%mlops run {name} --no-autolog --quiet\n1", store_history=True)

    git("init", "-q")
    (project / "tools.py").write_text("a = 1\n")
    git("add", "tools.py")
    git("commit", "-q", "-m", "x")
    run("clean", "a = 1\n")
    run("again", "a = 1\n")
    run("changed", "a = 2\n")
    git("commit", "-q", "-a", "-m", "y")
    run("committed", "a = 2\n")
    assert "code" in same(mlops.compare("clean", "again")).split(", ")
    found = mlops.compare("clean", "changed")
    assert "code" not in same(found).split(", ")
    [(title, text)] = found.uncommitted
    assert title.startswith("Uncommitted in changed")
    assert title.endswith("tools.py")
    assert "-a = 1\n+a = 2" in text
    assert '<span class="added">+a = 2</span>' in found._repr_mimebundle_()["text/html"]
    found = mlops.compare("clean", "committed")
    assert "code" not in same(found).split(", ")
    assert found.commits[0][0] == "commit"


def test_scripts_are_compared_too() -> None:
    def script(text: str) -> code.CodeOf:
        return code.CodeOf.of(Snapshot({"train.py": text}, {"git": {"commit": None, "note": ""}, "cell": None}))

    assert unified(script("a = 1\n").source, script("a = 2\n").source).endswith("-a = 1\n+a = 2")


def test_without_a_snapshot_nothing_is_said_to_be_the_same(project: Any) -> None:
    plain_run("p1", accuracy=0.5)
    plain_run("p2", accuracy=0.6)
    found = mlops.compare("p1", "p2")
    assert same(found) == ""
    assert "no snapshot" in str(found)


def test_without_a_common_metric_there_is_a_word_in_place_of_a_picture(project: Any) -> None:
    for number in range(8):
        plain_run(f"p{number}", **{f"m{number}": 1.0})
    found = mlops.compare(*[f"p{number}" for number in range(8)])
    [axes] = found.plot().axes
    assert "No metric" in axes.texts[0].get_text()
    assert "No metric" in str(found)


def test_many_lines_are_told_apart_and_none_is_best_where_all_are_tied() -> None:
    runs = [(f"r{number}", {"a": number / 10, "b": 0.5, "tied": 1.0}) for number in range(10)]
    [axes] = pictures.compared(["a", "b"], runs).axes
    assert len({(line.get_color(), line.get_linestyle()) for line in axes.lines}) == 10
    assert [text.get_text() for text in axes.get_legend().get_texts()][-1] == "r9, best a"
    [axes] = pictures.compared(["tied", "b"], runs).axes
    assert not any("best" in text.get_text() for text in axes.get_legend().get_texts())
    [axes] = pictures.compared(["a"], runs).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [name for name, _ in runs]


def test_columns_that_differ_are_told_of_each_side(shell: InteractiveShell, project: Any, cancer: Any) -> None:
    for number, column in enumerate([0, 1, 2]):
        shell.user_ns["X"] = cancer[0].copy()
        shell.user_ns["X"].iloc[0, column] = -1.0
        shell.run_cell(f"%%mlops run c{number} --data X --no-autolog --quiet\n1", store_history=True)
    rows = {row[0]: row[1:] for row in mlops.compare("c0", "c1", "c2").data}
    assert rows["data: columns that differ"] == ("", "mean radius, mean texture", "mean radius, mean perimeter")


def test_parameters_that_only_one_has_are_one_row_and_long_ones_are_cut(trained: Any) -> None:
    trained("a")
    mlops.log(param={"depth": 1, "alpha": 0.1, "prompt": "x" * 5000})
    logged = trained("b")
    assert logged
    shown = str(mlops.log(param={"depth": 2, "prompt": "y" * 5000}))
    assert "(5,000 characters)" in " ".join(shown.split())
    text = str(mlops.compare("a", "b"))
    assert "only some have" in text
    assert "alpha=0.1" in text
    assert "x" * 200 not in text.replace("\n", "").replace(" ", "")


def test_the_best_is_no_repetition(trained: Any) -> None:
    trained("first", accuracy=0.9)
    again = trained("again", accuracy=0.95)
    mlops.log(tag={"mlops.reproduces": f"{again.run_id} x"}, run="again")
    assert mlops.compare("best:accuracy", "again").sides[0].label.startswith("first")


def test_the_command_line_leaves_code_alone_and_writes_its_hints(
    shell: InteractiveShell, project: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in (1, 2):
        shell.run_cell(f"%%mlops run r{number} --no-autolog --quiet\n%mlops log a={number}", store_history=True)
    capsys.readouterr()
    assert cli.main(["compare", "r1", "r2"]) == 0
    out = capsys.readouterr().out
    assert "-%mlops log a=1" in out
    assert "jupyter mlops" not in out
    assert cli.main(["status"]) == 0
    assert "Next: jupyter mlops" in capsys.readouterr().out


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


BAD_WORDS = [
    ("compare a", InvalidUsage, "two runs or more"),
    ("compare a a", InvalidUsage, "named twice"),
    ("compare a nobody", NotFound, "There is no run 'nobody'"),
    ("compare a nobody@champion", NotFound, "no registered model 'nobody'"),
    ("history --metric acuracy", NotFound, "Did you mean accuracy?"),
    ("history --since whenever", InvalidUsage, "is no time"),
    ("history --since -5d", InvalidUsage, "one that begins with a dash as --since=VALUE"),
]


def test_bad_words(face: Face, runs: None) -> None:
    for line, kind, says in BAD_WORDS:
        outcome = face(line)
        assert outcome.exit_code == kind.exit_code, line
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


def test_the_picture_of_history_names_only_what_is_there(runs: None, name: str) -> None:
    def legend(metric: str) -> list[str]:
        [axes] = mlops.history(metric=metric).plot().axes
        return [text.get_text() for text in axes.get_legend().get_texts()]

    assert legend("accuracy") == ["run", "best run"]
    with mlops.run("no loss", autolog=False):
        from sklearn.dummy import DummyClassifier

        DummyClassifier().fit([[1.0], [2.0]], [0, 1])
        mlops.log({"accuracy": 0.95})
    mlops.promote(mlops.register(name, run="last"))
    assert legend("accuracy") == ["run", "best run", "promote"]
    assert legend("log_loss") == ["run", "best run", "promote, without log_loss"]


def test_history_without_a_run(face: Face, project: Any) -> None:
    assert face("history").exit_code == NotFound.exit_code


def test_a_diff_has_no_names_of_files() -> None:
    assert unified("a\nb", "a\nc") == "@@ -1,2 +1,2 @@\n a\n-b\n+c"
    assert unified("a", "a") == ""
