"""A run is made again in a fresh kernel, and compared; real kernels, and a real notebook is left behind."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest
from IPython.core.interactiveshell import InteractiveShell

import jupyter_mlops as mlops
from jupyter_mlops.errors import InvalidUsage, NotFound, ProcessFailed
from jupyter_mlops.tracking import rebuilding
from jupyter_mlops.tracking.snapshot.executed import Cell
from jupyter_mlops.tracking.snapshot.files import Snapshot
from jupyter_mlops.workspace import Workspace

SETUP = "import pandas as pd\nfrom sklearn.ensemble import RandomForestClassifier\nimport tools\nframe = pd.read_csv('iris.csv')"
FEATURES = "X = frame.drop(columns='target') * tools.K"
RUN = "%%mlops run forest --data X --quiet --into card\nmodel = RandomForestClassifier(5, random_state=0).fit(X, frame['target'])\nscore = model.score(X, frame['target'])\n%mlops log accuracy=score"


@pytest.fixture
def run(shell: InteractiveShell, project: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A run in a repository, on a file of data and a module of the project."""
    from sklearn.datasets import load_iris

    load_iris(as_frame=True).frame.to_csv(project / "iris.csv", index=False)
    (project / "tools.py").write_text("K = 2.0\n")
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for words in (["init", "-q"], ["add", "tools.py"], [*identity, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *words], cwd=project, check=True)
    monkeypatch.syspath_prepend(str(project))
    for source in (SETUP, "frame.describe()", FEATURES, "unused = frame.sum()", RUN):
        assert shell.run_cell(source, store_history=True).success
    yield shell.user_ns["card"]
    kernels = [p for p in psutil.Process().children(recursive=True) if "ipykernel_launcher" in " ".join(p.cmdline())]
    assert kernels == []


def outcomes(proof: Any) -> dict[str, str]:
    return {check.what: check.outcome for check in proof.checks}


def test_a_run_is_reproduced_although_the_code_has_changed_since(run: Any, project: Path) -> None:
    (project / "tools.py").write_text("K = 3.0\n")
    proof = mlops.reproduce("last")
    assert proof.ok, str(proof)
    assert "REPRODUCED" in str(proof)
    assert outcomes(proof) == dict.fromkeys(
        ["code", "environment", "data", "target", "parameters", "metrics", "predictions"], "same"
    )
    cells = json.loads((project / proof.notebook).read_text())["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert sources[1:] == [SETUP, FEATURES, RUN]  # only what it needs
    assert [row.name for row in mlops.runs().rows] == ["forest"]  # the new run is nested in the old one
    assert mlops.reproduce("last").run == run.run_id
    worktrees = subprocess.run(["git", "worktree", "list"], cwd=project, check=True, capture_output=True, text=True)
    assert len(worktrees.stdout.splitlines()) == 1


def test_changed_data_are_named_with_their_columns(run: Any, project: Path) -> None:
    import pandas as pd

    frame = pd.read_csv(project / "iris.csv")
    frame["sepal width (cm)"] = frame["sepal width (cm)"][::-1].to_numpy()
    frame.to_csv(project / "iris.csv", index=False)
    proof = mlops.reproduce("forest")
    assert not proof.ok
    assert "NOT REPRODUCED" in str(proof)
    assert outcomes(proof)["data"] == "differs"
    assert outcomes(proof)["target"] == "same"
    assert "in sepal width (cm)" in str(proof)


def test_what_stops_it_is_told(run: Any, project: Path) -> None:
    (project / "iris.csv").unlink()
    proof = mlops.reproduce("forest")
    assert not proof.ok
    assert "FileNotFoundError" in proof.error
    assert (project / proof.notebook).exists()


def test_runs_that_cannot_be_made_again(trained: Any, project: Path) -> None:
    trained("in python")
    with pytest.raises(InvalidUsage, match="by a script"):
        mlops.reproduce("last")
    for name in ("nobody", "no/body", "no@body"):
        with pytest.raises((NotFound, InvalidUsage)):
            mlops.reproduce(name)
    for tolerance in (-1, float("nan")):
        with pytest.raises(InvalidUsage, match="--tolerance"):
            mlops.reproduce("last", tolerance=tolerance)


def test_a_lock_that_can_no_longer_be_installed_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="lock is missing"):
        rebuilding.environment_as_it_was(Snapshot({}, {}), tmp_path / "environment")
    taken = Snapshot({"requirements.txt": "no-such-package-anywhere-at-all==1.0\n"}, {})
    with pytest.raises(ProcessFailed, match=r"(?s)can't be built.*no-such-package-anywhere-at-all"):
        rebuilding.environment_as_it_was(taken, tmp_path / "environment")


