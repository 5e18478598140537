"""What a run carries to be rebuilt, on the server; and what is taken out before it is stored."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

import jupyter_mlops as mlops
from jupyter_mlops.errors import InvalidUsage, NotFound
from jupyter_mlops.tracking.snapshot import environment, files, notebook
from jupyter_mlops.workspace import Workspace

SETUP = """from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
import numpy as np
np.random.seed(7)
X, y = load_iris(return_X_y=True, as_frame=True)"""
RUN = "%%mlops run iris --data X --quiet --into card\nmodel = LogisticRegression(C=0.5, max_iter=500).fit(X, y)"


@pytest.fixture
def cells(shell: InteractiveShell, project: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run cells as a notebook does, each with its number."""

    def run(*sources: str) -> InteractiveShell:
        for source in sources:
            assert shell.run_cell(source, store_history=True).success, capsys.readouterr().out
        return shell

    return run


def taken(tmp_path: Path, run_id: str) -> files.Snapshot:
    mlflow = Workspace.here().mlflow
    folder = tmp_path / "fetched"
    folder.mkdir(exist_ok=True)
    return files.read(mlflow, mlflow.read("get_run", run_id), folder)


def test_it_has_cells_data_environment_and_answers(cells: Any, tmp_path: Path) -> None:
    card = cells(SETUP, "unused = 1", RUN).user_ns["card"]
    found = taken(tmp_path, card.run_id)
    assert [cell.source for cell in files.cells_of(found)] == [SETUP, "unused = 1", RUN]
    assert found.files["cell.py"] == RUN
    facts = found.manifest
    assert {each["role"]: (each["name"], each["rows"]) for each in facts["data"]} == {
        "data": ("X", 150),
        "target": ("target", 150),
    }
    assert facts["environment"]["packages"]["scikit-learn"]
    assert "scikit-learn==" in found.files["requirements.txt"]
    assert "np.random.seed(7)" in facts["seeds"]
    assert facts["resources"]["seconds"] > 0
    assert facts["answers"]["values"] == [int(v) for v in cells().user_ns["model"].predict(cells().user_ns["X"])][:100]
    assert facts["hidden"] == []
    assert card.notes == ()


def test_mlflow_has_the_data_with_digest_schema_and_source(cells: Any) -> None:
    from jupyter_mlops.fingerprint import fingerprint

    shell = cells(SETUP, RUN)
    run = Workspace.here().mlflow.read("get_run", shell.user_ns["card"].run_id)
    inputs = {each.tags[0].value: each.dataset for each in run.inputs.dataset_inputs}
    assert set(inputs) == {"training", "fitted target"}  # X is there once, although it was named and fitted on
    assert inputs["training"].digest == fingerprint(shell.user_ns["X"]).digest
    assert json.loads(inputs["training"].schema)["mlflow_colspec"][0]["type"] == "double"
    assert json.loads(inputs["training"].profile) == {"num_rows": 150, "num_elements": 600}
    assert "mlflow.source.name" in json.loads(inputs["training"].source)["tags"]


def test_other_features_than_the_data_are_logged_too(cells: Any, tmp_path: Path) -> None:
    run = RUN.replace("fit(X, y)", "fit(X.to_numpy()[:, :2], y)")
    found = taken(tmp_path, cells(SETUP, run).user_ns["card"].run_id)
    assert {each["role"]: len(each["columns"]) for each in found.manifest["data"]} == {
        "data": 4,
        "features": 2,
        "target": 1,
    }


