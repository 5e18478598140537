"""A server that goes away in the middle of a promotion or of a gate: nothing is half done, and nothing is misread."""

from __future__ import annotations

import re
import socket
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import jupyter_mlops as mlops
from jupyter_mlops.errors import BackendUnreachable, Inconclusive, MlopsError

from ..conftest import Face, Outcome
from ..conftest import _through_python as through_python
from .test_trial import registered, strong, test, weak

__all__ = ["test"]

MOVES = b"POST /api/2.0/mlflow/registered-models/alias"


class Wire:
    """What lies between us and the server, and is cut at a word of a request: before it gets there, or after.

    To us it is a server that was killed right then, without seconds to start it again.
    """

    def __init__(self, uri: str) -> None:
        self._word: bytes | None = None
        self._after = self.is_cut = False
        there = urlsplit(uri)
        wire = self

        class Carry(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with socket.create_connection((there.hostname or "", there.port or 0)) as server:
                    for end in (
                        server,
                        self.request,
                    ):  # what goes in two parts must not wait for a receipt of the first
                        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    back = threading.Thread(target=wire.back, args=(server, self.request), daemon=True)
                    back.start()
                    while not wire.is_cut and (said := self.request.recv(1 << 20)):
                        hit = wire._word is not None and wire._word in said
                        if hit and wire._after:
                            said += self.rest_of(said)
                        wire.is_cut = wire.is_cut or hit
                        if not hit or wire._after:
                            server.sendall(said.replace(wire.host, there.netloc.encode()))  # it answers to its own name
                        if hit and not wire._after:
                            return
                    back.join(10)  # the server does what it was asked, and nobody hears its answer

            def rest_of(self, said: bytes) -> bytes:
                head, _, body = said.partition(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head.lower())
                missing = int(length[1]) - len(body) if length else 0
                return self.request.recv(missing, socket.MSG_WAITALL) if missing else b""

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

            def verify_request(self, request: Any, client_address: Any) -> bool:
                return not wire.is_cut

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Connections break here: that is what it is for."""

        self._server = Server(("127.0.0.1", 0), Carry)
        self.uri = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.host = self.uri.removeprefix("http://").encode()
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def back(self, server: socket.socket, client: socket.socket) -> None:
        while True:
            try:
                said = server.recv(1 << 20) if not self.is_cut else b""
                if not said or self.is_cut:
                    return client.shutdown(socket.SHUT_RDWR)
                client.sendall(said)
            except OSError:
                return None

    def cut_at(self, word: bytes, *, after: bool = False) -> None:
        self._word, self._after, self.is_cut = word, after, False

    def mend(self) -> None:
        self._word, self.is_cut = None, False

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def wire(project: Path, tracking_uri: str) -> Iterator[Wire]:
    """The way to the server, which the project takes."""
    wire = Wire(tracking_uri)
    config = project / "mlops.toml"
    config.write_text(config.read_text().replace(tracking_uri, wire.uri))
    yield wire
    wire.close()


def champion(name: str) -> int | None:
    from jupyter_mlops.registry import aliases
    from jupyter_mlops.workspace import Workspace

    return aliases.current(Workspace.here(), name, "champion")


def gate(project: Path, name: str) -> None:
    head = (project / "mlops.toml").read_text().partition("[gates.")[0]
    (project / "mlops.toml").write_text(f'{head}[gates.{name}]\naccuracy = ">= 0.9"\nmodel = "pass"\napprovals = 0\n')


def refused(wire: Wire, outcome: Outcome, when: str) -> None:
    """It says that the server is away, and what to do, and nothing of a champion that is not there."""
    assert wire.is_cut, when
    assert outcome.exit_code == BackendUnreachable.exit_code, f"{when}: {outcome}"
    assert f"The MLflow server at {wire.uri}" in outcome.error, f"{when}: {outcome.error}"
    assert "start it, or set tracking_uri" in outcome.error, f"{when}: {outcome.error}"
    assert "champion" not in outcome.error, f"{when}: {outcome.error}"
    wire.mend()


def test_a_promotion_is_done_whole_or_not_at_all(project: Path, wire: Wire, name: str, cancer: Any, test: Any) -> None:
    gate(project, name)
    registered(name, cancer, weak())
    mlops.promote(name, force=True, reason="the first one")
    registered(name, cancer, strong())
    mlops.validate_model(name, data=test, target="target")
    for when, word in {
        "while the version is looked for": b"GET /api/2.0/mlflow/registered-models/get",
        "while the audit is read": b"/api/2.0/mlflow/runs/search",
        "while the gate reads the run": b"GET /api/2.0/mlflow/runs/get",
        "while the gate looks for the report": b"GET /api/2.0/mlflow-artifacts/artifacts?path",
        "while the gate reads the report": b"model.json",
        "before the audit has the word": b"POST /api/2.0/mlflow/runs/create",
    }.items():
        wire.cut_at(word)
        refused(wire, through_python(f"promote {name}@challenger"), when)
        assert champion(name) == 1, when
    assert mlops.promote(name).done


def test_an_outage_in_the_middle_promotes_nothing(
    project: Path, wire: Wire, name: str, cancer: Any, test: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlops.registry import promotion

    gate(project, name)
    registered(name, cancer, strong())
    mlops.validate_model(name, data=test, target="target")
    ready = promotion._note_gate

    def killed(*arguments: Any) -> None:
        ready(*arguments)
        wire.cut_at(b"")  # at the next word, whatever it is

    with monkeypatch.context() as patch:
        patch.setattr(promotion, "_note_gate", killed)
        with pytest.raises((Inconclusive, BackendUnreachable)):
            mlops.promote(name)
    assert wire.is_cut
    wire.mend()
    with pytest.raises(MlopsError, match="no alias 'champion'"):
        mlops.validate_model(f"{name}@champion", data=test, target="target")
    assert mlops.promote(name).done


def test_every_face_says_so(project: Path, wire: Wire, face: Face, name: str, trained: Any, test: Any) -> None:
    for run, accuracy in (("first", 0.95), ("second", 0.97)):
        trained(run, accuracy=accuracy)
        mlops.register(name, run="last", alias="challenger")
        if run == "first":
            mlops.promote(name)
    wire.cut_at(b"GET /health")
    refused(wire, face(f"validate model {name}@challenger --data test --target target", test=test), "validate")
    for when, word in {
        "at the beginning": b"GET /health",
        "while the gate reads the run": b"GET /api/2.0/mlflow/runs/get",
        "before the alias moves": MOVES,
    }.items():
        wire.cut_at(word)
        refused(wire, face(f"promote {name}@challenger"), when)
        assert champion(name) == 1, when
    wire.cut_at(MOVES, after=True)
    refused(wire, face(f"promote {name}@challenger"), "the answer is lost")
    assert champion(name) == 2, "it was done whole"
    again = face(f"promote {name}@challenger").data
    assert (again["before"], again["after"]) == (2, 2)
    wire.cut_at(MOVES)
    refused(wire, face(f"rollback {name}"), "rollback")
    assert champion(name) == 2
    assert face(f"rollback {name}").data["after"] == 1
    assert mlops.audit(name, verify=True).verified


def test_a_report_in_an_outage_is_none(project: Path, wire: Wire, name: str, cancer: Any, test: Any) -> None:
    gate(project, name)
    registered(name, cancer, weak())
    mlops.promote(name, force=True, reason="the first one")
    registered(name, cancer, strong())
    for when, word in {
        "while the champion is looked for": b"GET /api/2.0/mlflow/model-versions/get?",
        "while a model is fetched": b"mlflow-artifacts/artifacts",
        "while the report is kept": b"PUT /",
        "before its seal": b"POST /api/2.0/mlflow/runs/set-tag",
    }.items():
        wire.cut_at(word)
        line = f"validate model {name}@challenger --data test --target target --only MV001"
        refused(wire, through_python(line, test=test), when)
        missing = through_python(f"promote {name}@challenger")
        assert (missing.exit_code, "there is no report of the model" in missing.error) == (6, True), when
        assert f"mlops validate model {name}/2" in missing.error
    assert champion(name) == 1
