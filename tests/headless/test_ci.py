"""The same notebooks in other people's hands: workflow files, pytest, and the runners that are there already."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml

from jupyter_mlops import ci_init, cli, register
from jupyter_mlops.errors import Conflict, InvalidUsage

from ..waiting import until
from .conftest import executed

BIN = Path(sys.executable).parent
LOAD = "%load_ext jupyter_mlops"
long = pytest.mark.long


@pytest.fixture
def refused(project: Path, trained: Callable[..., Any], name: str) -> str:
    """A model whose challenger the gate does not let through."""
    trained("poor", accuracy=0.5)
    register(name, run="poor", alias="challenger")
    return name


def call(*command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=240, check=False, cwd=cwd)


@pytest.mark.parametrize(
    ("provider", "file", "check"),
    [
        ("github", ".github/workflows/notebooks.yml", ["--builtin-schema", "vendor.github-workflows"]),
        ("gitlab", ".gitlab-ci.yml", ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"]),
        ("plain", "ci/notebooks.sh", []),
    ],
)
def test_the_file_for_ci_is_one_by_its_published_schema(
    write: Callable[..., str], provider: str, file: str, check: list[str]
) -> None:
    written = []
    for folder, dependencies in (("with", "requirements.txt"), ("project", "pyproject.toml"), ("without", "")):
        write(f"{folder}/work/it's mine.ipynb", "1")
        with contextlib.chdir(folder):
            if dependencies:
                Path(dependencies).touch()
            assert cli.main(["ci", "init", "--provider", provider, "--dry-run"]) == 0
            assert not Path(file).exists()
            assert cli.main(["ci", "init", "--provider", provider]) == 0
            text = Path(file).read_text()
            assert "jupyter mlops run work/*.ipynb" in text
            assert ("{{" in text) == (provider == "github")
            assert "{%" not in text
            installs = {"requirements.txt": "-r requirements.txt ", "pyproject.toml": " . ", "": "install 'jupyter"}
            assert installs[dependencies] in text
            assert cli.main(["ci", "init", "--provider", provider]) == 0  # the same again
            assert os.access(file, os.X_OK) == (provider == "plain")
        written.append(f"{folder}/{file}")
    for command in (
        [[BIN / "check-jsonschema", *check, *written]] if check else [["sh", "-n", each] for each in written]
    ):
        done = call(*command)
        assert done.returncode == 0, done.stdout + done.stderr


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


def test_the_script_for_any_other_ci_runs_in_a_clean_clone_and_ends_as_the_run_does(
    write: Callable[..., str], tmp_path: Path
) -> None:
    write("origin/work/a.ipynb", "print('ran')")
    write("origin/work/b.ipynb", "1 / 0")
    Path("origin/requirements.txt").touch()
    call("git", "init", "-q", "origin")
    with contextlib.chdir("origin"):
        assert cli.main(["ci", "init", "--provider", "plain"]) == 0
    for words in (["add", "."], ["-c", "user.name=t", "-c", "user.email=t", "commit", "-qm", "c"]):
        assert call("git", *words, cwd=Path("origin")).returncode == 0
    assert call("git", "clone", "-q", "origin", "clone").returncode == 0
    # It installs from the internet; here its environment is the one that the tests run in, and pip only says what it was told.
    Path("bin").mkdir()
    Path("bin/python3").write_text(
        "#!/bin/sh\nset -eu\n[ \"$*\" = '-m venv .venv' ]\nmkdir -p .venv/bin\n"
        f"echo 'PATH=$PWD/.venv/bin:{BIN}:$PATH' > .venv/bin/activate\n"
        "echo 'echo \"$@\" > installed' > .venv/bin/python\nchmod +x .venv/bin/python\n"
    )
    Path("bin/python3").chmod(0o755)
    env = os.environ | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run([tmp_path / "clone/ci/notebooks.sh"], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "1 of 2 passed" in done.stdout
    assert Path("clone/installed").read_text() == "-m pip install -r requirements.txt jupyter-mlops[headless]\n"
    there = {path.name for path in Path("clone/out").iterdir()}
    assert there == {"a.ipynb", "b.ipynb", "a.html", "b.html", "junit.xml", "summary.md"}


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), pytest.param(signal.SIGINT, 2, marks=pytest.mark.long)]
)
def test_a_signal_to_pytest_ends_all_of_it(
    write: Callable[..., str], monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    write("a.ipynb", "open('reached', 'w').close()\nimport time\ntime.sleep(600)")
    write("b.ipynb", "open('went_on', 'w').close()")
    command = [sys.executable, "-m", "pytest", "-p", "jupyter_mlops.pytest_plugin", "-q", "--mlops", "."]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    until(Path("reached").exists)
    process.send_signal(number)
    out, _ = process.communicate(timeout=120)
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


NBCLIENT = "import nbformat, nbclient, sys; nbclient.NotebookClient(nbformat.read(sys.argv[1], 4)).execute()"
RUNNERS = {
    "papermill": [BIN / "papermill", "a.ipynb", "out.ipynb"],
    "nbmake": [sys.executable, "-m", "pytest", "-p", "nbmake.pytest_plugin", "--nbmake", "-q", "a.ipynb"],
    "nbclient": [sys.executable, "-c", NBCLIENT, "a.ipynb"],
    "jupyter execute": [BIN / "jupyter-execute", "a.ipynb"],
    "nbconvert": [BIN / "jupyter-nbconvert", "--to", "notebook", "--execute", "a.ipynb"],
}
LONG = ("nbclient", "jupyter execute", "nbconvert")


@pytest.mark.parametrize("runner", [pytest.param(each, marks=long) if each in LONG else each for each in RUNNERS])
def test_other_runners_run_the_same_notebook_and_fail_where_it_fails(
    write: Callable[..., str], runner: str, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    params = ("%%mlops params\nn: int = 3  # how many", "parameters")
    write("a.ipynb", LOAD, params, "assert n in (3, 5)")
    given = ["-p", "n", "5"] if runner == "papermill" else []
    done = call(*RUNNERS[runner], *given)
    assert done.returncode == 0, done.stdout + done.stderr
    for line, said in (
        ("%mlops deploy nothing@champion", "There is no registered model 'nothing'"),
        (f"%mlops promote {refused}@challenger", "accuracy"),
    ):
        write("a.ipynb", LOAD, line, "open('went_on', 'w').close()")
        done = call(*RUNNERS[runner])
        assert done.returncode != 0
        assert said in done.stdout + done.stderr
        assert not Path("went_on").exists()


@long
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of its own, and of what it imports
def test_a_job_of_jupyter_scheduler_runs_it_and_fails_where_it_fails(write: Callable[..., str], refused: str) -> None:
    reason = "jupyter-scheduler joins every Jupyter server where it is installed: pip install --target FOLDER it, and PYTHONPATH=FOLDER"
    executors = pytest.importorskip("jupyter_scheduler.executors", reason=reason)
    from jupyter_scheduler.orm import Job, create_session, create_tables

    database = f"sqlite:///{Path('jobs.sqlite').absolute()}"
    create_tables(database)
    for number, (line, status, said) in enumerate(
        [
            ("assert n == 5", "COMPLETED", ""),
            ("%mlops deploy nothing@champion", "FAILED", "There is no registered model 'nothing'"),
            (f"%mlops promote {refused}@challenger", "FAILED", "accuracy"),
        ]
    ):
        write(f"job{number}/a.ipynb", LOAD, ("%%mlops params\nn: int = 3", "parameters"), line)
        with create_session(database)() as session:
            session.add(
                Job(
                    job_id=str(number), name="a", runtime_environment_name="here", input_filename="a.ipynb",
                    output_formats=["notebook"], parameters={"n": 5},
                )
            )  # fmt: skip
            session.commit()
        folder = Path(f"job{number}").absolute()
        paths = {"input": str(folder / "a.ipynb"), "notebook": str(folder / "out.ipynb")}
        executors.DefaultExecutionManager(str(number), str(folder), database, paths).process()
        with create_session(database)() as session:
            job = session.query(Job).filter(Job.job_id == str(number)).one()
            assert (job.status, said in str(job.status_message)) == (status, True), job.status_message
        assert executed(paths["notebook"]).cells[-1].source == line
