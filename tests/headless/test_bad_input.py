"""What people really name, and machines really do: each has a line that says what is the matter."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_mlops.errors import Conflict
from jupyter_mlops.headless.place import alone

from ..waiting import until
from .conftest import book_of, executed, run

RULES_OFF = "-dac_override,-dac_read_search"
"""What root gives up, for the rules of permission to hold for it too."""


def call(*words: str, before: Sequence[str] = (), **options: Any) -> subprocess.CompletedProcess[str]:
    """Call the command line in a process of its own."""
    command = [*before, sys.executable, "-m", "jupyter_mlops.cli", "run", *words, "--json"]
    return subprocess.run(command, capture_output=True, text=True, timeout=180, check=False, **options)


@pytest.mark.parametrize(
    ("name", "content", "code", "said"),
    [
        ("none.ipynb", None, 3, "There is no notebook none.ipynb. Did you mean nine.ipynb?"),
        ("folder.ipynb", ..., 2, "can't be read: is a directory"),
        ("folder", ..., 2, "is a folder; notebooks are named"),
        ("a.py", "1", 2, "its name does not end with .ipynb"),
        ("a.ipynb", "", 2, "it is no JSON"),
        ("a.ipynb", "\x00\xff", 2, "it is no"),
        ("a.ipynb", "[]", 2, "does not say which format"),
        ("a.ipynb", "{}", 2, "does not say which format"),
        ("a.ipynb", '{"nbformat": 3, "worksheets": []}', 2, "is a notebook of format 3; format 4 is needed"),
        ("a.ipynb", '{"nbformat": 5}', 2, "is a notebook of format 5"),
        ("a.ipynb", '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": 3}', 2, "is a broken notebook"),
        ("a.ipynb", '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code"}]}', 2, "is a broken notebook"),
    ],
)  # fmt: skip
def test_what_is_no_notebook(write: Callable[..., str], name: str, content: str | None, code: int, said: str) -> None:
    write("nine.ipynb", "1")
    if content is ...:
        Path(name).mkdir()
    elif content is not None:
        Path(name).write_bytes(content.encode("latin-1"))
    ran = run("nine.ipynb", name)
    assert (ran.code, ran.data) == (code, None)
    assert said in ran.err
    assert len(ran.err.strip().splitlines()) <= 3
    assert not Path("executed").exists()  # nothing has run


def test_an_older_notebook_of_format_4_without_ids_and_one_without_any_code(write: Callable[..., str]) -> None:
    book = json.loads(nbformat.writes(book_of("print(1)")))
    for cell in book["cells"]:
        del cell["id"]
    write("b.ipynb", kernel=None)
    Path("a.ipynb").write_text(json.dumps(book | {"nbformat_minor": 2}))
    assert run("a.ipynb", "b.ipynb").code == 0


def test_a_kernel_that_is_not_there_is_named_with_those_that_are(write: Callable[..., str]) -> None:
    write("a.ipynb", "1", kernel="pyton3")
    ran = run("a.ipynb")
    assert ran.code == 3
    message = ran.data["notebooks"][0]["message"]
    assert "The kernel 'pyton3' is not installed. Did you mean python3? There are: " in message
    assert executed().metadata.mlops.verdict == "no such kernel"
    assert run("a.ipynb", "--kernel", "python3").code == 0


def test_a_kernel_that_never_starts_says_its_last_words(
    write: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    specs = tmp_path / "data" / "kernels"
    for name, code in (("dies", "raise SystemExit('no such library')"), ("hangs", "import time; time.sleep(600)")):
        (specs / name).mkdir(parents=True)
        spec = {"argv": [sys.executable, "-c", code, str(specs)], "display_name": name, "language": "python"}
        (specs / name / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "data"))
    write("a.ipynb", "1", kernel="dies")
    ran = run("a.ipynb", "--junit", "j.xml")
    assert ran.code == 10
    assert "did not start" in ran.data["notebooks"][0]["message"]
    assert "no such library" in ran.data["notebooks"][0]["message"]
    assert "did not start" in Path("j.xml").read_text()
    write("a.ipynb", "1", kernel="hangs")
    begin = time.monotonic()
    ran = run("a.ipynb", "--timeout", "3")
    assert (ran.code, ran.data["notebooks"][0]["verdict"]) == (12, "a limit was reached")
    assert "--timeout" in ran.data["notebooks"][0]["message"]
    assert time.monotonic() - begin < 120  # and not 600
    assert not _running(str(specs))


def test_widgets_and_what_else_has_no_text(write: Callable[..., str]) -> None:
    write(
        "a.ipynb", "from IPython.display import display\ndisplay({'application/vnd.jupyter.widget-view+json': {'model_id': 'x', 'version_major': 2}}, raw=True)",
        "display({'text/plain': 'a widget', 'application/vnd.jupyter.widget-view+json': {'model_id': 'x', 'version_major': 2}}, raw=True)",
    )  # fmt: skip
    assert run("a.ipynb", "--html", "pages").code == 0
    assert "a widget" in Path("pages/a.html").read_text()


def test_two_runs_do_not_write_the_same_notebook(write: Callable[..., str]) -> None:
    write("a.ipynb", "open('reached', 'w').close()\nimport time\ntime.sleep(600)")
    other = subprocess.Popen([sys.executable, "-m", "jupyter_mlops.cli", "run", "a.ipynb"], stderr=subprocess.DEVNULL)
    try:
        until(Path("reached").exists)
        ran = run("a.ipynb")
        assert ran.code == 4
        assert "Another run is just writing" in ran.err
        assert run("a.ipynb", "--output", "elsewhere", "--cell-timeout", "0.1").code == 12
    finally:
        other.terminate()
        other.wait(120)


def test_it_is_not_written_over_itself_nor_named_twice(write: Callable[..., str]) -> None:
    write("a.ipynb", "1")
    assert "would be overwritten by itself" in run("a.ipynb", "--output", ".").err
    assert "named twice" in run("a.ipynb", "./a.ipynb").err
    Path("here").symlink_to(".")
    for words in (["here/a.ipynb", "--output", "."], ["a.ipynb", "--output", "here"]):
        assert "would be overwritten by itself" in run(*words).err
    assert "named twice" in run("a.ipynb", "here/a.ipynb").err
    assert "--max-output must be" in run("a.ipynb", "--max-output", "0").err
    assert run().code == 2
    for wrong in (
        ["--jobs", "0"],
        ["--timeout", "0"],
        ["--memory", "-1"],
        ["--retries", "-1"],
        ["--cell-timeout", "nan"],
    ):
        assert run("a.ipynb", *wrong).code == 2, wrong


def test_a_place_that_takes_nothing_is_told_before_anything_runs(write: Callable[..., str]) -> None:
    write("a.ipynb", "open('ran', 'w').close()")
    Path("file").touch()
    for output in ("file/out", "/proc/nothing"):
        ran = run("a.ipynb", "--output", output)
        assert ran.code == 11, ran
        assert "can't be written" in ran.err
    Path("folder").mkdir()
    assert run("a.ipynb", "--junit", "folder").code == 2
    write("b.ipynb", "1")
    kept = Path("b.ipynb").read_text()
    assert "would be written over a notebook" in run("a.ipynb", "--summary", "b.ipynb").err
    assert "are to be written to one file" in run("a.ipynb", "--summary", "r", "--junit", "./r").err
    assert Path("b.ipynb").read_text() == kept
    assert not Path("ran").exists()


def test_two_who_have_other_temporary_files_do_not_write_the_same_notebook(tmp_path: Path) -> None:
    with alone(tmp_path / "a.ipynb"), pytest.raises(Conflict), alone(tmp_path / "a.ipynb"):
        pass
    assert list(tmp_path.iterdir()) == []  # and nothing is left of it


def test_what_is_written_now_and_then_goes_nowhere_else(
    write: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlops.headless import batch

    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setattr(batch, "_WRITE_EVERY", 0.0)
    write("a.ipynb", "import shutil\nshutil.rmtree('executed')\nopen('executed', 'w').close()", "2", "3")
    assert run("a.ipynb").code == 11
    assert len(list((tmp_path / "tmp").glob("mlops-executed-*"))) == 1


def test_a_place_that_is_gone_at_the_end_loses_nothing(write: Callable[..., str]) -> None:
    write("a.ipynb", "import shutil\nshutil.rmtree('executed')\nopen('executed', 'w').close()\nprint('kept')")
    ran = run("a.ipynb")
    assert ran.code == 11
    (book,) = ran.data["notebooks"]
    assert book["executed"] in book["notes"][0]
    assert executed(book["executed"]).cells[0].outputs[0].text == "kept\n"
    shutil.rmtree(Path(book["executed"]).parent)


@pytest.mark.skipif(os.getuid() != 0, reason="it mounts a small disk, which takes root")
def test_a_disk_that_is_full_at_the_end(write: Callable[..., str], tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "none", disk], check=False, capture_output=True
    ).returncode:
        pytest.skip("no small disk can be mounted here: it takes a machine that lets root mount one")
    try:
        write(
            "a.ipynb",
            f"file = open({str(disk / 'big')!r}, 'wb', buffering=0)\ntry:\n    while file.write(bytes(100_000)): pass\nexcept OSError: pass\nprint('x' * 200_000)",
        )
        ran = run("a.ipynb", "--output", str(disk / "out"))
        assert ran.code == 11
        assert executed(ran.data["notebooks"][0]["executed"]).cells[0].outputs
    finally:
        subprocess.run(["umount", disk], check=False)


def test_a_limit_on_the_size_of_files_is_told_as_a_full_disk_is(write: Callable[..., str], tmp_path: Path) -> None:
    write("a.ipynb", "print('x' * 3_000_000)")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))

    done = call("a.ipynb", "--html", "pages", "--junit", "j.xml", preexec_fn=limit)
    assert done.returncode == 11, done.stderr
    (book,) = json.loads(done.stdout)["notebooks"]
    assert (book["verdict"], book["executed"]) == ("not written", "")
    assert "executed/a.ipynb can't be written: file too large" in " ".join(book["notes"])
    assert "not written" in Path("j.xml").read_text()
    assert "Traceback" not in done.stderr
    assert [path.name for path in Path("executed").iterdir()] == []


def test_without_permission_it_says_so_and_runs_nothing(write: Callable[..., str]) -> None:
    without = [] if os.getuid() else ["setpriv", f"--bounding-set={RULES_OFF}", f"--inh-caps={RULES_OFF}"]
    if without and (shutil.which("setpriv") is None or subprocess.run([*without, "true"], check=False).returncode):
        pytest.skip("root may write everywhere, and this takes setpriv to give that up: run it as another user")
    write("a.ipynb", "open('ran', 'w').close()")
    write("closed.ipynb", "1")
    Path("closed.ipynb").chmod(0)
    Path("folder").mkdir(mode=0o500)
    Path("report").touch(mode=0o400)
    for words, code, said in (
        (["closed.ipynb"], 2, "closed.ipynb can't be read: permission denied"),
        (["a.ipynb", "--output", "folder/out"], 11, "folder/out/a.ipynb can't be written: permission denied"),
        (["a.ipynb", "--output", "folder"], 11, "can't be written: permission denied"),
    ):
        done = call(*words, before=without)
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
        assert said in done.stderr
    assert not Path("ran").exists()
    done = call("a.ipynb", "--junit", "folder/j.xml", "--html", "folder/pages", before=without)
    assert done.returncode == 11, done.stderr
    assert done.stderr.count("can't be written: permission denied") == 2
    assert executed().metadata.mlops.verdict == "passed"


def test_what_is_missing_is_the_line_that_installs_it(
    write: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "nbclient" else found(name, *rest)
    )
    write("a.ipynb", "1")
    ran = run("a.ipynb")
    assert ran.code == 8
    assert "pip install 'jupyter-mlops[headless]'" in ran.err


def _running(words: str) -> bool:
    import psutil

    return any(words in " ".join(each.info["cmdline"] or []) for each in psutil.process_iter(["cmdline"]))
