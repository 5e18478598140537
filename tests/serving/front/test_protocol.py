"""What is no request, or none that ends: told in JSON, and hung up on."""

from __future__ import annotations

import contextlib
import json
import re
import select
import socket
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from jupyter_mlops.serving.front.app import Front
from jupyter_mlops.serving.front.dispatcher import Limits
from jupyter_mlops.serving.front.protocol import MOST_HEAD, Protocol, most_connections

from .conftest import served

PAGE = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: mine\r\n"


class Hasty(Protocol):
    """Does not wait for long."""

    head_seconds = 1.0
    body_seconds = 1.5


class Brisk(Protocol):
    """Does, and not for long."""

    head_seconds = 3.0


class Small(Protocol):
    """Has not many."""

    most = 20


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with served(Front("churn"), contextlib.nullcontext()) as port:
        yield port


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=60)


def read(client: socket.socket) -> tuple[int | None, bytes, bytes]:
    """Read to the end: status, head and body."""
    whole = b"".join(iter(lambda: client.recv(1 << 16), b""))
    head, _, body = whole.partition(b"\r\n\r\n")
    return (int(head.split()[1]) if head else None), head.lower(), body


def told(port: int, *pieces: bytes) -> tuple[int | None, str]:
    """Send pieces, and read a refusal: in JSON, with an id, and the last thing on this connection."""
    with closing(connect(port)) as client:
        for piece in pieces:
            with contextlib.suppress(ConnectionError):
                client.sendall(piece)
            time.sleep(0.02)
        status, head, body = read(client)
    assert b"content-type: application/json" in head
    assert b"connection: close" in head
    assert b"x-request-id: " in head
    assert set(json.loads(body)) == {"error_code", "message", "column"}
    return status, json.loads(body)["error_code"]


LARGE = (431, "HEADERS_TOO_LARGE")
PART = b"x" * 60_000


