"""``log`` and ``runs``, through every face."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import jupyter_mlops as mlops
from jupyter_mlops.errors import Conflict, InvalidUsage, NotFound
from jupyter_mlops.workspace import Workspace

from ..conftest import Face

pytestmark = pytest.mark.usefixtures("project")


def test_log_adds_metrics_parameters_and_tags_to_the_last_run(face: Face, trained: Any) -> None:
    trained("first")
    outcome = face("log accuracy=0.93 --param k=v --tag stage=test --step 3")
    assert outcome.error == ""
    assert outcome.data["logged"] == {"accuracy": "0.93 at step 3", "k": "v", "stage": "test"}
    run = Workspace.here().mlflow.read("get_run", outcome.data["run_id"])
    assert run.data.metrics["accuracy"] == 0.93
    assert run.data.params["k"] == "v"


def test_log_keeps_figures_and_files(trained: Any, tmp_path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    figure.add_subplot().plot([1, 2])
    (tmp_path / "notes.txt").write_text("hello")
    run = trained("first")
    mlops.log(figure=figure, file=["notes.txt"])
    mlflow = Workspace.here().mlflow
    assert "notes.txt" in [file.path for file in mlflow.read("list_artifacts", run.run_id)]
    assert mlflow.read("list_artifacts", run.run_id, "figures")[0].path.endswith(".png")


def test_nothing_is_half_logged(trained: Any) -> None:
    run = trained("first")
    with pytest.raises(NotFound, match=r"no file 'missing.txt'"):
        mlops.log({"accuracy": 1.0}, file=["missing.txt"])
    assert "accuracy" not in Workspace.here().mlflow.read("get_run", run.run_id).data.metrics


def test_log_says_what_is_wrong(face: Face, trained: Any) -> None:
    trained("first")
    assert "There is nothing to log." in face("log").error
    assert "no run 'nobody'. There is: first" in face("log a=1 --run nobody").error
    assert "'oops' is no" in face("log oops").error


def test_a_parameter_is_not_changed_and_nothing_else_is_logged(trained: Any) -> None:
    run = trained("first")
    mlops.log(param={"depth": 3})
    with pytest.raises(Conflict, match="depth of this run is '3' already"):
        mlops.log({"accuracy": 1}, param={"depth": 4})
    assert "accuracy" not in Workspace.here().mlflow.read("get_run", run.run_id).data.metrics


def test_runs_lists_what_differs_best_first(face: Face, trained: Any) -> None:
    trained("first", accuracy=0.8, log_loss=0.2)
    trained("second", accuracy=0.9, log_loss=0.4)
    assert [row["name"] for row in face("runs").data["rows"]] == ["second", "first"]
    assert [row["name"] for row in face("runs --sort log_loss").data["rows"]] == ["first", "second"]
    assert [row["name"] for row in face("runs 'metrics.accuracy > 0.85'").data["rows"]] == ["second"]
    assert face("runs --limit 1").data["more"] is True


def test_runs_leaves_out_what_all_share(trained: Any) -> None:
    for name in ("first", "second"):
        trained(name, accuracy=0.8, other=float(len(name)))
    shown = mlops.runs().view()
    assert "accuracy" not in shown.columns
    assert "other" in shown.columns
    assert "metrics.accuracy" in mlops.runs().frame().columns


def test_runs_says_what_is_wrong(face: Face, trained: Any) -> None:
    trained("first", accuracy=0.8)
    outcome = face("runs --sort acuracy")
    assert outcome.exit_code == NotFound.exit_code
    assert "Did you mean accuracy?" in outcome.error
    assert face("runs 'metrics ! 3'").exit_code == InvalidUsage.exit_code


def test_no_run_yet_is_no_error(face: Face) -> None:
    assert face("runs").data["rows"] == []
    assert "No run yet: %%mlops run NAME" in str(mlops.runs())


@pytest.mark.parametrize("run_name", ["it's", 'say "x"', 'it\'s "x"', "<script>", "naïve 🙂", "a/b:c", "x" * 250])
def test_a_run_is_found_by_whatever_name_it_has(trained: Any, run_name: str) -> None:
    run = trained(run_name)
    assert mlops.log({"a": 1}, run=run_name).run_id == run.run_id


def test_a_run_is_found_by_a_prefix_that_is_its_own(trained: Any) -> None:
    first, second = trained("first").run_id, trained("second").run_id
    length = next(n for n in range(1, 33) if first[:n] != second[:n])
    assert mlops.log({"a": 1}, run=f"run:{first[: length + 3]}").run_id == first
    ids = {trained(f"more {number}").run_id for number in range(17)}  # of 17 two begin alike
    shared = next(c for c in "0123456789abcdef" if sum(run_id.startswith(c) for run_id in ids) > 1)
    with pytest.raises(Conflict, match="fits more than one run"):
        mlops.log({"a": 1}, run=f"run:{shared}")
    with pytest.raises(InvalidUsage, match="is no id"):
        mlops.log({"a": 1}, run="run:xyz")


def test_a_model_that_cannot_be_stored_leaves_no_metric_behind(trained: Any, cancer: Any) -> None:
    from sklearn.preprocessing import FunctionTransformer
    from sklearn.tree import DecisionTreeClassifier

    X_train, _, y_train, _ = cancer
    trained("first")
    with pytest.raises(InvalidUsage, match="can't be stored"):
        mlops.log({"accuracy": 0.99}, model=FunctionTransformer(lambda rows: rows))
    with pytest.raises(InvalidUsage, match="does not take its own data"):
        mlops.log({"accuracy": 0.99}, model=DecisionTreeClassifier().fit(X_train, y_train), data=X_train.iloc[:, :3])
    assert "accuracy" not in mlops.runs().rows[0].metrics
