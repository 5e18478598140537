"""A cell is a run: what it logs, how it ends, and what it leaves alone."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

import jupyter_mlops as mlops
from jupyter_mlops.errors import InvalidUsage
from jupyter_mlops.workspace import Workspace

pytestmark = pytest.mark.usefixtures("project")

FIT = """
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
model = make_pipeline(StandardScaler(), LogisticRegression(C=0.5)).fit(X_train, y_train)
"""


@pytest.fixture
def notebook(shell: InteractiveShell, cancer: Any) -> InteractiveShell:
    """A notebook with the data in it."""
    names = ("X_train", "X_test", "y_train", "y_test")
    shell.user_ns.update(zip(names, cancer, strict=True))
    return shell


def run(ip: InteractiveShell, cell: str) -> tuple[Any, str]:
    """Run a cell; give IPython's result and what was printed."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        result = ip.run_cell(cell, store_history=True)
    return result, out.getvalue()


def stored(run_id: str) -> Any:
    """The run as the server has it."""
    return Workspace.here().mlflow.read("get_run", run_id)


def last() -> Any:
    """The newest run as the server has it."""
    return stored(mlops.runs().rows[0].run_id)


def test_a_fit_is_logged_with_data_parameters_metrics_model_and_source(notebook: InteractiveShell) -> None:
    cell = f"%%mlops run base --data X_train --param team=a --tag stage=dev --into card\n{FIT}\nmodel.score(X_test, y_test)"
    result, _ = run(notebook, cell)
    assert result.success
    card = notebook.user_ns["card"]
    assert card.ok
    assert card.model == "StandardScaler → LogisticRegression(C=0.5)"
    found = stored(card.run_id)
    assert found.info.status == "FINISHED"
    assert found.data.params["team"] == "a"
    assert found.data.params["logisticregression__C"] == "0.5"
    assert found.data.tags["stage"] == "dev"
    assert found.data.metrics["training_accuracy_score"] > 0.9
    assert found.data.metrics["duration_seconds"] > 0
    assert found.inputs.dataset_inputs[0].dataset.name == "X_train"
    assert len(found.outputs.model_outputs) == 1
    mlflow = Workspace.here().mlflow
    files = [file.path for file in mlflow.read("list_artifacts", card.run_id, "snapshot")]
    assert {"snapshot/cell.py", "snapshot/requirements.txt", "snapshot/snapshot.json"} <= set(files)


def test_the_stored_model_predicts_the_same_and_has_a_signature(notebook: InteractiveShell, tmp_path: Path) -> None:
    from jupyter_mlops.serving.model.loader import load_model

    run(notebook, f"%%mlops run --into card\n{FIT}")
    import mlflow.artifacts

    uri = Workspace.here().mlflow.uri
    folder = mlflow.artifacts.download_artifacts(
        f"models:/{notebook.user_ns['card'].model_id}", dst_path=str(tmp_path), tracking_uri=uri
    )
    loaded = load_model(Path(folder))
    X_test = notebook.user_ns["X_test"]
    assert list(loaded.predict(X_test)) == list(notebook.user_ns["model"].predict(X_test))
    assert loaded.signature is not None