@pytest.mark.parametrize(
    "pieces",
    [
        [PAGE + b"X: " + PART * 2 + b"\r\n\r\n"],
        [PAGE + b"X: " + PART, PART + b"\r\n\r\n"],
        [PAGE, *[b"X" + PART] * 5],
        [b"GET /" + PART, *[PART] * 5],
        [PAGE, *[b"X: 1\r\n" * 10_000] * 5],
        [POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n", *[b"Trailer: 1\r\n" * 5_000] * 4],
        [b"\r\n" * 30_000] * 3 + [PAGE],
    ],
    ids=["one value", "in two pieces", "a name without end", "a path without end", "lines", "trailers", "empty lines"],
)
def test_a_head_has_an_end(port: int, pieces: list[bytes]) -> None:
    assert told(port, *pieces) == LARGE


def test_a_head_of_a_bearable_size_is_none_of_that(port: int) -> None:
    most = b"X: " + b"x" * (MOST_HEAD - 100) + b"\r\n"
    with closing(connect(port)) as client:
        client.sendall((PAGE + most + b"\r\n") * 3 + PAGE + most + b"Connection: close\r\n\r\n")
        status, _, body = read(client)
    assert status == 200
    assert body.count(b"HTTP/1.1 200") == 3


BAD = (400, "INVALID_HTTP")


@pytest.mark.parametrize(
    ("request_", "wanted"),
    [
        (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", BAD),
        (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", BAD),
        (POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", BAD),
        (POST.replace(b"POST", b"BREW"), BAD),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64, BAD),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", BAD),
        (b"CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n", BAD),
        (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", (415, "UNSUPPORTED_MEDIA_TYPE")),
        (
            POST + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            (415, "UNSUPPORTED_MEDIA_TYPE"),
        ),
    ],
)
def test_what_is_no_http_is_told_as_all_else(port: int, request_: bytes, wanted: tuple[int, str]) -> None:
    assert told(port, request_) == wanted


def test_a_refusal_has_the_words_of_its_protocol_and_the_clients_own_id(port: int) -> None:
    with closing(connect(port)) as client:
        client.sendall(
            POST.replace(b"/invocations", b"/v2/models/churn/infer") + b"Transfer-Encoding: x, chunked\r\n\r\n"
        )
        status, head, body = read(client)
    assert (status, set(json.loads(body))) == (415, {"error_code", "error", "column"})
    assert b"x-request-id: mine" in head


def test_what_has_been_asked_before_is_answered(port: int) -> None:
    with closing(connect(port)) as client:
        client.sendall(PAGE + b"\r\n" + b"nonsense\r\n\r\n")
        assert read(client)[0] == 200


@pytest.mark.parametrize(
    ("target", "host", "wanted"),
    [
        (b"http://evil.example/", b"localhost", 403),
        (b"http://evil.example?http://localhost/", b"localhost", 400),
        (b"http://localhost@evil.example/", b"localhost", 403),
        (b"http://127.0.0.1:80/", b"localhost", 200),
        (b"http://[::1]:80/", b"localhost", 200),
        (b"http://localhost/", b"localhost\r\nHost: localhost", 403),
    ],
)
def test_the_name_in_the_target_is_the_one_that_counts(port: int, target: bytes, host: bytes, wanted: int) -> None:
    with closing(connect(port)) as client:
        client.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
        assert read(client)[0] == wanted


def test_who_is_slow_is_hung_up_on() -> None:
    late = 408, "REQUEST_TIMEOUT"
    with served(Front("churn"), contextlib.nullcontext(), Hasty) as port:
        with closing(connect(port)) as client:  # says nothing
            assert read(client)[0] is None
        with closing(connect(port)) as client:
            client.sendall(b"\r\n")
            assert read(client)[0] is None
        assert told(port, PAGE) == late
        for begin, drop in ((b"GET ", b"/"), (POST + b"Content-Length: 99999\r\n\r\n", b" ")):
            with closing(connect(port)) as client:  # a byte now and then, for as long as it is let
                client.sendall(begin)
                while not select.select([client], [], [], 0.02)[0]:
                    client.sendall(drop)
                status, _, body = read(client)
            assert (status, json.loads(body)["error_code"]) == late


def test_a_second_request_has_its_own_time() -> None:
    with served(Front("churn"), contextlib.nullcontext(), Brisk) as port, closing(connect(port)) as client:
        for _ in range(3):
            client.sendall(PAGE.replace(b"GET", b"HEAD"))
            time.sleep(1.2)
            client.sendall(b"\r\n")
            assert client.recv(1 << 16).startswith(b"HTTP/1.1 200")
        client.sendall(b"GET ")
        assert read(client)[0] == 408


def test_beyond_a_number_of_connections_new_ones_are_told_so() -> None:
    around = contextlib.nullcontext()
    with served(Front("churn"), around, Small) as port, contextlib.ExitStack() as stack:
        first, *_ = [stack.enter_context(closing(connect(port))) for _ in range(20)]
        with closing(connect(port)) as late:
            late.sendall(PAGE + b"\r\n")
            status, head, body = read(late)
        assert (status, json.loads(body)["error_code"]) == (503, "TOO_MANY_CONNECTIONS")
        assert b"retry-after: 1" in head
        first.sendall(PAGE + b"Connection: close\r\n\r\n")
        assert read(first)[0] == 200
        time.sleep(0.2)
        with closing(connect(port)) as later:
            later.sendall(PAGE + b"Connection: close\r\n\r\n")
            assert read(later)[0] in (200, 503)  # the refused one may still be there


def test_as_many_as_the_system_allows() -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        most = most_connections()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] in (before[1], before[0])
        assert most >= before[0] - 64
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_body_is_refused_before_it_is_all_sent() -> None:
    with served(Front("churn", limits=Limits(body=1000)), contextlib.nullcontext()) as port:
        for more in (b"", b"Connection: close\r\n", b"Expect: 100-continue\r\n"):
            with closing(connect(port)) as client:
                client.sendall(POST + more + b"Content-Length: 5000000\r\n\r\n" + b" " * 100_000)
                assert client.recv(1 << 16).startswith(b"HTTP/1.1 413")
        with closing(connect(port)) as client:  # not announced, and the connection goes on
            client.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"7d0\r\n" + b" " * 2000 + b"\r\n")
            assert client.recv(1 << 16).startswith(b"HTTP/1.1 413")
            client.sendall(b"0\r\n\r\n" + PAGE + b"Connection: close\r\n\r\n")
            assert read(client)[0] == 200


def test_who_asks_whether_to_go_on_is_told(port: int) -> None:
    with closing(connect(port)) as client:
        client.sendall(PAGE + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert client.recv(1 << 16) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"{}" + PAGE + b"Connection: close\r\n\r\n")
        status, _, rest = read(client)
    assert status == 200
    assert rest.count(b"HTTP/1.1 200") == 1


def test_an_upgrade_is_answered_and_not_made(port: int) -> None:
    with closing(connect(port)) as client:
        client.sendall(PAGE + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        status, head, _ = read(client)
    assert status == 200
    assert b"connection: close" in head


def test_many_requests_at_once_are_answered_in_their_order_to_who_reads_late(port: int) -> None:
    count = 300
    with closing(connect(port)) as client:
        asked = [PAGE + f"X-Request-Id: {number}\r\n".encode() for number in range(count)]
        asked[-1] += b"Connection: close\r\n"
        client.sendall(b"".join(head + b"\r\n" for head in asked))
        time.sleep(0.5)
        whole = b"".join(iter(lambda: client.recv(1 << 16), b""))
    assert re.findall(rb"x-request-id: (\d+)", whole) == [str(number).encode() for number in range(count)]
