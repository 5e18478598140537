"""Who is let in, and with how much: keys, names, limits, and requests that are no HTTP."""

from __future__ import annotations

import json
import socket
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import requests
from sklearn.dummy import DummyRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import jupyter_mlops as mlops
from jupyter_mlops.errors import Conflict, InvalidUsage
from jupyter_mlops.serving import access

ROWS = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [1.0, 2.0, 3.0]})
BODY = json.dumps({"instances": [[1.0, 2.0]]})
SETTINGS = 'max_megabytes = 1\nmax_rows = 100\nhosts = ["models.example"]'


@pytest.fixture(scope="module")
def endpoint(served: Callable[..., Any]) -> Any:
    """One that asks for a key, and takes less than others."""
    dummy = DummyRegressor(strategy="constant", constant=7.0)
    warns = OneHotEncoder(drop="first", handle_unknown="ignore")  # of each request with a number that it has not seen
    return served("door", make_pipeline(warns, dummy).fit(ROWS, [7.0] * 3), ROWS, SETTINGS, auth=True)


@pytest.fixture
def key(endpoint: Any) -> dict[str, str]:
    """The header that opens."""
    return {"Authorization": f"Bearer {Path('.mlops/endpoints/door/key').read_text()}"}


def ask(endpoint: Any, headers: dict[str, str], body: Any = BODY, **more: Any) -> requests.Response:
    return requests.post(f"{endpoint.url}/invocations", data=body, headers=headers, timeout=20, **more)


def told(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error_code"]


def test_our_own_client_has_the_key_and_nobody_else_can_read_it(endpoint: Any) -> None:
    assert endpoint.auth is True
    assert endpoint.predict(ROWS).values == [7.0] * 3
    assert mlops.predict("door", data=ROWS).values == [7.0] * 3
    file = Path(".mlops/endpoints/door/key")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    secret = file.read_text()
    for path in Path().rglob("*"):
        if path.is_file() and path != file:
            assert secret.encode() not in path.read_bytes(), path
    assert f"$(cat {file.resolve()})" in endpoint.key_for_shell


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Basic",
        "Basic !!",
        "Basic YTpi",
        "Digest x",
        "bearer \xff",
        "{key}",
    ],
)
def test_no_key_or_a_wrong_one_is_401(endpoint: Any, key: dict[str, str], header: str | None) -> None:
    said = None if header is None else header.format(key=key["Authorization"].split()[1])
    headers = {} if said is None else {"Authorization": said.encode("latin-1")}
    for path in ("/invocations", "/version", "/nowhere"):
        answer = requests.post(f"{endpoint.url}{path}", data=BODY, headers=headers, timeout=20)  # type: ignore[arg-type]
        assert told(answer) == (401, "UNAUTHORIZED")
        assert "Bearer" in answer.headers["WWW-Authenticate"]


def test_the_key_opens_also_as_a_browsers_password(endpoint: Any, key: dict[str, str]) -> None:
    assert ask(endpoint, key).json() == {"predictions": [7.0]}
    assert ask(endpoint, {"Authorization": key["Authorization"].replace("Bearer", "BEARER ")}).ok
    assert ask(endpoint, {}, auth=("anybody", key["Authorization"].split()[1])).ok


def test_those_who_look_after_servers_need_no_key(endpoint: Any) -> None:
    for path in ("/ping", "/health"):
        assert requests.get(f"{endpoint.url}{path}", timeout=20).ok
    assert mlops.endpoints().rows[0].state == "serving"


def test_the_limits_are_those_of_the_settings(endpoint: Any, key: dict[str, str]) -> None:
    rows = [[1.0, 2.0]] * 100
    assert len(ask(endpoint, key, json.dumps({"instances": rows})).json()["predictions"]) == 100
    too_many = json.dumps({"instances": [*rows, rows[0]]})
    assert told(ask(endpoint, key, too_many)) == (413, "TOO_MANY_ROWS")
    csv = "a,b\n" + "1,2\n" * 101
    assert told(ask(endpoint, key | {"Content-Type": "text/csv"}, csv)) == (413, "TOO_MANY_ROWS")
    padded = BODY.encode().ljust(1 << 20)
    assert ask(endpoint, key, padded).ok
    assert told(ask(endpoint, key, padded + b" ")) == (413, "TOO_LARGE")
    in_pieces = ask(endpoint, key, iter([b" " * 300_000] * 4))
    assert told(in_pieces) == (413, "TOO_LARGE")
    assert ask(endpoint, key).ok


