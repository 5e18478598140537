"""Where alerts are told: real receivers, and each of them down, hanging, refusing or not to be trusted."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import jupyter_mlops as mlops
from jupyter_mlops.monitoring.alerting import sending, watch
from jupyter_mlops.monitoring.alerting.sinks import way

from ...conftest import Face
from ...waiting import until
from .windows import HOUR, NAME, T0, Project, drifted, fine, look


class Receiver:
    """An HTTP server that keeps what it gets, and answers as it is told."""

    def __init__(self, certificate: Path | None = None) -> None:
        self.status: list[int] = []
        self.hangs = False
        self.released = threading.Event()
        self.got: list[tuple[dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((dict(self.headers), body))
                if receiver.hangs:
                    receiver.released.wait(120)
                    return
                status = receiver.status.pop(0) if receiver.status else 204
                self.send_response(status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self.server.server_port}/T000/not-to-be-told"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def events(self) -> list[str]:
        return [json.loads(body)["event"] for _, body in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.released.set()
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that nobody has signed, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = tmp_path_factory.mktemp("certificate") / "server.pem"
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


def webhook(folder: Path, receiver: Receiver, more: str = "") -> Project:
    return Project(folder, f'[alerts.webhook]\nurl = "{receiver.url}"\n{more}\n[monitor.{NAME}]\nalert = ["webhook"]\n')


def sent(here: Project, event: str = "fired") -> list[tuple[str, int, str]]:
    return [(one.state, one.tries, one.why) for alert in here.alerts for one in alert.deliveries if one.event == event]


def test_a_webhook_gets_signed_json(tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    here = webhook(tmp_path, receiver, 'secret_env = "HOOK_KEY"')
    here.see(look(0, drifted()))
    assert sent(here) == [("waiting", 1, "the variable HOOK_KEY of the environment is not set")]
    monkeypatch.setenv("HOOK_KEY", "a key of theirs")
    here.see(look(1, fine("drift:age")))
    assert receiver.events == ["fired", "recovered"]
    headers, body = receiver.got[0]
    at, signed = (part.partition("=")[2] for part in headers["Mlops-Signature"].split(","))
    assert hmac.compare_digest(
        signed, hmac.new(b"a key of theirs", f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    )
    assert abs(time.time() - int(at)) < 60
    said = json.loads(body)
    assert (said["endpoint"], said["rule"], said["level"], said["version"]) == (NAME, "drift", "major", 1)
    assert said["id"] == headers["Mlops-Delivery"]
    assert said["next"] == f"%mlops monitor {NAME}"
    kept = (tmp_path / ".mlops/monitoring/tumour/alerts/alerts.json").read_text()
    assert "a key of theirs" not in kept
    assert "not-to-be-told" not in kept


def test_a_webhook_is_tried_again_at_once_and_with_the_next_look(tmp_path: Path, receiver: Receiver) -> None:
    here = webhook(tmp_path, receiver)
    receiver.status = [500, 503]
    here.see(look(0, drifted()))
    assert len(receiver.got) == 3
    assert sent(here) == [("sent", 1, "")]
    receiver.status = [500, 500, 500]
    here.see(look(1, fine("drift:age")))
    assert sent(here, "recovered") == [("waiting", 1, "127.0.0.1 answered 500")]
    receiver.status = [302]
    report = here.see(look(2, drifted()))
    assert sent(here, "recovered") == [("waiting", 2, "127.0.0.1 answered 302: the address leads elsewhere")]
    watch.between(here.workspace, NAME, now=T0 + 3 * HOUR)
    assert sent(here, "recovered") == [("sent", 3, "")]
    assert receiver.events[-2:] == ["recovered", "fired"]  # in their order
    assert report.alerts


def test_a_webhook_that_is_down_or_hangs_holds_nobody_up(tmp_path: Path, receiver: Receiver) -> None:
    here = webhook(tmp_path, receiver)
    receiver.hangs = True
    begin = time.monotonic()
    report = here.see(look(0, drifted()))
    assert time.monotonic() - begin < 30  # and not 120
    assert len(receiver.got) == 1  # who hangs is not asked again at once
    assert sent(here) == [("waiting", 1, "127.0.0.1 did not answer within 2.5 s")]
    assert any("Alerts don't get through by webhook" in note for note in report.notes)
    assert "rings" in str(report)
    here.rules(f'[alerts.webhook]\nurl = "http://127.0.0.1:9/not-to-be-told"\n[monitor.{NAME}]\nalert = ["webhook"]\n')
    begin = time.monotonic()
    here.see(look(1, drifted()))
    assert time.monotonic() - begin < 30
    assert sent(here) == [("waiting", 2, "127.0.0.1 can't be reached")]
    here.see(look(73, drifted()))  # days later it is given up
    assert sent(here)[0][0] == "failed"


def test_nobody_waits_for_what_drips_or_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_DEADLINE", 3.0)
    doors = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    over = threading.Event()

    def drip() -> None:
        with contextlib.suppress(OSError), doors[0].accept()[0] as to:
            while not over.wait(0.2):
                to.send(b"H")

    dripping = threading.Thread(target=drip, daemon=True)
    dripping.start()
    ports = [door.getsockname()[1] for door in doors]
    text = f'[alerts.webhook]\nurl = "http://127.0.0.1:{ports[0]}/"\n' + mail(ports[1], "starttls")
    here = Project(tmp_path, text.replace('["email"]', '["webhook", "email", "log"]'))
    begin = time.monotonic()
    here.see(look(0, drifted()))
    assert time.monotonic() - begin < 2 * 3  # by all ways at once
    assert sent(here) == [("waiting", 1, "not through after 3 s")] * 2 + [("sent", 1, "")]
    for door in doors:
        door.close()
    over.set()
    dripping.join()  # until then its socket is open


def test_a_certificate_that_nobody_has_signed_is_none(tmp_path: Path, certificate: Path) -> None:
    receiver = Receiver(certificate)
    here = webhook(tmp_path, receiver)
    here.see(look(0, drifted()))
    assert receiver.got == []
    assert sent(here) == [("waiting", 1, "the certificate of 127.0.0.1 is not one to trust")]
    receiver.server.shutdown()
    receiver.server.server_close()


SEES = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.monitoring.alerting.windows import Project, drifted, look
from jupyter_mlops.monitoring.alerting import watch
from jupyter_mlops.workspace import Workspace
from tests.monitoring.alerting import windows
windows.T0 = float(sys.argv[3])
from jupyter_mlops.monitoring.watched import Monitored
seen = look(0, drifted())
watch.after(Workspace(Path(sys.argv[1])), Monitored("tumour", 3600.0, (seen,), last=seen.end - 60), now=seen.end)
"""


