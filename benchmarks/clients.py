"""Clients of an endpoint in a process of their own, who write down what they were told.

Usage: python clients.py URL THREADS FILE < BODY    until SIGTERM
"""

from __future__ import annotations

import http.client
import signal
import sys
import threading
import time
import uuid
from typing import TextIO
from urllib.parse import urlsplit

ended, writing = threading.Event(), threading.Lock()


def client(address: str, body: bytes, out: TextIO) -> None:
    connection = http.client.HTTPConnection(address, timeout=30)
    while not ended.is_set():
        id = uuid.uuid4().hex
        begin = time.time()
        try:
            connection.request("POST", "/invocations", body, {"Content-Type": "application/json", "X-Request-Id": id})
            answer = connection.getresponse()
            said = answer.read().decode()
            status, version = answer.status, answer.headers["X-Model-Version"]
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            status, version, said = 0, "", repr(error)
        line = "\t".join(
            [f"{begin:.6f}", f"{time.time() - begin:.6f}", id, str(status), version, " ".join(said.split())]
        )
        with writing:
            out.write(line + "\n")
    connection.close()


def main() -> None:
    url, count, name = sys.argv[1:]
    body = sys.stdin.buffer.read()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    with open(name, "w", buffering=1 << 16) as out:  # noqa: PTH123
        address = urlsplit(url).netloc
        threads = [threading.Thread(target=client, args=(address, body, out)) for _ in range(int(count))]
        for thread in threads:
            thread.start()
        while not ended.wait(0.2):
            pass
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main()
