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
from jupyter_mlops.errors import InvalidUsage, NotFound

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
    with pytest.raises(NotFound):
        mlops.reproduce("nobody")