def test_git_branch_and_diff(cells: Any, project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    (project / "tools.py").write_text("K = 1\n")
    for words in (
        ["init", "-q", "-b", "main"],
        ["remote", "add", "origin", "https://me:word@example.org/churn.git"],
        ["add", "tools.py"],
        [*identity, "commit", "-q", "-m", "first"],
    ):
        subprocess.run(["git", *words], cwd=project, check=True)
    (project / "tools.py").write_text("K = 2\n")
    card = cells(SETUP, RUN).user_ns["card"]
    tags = Workspace.here().mlflow.read("get_run", card.run_id).data.tags
    assert tags["mlflow.source.git.branch"] == "main"
    assert tags["mlflow.source.git.repoURL"] == "https://example.org/churn.git"
    assert tags["mlops.uncommitted"] == "yes"
    found = taken(tmp_path_factory.mktemp("git"), card.run_id)
    assert "+K = 2" in found.files["uncommitted.diff"]
    assert "mlops.toml" in found.files["uncommitted.diff"]  # new, and not ignored


@pytest.fixture
def saved(project: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Save a notebook where Jupyter says that this kernel's is."""
    path = project / "play.ipynb"
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))

    def save(*sources: str) -> Path:
        from jupyter_mlops.tracking.snapshot.executed import Cell

        content = json.loads(notebook.write(["# a title", *(Cell(0, source) for source in sources)]))
        content["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "shown\n" * 10}]
        path.write_text(json.dumps(content))
        return path

    return save


def test_the_saved_notebook_is_kept_without_what_it_shows(cells: Any, saved: Any, tmp_path: Path) -> None:
    saved(SETUP, RUN)
    found = taken(tmp_path, cells(SETUP, RUN).user_ns["card"].run_id)
    kept = json.loads(found.files["notebook.ipynb"])
    assert [cell["source"] for cell in kept["cells"]] == ["# a title", SETUP, RUN]
    assert "shown" not in found.files["notebook.ipynb"]
    assert found.manifest["notebook"] == "play.ipynb"


def test_hidden_state_is_told_tagged_and_kept(cells: Any, saved: Any, tmp_path: Path) -> None:
    cells(SETUP, "X = X * 2")
    path = saved(SETUP, RUN)  # the second cell was deleted
    os.utime(path, (2e9, 2e9))
    card = cells(RUN).user_ns["card"]
    assert any("X from In [2], which is no longer in the notebook" in note for note in card.notes)
    assert "no longer in the notebook" in str(card)
    assert "In [2]" in Workspace.here().mlflow.read("get_run", card.run_id).data.tags["mlops.hidden_state"]
    assert taken(tmp_path, card.run_id).hidden[0].names == ("X",)


@pytest.mark.parametrize("content", [b"", b"no json", b"{}", b'{"cells": 5}', b'{"cells": [{"cell_type": "code"}]}'])
def test_a_broken_or_missing_notebook_does_not_matter(
    cells: Any, project: Path, content: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", str(project / "gone.ipynb"))
    if content:
        (project / "gone.ipynb").write_bytes(content)
    found = taken(tmp_path, cells(SETUP, RUN).user_ns["card"].run_id)
    assert "notebook.ipynb" not in found.files
    assert "executed.ipynb" in found.files


def test_secrets_are_masked_everywhere_and_told(cells: Any, project: Path, saved: Any, tmp_path: Path) -> None:
    secret = "q7Zt" + "Rk29LmXw04bPsd81"
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *identity, "commit", "-q", "--allow-empty", "-m", "x"], cwd=project, check=True)
    (project / "tools.py").write_text(f'PASSWORD = "{secret}"\n')
    login = f'api_key = "{secret}"'
    saved(SETUP, login, RUN)
    run = f"{RUN}\nprint('{secret}'[:0])"
    card = cells(SETUP, login, run).user_ns["card"]
    found = taken(tmp_path, card.run_id)
    for name, text in {**found.files, "manifest": json.dumps(found.manifest)}.items():
        assert secret not in text, name
    assert "api_key" in found.files["executed.ipynb"]
    assert any("masked" in note for note in card.notes)


