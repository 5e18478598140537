"""Panels: live in a kernel that somebody watches, a picture everywhere else, and gone when they are closed."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

import jupyter_mlops as mlops
from jupyter_mlops.errors import InvalidUsage, NotFound

from ..waiting import PATIENCE

KINDS = ["runs", "models", "validation", "endpoints"]
LOAD = "%load_ext jupyter_mlops"
FORMS = {"text/plain", "text/html"}


class Kernel:
    """A kernel that a front end asks, and what it has shown."""

    def __init__(self, manager: KernelManager, client: Any) -> None:
        self.manager = manager
        self._client = client
        self.shown: list[tuple[float, str, dict[str, Any]]] = []
        self.errors: list[str] = []
        self.comms: list[str] = []

    def run(self, code: str, *, allow_stdin: bool = True) -> float:
        begin = time.monotonic()
        asked = self._client.execute(code, allow_stdin=allow_stdin)
        while True:
            message = self._client.get_iopub_msg(timeout=120)
            self._note(message)
            is_mine = message["parent_header"].get("msg_id") == asked
            if is_mine and message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                self._client.get_shell_msg(timeout=120)
                return time.monotonic() - begin

    def until(self, text: str, seconds: float = PATIENCE) -> dict[str, Any]:
        """Wait until an update shows something."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            for _, kind, data in self.shown:
                if kind == "update_display_data" and re.search(text, data["text/plain"]):
                    return data
            try:
                self._note(self._client.get_iopub_msg(timeout=0.2))
            except Empty:  # nothing yet
                continue
        raise AssertionError(f"{text!r} was not shown; last was {self.shown[-1:]}")

    def rest(self) -> None:
        """Close all panels, and wait for what they still tell."""
        self.run("%mlops panel --close")
        with suppress(Empty):
            while True:
                self._client.get_iopub_msg(timeout=0.3)
        self.shown.clear()
        self.errors.clear()

    def _note(self, message: Any) -> None:
        if message["msg_type"] in ("display_data", "update_display_data", "execute_result"):
            self.shown.append((time.time(), message["msg_type"], message["content"]["data"]))
        if message["msg_type"].startswith("comm"):  # what a widget would speak by
            self.comms.append(message["msg_type"])
        if message["msg_type"] == "error":
            self.errors.append(message["content"]["evalue"])


