"""``log`` and ``runs``, through every face."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

import jupyter_mlops as mlops
from jupyter_mlops.backend import experiments
from jupyter_mlops.backend.adapter import Mlflow
from jupyter_mlops.errors import Conflict, InvalidUsage, NotFound
from jupyter_mlops.workspace import Workspace

from ..conftest import Face, every_face

pytestmark = pytest.mark.usefixtures("project")


def logged(name: str, parent: str = "", params: dict[str, object] | None = None, **metrics: float) -> str:
    """Log a run of which nothing but this is of interest, and give its id."""
    workspace = Workspace.here()
    mlflow = workspace.mlflow
    experiment = experiments.experiment_id(mlflow, workspace.settings.experiment)
    tags = {"mlflow.user": "anna", "stage": "dev"} | ({"mlflow.parentRunId": parent} if parent else {})
    run_id = mlflow.write("create_run", experiment, run_name=name, tags=tags).info.run_id
    entities = experiments.entities()
    mlflow.write(
        "log_batch",
        run_id,
        metrics=[entities.Metric(key, value, 0, 0) for key, value in metrics.items()],
        params=[entities.Param(key, str(value)) for key, value in (params or {}).items()],
    )
    mlflow.write("set_terminated", run_id, "FAILED" if name.startswith("bad") else "FINISHED")
    return str(run_id)


def names(outcome: Any) -> list[str]:
    assert outcome.error == ""
    return [row["name"] for row in outcome.data["rows"]]


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


@every_face
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


def test_runs_shows_as_many_columns_as_can_be_read() -> None:
    for number in range(2):
        metrics = {f"a_metric_with_a_long_name_{letter}": number / 7 for letter in "abcd"}
        logged(f"run {number}", params={f"parameter_{letter}": number for letter in "abc"}, **metrics, zeta=number / 3)
    table = mlops.runs(sort="zeta")
    shown = table.view().columns
    assert shown[5] == "zeta"
    assert "parameter_a" in shown
    assert any(name.startswith("a_metric") for name in shown)
    assert all(name in str(table) for name in shown), "no name is folded"
    assert "more columns: .frame()" in str(table)
    assert len(table.frame().columns) == 5 + 3 + 5


def test_runs_says_what_is_wrong(face: Face, trained: Any) -> None:
    trained("first", accuracy=0.8)
    outcome = face("runs --sort acuracy")
    assert outcome.exit_code == NotFound.exit_code
    assert "Did you mean accuracy?" in outcome.error
    assert face("runs 'metrics ! 3'").exit_code == InvalidUsage.exit_code


def test_runs_takes_short_filters_and_mlflows(face: Face) -> None:
    logged("base line", params={"max_depth": 3}, accuracy=0.8)
    logged("bad deep", params={"max_depth": 10}, accuracy=0.7)
    logged("deep", params={"max_depth": 10}, accuracy=0.95)
    assert names(face("runs 'accuracy > 0.75'")) == ["deep", "base line"]
    assert names(face("runs 'accuracy > 0.75 and max_depth = 10'")) == ["deep"]
    assert names(face("runs 'accuracy > 0.75 and params.max_depth = \"10\"'")) == ["deep"]
    assert names(face("runs failed")) == ["bad deep"]
    assert names(face("runs 'status != failed and name ~ DEEP'")) == ["deep"]
    assert names(face("runs 'name = \"base line\"'")) == ["base line"]
    assert names(face("runs 'user = anna and stage = dev and since 1h' --sort accuracy")) == [
        "deep",
        "base line",
        "bad deep",
    ]
    assert names(face("runs 'before 1h'")) == []


def test_a_name_is_a_metric_where_any_run_has_one_of_it() -> None:
    logged("old", depth=7.0)
    logged("new", params={"depth": 7})
    assert [row.name for row in mlops.runs("depth = 7").rows] == ["old"]
    assert [row.name for row in mlops.runs("params.depth = 7").rows] == ["new"]


def test_a_filter_that_cannot_be_asked_is_told_in_our_words(face: Face) -> None:
    logged("first", params={"max_depth": 3}, accuracy=0.8)
    for where, said, mended in [
        ("acuracy > 0.5", "Did you mean accuracy?", "mlops runs 'accuracy > 0.5'"),
        ("max_depth > 2", "max_depth is a parameter, which is text", "mlops runs 'max_depth = 2'"),
        ("failed or running", "know no or", "mlops runs running"),
    ]:
        outcome = face(f'runs "{where}"')
        assert outcome.exit_code == InvalidUsage.exit_code
        assert said in outcome.error
        assert mended in outcome.error


def test_what_an_older_server_cannot_answer_is_told_in_our_words(monkeypatch: pytest.MonkeyPatch) -> None:
    logged("first", accuracy=0.8)
    _without_null(monkeypatch)
    with pytest.raises(InvalidUsage, match="This MLflow server can't answer the filter 'stage is null'"):
        mlops.runs("stage is null")


def test_runs_gives_page_after_page(face: Face) -> None:
    for number in range(7):
        logged(f"run {number}", accuracy=number / 10)
    assert names(face("runs --limit 3")) == ["run 6", "run 5", "run 4"]
    assert names(face("runs --limit 3 --page 2")) == ["run 3", "run 2", "run 1"]
    last = face("runs --limit 3 --page 3")
    assert names(last) == ["run 0"]
    assert last.data["more"] is False
    assert names(face("runs 'accuracy > 0.15' --sort accuracy --limit 2 --page 2")) == ["run 4", "run 3"]
    assert face("runs --page 0").exit_code == InvalidUsage.exit_code
    assert "more runs: --page 3" in str(mlops.runs(limit=3, page=2))
    assert "There is no page 9" in str(mlops.runs(limit=3, page=9))
    assert "No run fits accuracy > 5" in str(mlops.runs("accuracy > 5"))


def test_a_page_is_full_where_most_runs_are_nested(face: Face) -> None:
    for number in range(3):
        logged(f"before {number}", accuracy=0.1)
    search = logged("search", accuracy=0.5)
    for number in range(12):
        logged(f"candidate {number}", parent=search, accuracy=0.2)
    assert names(face("runs --limit 2")) == ["search", "before 2"]
    assert names(face("runs --limit 2 --page 2")) == ["before 1", "before 0"]
    assert names(face("runs 'accuracy < 0.3' --limit 5")) == ["before 2", "before 1", "before 0"]
    assert len(names(face("runs --children --limit 16"))) == 16


def test_an_older_server_pages_over_nested_runs_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    logged("before")
    search = logged("search")
    for number in range(3):
        logged(f"candidate {number}", parent=search)
    _without_null(monkeypatch)
    assert [row.name for row in mlops.runs(limit=1).rows] == ["search"]
    assert [row.name for row in mlops.runs(limit=1, page=2).rows] == ["before"]


def test_more_runs_than_mlflow_gives_at_once_are_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(7):
        logged(f"run {number}")
    monkeypatch.setattr(experiments, "PAGE", 3)
    assert [row.name for row in mlops.runs(limit=5).rows] == [f"run {number}" for number in (6, 5, 4, 3, 2)]
    assert [row.name for row in mlops.runs(limit=5, page=2).rows] == ["run 1", "run 0"]


def test_a_late_page_is_asked_for_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        logged(f"run {number}")
    read, asked = Mlflow.read, []

    def counted(self: Mlflow, operation: str, /, *arguments: Any, **named: Any) -> Any:
        asked.append(operation)
        return read(self, operation, *arguments, **named)

    monkeypatch.setattr(Mlflow, "read", counted)
    for children in (True, False):
        asked.clear()
        assert [row.name for row in mlops.runs(limit=1, page=4, children=children).rows] == ["run 1"]
        assert asked.count("search_runs") == 1


@pytest.mark.parametrize(("metric", "order"), [("accuracy", ["high", "low"]), ("log_loss", ["low", "high"])])
def test_runs_without_the_metric_are_last_and_so_is_nan(metric: str, order: list[str]) -> None:
    logged("high", **{metric: 0.9})
    logged("without", other=1.0)
    logged("nan", **{metric: math.nan})
    logged("low", **{metric: -0.5})
    assert [row.name for row in mlops.runs(sort=metric).rows] == [*order, "nan", "without"]
    assert [row.name for row in mlops.runs(sort=metric, limit=2, page=2).rows] == ["nan", "without"]
    assert [row.name for row in mlops.runs(f"{metric} < 0.95", sort=metric).rows] == order


@pytest.mark.parametrize("metric", ["it's", 'a"b', "a`b", "a\\b", "nobody's"])
def test_a_metric_that_nobody_can_have_is_not_found(metric: str) -> None:
    logged("first", accuracy=0.9)
    with pytest.raises(NotFound, match="No run has a metric"):
        mlops.runs(sort=metric)
    with pytest.raises(NotFound, match="No finished run has a metric"):
        mlops.log({"a": 1}, run=f"best:{metric}")


def _without_null(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the server an older one, which knows no ``IS NULL``."""
    read = Mlflow.read

    def older(self: Mlflow, operation: str, /, *arguments: Any, **named: Any) -> Any:
        if "IS NULL" in named.get("filter_string", ""):
            raise InvalidUsage("Invalid clause(s) in filter string: 'tags.stage', 'IS NULL'")
        return read(self, operation, *arguments, **named)

    monkeypatch.setattr(Mlflow, "read", older)


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