def test_what_was_killed_while_it_sent_is_sent_again(tmp_path: Path, receiver: Receiver) -> None:
    here = webhook(tmp_path, receiver)
    receiver.hangs = True
    root = Path(__file__).parents[3]
    child = subprocess.Popen([sys.executable, "-c", SEES, tmp_path, root, str(T0)])
    until(lambda: receiver.got)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert sent(here) == [("waiting", 0, "")]  # it was written before it was sent
    receiver.hangs = False
    here.see(look(0, drifted()))
    assert sent(here) == [("sent", 1, "")]
    first, second = (headers["Mlops-Delivery"] for headers, _ in receiver.got)
    assert first == second  # who gets it twice can tell


class Letters:
    """A mail server's room."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.refuses = False

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.refuses:
            return "550 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.got.append((envelope.rcpt_tos, envelope.content.decode(), session.ssl is not None))
        return "250 OK"


@contextlib.contextmanager
def post(certificate: Path | None) -> Iterator[tuple[Letters, int]]:
    letters, context = Letters(), None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

    def authenticator(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"mlops", b"a word of theirs"), handled=False)

    controller = Controller(letters, hostname="127.0.0.1", port=0, tls_context=context, authenticator=authenticator)
    controller.port = _free()
    controller.start()
    try:
        yield letters, controller.port
    finally:
        controller.stop()


def _free() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def mail(port: int, security: str, more: str = "") -> str:
    return (
        f'[alerts.email]\nto = ["ops@example.org"]\nsender = "mlops@example.org"\nhost = "localhost"\nport = {port}\n'
        f'security = "{security}"\n{more}\n[monitor.{NAME}]\nalert = ["email"]\n'
    )


LOGIN = 'user = "mlops"\npassword_env = "POST_WORD"'


def test_a_letter_goes_over_tls_with_a_password(
    tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with post(certificate) as (letters, port):
        here = Project(tmp_path, mail(port, "starttls", LOGIN))
        monkeypatch.setenv("POST_WORD", "a word of theirs")
        here.see(look(0, drifted()))
        assert sent(here) == [("waiting", 1, "the certificate of localhost is not one to trust")]
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        monkeypatch.setenv("POST_WORD", "another")
        here.see(look(0, drifted()))
        assert sent(here) == [("waiting", 2, "localhost does not take the user and the password in POST_WORD")]
        monkeypatch.setenv("POST_WORD", "a word of theirs")
        letters.refuses = True
        here.see(look(0, drifted()))
        assert sent(here) == [("waiting", 3, "localhost takes nothing for these addresses")]
        letters.refuses = False
        here.see(look(0, drifted()))
        assert sent(here) == [("sent", 4, "")]
        ((to, text, is_tls),) = letters.got
        assert (to, is_tls) == (["ops@example.org"], True)
        assert "Subject: [mlops] tumour: drift of tumour/1 rings (major)" in text
        assert "next: %mlops monitor tumour" in text
        assert "a word of theirs" not in (tmp_path / ".mlops/monitoring/tumour/alerts/alerts.json").read_text()


def test_a_mail_server_without_tls_or_none_at_all(tmp_path: Path) -> None:
    with post(None) as (letters, port):
        here = Project(tmp_path, mail(port, "starttls"))
        here.see(look(0, drifted()))
        assert sent(here) == [("waiting", 1, "localhost has no TLS")]
        here.rules(mail(port, "none"))
        here.see(look(0, drifted()))
        assert len(letters.got) == 1
    here.see(look(1, fine("drift:age")))
    assert sent(here, "recovered") == [("waiting", 1, f"localhost can't be reached at port {port}, or hung up")]


def command(folder: Path, code: str, timeout: float = 60.0) -> str:
    program = folder / "notify.py"
    program.write_text(code)
    run = json.dumps([sys.executable, str(program), "a; touch b"])
    return f'[alerts.command]\nrun = {run}\ntimeout = {timeout}\n[monitor.{NAME}]\nalert = ["command", "log"]\n'


def test_a_command_gets_json_without_a_shell(tmp_path: Path) -> None:
    keeps = (
        "import pathlib, sys; pathlib.Path('got.json').write_text(sys.stdin.read()); assert sys.argv[1] == 'a; touch b'"
    )
    here = Project(tmp_path, command(tmp_path, keeps))
    here.see(look(0, drifted()))
    assert sent(here) == [("sent", 1, ""), ("sent", 1, "")]
    assert json.loads((tmp_path / "got.json").read_text())["event"] == "fired"
    assert not (tmp_path / "b").exists()


def test_a_command_that_fails_hangs_or_is_not_there(tmp_path: Path) -> None:
    here = Project(tmp_path, command(tmp_path, "import sys; print('a secret'); sys.exit(3)"))
    here.see(look(0, drifted()))
    assert sent(here)[0] == ("waiting", 1, f"{Path(sys.executable).name} ended with 3")
    assert sent(here)[1][0] == "sent"  # the log has it all the same
    here.rules(command(tmp_path, "import time; time.sleep(600)", 0.5))
    begin = time.monotonic()
    here.see(look(0, drifted()))
    assert time.monotonic() - begin < 60  # and not 600
    assert "was stopped: it took over 0.5 s" in sent(here)[0][2]
    here.rules(f'[alerts.command]\nrun = ["no-such-program"]\n[monitor.{NAME}]\nalert = ["command"]\n')
    here.see(look(0, drifted()))
    assert sent(here)[0] == ("waiting", 3, "no-such-program can't be run: no such file or directory")
    here.rules(f'[monitor.{NAME}]\nalert = ["log"]\n')
    here.see(look(0, drifted()))
    assert "there is no [alerts.command] in mlops.toml any more" in sent(here)[0][2]


def test_a_hook_of_this_process_is_told_and_may_refuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[Any] = []
    is_broken = [True]

    def retrain(alert: Any) -> None:
        if is_broken.pop() if is_broken else False:
            raise KeyError("a value of somebody")
        got.append(alert)

    monkeypatch.setitem(way.hooks, "retrain", retrain)
    here = Project(tmp_path)
    here.see(look(0, drifted()))
    assert ("waiting", 1, "KeyError") in sent(here)
    here.see(look(0, drifted()))
    assert [(one["event"], one["rule"]) for one in got] == [("fired", "drift")]


def test_a_test_alert_says_what_came_of_each_way(
    tmp_path: Path, receiver: Receiver, face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    here = Project(
        tmp_path, f'[alerts.webhook]\nurl_env = "HOOK_URL"\n{mail(9, "none")}'.replace('alert = ["email"]', "")
    )
    monkeypatch.setenv("HOOK_URL", receiver.url)
    said = face(f"monitor {NAME} --test-alert").data["ways"]
    assert [(one["way"], one["sent"], one["why"]) for one in said] == [
        ("log", True, ""),
        ("webhook", True, ""),
        ("email", False, "localhost can't be reached at port 9, or hung up"),
    ]
    assert receiver.events == ["test"]
    assert "a test, nothing rings" in here.log[0]
    assert here.alerts == ()
    assert "mend [alerts.email] in mlops.toml" in str(mlops.monitor(NAME, test_alert=True))
    assert "no endpoint 'tumuor'" in face("monitor tumuor --test-alert").error
