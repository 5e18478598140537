"""Begin, look around, find help, stop: through every face."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import jupyter_mlops as mlops
from jupyter_mlops.backend.processes import Process
from jupyter_mlops.errors import BackendUnreachable, InvalidUsage, MlopsError
from jupyter_mlops.workspace import Workspace

from ..conftest import Face


def test_init_makes_a_project_and_again_changes_nothing(
    face: Face, tmp_path: Path, tracking_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert face("status").error.endswith(("→ %mlops init", "→ jupyter mlops init"))
    assert face(f"init --experiment churn --tracking-uri {tracking_uri} --dry-run").error == ""
    assert list(tmp_path.iterdir()) == []
    assert face(f"init --experiment churn --tracking-uri {tracking_uri}").data["is_up"] is True
    written = (tmp_path / "mlops.toml").read_text()
    assert f'experiment = "churn"\ntracking_uri = "{tracking_uri}"\n' == written
    assert face("init").data["experiment"] == "churn"
    assert (tmp_path / "mlops.toml").read_text() == written


def test_init_keeps_comments_and_gates(project: Path) -> None:
    path = project / "mlops.toml"
    path.write_text("# ours\n" + path.read_text())
    mlops.init(experiment="another")
    text = path.read_text()
    assert text.startswith("# ours\n")
    assert 'experiment = "another"' in text
    assert "[gates." in text


def test_init_below_a_project_takes_that_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = project / "notebooks" / "deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert mlops.init().root == str(project)
    assert list(below.iterdir()) == []


def test_status_says_where_each_value_came_from(face: Face, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLOPS_EXPERIMENT", "from the environment")
    sources = {row["name"]: (row["value"], row["source"]) for row in face("status").data["settings"]}
    assert sources["experiment"] == ("from the environment", "MLOPS_EXPERIMENT")
    assert sources["user"] == ("tester", "mlops.toml")
    assert sources["timeout"] == ("4.0", "default")


def test_status_names_the_next_step(project: Path, trained: object) -> None:
    assert "%%mlops run" in mlops.status().next


def test_help_lists_all_and_explains_one(face: Face) -> None:
    assert len(face("help").data["commands"]) > 15
    assert face("help deploy").data["commands"][0]["usage"].startswith("%mlops deploy MODEL")
    assert "Did you mean deploy" in face("help deplyo").error


def test_doctor_looks_at_everything(face: Face, project: Path) -> None:
    findings = {row["what"]: row for row in face("doctor").data["findings"]}
    assert findings["server"]["ok"]
    assert findings["mlflow"]["ok"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("experimnt = 'x'\n", "line 1: there is no setting 'experimnt'. Did you mean experiment?"),
        ("\n\nexperiment = 3\n", "line 3: experiment: input should be a valid string"),
        ("experiment = x\n", "is not valid TOML"),
        ("[gates.churn]\nauc = '0.9'\n", "line 2: gates.churn.auc: '0.9' is no threshold"),
        ("[gates.churn]\nauc = '>= 0.9'\n[gates.other]\nf1 = 3\n", "line 4: gates.other.f1"),
        (
            "[endpoints.churn.log]\ndayz = 3\n",
            "line 2: there is no setting 'endpoints.churn.log.dayz'. Did you mean days?",
        ),
        ("[endpoints.churn]\nlogs = 3\n", "line 2: there is no setting 'endpoints.churn.logs'. Did you mean log?"),
        ("[endpoints.churn.log]\ndays = 0\n", "line 2: endpoints.churn.log.days: input should be greater"),
        ("[endpoints.churn.log]\ndrop = 'age'\n", "line 2: endpoints.churn.log.drop: input should be a valid list"),
        ("[endpoints.churn.log]\ndrop = ['age']\nhash = ['age']\n", "'age' can't be both left out and hashed"),
        ("timeout = -1\n", "line 1: timeout"),
        ("tracking_uri = 'sqlite:///x.db'\n", "line 1: tracking_uri: 'sqlite:///x.db' is no MLflow server"),
        ("experiment = '\xff'\n".encode("latin-1"), "can't be read"),
    ],
)
def test_a_broken_mlops_toml_is_named_with_its_line(face: Face, project: Path, text: str | bytes, says: str) -> None:
    path = project / "mlops.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    outcome = face("status")
    assert outcome.exit_code == InvalidUsage.exit_code
    assert says in outcome.error
    assert str(path) in outcome.error
    assert len(outcome.error.splitlines()) <= 3
    face("init --experiment new")
    assert path.read_bytes() == (text if isinstance(text, bytes) else text.encode())  # a broken file is left as it is


def test_a_wrong_variable_of_the_environment_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLOPS_TIMEOUT", "soon")
    with pytest.raises(InvalidUsage, match="environment variable MLOPS_TIMEOUT: timeout"):
        mlops.status()


@pytest.mark.skipif(
    os.geteuid() != 0, reason="a folder on /proc can't be written by anybody; made for root, who can write elsewhere"
)
def test_a_folder_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/proc/self")
    with pytest.raises(MlopsError, match="can't be written"):
        mlops.init()


def test_a_server_that_is_down_is_told_in_one_line(face: Face, project: Path) -> None:
    import time

    (project / "mlops.toml").write_text('tracking_uri = "http://127.0.0.1:9"\n')
    for line in ("runs", "models", "promote x", "register x", "deploy x"):
        begin = time.monotonic()
        outcome = face(line)
        assert time.monotonic() - begin < 30  # it is not asked again and again
        assert outcome.exit_code == BackendUnreachable.exit_code
        assert "is down" in outcome.error
        assert len(outcome.error.splitlines()) <= 2


def test_stopping_all_tells_the_audit_of_the_endpoints(face: Face, trained: Any, name: str, tmp_path: Path) -> None:
    trained("first", accuracy=0.95)
    mlops.register(name)
    state = Workspace.here().state
    state.put(Process("endpoint", "prod", 2**22 + 1, 1.0, 1, 1.0, {"model": name, "version": 1}))
    assert face("stop --all --dry-run").data["untold"] == []
    assert face("stop --all").data["untold"] == []
    event = mlops.audit(name, verify=True).events[-1]
    assert (event.action, event.before, event.why, event.evidence) == ("undeploy", "1", "stop --all", "endpoint prod")
    state.put(Process("endpoint", "prod", 2**22 + 1, 1.0, 1, 1.0, {"model": name, "version": 1}))
    toml = tmp_path / "mlops.toml"
    toml.write_text(toml.read_text().replace("tracking_uri", "# "))
    assert "not in the audit" in str(mlops.stop(all=True))
    assert state.all("server") == []  # none was started for it


def test_the_notebook_of_a_headless_run_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("JPY_SESSION_NAME", "IPYNB_FILE"):
        monkeypatch.delenv(variable, raising=False)
    show = "import sys; sys.argv = ['ipykernel_launcher.py']; from jupyter_mlops.backend import origin; print(origin.program())"
    run = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {show!r}])"
    for words, named in ((["execute", "work/train.ipynb"], "train.ipynb"), ([], "a notebook")):
        done = subprocess.run([sys.executable, "-c", run, *words], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == named


def test_a_reader_that_has_seen_enough_is_no_error(project: Path) -> None:
    program = "from jupyter_mlops import cli; import sys; sys.exit(cli.main(['help']))"
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=project
    )
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() == 141


def test_an_option_behind_two_dashes_is_told_what_it_is_there(face: Face, project: Path) -> None:
    assert "put the options before it" in face("register -- churn --run x").error
