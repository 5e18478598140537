"""``validate data`` as people call it: through every face, with a run and without a server."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import mlflow
import pytest
from IPython.core.interactiveshell import InteractiveShell

import jupyter_mlops as mlops
from jupyter_mlops import cli
from jupyter_mlops.validation import keeping, reporting
from jupyter_mlops.workspace import Workspace

from ..conftest import Face, every_face
from .test_quality import clean


@every_face
def test_every_face_gives_the_same_report(project: Path, face: Face) -> None:
    df = clean().assign(paid=range(1000, 1400))
    found = face("validate data df --target y --severity warning --only DQ", df=df)
    assert found.data["rows"] == 400
    assert {c["code"] for c in found.data["checks"] if c["outcome"] == "warning"} == {"DQ007"}
    assert found.exit_code in (0, 1)  # of a shell: it has failed


def test_a_shell_says_by_its_exit_code_whether_it_passed(project: Path, face: Face) -> None:
    assert face("validate data df", df=clean()).exit_code == 0
    wrong = face("validate data df --target nothing", df=clean())
    assert "no column 'nothing'" in wrong.error


def test_a_report_is_kept_with_the_run_of_its_cell(project: Path, shell: InteractiveShell, tracking_uri: str) -> None:
    shell.user_ns["df"] = clean().assign(age=None)
    shell.run_cell("%%mlops run checked\nreport = %mlops validate data df --target y\n")
    report = shell.user_ns["report"]
    assert report.stored.startswith("run:")
    kept = keeping.find(Workspace.here(), "last")
    assert (kept.failed, kept.digest, kept.about) == (report.failed, report.digest, "df")
    run = mlflow.MlflowClient(tracking_uri).get_run(Workspace.here().mlflow.read("search_runs", _experiment(), "", max_results=1)[0].info.run_id)  # fmt: skip
    assert run.data.tags["mlops.validation.data"].startswith(f"fail {report.digest} ")


def test_a_report_can_be_kept_with_an_earlier_run(project: Path) -> None:
    with mlops.run("first", autolog=False):
        pass
    mlops.validate_data(clean(), run="last")
    assert keeping.find(Workspace.here(), "first").ok
    with pytest.raises(mlops.MlopsError, match="no run"):
        mlops.validate_data(clean(), run="nothing")


def test_without_a_server_data_is_checked_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlops.toml").write_text('tracking_uri = "http://127.0.0.1:9"\n\n[validation.data]\nmissing = 0.9\n')
    frame = clean()
    frame.loc[:99, "score"] = None
    assert mlops.validate_data(frame)["DQ003"].outcome == "pass"


def _experiment() -> list[str]:
    workspace = Workspace.here()
    return [workspace.mlflow.read("get_experiment_by_name", workspace.settings.experiment).experiment_id]


def test_what_a_report_fits_is_not_the_model_of_the_run(project: Path, shell: InteractiveShell, tracking_uri: str) -> None:  # fmt: skip
    shell.user_ns["df"] = clean()
    shell.run_cell("%%mlops run looked\nreport = %mlops validate data df --target y\n")
    assert "ROC AUC" in str(shell.user_ns["report"]["DP005"].findings)  # so there was a fit
    client = mlflow.MlflowClient(tracking_uri)
    run = client.search_runs(_experiment(), max_results=1)[0]
    assert (run.data.params, [name for name in run.data.metrics if name.startswith("training")]) == ({}, [])
    assert not run.outputs.model_outputs
    shell.run_cell("%%mlops run fitted\nfrom sklearn.tree import DecisionTreeClassifier\n"
                   "model = DecisionTreeClassifier(max_depth=2).fit(df[['age']], df.y)\n%mlops validate data df --target y")  # fmt: skip
    run = client.search_runs(_experiment(), max_results=1)[0]
    assert run.data.params["max_depth"] == "2"  # and the user's own fits are logged all the same
    assert run.outputs.model_outputs


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"severity": "bad"}, "no severity 'bad'|'bad' is no severity"),
        ({"only": ["DQ003"], "skip": ["DQ"]}, "No check is left"),
    ],
)
def test_what_makes_no_report_is_an_error(project: Path, asked: dict[str, Any], says: str) -> None:
    with pytest.raises(mlops.MlopsError, match=says):
        mlops.validate_data(clean(), **asked)


def test_what_did_not_apply_is_counted(project: Path) -> None:
    assert "0 of 1 checks passed, 1 did not apply" in str(mlops.validate_data(clean(), only=["DQ024"]))


def test_what_no_check_has_looked_at_has_not_passed(project: Path) -> None:
    assert mlops.validate_data(clean(), only=["DQ024"]).outcome == "inconclusive"


def test_an_interrupt_of_the_digest_keeps_the_checks(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(frame: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(reporting, "fingerprint", interrupt)
    found = mlops.validate_data(clean(), only=["DQ"])
    assert found.digest == ""
    assert "It was interrupted." not in {checked.reason for checked in found.checks}
    assert found["DQ010"].outcome == "pass"


def test_a_shell_is_told_no_line_of_python(project: Path, tmp_path: Path) -> None:
    clean().assign(age=-3, **{f"c{n}": 1 for n in range(12)}).to_csv(tmp_path / "df.csv")
    with contextlib.redirect_stdout(io.StringIO()) as out:
        cli.main(["validate", "data", str(tmp_path / "df.csv"), "--only", "DQ"])
    assert "DQ004 warning" in out.getvalue()
    assert "Next:" not in out.getvalue()
    assert "more findings: --json" in out.getvalue()
