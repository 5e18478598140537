"""What a run of notebooks leaves behind: page, summary, annotations, and a run of its own."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_mlops.headless.annotating import Annotation, github, line_of

from .conftest import executed, run

LOAD = "%load_ext jupyter_mlops"


@pytest.fixture
def client(tracking_uri: str) -> Any:
    import mlflow

    return mlflow.MlflowClient(tracking_uri)


def test_the_run_that_mlflow_names_is_the_parent_and_the_notebook_does_not_go_on_with_it(
    write: Callable[..., str], project: Path, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = client.create_run("0", run_name="parent").info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", parent)
    monkeypatch.setenv("MLOPS_PARENT_RUN", "f" * 32)  # of another server: the next one counts
    write(
        "a.ipynb",
        f"import mlflow\nmlflow.set_tracking_uri({client.tracking_uri!r})\nwith mlflow.start_run() as run: pass\nrun.info.run_id",
    )
    (book,) = run("a.ipynb").data["notebooks"]
    assert client.get_run(book["run"]).data.tags["mlflow.parentRunId"] == parent
    assert client.get_run(parent).info.status == "RUNNING"
    assert parent not in executed().cells[0].outputs[-1].data["text/plain"]
    assert book["notes"] == []
    monkeypatch.setenv("MLFLOW_RUN_ID", "e" * 32)
    (book,) = run("a.ipynb").data["notebooks"]
    assert [note for note in book["notes"] if "it has no parent" in note] == book["notes"] != []


def test_the_reports_are_there_before_a_server_is_told(
    write: Callable[..., str], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlops.headless.tracked import Tracked

    end, seen = Tracked.end, []

    def told(self: Tracked, *given: Any) -> Any:
        seen.append([name for name in ("j.xml", "s.md", "q.json") if Path(name).exists()])
        return end(self, *given)

    monkeypatch.setattr(Tracked, "end", told)
    write("a.ipynb", "1")
    assert run("a.ipynb", "--junit", "j.xml", "--summary", "s.md", "--code-quality", "q.json").code == 0
    assert seen == [["j.xml", "s.md", "q.json"]]


def test_an_execution_is_a_run_and_its_summary_tells_of_runs_and_gates(
    write: Callable[..., str], project: Path, name: str, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLOPS_PARENT_RUN", client.create_run("0", run_name="parent").info.run_id)
    monkeypatch.setenv("GITHUB_REF", "refs/pull/12/merge")
    subprocess.run(
        "git init -q . && git add . && git -c user.name=t -c user.email=t commit -qm c", shell=True, check=True
    )
    fit = "%%mlops run {0} --no-autolog\nfrom sklearn.tree import DecisionTreeClassifier\nDecisionTreeClassifier(max_depth=depth, random_state=7).fit([[0], [1]], [0, 1])\n%mlops log accuracy={1}"
    write(
        "a.ipynb", LOAD, ("depth: int = 2", "parameters"), fit.format("good", 0.95), f"%mlops register {name} --run good --alias challenger",
        f"%mlops promote {name}@challenger", fit.format("poor", 0.5).replace("=depth", "=1"), f"%mlops register {name} --run poor --alias challenger",
        f"import mlflow, os\nmlflow.set_tracking_uri({client.tracking_uri!r})\nmlflow.set_experiment('plain')\nwith mlflow.start_run(run_name='pl|ain <b>'): pass",
        f"%mlops promote {name}@challenger",
    )  # fmt: skip
    ran = run("a.ipynb", "-p", "depth=3", "--summary", "s.md", "--html", "pages")
    assert ran.code == 5, ran
    (book,) = ran.data["notebooks"]
    mine = client.get_run(book["run"])
    assert mine.info.status == "FAILED"
    assert mine.data.params == {"depth": "3"}
    assert mine.data.tags["mlflow.parentRunId"] == __import__("os").environ["MLOPS_PARENT_RUN"]
    assert mine.data.tags["mlops.change_request"] == "#12"
    assert len(mine.data.tags["mlflow.source.git.commit"]) == 40
    assert mine.data.tags["mlops.verdict"] == "a gate failed"
    assert mine.data.metrics["exit_code"] == 5
    assert {each.path for each in client.list_artifacts(book["run"])} == {
        "a.ipynb",
        "a.html",
        "environment.lock",
        "seeds.txt",
    }
    runs = {each["name"]: each for each in book["runs"]}
    assert runs["poor"]["standing"] == f"{name}/2, beside the champion {name}/1"
    assert runs["poor"]["champion"]["accuracy"] == 0.95
    poor = client.get_run(runs["poor"]["run_id"])
    assert poor.data.tags["mlflow.source.name"] == "a.ipynb"
    assert "mlflow.parentRunId" not in poor.data.tags  # "last" and "runs" mean it
    assert poor.data.tags["mlops.execution"] == mine.data.tags["mlops.execution"]
    assert f"[poor]({runs['poor']['url']})" in mine.data.tags["mlflow.note.content"]
    summary = Path("s.md").read_text()
    for told in (
        "❌ 0 of 1 notebooks passed",
        "Parameters: depth = 3",
        f"| promote | ✅ | Promote {name} ✓ done |",
        "| promote | ❌ |",
        "(-0.45)",
    ):
        assert told in summary
    assert "<b>" not in summary.replace("\\<b>", "")
    assert "promote" in Path("pages/a.html").read_text()
    if any(each.value.startswith("jupyter_mlops") for each in entry_points(group="mlflow.run_context_provider")):
        plain = client.get_run(runs["pl|ain <b>"]["run_id"])
        assert plain.data.tags["mlflow.source.git.commit"] == mine.data.tags["mlflow.source.git.commit"]
        assert plain.data.tags["mlflow.source.name"].endswith("a.ipynb")


@pytest.mark.parametrize("variable", ["MLOPS_PARENT_RUN", "MLFLOW_RUN_ID"])
def test_a_parent_that_is_not_there_is_told_and_is_none(
    write: Callable[..., str], project: Path, client: Any, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    write("a.ipynb", "1")
    there = client.create_run("0").info.run_id
    for parent in (there, "0" * 32) if variable == "MLFLOW_RUN_ID" else ("no such/run",):
        monkeypatch.setenv(variable, parent)
        ran = run("a.ipynb")
        (book,) = ran.data["notebooks"]
        assert ran.code == 0
        assert client.get_run(book["run"]).data.tags.get("mlflow.parentRunId") == (there if parent == there else None)
        told = [f"{variable} names the run {parent!r}, which the MLflow server does not know: it has no parent"]
        assert book["notes"] == ([] if parent == there else told)


def test_outside_of_any_project_it_is_run_and_says_in_a_line_that_it_is_not_tracked(write: Callable[..., str]) -> None:
    write("a.ipynb", "1")
    write("b.ipynb", "1")
    ran = run("a.ipynb", "b.ipynb", "--summary", "s.md")
    assert ran.code == 0
    told = "not tracked, since there was no project when it began: a.ipynb, b.ipynb (jupyter mlops init makes one)"
    assert ran.data["notes"] == [told]
    assert Path("s.md").read_text().count("not tracked") == 1
    assert run("a.ipynb", "--no-track").data["notes"] == []


def test_a_server_that_is_down_does_not_keep_a_notebook_from_running_but_it_has_not_passed(
    write: Callable[..., str], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLOPS_TRACKING_URI", "http://127.0.0.1:9")
    write("a.ipynb", "print('ran')")
    ran = run("a.ipynb")
    assert ran.code == 7
    assert executed().cells[0].outputs[0].text == "ran\n"
    assert executed().metadata.mlops.verdict == "server unreachable"
    assert run("a.ipynb", "--no-track").code == 0


TOKEN = "ghp_" + "x7Kq9" * 7 + "1"
SECRET = ("token = ''", "parameters"), f"api_key = '{TOKEN}'\nprint(api_key, len(token))\n{{'t': token}}"


def test_secrets_do_not_go_along(write: Callable[..., str], project: Path, client: Any, tmp_path: Path) -> None:
    write("a.ipynb", *SECRET, "raise ValueError(token)")
    ran = run("a.ipynb", "-p", f"token={TOKEN}", "--html", "pages")
    (book,) = ran.data["notebooks"]
    for name in ("a.ipynb", "a.html"):
        stored = Path(client.download_artifacts(book["run"], name, str(tmp_path))).read_text()
        assert TOKEN not in stored
    assert TOKEN not in str(client.get_run(book["run"]).data.params)
    assert TOKEN not in str(client.get_run(book["run"]).data.tags)


def test_secrets_that_a_notebook_is_given_reach_it_and_nothing_that_is_written(write: Callable[..., str]) -> None:
    write("a.ipynb", *SECRET, "raise ValueError(f'no entry with {token}')", "token")
    options = ["--html", "pages", "--summary", "s.md", "--junit", "j.xml", "--code-quality", "q.json", "--show"]
    ran = run("a.ipynb", "-p", f"token={TOKEN}", *options)
    assert executed().cells[2].outputs[0].text == f"*** {len(TOKEN)}\n"  # the kernel had it
    assert executed().cells[1].source == "# Parameters\ntoken = '***'"
    assert "no entry with ***" in ran.data["notebooks"][0]["message"]
    written = ["executed/a.ipynb", "pages/a.html", "s.md", "j.xml", "q.json"]
    texts = {name: Path(name).read_text() for name in written} | {"stdout": json.dumps(ran.data), "stderr": ran.err}
    assert [name for name, text in texts.items() if TOKEN in text] == []


def test_nothing_in_a_page_runs(write: Callable[..., str]) -> None:
    cells = [
        "from IPython.display import HTML, Javascript, SVG\nHTML('<script>alert(1)</script><ScRiPt src=x></ScRiPt ><img src=x onerror=alert(2)>')",
        "Javascript('alert(3)')",
        "SVG('<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(4)</script></svg>')",
        "raise ValueError('<script>alert(5)</script>')",
    ]
    write("<script>alert(6)<.ipynb", *cells)
    run("<script>alert(6)<.ipynb", "--html", "pages")
    (path,) = Path("pages").glob("*.html")
    page = path.read_text()
    assert 'http-equiv="Content-Security-Policy"' in page
    assert "default-src 'none'; style-src" in page
    assert "<script" not in page.lower().replace("&lt;script", "")
    assert 'src="http' not in page


def test_nothing_in_a_page_leads_away(write: Callable[..., str]) -> None:
    leave = '<meta http-equiv="refresh" content="0; url=https://evil.example">'
    hidden = (
        f"<!--><MeTa http-equiv=refresh content=0>--><svg><style>{leave}</style></svg><iframe srcdoc=x><base href=x>"
    )
    write("a.ipynb", f"from IPython.display import HTML, Markdown\nHTML({leave + hidden!r})", f"Markdown({leave!r})")
    book = executed("a.ipynb")
    book.cells += [
        nbformat.v4.new_markdown_cell(f"**kept** {leave} `<meta>`"),
        nbformat.v4.new_raw_cell(leave, metadata={"raw_mimetype": "text/html"}),
        nbformat.v4.new_code_cell("import pandas\npandas.DataFrame({'n': [1]}).style.set_caption('styled')"),
    ]
    nbformat.write(book, "a.ipynb")
    assert run("a.ipynb", "--html", "pages").code == 0
    body = Path("pages/a.html").read_text().partition("<body")[2]
    assert re.findall(r"<(?:meta|base|iframe)", body, re.IGNORECASE) == []
    assert "<strong>kept</strong>" in body
    assert "<code>&lt;meta&gt;</code>" in body
    assert "<caption" in body
    assert "<style" in body


def test_a_failure_stands_at_the_line_of_its_cell(write: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    write("a.ipynb", ("n = 1", "parameters"), "x = 1\ny = 2", "raise ValueError('a%b\\nc')")
    lines = Path("a.ipynb").read_text().splitlines()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    ran = run("a.ipynb", "-p", "n=2", "--code-quality", "q.json")
    (issue,) = json.loads(Path("q.json").read_text())
    begin = issue["location"]["lines"]["begin"]
    assert "source" in lines[begin - 1]
    assert "raise ValueError" in lines[begin]
    assert issue["location"]["path"] == "a.ipynb"
    assert f"::error file=a.ipynb,line={begin},title=Cell 4%3A raise ValueError" in ran.err
    assert "a%25b c" in ran.err
    Path("flat.ipynb").write_text(json.dumps(json.loads(Path("a.ipynb").read_text())))
    assert line_of(Path("flat.ipynb"), 2) == 1


def test_data_can_not_begin_a_command_of_github() -> None:
    text = github([Annotation("a,b:c.ipynb", 1, "t\n::set-env::", "m\n::warning::x")])
    assert text == "::error file=a%2Cb%3Ac.ipynb,line=1,title=t%0A%3A%3Aset-env%3A%3A::m%0A::warning::x\n"


def test_a_summary_that_is_long_is_cut_and_closed_and_calls_nobody() -> None:
    from jupyter_mlops.headless import summary
    from jupyter_mlops.headless.outcome import CellRecord, Failure, Verdict
    from jupyter_mlops.headless.results import Batch, Executed

    failed = CellRecord(0, 1, "ask @team/all", "failed", failures=(Failure("Error", "for @somebody", "line\n" * 900),))
    book = Executed("a.ipynb", Verdict.CELL_FAILED, "for @somebody and churn@champion", (failed,), 1.0, 0.0)
    text = summary.write(Batch((book,) * 40, 1.0))
    assert 50_000 < len(text) < 65_000
    assert text.count("<details>") == text.count("</details>")
    assert text.count("\n````") % 2 == 0
    assert text.endswith("it was longer.\n")
    assert "@somebody" not in text.partition("<details>")[0]
    assert "@team" not in text
    assert "churn@champion" in text


def test_what_only_reports_is_no_gate_in_the_summary() -> None:
    from jupyter_mlops.headless import summary
    from jupyter_mlops.headless.observer import Told
    from jupyter_mlops.headless.outcome import Verdict
    from jupyter_mlops.headless.results import Batch, Executed

    told = Told("validate data", False, "2 findings"), Told("promote", True, "done")
    book = Executed("a.ipynb", Verdict.PASSED, "", (), 1.0, 0.0, told=told)
    text = summary.write(Batch((book,), 1.0))
    assert "❌" not in text
    assert "| report |" in text
    assert "| validate data | ⚠️ found something | 2 findings |" in text


def test_what_is_told_in_a_log_can_not_begin_a_command(write: Callable[..., str]) -> None:
    write("a.ipynb", "x = 1", kernel="no\n::error::such")
    assert "\n::error" not in run("a.ipynb").err


def test_a_failure_of_an_executed_notebook_stands_at_its_own_cell(write: Callable[..., str]) -> None:
    write("a.ipynb", ("n = 1", "parameters"), "x = 1", "assert n < 3")
    assert run("a.ipynb", "-p", "n=2").code == 0
    ran = run("executed/a.ipynb", "--output", "again", "-p", "n=3", "--check-order")
    assert ran.code == 1
    assert [cell["source_index"] for cell in ran.data["notebooks"][0]["cells"]] == [0, 0, 2, 3]
    assert any("cell 4 (assert n < 3) ran when it was saved" in note for note in ran.data["notebooks"][0]["notes"])


def test_show_writes_cells_and_what_they_show(write: Callable[..., str]) -> None:
    write("a.ipynb", "print('\\x1b[31mhello\\x1b[0m')\nprint('::warning::no')")
    err = run("a.ipynb", "--show").err
    assert "│ print(" in err
    assert "\n  hello\n" in err
    assert "\n::warning" not in err
    assert "\x1b" not in err
