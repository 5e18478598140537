"""The same notebooks in other people's hands: workflow files, pytest, and the runners that are there already."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
import yaml

from jupyter_mlops import ci_init, cli
from jupyter_mlops.errors import Conflict, InvalidUsage

from .conftest import executed

BIN = Path(sys.executable).parent
LOAD = "%load_ext jupyter_mlops"


def call(*command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120, check=False, cwd=cwd)


@pytest.mark.parametrize("dependencies", ["requirements.txt", ""])
@pytest.mark.parametrize(
    ("provider", "file", "check"),
    [
        ("github", ".github/workflows/notebooks.yml", ["--builtin-schema", "vendor.github-workflows"]),
        ("gitlab", ".gitlab-ci.yml", ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"]),
        ("plain", "ci/notebooks.sh", []),
    ],
)
def test_the_file_for_ci_is_one_by_its_published_schema(
    write: Callable[..., str], provider: str, file: str, check: list[str], dependencies: str
) -> None:
    write("work/it's mine.ipynb", "1")
    if dependencies:
        Path(dependencies).touch()
    assert cli.main(["ci", "init", "--provider", provider, "--dry-run"]) == 0
    assert not Path(file).exists()
    assert cli.main(["ci", "init", "--provider", provider]) == 0
    text = Path(file).read_text()
    assert "jupyter mlops run work/*.ipynb" in text
    assert ("{{" in text) == (provider == "github")
    assert "{%" not in text
    assert (
        f"-r {dependencies} " if dependencies.endswith("txt") else " . " if dependencies else "install 'jupyter"
    ) in text
    done = call(BIN / "check-jsonschema", *check, file) if check else call("sh", "-n", file)
    assert done.returncode == 0, done.stdout + done.stderr
    assert cli.main(["ci", "init", "--provider", provider]) == 0  # the same again
    assert os.access(file, os.X_OK) == (provider == "plain")


def test_a_file_that_is_there_is_kept_and_a_pipeline_of_gitlab_includes_ours(write: Callable[..., str]) -> None:
    write("a.ipynb", "1")
    for name in (".github/workflows/notebooks.yml", ".gitlab-ci.yml"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("mine: {}\n")
    with pytest.raises(Conflict, match="already"):
        ci_init(provider="github")
    assert ci_init(provider="gitlab").path == ".gitlab/notebooks.yml"
    assert Path(".gitlab-ci.yml").read_text() == "mine: {}\n"
    assert ci_init(provider="github", force=True).ok
    assert ci_init(dry_run=True).provider == "gitlab"  # there is a pipeline of its
    with pytest.raises(InvalidUsage, match="mean something to CI"):
        ci_init("a ${{ secrets.X }}.ipynb", provider="plain")
    Path("a.ipynb").unlink()
    with pytest.raises(InvalidUsage, match="no notebook here"):
        ci_init(provider="plain")


def test_what_was_executed_and_what_git_ignores_is_not_run_by_ci(write: Callable[..., str]) -> None:
    write("work/a.ipynb", "1")
    write("scratch/b.ipynb", "1")
    write("old/c.ipynb", "1")
    book = executed("old/c.ipynb")
    book.metadata["mlops"] = {"verdict": "passed"}
    nbformat.write(book, "old/c.ipynb")
    call("git", "init", "-q", ".")
    Path(".gitignore").write_text("scratch/\n")
    assert "run work/*.ipynb\n" in ci_init(provider="github", dry_run=True).text


def test_the_workflow_of_github_lets_signals_through_and_edits_its_own_comment(write: Callable[..., str]) -> None:
    write("a.ipynb", "1")
    text = ci_init(provider="github", dry_run=True).text
    steps = {step.get("name"): step for step in yaml.safe_load(text)["jobs"]["notebooks"]["steps"]}
    assert steps["Run the notebooks"]["run"].startswith("exec jupyter mlops run")
    comment = steps["Put the summary on the change"]
    mark = comment["env"]["MARK"]
    Path("out").mkdir()
    Path("out/summary.md").write_text("# it\n")
    Path("bin").mkdir()
    Path("bin/gh").write_text('#!/bin/sh\necho "$@" >> calls\ncase "$*" in *paginate*) cat there;; esac\n')
    Path("bin/gh").chmod(0o755)
    env = {"PATH": f"{Path('bin').absolute()}:{os.environ['PATH']}", "RUNNER_TEMP": ".", "NUMBER": "7", "MARK": mark}
    for there, last in (("", "pr comment 7 --body-file ./comment.md"), ("12\n", "issues/comments/12")):
        Path("there").write_text(there)
        done = subprocess.run(
            ["bash", "-e", "-c", comment["run"]], env=env | {"GITHUB_REPOSITORY": "a/b"}, text=True, check=False,
            capture_output=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert last in Path("calls").read_text().splitlines()[-1]
    assert Path("comment.md").read_text() == f"{mark}\n# it\n"


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), pytest.param(signal.SIGINT, 2, marks=pytest.mark.long)]
)
def test_a_signal_to_pytest_ends_all_of_it(
    write: Callable[..., str], monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    write("a.ipynb", "open('reached', 'w').close()\nimport time\ntime.sleep(30)")
    write("b.ipynb", "open('went_on', 'w').close()")
    command = [sys.executable, "-m", "pytest", "-p", "jupyter_mlops.pytest_plugin", "-q", "--mlops", "."]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    end = time.monotonic() + 30
    while not Path("reached").exists() and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(number)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == code, out
    assert not Path("went_on").exists()
    assert executed().metadata.mlops.verdict in ("terminated", "interrupted")


def test_a_limit_that_is_none_is_told_in_a_line(write: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    write("a.ipynb", "1")
    alone = [sys.executable, "-m", "pytest", "-p", "jupyter_mlops.pytest_plugin", "-q", "--mlops"]
    done = call(*alone, "--mlops-timeout", "0", ".")
    assert "--timeout must be more than 0" in done.stdout
    assert "limits.py" not in done.stdout


def test_pytest_collects_notebooks_with_a_result_for_each_cell(
    write: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("good.ipynb", LOAD, "1", ("no_widget", "interactive-only"))
    write("bad.ipynb", "1", "%%capture\n1 / 0", "2")
    alone = [sys.executable, "-m", "pytest", "-p", "jupyter_mlops.pytest_plugin", "-q"]
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    quiet = call(*alone, ".")
    assert "no tests ran" in quiet.stdout
    done = call(*alone, "--mlops", ".", "--junit-xml=j.xml")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "a cell failed: cell 2 (%%capture): ZeroDivisionError" in done.stdout
    assert "3 subtests passed" in done.stdout
    assert re.search(r"^SUBFAILED.*cell 2: ", done.stdout, re.MULTILINE), done.stdout
    assert "2 failed, 1 passed, 2 skipped" in done.stdout
    assert "1 passed" in done.stdout
    assert executed("executed/bad.ipynb").metadata.mlops.verdict == "a cell failed"
    again = call(*alone, "--mlops", "--collect-only", ".")
    assert "2 tests collected" in again.stdout  # what was executed is none


RUNNERS = {
    "papermill": [BIN / "papermill", "a.ipynb", "out.ipynb"],
    "jupyter execute": [BIN / "jupyter-execute", "a.ipynb"],
    "nbconvert, as jupyter-scheduler does": [BIN / "jupyter-nbconvert", "--to", "notebook", "--execute", "a.ipynb"],
    "nbmake": [sys.executable, "-m", "pytest", "-p", "nbmake.pytest_plugin", "--nbmake", "-q", "a.ipynb"],
}


@pytest.mark.parametrize(
    "runner",
    [
        pytest.param(name, marks=pytest.mark.long) if "scheduler" in name or "execute" in name else name
        for name in RUNNERS
    ],
)
def test_other_runners_run_the_same_notebook_and_fail_where_it_fails(
    write: Callable[..., str], runner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    params = ("%%mlops params\nn: int = 3  # how many", "parameters")
    write("a.ipynb", LOAD, params, "assert n in (3, 5)")
    given = ["-p", "n", "5"] if runner == "papermill" else []
    done = call(*RUNNERS[runner], *given)
    assert done.returncode == 0, done.stdout + done.stderr
    write("a.ipynb", LOAD, "%mlops deploy nothing@champion")
    done = call(*RUNNERS[runner])
    assert done.returncode != 0
    assert "not in an mlops project yet" in done.stdout + done.stderr