@pytest.fixture(scope="module")
def kernel(_clean_environment: None) -> Iterator[Kernel]:
    """One kernel for all tests: what it imports takes seconds."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=120)
        front = Kernel(manager, client)
        front.run(LOAD)
        yield front
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


@pytest.fixture
def front(kernel: Kernel, project: Path) -> Iterator[Kernel]:
    """The kernel in the project of the test, with nothing shown and no panel open, as if it were a new one."""
    kernel.run(f"import os, time\nos.chdir({str(project)!r})")
    yield kernel
    kernel.rest()


def test_a_panel_follows_what_happens_while_cells_run_and_stops_when_it_is_closed(front: Kernel, trained: Any) -> None:
    trained("first", accuracy=0.9)
    front.run("p = %mlops panel runs --every 1")
    assert front.shown == [], "what has a name is not shown"
    front.run("p")
    [(_, kind, data)] = front.shown
    assert kind == "display_data"
    assert set(data) > FORMS
    assert set(data) - FORMS == {"application/vnd.jupyter-mlops.table.v1+json"}, (
        "HTML is there for VS Code, no widget is"
    )
    assert not re.search(r"<script|<link|\bsrc=|\bon\w+=", data["text/html"]), "nothing is loaded, and nothing runs"
    own = data["application/vnd.jupyter-mlops.table.v1+json"]
    assert own["result"] == "Panel"
    assert len(own["subject"]["display"]) == 32, "found again where the page was loaded anew"
    trained("second", accuracy=0.95)
    front.until("second")
    assert min(front.run("sum(range(10))") for _ in range(5)) < 2, "cells run as ever"
    front.run("p.is_live")
    assert front.shown[-1][2]["text/plain"] == "True"
    front.run("p.close()")
    assert front.until("closed; as of")
    front.run(f"import threading\nends = time.monotonic() + {PATIENCE}\n"
              "while (left := [t.name for t in threading.enumerate() if 'mlops-panel' in t.name]) and time.monotonic() < ends:\n"
              "    time.sleep(0.1)  # in the middle of a look it ends after it\nleft")  # fmt: skip
    assert front.shown[-1][2]["text/plain"] == "[]"
    count = len(front.shown)
    trained("third", accuracy=0.96)
    front.run("time.sleep(2.5)")
    assert len(front.shown) == count
    front.run("%mlops panel runs --every 1")
    front.run("%mlops panel runs --every 1")
    assert front.until("another panel has taken over")
    front.run("%mlops panel --close")
    assert "Closed: runs" in front.shown[-1][2]["text/plain"]
    front.run("%mlops panel validation")
    assert re.search(r"No report yet.*live,\s+every 3 s", front.shown[-1][2]["text/plain"], re.DOTALL)
    assert (front.errors, front.comms) == ([], [])


def test_a_server_that_goes_away_is_told_below_the_last_picture(front: Kernel, project: Path, trained: Any) -> None:
    trained("first", accuracy=0.9)
    front.run("%mlops panel runs --every 1")
    (project / "mlops.toml").write_text('tracking_uri = "http://127.0.0.1:9"\n')
    data = front.until("not seen anew")
    assert "first" in data["text/html"]


def test_in_ci_it_is_a_picture_whoever_runs_it(front: Kernel, trained: Any) -> None:
    trained("first", accuracy=0.9)
    front.run("os.environ['CI'] = 'true'")
    front.run("%mlops panel runs\n")
    front.run("del os.environ['CI']")
    assert [kind for _, kind, _ in front.shown] == ["execute_result"]


def test_by_nbclient_which_says_that_nobody_is_there_it_is_a_picture_and_ends(front: Kernel, trained: Any) -> None:
    trained("first", accuracy=0.9)
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(f"%mlops panel {kind}") for kind in KINDS])
    client = NotebookClient(book, km=front.manager, timeout=120)
    client.execute()
    client.kc.stop_channels()  # the kernel is not its own, and so it leaves that to us
    for cell in book.cells:
        [output] = cell.outputs
        assert set(output.data) > FORMS
        assert "widget" not in json.dumps(output).lower()


def test_each_panel_says_what_to_do_where_there_is_nothing(project: Path) -> None:
    for kind, says in {"runs": "No run yet", "validation": "No report yet", "endpoints": "No endpoint yet"}.items():
        assert says in str(mlops.panel(kind))
    with pytest.raises(NotFound, match="no endpoint to monitor"):
        mlops.panel("monitoring")
    with pytest.raises(InvalidUsage, match="--every is from 1"):
        mlops.panel("runs", every=0.01)


def test_names_are_only_text(project: Path) -> None:
    with mlops.run("<script>alert(1)</script>" + "x" * 200, autolog=False):
        mlops.log({"nan": float("nan"), "loss": 0.5})
    shown = mlops.panel("runs")
    assert "<script>" not in shown._repr_mimebundle_()["text/html"]


@pytest.mark.long
def test_new_predictions_show_within_five_seconds(front: Kernel, name: str) -> None:
    """A real endpoint, and the log that it writes; the panel by the code that ``monitor`` uses."""
    import numpy as np
    import pandas as pd
    from sklearn.tree import DecisionTreeClassifier

    chance = np.random.default_rng(0)
    frame = pd.DataFrame({"age": chance.normal(41, 10, 1000), "pressure": chance.normal(120, 15, 1000)})
    labels = (frame["age"] > 41).astype(int)
    mlops.register(name, model=DecisionTreeClassifier(max_depth=3, random_state=0).fit(frame, labels), data=frame)
    mlops.deploy(f"{name}/1", name="people")
    try:
        mlops.predict("people", data=frame.head(50))
        time.sleep(1)
        front.run("%mlops panel monitoring --endpoint people --every 1")
        assert front.errors == []
        assert ": 50 rows" in front.shown[0][2]["text/plain"]
        time.sleep(3)  # it has looked once, and imported all it needs
        begin = time.time()
        mlops.predict("people", data=frame.head(25))
        front.until(": 75 rows", 20)
        came = next(at for at, _, data in front.shown if ": 75 rows" in data["text/plain"])
        assert came - begin < 5
        assert front.errors == []
    finally:
        mlops.stop(all=True)