def test_credentials_of_the_remote_are_stored_nowhere(cells: Any, project: Path, tmp_path: Path) -> None:
    remote = "https://bob:p@ss" + "w0rdXY@github.com/x/y.git?private_token=t0kenT0ken9"
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    subprocess.run(["git", "remote", "add", "origin", remote], cwd=project, check=True)
    card = cells(SETUP, RUN).user_ns["card"]
    tags = Workspace.here().mlflow.read("get_run", card.run_id).data.tags
    found = taken(tmp_path, card.run_id)
    assert tags["mlflow.source.git.repoURL"] == found.manifest["git"]["remote"] == "https://github.com/x/y.git"
    assert "w0rdXY" not in json.dumps(found.manifest)


def test_the_lock_follows_what_is_installed_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "newcomer" not in environment.here().packages
    (tmp_path / "newcomer-1.2.dist-info").mkdir()
    (tmp_path / "newcomer-1.2.dist-info" / "METADATA").write_text("Name: newcomer\nVersion: 1.2\n")
    assert environment.here().packages["newcomer"] == "1.2"


def test_gpus_are_told_where_nvidia_smi_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'NVIDIA L4, 23034 MiB, 550.54.15'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    environment._gpus.cache_clear()
    assert environment.here().hardware["gpus"] == ["NVIDIA L4, 23034 MiB, 550.54.15"]
    environment._gpus.cache_clear()


def test_a_failed_cell_is_kept_with_its_run(cells: Any, shell: InteractiveShell, tmp_path: Path) -> None:
    cells(SETUP)
    shell.run_cell(RUN + "\n1 / 0", store_history=True)
    row = mlops.runs().rows[0]
    assert row.status == "FAILED"
    assert "1 / 0" in taken(tmp_path, row.run_id).files["cell.py"]


def test_the_estimator_that_cannot_answer_is_noted_and_the_run_goes_on(cells: Any, tmp_path: Path) -> None:
    own = "class Mine(LogisticRegression):\n    def predict(self, X): raise RuntimeError('not today')"
    run = "%%mlops run own --no-model --no-autolog --quiet --into card\nMine(max_iter=500).fit(X, y)"
    found = taken(tmp_path, cells(SETUP, own, run).user_ns["card"].run_id)
    assert found.manifest["answers"]["error"] == "RuntimeError: not today"


def test_a_with_block_in_a_cell_is_kept_as_a_cell(cells: Any, tmp_path: Path) -> None:
    cell = "import jupyter_mlops as mlops\nwith mlops.run('block', autolog=False) as run:\n    a = 1"
    found = taken(tmp_path, cells(cell).user_ns["run"].run_id)
    assert found.files["cell.py"] == cell


def test_a_run_without_a_snapshot_says_so(project: Path, tmp_path: Path) -> None:
    mlflow = Workspace.here().mlflow
    from jupyter_mlops.backend import experiments

    run = mlflow.write("create_run", experiments.experiment_id(mlflow, Workspace.here().settings.experiment))
    with pytest.raises(NotFound, match="has no snapshot"):
        files.read(mlflow, run, tmp_path)


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ('{"format": 99, "jupyter_mlops": "9.0"}', InvalidUsage, "a newer jupyter-mlops"),
        ("no json", NotFound, "can't be read"),
        ("{}", NotFound, "can't be read"),
    ],
)
def test_a_snapshot_of_another_kind_is_told(
    project: Path, tmp_path: Path, text: str, error: type[Exception], says: str
) -> None:
    from jupyter_mlops.backend import experiments

    mlflow = Workspace.here().mlflow
    run = mlflow.write("create_run", experiments.experiment_id(mlflow, Workspace.here().settings.experiment))
    mlflow.write("log_text", run.info.run_id, text, "snapshot/snapshot.json")
    with pytest.raises(error, match=says):
        files.read(mlflow, run, tmp_path)


