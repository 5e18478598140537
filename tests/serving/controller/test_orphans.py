"""An endpoint whose processes are gone is said to have stopped, nothing of it stays, and it can be started again."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import jupyter_mlops as mlops
from jupyter_mlops.serving.files import files_of
from jupyter_mlops.workspace import Workspace

from ...conftest import Face
from ...waiting import is_gone, until
from .test_following import add, ask, front_of, models_of, point


@pytest.fixture(autouse=True)
def _stopped(project: Path) -> Iterator[None]:
    yield
    mlops.stop(all=True)


def test_what_outlives_its_controller_is_found_and_ended_and_the_endpoint_serves_again(name: str) -> None:
    first, second = add(name, 1.0), add(name, 2.0)
    point(name, first)
    before = mlops.deploy(name)
    point(name, second)
    until(lambda: ask(before.url) == ("2", 2.0))
    until(lambda: [event.action for event in mlops.audit(name).events].count("deploy") == 2)
    family = psutil.Process(before.pid).children(recursive=True)
    *others, serving = models_of(before.pid)
    hung = [front_of(before.pid), serving]
    for process in hung:
        os.kill(process.pid, signal.SIGSTOP)  # neither can notice that its controller has gone
    psutil.Process(before.pid).kill()
    until(lambda: mlops.endpoints().rows[0].orphans == 3)  # with the template: it ends when all have that it forked
    listed = mlops.endpoints()
    assert listed.rows[0].state == "stopped"
    assert not listed.ok
    assert "3 processes; %mlops endpoints --restart ends them" in " ".join(str(listed.rows[0]).split())
    until(lambda: all(map(is_gone, others)))  # the version before, which was warm, has ended by itself
    (planned,) = mlops.endpoints(restart=True, dry_run=True).rows
    assert (planned.state, hung[0].is_running()) == ("planned", True)

    (row,) = mlops.endpoints(restart=True).rows
    assert (row.state, row.url, row.version, row.follows) == ("serving", before.url, second, "champion")
    assert row.pid != before.pid
    until(lambda: all(map(is_gone, family)))
    assert ask(before.url) == ("2", 2.0)
    assert mlops.audit(name, verify=True).events[-1].evidence == f"endpoint {name}, started again on port {row.port}"
    point(name, first)
    until(lambda: ask(before.url) == ("1", 1.0))  # and it follows
    assert mlops.endpoints(restart=True).rows[0].pid == row.pid  # what serves is left alone


def test_after_the_machine_was_started_anew_nobody_elses_process_is_taken_for_ours(face: Face, name: str) -> None:
    point(name, add(name, 1.0))
    endpoint = mlops.deploy(name)
    state = Workspace.here().state
    process = state.get("endpoint", name)
    assert process is not None
    controller = psutil.Process(endpoint.pid)
    controller.kill()
    until(lambda: is_gone(controller))
    # The number is somebody else's now: a process that also leads a session, and has a child.
    script = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input() # jupyter_mlops'])"
    other = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, start_new_session=True)
    try:
        until(lambda: psutil.Process(other.pid).children())
        (child,) = psutil.Process(other.pid).children()
        for created in (process.created, psutil.boot_time() - 3600):
            state.put(dataclasses.replace(process, pid=other.pid, created=created))
            assert face("endpoints").data["rows"][0]["state"] == "stopped"
            assert face("endpoints").data["rows"][0]["orphans"] == 0
        (row,) = face("endpoints --restart").data["rows"]
        assert (row["state"], row["port"]) == ("serving", endpoint.port)
        assert ask(endpoint.url) == ("1", 1.0)
        assert child.is_running()
        assert other.poll() is None
    finally:
        other.communicate(b"\n")


def test_one_that_does_not_come_up_says_why_and_holds_up_no_other(name: str) -> None:
    point(name, add(name, 1.0))
    endpoint = mlops.deploy(name)
    other = mlops.deploy(name, name=f"{name}-too")
    for each in (endpoint, other):
        psutil.Process(each.pid).kill()
    until(lambda: {row.state for row in mlops.endpoints().rows} == {"stopped"})
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        until(lambda: _bound(taken, endpoint.port))
        taken.listen()
        first, second = mlops.endpoints(restart=True).rows
    assert first.state == "stopped"
    assert f"Can't listen on 127.0.0.1:{endpoint.port}" in first.refused
    assert (second.state, second.url) == ("serving", other.url)
    assert mlops.endpoints(restart=True).ok


def _bound(taken: socket.socket, port: int) -> bool:
    try:
        taken.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True


def test_an_endpoint_whose_files_were_removed_ends_and_what_begins_in_their_place_is_left_alone(name: str) -> None:
    point(name, add(name, 1.0))
    before = mlops.deploy(name)
    family = [psutil.Process(before.pid), *psutil.Process(before.pid).children(recursive=True)]
    files = files_of(Workspace.here().state.folder, name)
    shutil.rmtree(files.folder)
    until(lambda: all(map(is_gone, family)))
    after = mlops.deploy(name)
    assert after.pid != before.pid
    assert ask(after.url) == ("1", 1.0)
