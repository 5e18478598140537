"""What goes wrong around a notebook costs neither it, nor the others, nor the reports."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from .conftest import executed, run


def test_an_error_that_nobody_has_thought_of_costs_one_notebook_and_no_report(
    write: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlops.headless import saved

    def broken(*_: Any) -> None:
        raise RuntimeError("no such thought")

    monkeypatch.setattr(saved, "hidden", broken)
    write("a.ipynb", "print('kept')")
    write("b.ipynb", "1 / 0")
    ran = run("a.ipynb", "b.ipynb", "--check-order", "--junit", "j.xml", "--summary", "s.md", "--html", "pages")
    assert ran.code == 1
    first, second = ran.data["notebooks"]
    assert (first["verdict"], second["verdict"]) == ("internal error", "a cell failed")
    assert "RuntimeError: no such thought" in first["message"]
    assert any("no such thought" in note for note in second["notes"])
    assert executed().cells[0].outputs[0].text == "kept\n"
    assert executed().metadata.mlops.verdict == "internal error"
    assert {path.name for path in Path("pages").iterdir()} == {"a.html", "b.html"}
    assert "no such thought" in Path("s.md").read_text()
    assert ElementTree.parse("j.xml").find(".//error") is not None


def test_no_room_for_temporary_files_and_a_broken_kernel_spec_are_told(
    write: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = tmp_path / "data" / "kernels" / "half" / "kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text('{"argv": [')
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "data"))
    write("a.ipynb", "1", kernel="half")
    write("b.ipynb", "print('ran')")
    ran = run("a.ipynb", "b.ipynb", "--junit", "j.xml")
    assert [book["verdict"] == "passed" for book in ran.data["notebooks"]] == [False, True]
    assert Path("executed/a.ipynb").exists()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    ran = run("b.ipynb", "--junit", "j.xml")
    assert (ran.code, ran.data["notebooks"][0]["verdict"]) == (11, "not written")
    assert executed("executed/b.ipynb").metadata.mlops.verdict == "not written"
    assert "can't be written" in Path("j.xml").read_text()


def test_half_a_character_and_a_log_that_nobody_reads(
    write: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("a.ipynb", "print('half')  # \\N")
    text = Path("a.ipynb").read_text()
    Path("a.ipynb").write_text(text.replace("\\\\N", "\\ud83d"))
    monkeypatch.setattr("jupyter_mlops.headless.progress.print", _closed, raising=False)
    ran = run("a.ipynb", "--summary", "s.md", "--junit", "j.xml", "--html", "pages")
    assert ran.code == 0, ran
    assert executed().cells[0].outputs[0].text == "half\n"


def _closed(*_: Any, **__: Any) -> None:
    raise BrokenPipeError(32, "Broken pipe")


def test_a_report_that_can_not_be_written_is_told_and_replaces_no_other_reason(write: Callable[..., str]) -> None:
    Path("file").touch()
    write("a.ipynb", "1")
    ran = run("a.ipynb", "--junit", "file/j.xml", "--summary", "s.md")
    assert (ran.code, ran.data["ok"]) == (11, False)
    assert "can't be written" in ran.data["unwritten"][0]
    assert "can't be written" in ran.err
    assert "can't be written" in Path("s.md").read_text()
    assert run("a.ipynb", "--html", "file/pages").code == 11
    write("b.ipynb", "from jupyter_mlops.errors import *\nraise ValidationFailed('no')")
    ran = run("a.ipynb", "b.ipynb", "--junit", "file/j.xml")
    assert ran.code == 5
    assert len(ran.data["notebooks"]) == 2


def test_a_run_that_was_only_begun_is_ended_with_its_kernel_though_a_cell_failed(write: Callable[..., str]) -> None:
    write("a.ipynb", "import atexit\natexit.register(lambda: open('ended', 'w').close())", "1 / 0")
    assert run("a.ipynb").code == 1
    assert Path("ended").exists()


def test_processes_that_a_notebook_has_left_are_ended_and_hold_nobody(write: Callable[..., str]) -> None:
    """ipykernel waits 29 s for one that has ended and that nobody has waited for."""
    write(
        "a.ipynb", "import atexit, subprocess\np = subprocess.Popen(['sleep', '600'])\nsubprocess.Popen(['true'])",
        "atexit.register(lambda: open('ended', 'w').write(str(p.wait())))",
    )  # fmt: skip
    begin = time.monotonic()
    ran = run("a.ipynb")
    assert ran.code == 0, ran
    assert time.monotonic() - begin < 25  # and neither 29 nor 600
    assert Path("ended").exists()


def test_a_kernel_that_does_not_end_has_not_passed(write: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_mlops.headless import kernel

    monkeypatch.setattr(kernel, "LEAVE_SECONDS", 1.0)
    write("a.ipynb", "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()")
    ran = run("a.ipynb")
    assert ran.code == 10
    assert "did not end by itself" in ran.data["notebooks"][0]["message"]


def test_a_run_is_ended_on_the_server_though_its_files_do_not_get_there(
    write: Callable[..., str], project: Path, tracking_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    from jupyter_mlops.errors import NotWritable
    from jupyter_mlops.headless import tracked

    def full(*_: Any) -> None:
        raise NotWritable("The disk is full.")

    monkeypatch.setattr(tracked, "_store", full)
    write("a.ipynb", "1")
    ran = run("a.ipynb", "--html", "pages")
    (book,) = ran.data["notebooks"]
    assert (ran.code, book["verdict"]) == (11, "not written")
    assert "The disk is full" in book["message"]
    assert mlflow.MlflowClient(tracking_uri).get_run(book["run"]).info.status == "FAILED"
    assert "not written" in Path("pages/a.html").read_text()  # and not "passed"


def test_a_cell_that_clears_the_environment_does_not_break_a_gate(
    write: Callable[..., str], project: Path, name: str
) -> None:
    fit = "%%mlops run good --no-autolog\nfrom sklearn.tree import DecisionTreeClassifier\nDecisionTreeClassifier().fit([[0], [1]], [0, 1])\n%mlops log accuracy=0.95"
    write(
        "a.ipynb", "%load_ext jupyter_mlops", fit,
        "import os\nkept = dict(os.environ)\nos.environ.clear()\nos.environ['HOME'] = kept['HOME']\nos.environ['PATH'] = kept['PATH']",
        f"%mlops register {name} --run good",
    )  # fmt: skip
    ran = run("a.ipynb", "--no-track")
    assert ran.code == 0, ran
    assert [told["command"] for told in ran.data["notebooks"][0]["told"]] == ["register"]