def test_only_its_own_names_are_known(endpoint: Any, key: dict[str, str]) -> None:
    for host in ("localhost", "127.0.0.1:1", "models.example", "MODELS.example:443"):
        assert ask(endpoint, key | {"Host": host}).ok
    for host in ("evil.example", "models.example.evil.example", socket.gethostname() + ".evil.example"):
        assert told(ask(endpoint, key | {"Host": host})) == (403, "FOREIGN_HOST")
        assert requests.get(f"{endpoint.url}/ping", headers={"Host": host}, timeout=20).status_code == 403


GOOD = b"Host: localhost\r\nAuthorization: Bearer %s\r\n"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /ping HTTP/1.1\r\n\r\n", 403),
        (b"GET /ping HTTP/1.0\r\n\r\n", 403),
        (b"GET /ping HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 403),
        (b"GET /ping HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 200_000 + b"\r\n\r\n", 431),
        (b"GET http://evil.example/ping HTTP/1.1\r\nHost: localhost\r\n\r\n", 403),
        (b"GET http://localhost/ping HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
        (b"GET /ping%00 HTTP/1.1\r\n" + GOOD + b"\r\n", 404),
        (b"GET /../../etc/passwd HTTP/1.1\r\n" + GOOD + b"\r\n", 404),
        (b"OPTIONS * HTTP/1.1\r\n" + GOOD + b"\r\n", None),
        (b"BREW /invocations HTTP/1.1\r\n" + GOOD + b"\r\n", None),
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64, 400),  # TLS
        (b"GET /ping HTTP/9.9\r\nHost: localhost\r\n\r\n", None),
        (b"GET /ping HTTP/1.1\r\nHost: local\0host\r\n\r\n", None),
        (b"POST /invocations HTTP/1.1\r\n" + GOOD + b"\r\n", 400),
        (b"POST /invocations HTTP/1.1\r\n" + GOOD + b"Content-Length: -1\r\n\r\n", 400),
        (b"POST /invocations HTTP/1.1\r\n" + GOOD + b"Content-Length: 99999999999999999999999\r\n\r\n", None),
        (b"POST /invocations HTTP/1.1\r\n" + GOOD + b"Content-Length: 2000000\r\nExpect: 100-continue\r\n\r\n", 413),
        (b"POST /invocations HTTP/1.1\r\n" + GOOD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST /invocations HTTP/1.1\r\n" + GOOD + b"Content-Length: 2\r\nContent-Encoding: gzip\r\n\r\n{}", 415),
        (b"POST /invocations HTTP/1.1\r\n" + GOOD + b"Content-Length: 2\r\nContent-Type: image/png\r\n\r\n{}", 415),
        (b"POST /invocations HTTP/1.1\r\n" + GOOD + b"Content-Length: 2\r\nContent-Type: \xff;;=\r\n\r\n{}", 415),
    ],
)
def test_odd_http_is_refused_and_hurts_nobody(
    endpoint: Any, key: dict[str, str], request_: bytes, status: int | None
) -> None:
    raw = request_.replace(b"%s", key["Authorization"].split()[1].encode())
    with closing(socket.create_connection(("127.0.0.1", endpoint.port), timeout=10)) as client:
        client.sendall(raw)
        if raw.endswith(b"\0"):
            client.shutdown(socket.SHUT_WR)
        answer = client.recv(65_536)
    given = int(answer.split()[1]) if answer else None  # None: it has hung up
    assert given is None or given < 500
    assert status in (None, given)
    assert ask(endpoint, key).ok


def test_strange_requests_do_not_fill_the_log(endpoint: Any, key: dict[str, str]) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
    assert requests.get(f"{endpoint.url}/ping", headers=upgrade, timeout=20).ok
    assert ask(endpoint, key, json.dumps({"instances": [[99.0, 99.0]]})).ok
    with closing(socket.create_connection(("127.0.0.1", endpoint.port), timeout=10)) as client:
        client.sendall(b"nonsense\r\n\r\n")
        assert b'"INVALID_HTTP"' in client.recv(65_536)
    log = Path(".mlops/endpoints/door/endpoint.log").read_text()
    for noise in ("Invalid HTTP", "Unsupported upgrade", "pip install", "UserWarning"):
        assert noise not in log


def test_beyond_this_machine_it_demands_a_key(served: Callable[..., Any], endpoint: Any) -> None:
    model = DummyRegressor(strategy="constant", constant=1.0).fit(ROWS, [1.0] * 3)
    with pytest.raises(InvalidUsage, match="must ask for a key") as refused:
        served("open", model, ROWS, host="0.0.0.0")
    assert "--auth" in str(refused.value.hint)
    with pytest.raises(Conflict, match="stays there"):
        mlops.deploy(f"{endpoint.model}/1", name="door", host="0.0.0.0")
    with pytest.raises(InvalidUsage, match="of the endpoint"):
        mlops.deploy(f"{endpoint.model}/1", name="door", canary="10%", auth=True)
    wide = mlops.deploy(f"{endpoint.model}/1", name="wide", host="0.0.0.0", auth=True)
    assert (wide.host, wide.predict(ROWS).values) == ("0.0.0.0", [7.0] * 3)
    assert told(ask(wide, {})) == (401, "UNAUTHORIZED")
    for host, status in ((socket.gethostname(), 200), ("evil.example", 403)):
        assert requests.get(f"{wide.url}/ping", headers={"Host": host}, timeout=20).status_code == status
    mlops.undeploy("wide")
    assert not Path(".mlops/endpoints/wide/key").exists()


def test_a_key_stays_until_it_is_undeployed_and_may_come_from_the_environment(
    endpoint: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = mlops.deploy(f"{endpoint.model}/1", name="door")
    assert (again.auth, again.is_new) == (True, False)
    monkeypatch.setenv(access.VARIABLE, "short")
    with pytest.raises(InvalidUsage, match="is no key"):
        mlops.deploy(f"{endpoint.model}/1", name="door", auth=True)
    own = {"Authorization": "Bearer 0123456789-my-own-key"}
    assert ask(endpoint, own).status_code == 401
    monkeypatch.setenv(access.VARIABLE, "0123456789-my-own-key")
    mlops.deploy(f"{endpoint.model}/1", name="door", auth=True)
    assert ask(endpoint, own).ok
    assert endpoint.predict(ROWS).values == [7.0] * 3
    monkeypatch.delenv(access.VARIABLE)
    with pytest.raises(InvalidUsage, match="asks for a key that is not here"):
        endpoint.predict(ROWS)


@pytest.mark.parametrize(
    ("host", "loopback", "url"),
    [
        ("127.0.0.1", True, "127.0.0.1"),
        ("127.8.8.8", True, "127.8.8.8"),
        ("::1", True, "[::1]"),
        ("localhost", True, "localhost"),
        ("0.0.0.0", False, "127.0.0.1"),
        ("::", False, "[::1]"),
        ("192.0.2.7", False, "192.0.2.7"),
        ("2001:db8::1", False, "[2001:db8::1]"),
        ("localhost.evil.example", False, "localhost.evil.example"),
    ],
)
def test_what_is_of_this_machine(host: str, loopback: bool, url: str) -> None:
    assert (access.is_loopback(host), access.reached_at(host)) == (loopback, url)
    assert url in access.own_names(host)


def test_settings_that_have_changed_hold_from_the_next_deploy_on(served: Callable[..., Any], endpoint: Any) -> None:
    model = DummyRegressor(strategy="constant", constant=1.0).fit(ROWS, [1.0] * 3)
    first = served("changing", model, ROWS)
    settings = Path("mlops.toml")
    settings.write_text(settings.read_text().replace("[endpoints.changing]\n", "[endpoints.changing]\nmax_rows = 2\n"))
    assert first.predict(ROWS).values == [1.0] * 3
    again = mlops.deploy(f"{first.model}/1", name="changing")
    assert (again.pid, again.url) == (first.pid, first.url)
    with pytest.raises(InvalidUsage, match="3 rows are more than the 2"):
        first.predict(ROWS)