def test_the_commit_and_the_notebook_are_noted(project: Path, trained: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "mlflow.source.git.commit" not in stored(trained("no git").run_id).data.tags
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for words in (["init", "-q"], [*identity, "commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run(["git", *words], cwd=project, check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=project, check=True, capture_output=True, text=True).stdout
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/somebody/work/churn.ipynb")
    tags = stored(trained("in git").run_id).data.tags
    assert tags["mlflow.source.git.commit"] == head.strip()
    assert tags["mlflow.source.name"] == "churn.ipynb"


def test_autologging_makes_no_second_run(notebook: InteractiveShell) -> None:
    run(notebook, f"%%mlops run one\n{FIT}")
    assert [row.name for row in mlops.runs().rows] == ["one"]


def test_without_autolog_and_model_only_what_was_said_is_logged(notebook: InteractiveShell) -> None:
    run(notebook, f"%%mlops run plain --no-autolog --no-model\n{FIT}\n%mlops log score=0.5")
    found = last()
    assert found.data.params == {}
    assert set(found.data.metrics) == {"score", "duration_seconds"}
    assert not found.outputs.model_outputs


def test_the_body_runs_as_the_users_own_cell(notebook: InteractiveShell) -> None:
    result, out = run(
        notebook, "%%mlops run --no-autolog --quiet\nimport asyncio\nanswer = 40 + 2\nprint('hello')\nanswer"
    )
    assert result.success
    assert "hello" in out
    assert "42" in out  # the display hook shows the last value …
    assert notebook.user_ns["_"] == 42  # … and keeps it
    assert notebook.user_ns["answer"] == 42


def test_nested_magics_and_capture_work_in_the_body(notebook: InteractiveShell) -> None:
    result, _ = run(notebook, "%%mlops run --no-autolog --quiet\n%%capture caught\nprint('inside')")
    assert result.success
    assert notebook.user_ns["caught"].stdout == "inside\n"
    result, out = run(notebook, "%%capture caught\n%%mlops run --no-autolog\nprint('inside')")
    assert result.success
    assert "inside" in notebook.user_ns["caught"].stdout
    assert out == ""


def test_a_run_in_a_run_is_a_run_of_its_own(notebook: InteractiveShell) -> None:
    result, out = run(notebook, "%%mlops run outer --no-autolog\n%%mlops run inner --no-autolog\nx = 1")
    assert result.success, out
    assert {row.name: row.status for row in mlops.runs().rows} == {"outer": "FINISHED", "inner": "FINISHED"}


def test_top_level_await_works_in_the_body(notebook: InteractiveShell) -> None:
    cell = "%%mlops run awaiting --no-autolog --quiet\nimport asyncio\nvalue = await asyncio.sleep(0, 'slept')"
    result, _ = run(notebook, cell)
    assert result.success
    assert notebook.user_ns["value"] == "slept"
    assert last().info.status == "FINISHED"


def test_await_and_magics_go_together(notebook: InteractiveShell) -> None:
    cell = """%%mlops run both --no-autolog --quiet
import asyncio
before = %mlops runs --quiet
for n in range(2):
    await asyncio.sleep(0)
    %mlops log seen=n --quiet
"""
    result, out = run(notebook, cell)
    assert result.success, out
    assert last().data.metrics["seen"] == 1


def test_a_failing_body_ends_the_run_failed_and_keeps_its_own_exception(notebook: InteractiveShell) -> None:
    result, out = run(notebook, "%%mlops run broken --no-autolog --into card\n%mlops log seen=1\n1 / 0")
    assert isinstance(result.error_in_exec, ZeroDivisionError)
    assert out.count("ZeroDivisionError") == 2  # IPython's head and foot, once
    assert "jupyter_mlops" not in out  # none of our own lines in the traceback
    found = last()
    assert found.info.status == "FAILED"
    assert found.data.metrics["seen"] == 1  # what was logged stays
    card = notebook.user_ns["card"]  # by its card the cell says which run it was
    assert (card.run_id, card.status, card.ok, card.metrics) == (found.info.run_id, "FAILED", False, {"seen": 1})
    assert out.count("seen") > 1
    assert "no estimator" not in out


def test_a_failing_await_too(notebook: InteractiveShell) -> None:
    result, out = run(notebook, "%%mlops run broken --no-autolog\nimport asyncio\nawait asyncio.sleep(0)\n1 / 0")
    assert isinstance(result.error_in_exec, ZeroDivisionError)
    assert last().info.status == "FAILED"
    assert f"run:{last().info.run_id[:8]}" in out


def test_a_body_that_is_no_python_fails_the_cell(notebook: InteractiveShell) -> None:
    result, _ = run(notebook, "%%mlops run broken --no-autolog\nthis is no python")
    assert isinstance(result.error_in_exec, SyntaxError)
    assert last().info.status == "FAILED"


def test_an_interrupt_ends_the_run_killed(notebook: InteractiveShell) -> None:
    result, _ = run(notebook, "%%mlops run --no-autolog stopped\nraise KeyboardInterrupt")
    assert isinstance(result.error_in_exec, KeyboardInterrupt)
    assert last().info.status == "KILLED"


def test_an_interrupted_command_says_so_in_one_line(
    notebook: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlops.backend.adapter import Mlflow

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Mlflow, "check", interrupted)
        result, out = run(notebook, "%mlops runs")
    assert isinstance(result.error_in_exec, KeyboardInterrupt)
    assert out.strip() == "KeyboardInterrupt: runs was interrupted."


def test_a_run_left_active_is_not_in_the_way(notebook: InteractiveShell) -> None:
    import mlflow

    uri = Workspace.here().mlflow.uri
    run(
        notebook,
        f"import mlflow\nmlflow.set_tracking_uri({uri!r})\nmlflow.set_experiment('left active')\nleft = mlflow.start_run()",
    )
    result, out = run(notebook, "%%mlops run next --no-autolog\nmlflow.log_metric('mine', 1)")
    assert result.success, out
    assert last().data.metrics["mine"] == 1
    assert mlflow.active_run().info.run_id == notebook.user_ns["left"].info.run_id  # and the user's run is still theirs
    mlflow.end_run()


def test_what_the_user_has_set_up_with_mlflow_is_theirs_again(notebook: InteractiveShell, tmp_path: Path) -> None:
    import mlflow
    from mlflow.utils.autologging_utils import AUTOLOGGING_INTEGRATIONS

    run(notebook, "%%mlops run warm\n1")
    untouched = dict(AUTOLOGGING_INTEGRATIONS["sklearn"])
    theirs = f"sqlite:///{tmp_path}/theirs.db"
    mlflow.set_tracking_uri(theirs)
    del os.environ["MLFLOW_TRACKING_URI"]  # MLflow sets it too; it would be a wish that we follow
    mlflow.sklearn.autolog(log_models=False, max_tuning_runs=3)
    try:
        before = dict(AUTOLOGGING_INTEGRATIONS["sklearn"])
        result, out = run(notebook, f"%%mlops run ours\n{FIT}")
        assert result.success, out
        assert mlflow.get_tracking_uri() == theirs
        assert dict(AUTOLOGGING_INTEGRATIONS["sklearn"]) == before
        from sklearn.naive_bayes import GaussianNB

        mlflow.set_experiment("theirs")
        GaussianNB().fit(notebook.user_ns["X_train"], notebook.user_ns["y_train"])  # their autologging still logs
        assert mlflow.last_active_run().data.params["var_smoothing"]
        assert {row.name for row in mlops.runs().rows} == {"warm", "ours"}
    finally:
        mlflow.sklearn.autolog(disable=True)
        AUTOLOGGING_INTEGRATIONS["sklearn"] = untouched  # what somebody has turned off, no later run turns on
        mlflow.set_tracking_uri("")
        os.environ.pop("MLFLOW_TRACKING_URI", None)


def test_start_run_in_the_body_opens_a_child(notebook: InteractiveShell) -> None:
    cell = "%%mlops run parent --no-autolog\nimport mlflow\nwith mlflow.start_run(run_name='child'):\n    mlflow.log_metric('inner', 1)\nmlflow.start_run(run_name='open')"
    result, out = run(notebook, cell)
    assert result.success, out
    rows = {row.name: row for row in mlops.runs(children=True).rows}
    assert set(rows) == {"parent", "child", "open"}
    assert [row.name for row in mlops.runs().rows] == ["parent"]
    assert mlops.log({"a": 1}, run="last").name == "parent"
    assert {row.status for row in rows.values()} == {"FINISHED"}
    assert stored(rows["child"].run_id).data.tags["mlflow.parentRunId"] == rows["parent"].run_id


def test_a_model_that_cannot_be_stored_fails_the_run_and_the_cell(notebook: InteractiveShell) -> None:
    cell = """%%mlops run lambda --no-autolog
from sklearn.preprocessing import FunctionTransformer
from sklearn.pipeline import make_pipeline
from sklearn.linear_model import LogisticRegression
make_pipeline(FunctionTransformer(lambda X: X), LogisticRegression(max_iter=10_000)).fit(X_train, y_train)
"""
    result, _ = run(notebook, cell)
    assert isinstance(result.error_in_exec, InvalidUsage)
    assert "runs no code" in str(result.error_in_exec)
    assert last().info.status == "FAILED"


def test_a_model_that_the_cell_logs_itself_is_not_logged_again(notebook: InteractiveShell) -> None:
    run(notebook, f"%%mlops run own --no-autolog\n{FIT}\n%mlops log --model model --data X_train")
    assert len(last().outputs.model_outputs) == 1


def test_the_card_compares_with_the_best_before(trained: Any) -> None:
    trained("first", accuracy=0.90, log_loss=0.3)
    second = trained("second", accuracy=0.92, log_loss=0.4)
    assert second.best_before == {"accuracy": 0.90, "log_loss": 0.3}
    text = str(second)
    assert "✓ 0.9000 (+0.02)" in text
    assert "! 0.3000 (+0.1)" in text  # a loss that rose is no progress


def test_python_has_the_same_run_as_a_with_block(cancer: Any) -> None:
    X_train, _, y_train, _ = cancer
    from sklearn.naive_bayes import GaussianNB

    with mlops.run("with", param={"k": 1}) as active:
        GaussianNB().fit(X_train, y_train)
    assert active.result.model == "GaussianNB"
    assert stored(active.run_id).data.params["k"] == "1"
    with pytest.raises(ZeroDivisionError), mlops.run("fails") as active:
        1 / 0  # noqa: B018
    assert stored(active.run_id).info.status == "FAILED"


def test_a_killed_kernel_leaves_a_run_that_the_next_one_marks(project: Path, trained: Any) -> None:
    script = """
        import os, signal
        import jupyter_mlops as mlops
        with mlops.run("dead", autolog=False):
            os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], cwd=project, check=False)
    assert done.returncode == -9
    assert mlops.runs().rows[0].status == "RUNNING"
    trained("next")
    assert {row.name: row.status for row in mlops.runs().rows} == {"dead": "KILLED", "next": "FINISHED"}


def test_a_run_that_could_not_be_ended_is_ended_by_the_next(trained: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_mlops.backend.adapter import Mlflow
    from jupyter_mlops.errors import BackendUnreachable

    def away(*_: object) -> None:
        raise BackendUnreachable("away")

    with monkeypatch.context() as patch, pytest.raises(BackendUnreachable), mlops.run("away", autolog=False):
        patch.setattr(Mlflow, "check", away)
    trained("next")
    assert {row.name: row.status for row in mlops.runs().rows} == {"away": "FAILED", "next": "FINISHED"}


def test_a_running_run_of_a_living_kernel_is_left_alone(trained: Any) -> None:
    with mlops.run("outer", autolog=False, model=False):
        workspace = Workspace.here()
        from jupyter_mlops.backend import experiments

        experiment = experiments.experiment_id(workspace.mlflow, workspace.settings.experiment)
        other = workspace.mlflow.write(
            "create_run", experiment, run_name="of another host", tags={"mlops.owner": "elsewhere 1 1.0"}
        )
    trained("next")
    assert stored(other.info.run_id).info.status == "RUNNING"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("run --data X_trian", "There is no variable 'X_trian' in this notebook. Did you mean X_train"),
        ("run --data y_train.name", "There is no variable"),
        ("run --parm a=1", "Unknown option: --parm. Did you mean --param?"),
        ("run --param a", "'a' is no param: it should be name=value."),
        ("runn", "There is no command 'runn'. Did you mean run"),
        ("runs", "runs takes no cell."),
    ],
)
def test_bad_words_fail_the_cell_before_it_runs(notebook: InteractiveShell, line: str, says: str) -> None:
    result, out = run(notebook, f"%%mlops {line}\nran = True")
    assert says in str(result.error_in_exec)
    assert says in out
    assert len(out.strip().splitlines()) <= 3
    assert "ran" not in notebook.user_ns
    assert mlops.runs().rows == ()


def test_the_magic_on_a_line_says_how_to_use_it(notebook: InteractiveShell) -> None:
    result, _ = run(notebook, "%mlops run baseline")
    assert "%%mlops run baseline begins a cell" in str(result.error_in_exec)


@pytest.mark.parametrize("cell", ["%%mlops run x", "%%mlops run x\n", "%%mlops run x\n\n  \n", "%%mlops\n"])
def test_an_empty_cell_fails_with_our_words(shell: InteractiveShell, project: Path, cell: str) -> None:
    error = shell.run_cell(cell).error_in_exec
    assert isinstance(error, InvalidUsage)  # IPython's UsageError would leave no error in the notebook
    assert "The cell is empty." in str(error)


def test_a_registry_that_nobody_chose_follows_the_tracking_server_again(project: Path) -> None:
    import mlflow

    with mlops.run("first", autolog=False):
        pass
    before = mlflow.get_tracking_uri()
    try:
        mlflow.set_tracking_uri("http://127.0.0.1:9")  # the user's own, set later
        assert mlflow.get_registry_uri() == "http://127.0.0.1:9"
    finally:
        mlflow.set_tracking_uri(before)
        os.environ.pop("MLFLOW_TRACKING_URI", None)