def test_environments_are_compared_by_version() -> None:
    now = environment.here()
    then = environment.of_dict(json.loads(json.dumps(now.__dict__)))
    assert environment.differences(then, now) == []
    then.packages["numpy"] = "1.0"
    then.packages["gone"] = "2.0"
    told = {name: (was, is_) for name, was, is_ in environment.differences(then, now)}
    assert told == {"gone": ("2.0", ""), "numpy": ("1.0", now.packages["numpy"])}


def test_parameters_and_tags_that_are_secrets_are_masked_too(project: Path) -> None:
    secret = "q7Zt" + "Rk29LmXw04bPsd81"
    with mlops.run(
        "r", autolog=False, param={"api_key": secret, "depth": 3}, tag={"password": secret, "stage": "dev"}
    ) as run:
        mlops.log(param={"hf_token": secret}, tag={"note": "fine"})
    found = Workspace.here().mlflow.read("get_run", run.result.run_id).data
    assert found.params == {"api_key": "***", "depth": "3", "hf_token": "***"}
    assert (found.tags["password"], found.tags["stage"], found.tags["note"]) == ("***", "dev", "fine")
    assert any("masked" in note for note in run.result.notes)
    assert secret not in str(run.result)


def test_vs_code_names_its_notebook_in_the_namespace(saved: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    path = saved(SETUP)
    monkeypatch.delenv("JPY_SESSION_NAME")
    monkeypatch.setattr(sys.modules["__main__"], "__vsc_ipynb_file__", str(path), raising=False)
    found = notebook.find()
    assert found is not None
    assert found.sources == (SETUP,)


@pytest.mark.parametrize(
    ("fit", "said"),
    [
        ("LogisticRegression(max_iter=500).fit(pl.DataFrame(X), pl.Series(y))", ""),
        ("LogisticRegression(max_iter=500).fit(pa.table(X), pa.chunked_array([y]))", ""),
        ("CountVectorizer().fit(line for line in ['ab cd', 'cd ef'])", "generator is no table"),
        ("Own().fit('data.csv')", "A str is no table"),
        ("Own().fit({'a': 1})", "A dict is no table"),
        ("Own().fit({1, 2})", "A set is no table"),
        ("Own().fit(pd.DataFrame({'a': [pd.DateOffset(months=1)]}))", ""),
        ("Own().fit(pl.DataFrame({'a': pl.Series([1], dtype=pl.Int128)}))", ""),
        ("Own().fit(Odd())", "no digest of the features"),
    ],
)
def test_logging_never_breaks_a_good_fit(cells: Any, fit: str, said: str) -> None:
    setup = """import pandas as pd, polars as pl, pyarrow as pa
from sklearn.base import BaseEstimator
from sklearn.feature_extraction.text import CountVectorizer
class Own(BaseEstimator):
    def fit(self, X, y=None): return self
    def predict(self, X): raise RuntimeError('no')
class Odd:
    shape = (2, 2)
    def __array__(self, *args, **kwargs): raise RuntimeError('not today')
    def __getitem__(self, key): raise RuntimeError('not today')"""
    model = "--no-model" if "Own" in fit else ""
    card = cells(SETUP, setup, f"%%mlops run odd {model} --no-autolog --quiet --into card\n{fit}").user_ns["card"]
    assert card.status == "FINISHED"
    assert said in " ".join(card.notes)
    assert bool(card.model) == (not model)


def test_data_changed_after_the_fit_are_told_as_they_were(cells: Any, tmp_path: Path) -> None:
    run = RUN.replace("--data X ", "") + "\nanswers = model.predict(X)[:100]\nX['answer'] = model.predict(X)"
    ip = cells(SETUP, run)
    found = taken(tmp_path, ip.user_ns["card"].run_id)
    features = next(each for each in found.manifest["data"] if each["role"] == "features")
    assert [name for name, _, _ in features["columns"]] == list(ip.user_ns["X"].columns[:4])
    assert found.manifest["answers"]["values"] == [int(each) for each in ip.user_ns["answers"]]
    assert ip.user_ns["card"].model