def test_what_somebody_has_written_meanwhile_is_left(tmp_path: Path) -> None:
    cell = Cell(1, "%%writefile a.py\nK = 1")
    (tmp_path / "a.py").write_text("K = 2\n")
    with rebuilding.files_kept([cell], tmp_path, tmp_path / "kept"):
        (tmp_path / "a.py").write_text("K = 1\n")
    assert (tmp_path / "a.py").read_text() == "K = 2\n"
    with rebuilding.files_kept([cell], tmp_path, tmp_path / "kept"):
        (tmp_path / "a.py").write_text("K = 3\n")
    assert (tmp_path / "a.py").read_text() == "K = 3\n"


def test_cells_that_are_missing_on_the_server_are_told() -> None:
    with pytest.raises(NotFound, match="cells of it are missing on the server"):
        rebuilding.lay_out(Snapshot({}, {"cell": 3}), "it", None)


def test_a_run_that_was_deleted_meanwhile_is_told(run: Any) -> None:
    Workspace.here().mlflow.write("delete_run", run.run_id)
    with pytest.raises(NotFound):
        mlops.reproduce("forest")


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True)


def test_it_changes_nothing_else(run: Any, shell: InteractiveShell, project: Path, name: str) -> None:
    mlops.register(name, run="forest")
    mlops.register(name, model=shell.user_ns["model"].set_params(n_estimators=6), data=shell.user_ns["X"])
    body = (
        RUN.replace("--into card", "").replace("run forest", "run nightly")
        + f"\nchange = %mlops promote {name}/1 --force --reason nightly\nassert mode.LEVEL == 1"
        + "\nif score:\n    %mlops log stars=score --run forest"
    )
    for source in ("%%writefile mode.py\nLEVEL = 1", "import mode", "x = undefined_name", body):
        shell.run_cell(source, store_history=True)
    mlops.promote(f"{name}/2", force=True, reason="better")
    (project / "mode.py").write_text("LEVEL = 99\n")
    mlops.log({"stars": 5}, run="forest")
    proof = mlops.reproduce("nightly")
    assert proof.ok, str(proof)
    assert Workspace.here().mlflow.read("get_model_version_by_alias", name, "champion").version == "2"
    assert Workspace.here().mlflow.read("get_run", run.run_id).data.metrics["stars"] == 5
    assert (project / "mode.py").read_text() == "LEVEL = 99\n"
    assert not list((project / "reproduced").glob("*.kept"))


def test_of_several_runs_in_a_cell_the_right_one_is_compared(shell: InteractiveShell, project: Path) -> None:
    cell = (
        "import jupyter_mlops as mlops\nfor depth in (1, 2, 3):\n    with mlops.run(f'depth {depth}', autolog=False):\n"
        "        mlops.log({'depth': depth})"
    )
    assert shell.run_cell(cell, store_history=True).success
    proof = mlops.reproduce("depth 2")
    assert proof.ok, str(proof)
    assert "REPRODUCED" in str(proof)


def test_modules_beside_the_notebook_and_masked_lines_of_the_diff_are_as_they_were(
    shell: InteractiveShell, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = 'API_KEY = "sk-proj-' + 'abcdefghijklmnopqrstuvwx1234"\n'
    (project / "notebooks").mkdir()
    helper = project / "notebooks" / "helper_of_subfolder.py"
    helper.write_text(f"K = 1\n{secret}J = 1\n")
    git(project, "init", "-q")
    git(project, "add", "notebooks")
    git(project, "commit", "-q", "-m", "first")
    helper.write_text(f"K = 2\n{secret}J = 1\n")
    monkeypatch.chdir(project / "notebooks")
    monkeypatch.setattr(shell, "starting_dir", str(project / "notebooks"))
    monkeypatch.syspath_prepend(str(project / "notebooks"))
    for source in (
        "import helper_of_subfolder as helper",
        "%%mlops run sub --no-autolog\nk = helper.K\n%mlops log k=k",
    ):
        assert shell.run_cell(source, store_history=True).success
    helper.write_text("K = 3\n")
    proof = mlops.reproduce("sub")
    assert proof.ok, str(proof)
    assert outcomes(proof)["code"] == "same"


@pytest.mark.long
def test_a_fresh_environment_is_built_from_the_lock(run: Any) -> None:
    proof = mlops.reproduce("forest", env=True)
    assert proof.ok, str(proof)
    assert outcomes(proof)["environment"] == "same"
