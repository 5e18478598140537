"""The project's own MLflow server: one for all kernels, found again, lean, and never in the way."""

from __future__ import annotations

import contextlib
import http.server
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import psutil
import pytest
import requests

import jupyter_mlops as mlops
from jupyter_mlops.backend import probe
from jupyter_mlops.errors import BackendUnreachable, InvalidUsage, NotWritable, ProcessFailed, need_space
from jupyter_mlops.workspace import Workspace

from ..waiting import until


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder; whatever is started in it is stopped, and nothing of it is left."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    with contextlib.suppress(Exception):
        mlops.stop(all=True)
    assert processes_in(tmp_path) == []


def processes_in(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if str(folder / ".mlops") in " ".join(process.info["cmdline"] or []):
            found.append(process)  # noqa: PERF401 - the attribute is read in a race with its end
    return found


def python(script: str, folder: Path) -> subprocess.Popen[str]:
    """Another kernel, as far as the server is concerned."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_four_kernels_starting_together_share_one_server(empty: Path) -> None:
    (empty / "mlops.toml").touch()
    script = "import jupyter_mlops as m; s = m.init(); from jupyter_mlops.workspace import Workspace as W; print(W.here().state.get('server', 'mlflow').pid, s.url)"
    kernels = [python(script, empty) for _ in range(4)]
    answers = [kernel.communicate(timeout=180) for kernel in kernels]
    assert [kernel.returncode for kernel in kernels] == [0] * 4, answers
    assert len({out for out, _ in answers}) == 1
    servers = [process for process in processes_in(empty) if "server" in process.cmdline()]
    assert len(servers) == 1


def test_it_is_lean_on_wal_and_on_loopback_only(empty: Path) -> None:
    status = mlops.init()
    server = Workspace.here().state.get("server", "mlflow")
    assert server is not None
    assert len([psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]) <= 2
    with contextlib.closing(sqlite3.connect(empty / ".mlops" / "mlflow.db")) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    for process in psutil.Process(server.pid).children(recursive=True):
        for connection in process.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN:
                assert connection.laddr.ip == "127.0.0.1"
    for host in ("10.evil.com", "evil.com"):
        assert (
            requests.get(
                f"{status.url}/api/2.0/mlflow/experiments/search", headers={"Host": host}, timeout=30
            ).status_code
            == 403
        )


def test_the_next_kernel_finds_it_again_and_the_port_stays(empty: Path) -> None:
    first = mlops.init()
    again = mlops.init()
    assert "reusing the project's own" in again.server
    assert again.url == first.url
    mlops.stop()
    assert processes_in(empty) == []
    assert mlops.runs().rows == ()  # a command that needs it starts it again …
    assert mlops.status().url == first.url  # … where it was, so that links stay good


def test_a_killed_server_is_started_again_and_leaves_no_zombie(empty: Path) -> None:
    mlops.init()
    server = Workspace.here().state.get("server", "mlflow")
    assert server is not None
    family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    for process in family:
        process.kill()
    psutil.wait_procs(family, timeout=60)
    assert mlops.runs().rows == ()
    until(lambda: not [p for p in psutil.Process().children() if p.status() == psutil.STATUS_ZOMBIE])


def test_one_that_hangs_is_told_within_5_seconds(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlops.init()
    server = Workspace.here().state.get("server", "mlflow")
    assert server is not None
    family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    for process in family:
        process.suspend()
    time.sleep(2.1)  # so that it is asked again whether it is there
    asked: list[str] = []
    ask = probe.is_healthy
    monkeypatch.setattr(probe, "is_healthy", lambda uri: asked.append(uri) or ask(uri))
    begin = time.monotonic()
    with pytest.raises(BackendUnreachable, match="runs but does not answer"):
        mlops.runs()
    assert len(asked) * max(probe.TIMEOUT) < 5  # each waits in vain
    assert time.monotonic() - begin < 30  # and nothing else does
    assert mlops.stop(all=True).names == ("server mlflow",)


def test_one_that_hangs_in_a_cells_body_does_not_hold_the_cell(empty: Path) -> None:
    import mlflow
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    mlops.init()
    server = Workspace.here().state.get("server", "mlflow")
    assert server is not None
    family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    X, y = load_iris(return_X_y=True)

    def train() -> None:
        with mlops.run("hangs"):
            for process in family:
                process.suspend()
            LogisticRegression(max_iter=500).fit(X, y)
            for step in range(40):
                with contextlib.suppress(mlflow.MlflowException):
                    mlflow.log_metric("loss", 1 / (step + 1), step=step)
            ended.append("the body")

    ended: list[str] = []
    try:
        begin = time.monotonic()
        with pytest.raises(BackendUnreachable, match="does not answer"):
            train()
        assert time.monotonic() - begin < 15  # 4 s for the one call that waits, and 2 s for the end; not 40 times 4 s
        assert ended == ["the body"]  # the user's own code went through
    finally:
        for process in family:
            process.resume()
    with mlops.run("after"):
        pass
    assert [row.status for row in mlops.runs().rows] == ["FINISHED", "FAILED"]


def test_one_that_fails_to_start_shows_its_last_lines(empty: Path) -> None:
    mlops.init()
    mlops.stop()
    (empty / ".mlops" / "mlflow.db").write_bytes(b"this is no database" * 100)
    for suffix in ("-wal", "-shm"):
        (empty / ".mlops" / f"mlflow.db{suffix}").unlink(missing_ok=True)
    with pytest.raises(ProcessFailed, match="not a database"):
        mlops.runs()


def test_one_that_dies_while_it_starts_shows_its_last_lines(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_mlops.backend import server

    command = server._command

    def misspelt(folder: Path, port: int) -> list[str]:
        return [*command(folder, port), "--no-such-option"]

    monkeypatch.setattr(server, "_command", misspelt)
    with pytest.raises(ProcessFailed, match=r"(?s)ended while it started.*no-such-option"):
        mlops.init()
    assert processes_in(empty) == []


def test_an_interrupt_while_it_starts_leaves_nothing(empty: Path) -> None:
    script = """
        import _thread, psutil, threading, time
        from pathlib import Path
        import jupyter_mlops as mlops
        from jupyter_mlops.backend.state import State
        def interrupt():
            while not (found := State(Path(".mlops")).get("server", "mlflow")):
                time.sleep(0.01)
            psutil.Process(found.pid).suspend()  # it will never be there: who waits for it waits for 90 s
            global begin
            begin = time.monotonic()
            _thread.interrupt_main()
        threading.Thread(target=interrupt, daemon=True).start()
        try:
            mlops.init()
        except KeyboardInterrupt:
            print(time.monotonic() - begin)
    """
    out, err = python(script, empty).communicate(timeout=120)
    assert float(out) < 30, err
    assert processes_in(empty) == []
    assert mlops.init().ok


def test_the_servers_process_is_not_the_kernels_to_interrupt(empty: Path) -> None:
    kernel = python("import jupyter_mlops as m, time; print(m.init().url, flush=True); time.sleep(60)", empty)
    assert kernel.stdout is not None
    url = kernel.stdout.readline().strip()
    kernel.send_signal(signal.SIGINT)
    kernel.communicate(timeout=60)
    assert requests.get(f"{url}/health", timeout=30).text == "OK"


class _Answer(http.server.BaseHTTPRequestHandler):
    """A server of another kind."""

    status, text, wait = 200, "hello", 0.0
    released: ClassVar = threading.Event()
    headers_sent: ClassVar[dict[str, str]] = {}

    def do_GET(self) -> None:
        self.released.wait(self.wait)
        with contextlib.suppress(BrokenPipeError):
            self.send_response(self.status)
            for header, value in self.headers_sent.items():
                self.send_header(header, value)
            self.end_headers()
            self.wfile.write(self.text.encode())

    def log_message(self, *_: object) -> None: ...


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"text": "hello"}, "is not MLflow"),
        ({"status": 500}, r"answers with an error \(500\)"),
        ({"status": 404}, "is not MLflow"),
        ({"status": 401}, r"refuses us \(401\)"),
        ({"wait": 120.0}, "does not answer: it hangs"),
        ({"status": 302, "headers_sent": {"Location": "/login"}}, "sends us on to /login"),
    ],
)
def test_what_is_no_working_mlflow_is_told_in_one_line(empty: Path, answer: dict[str, object], says: str) -> None:
    handler = type("Handler", (_Answer,), answer | {"released": threading.Event()})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        (empty / "mlops.toml").write_text(f'tracking_uri = "http://127.0.0.1:{other.server_port}"\n')
        begin = time.monotonic()
        with pytest.raises(BackendUnreachable, match=says) as caught:
            mlops.runs()
        assert time.monotonic() - begin < 30  # and not 120
        assert len(str(caught.value).splitlines()) <= 2
        handler.released.set()
        other.shutdown()


def test_an_outside_server_is_used_and_none_is_started(
    empty: Path, tracking_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_uri)
    assert mlops.init(experiment="outside").url == tracking_uri
    assert processes_in(empty) == []


def test_a_disk_with_too_little_room_is_told(empty: Path) -> None:
    with pytest.raises(NotWritable, match="is full"):
        need_space(empty, least=1e18)  # more than any disk has
    need_space(empty, least=1)


def test_a_full_disk_is_told_before_anything_is_begun(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = empty / "tiny"
    tiny.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", tiny], check=False).returncode
    ):
        pytest.skip("no small disk can be mounted here: it takes root, and a machine that lets it mount")
    try:
        monkeypatch.chdir(tiny)
        with pytest.raises(NotWritable, match="is full"):
            mlops.init(experiment="x")
        assert list(tiny.iterdir()) == []
    finally:
        monkeypatch.chdir(empty)
        subprocess.run(["umount", tiny], check=True)


@pytest.mark.parametrize("folder", ["what?", "100%25 data"])
def test_a_path_that_mlflow_misreads_is_refused(empty: Path, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (empty / folder).mkdir()
    monkeypatch.chdir(empty / folder)
    with pytest.raises(InvalidUsage, match="misreads"):
        mlops.init()
    assert [path.name for path in empty.rglob("*")] == [folder]
    monkeypatch.chdir(empty)


def test_a_file_in_the_place_of_the_folder_is_told(empty: Path) -> None:
    (empty / ".mlops").write_text("not a folder")
    with pytest.raises(NotWritable, match="can't be written"):
        mlops.init()
    (empty / ".mlops").unlink()


def test_a_port_that_somebody_takes_in_the_meantime_does_not_matter(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlops.backend import server

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports = iter([taken.getsockname()[1], server.free_port()])
        monkeypatch.setattr(server, "_port", lambda last: next(ports))
        assert mlops.init().ok
