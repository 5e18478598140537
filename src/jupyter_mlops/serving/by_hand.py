"""Ask an endpoint by hand: with a line in a shell, or in the browser."""

from __future__ import annotations

import shlex
import webbrowser

import orjson

from .client import send
from .results import Endpoint


class ShellLine(str):
    """A line for a shell, which a notebook shows as it is to be pasted."""

    __slots__ = ()
    __repr__ = str.__str__


def curl(endpoint: Endpoint) -> ShellLine:
    """Write the line that asks an endpoint for the example of the version that answers now.

    Raises
    ------
    InvalidUsage
        Where it asks for a key that is not here.
    ProcessFailed
        Where it does not answer.
    """
    body = orjson.dumps(send(endpoint, "/about").json()["example"]).decode()
    line = shlex.join(["curl", f"{endpoint.url}/invocations", "-H", "Content-Type: application/json"])
    return ShellLine(f"{line}{endpoint.key_for_shell} -d {shlex.quote(body)}")


def show(endpoint: Endpoint) -> str:
    """Open the page of an endpoint in the browser, where this machine has one, and give its address."""
    address = f"{endpoint.url}/"
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return address
    if type(browser) is not webbrowser.GenericBrowser:  # that is one in the terminal, which would hold the kernel
        browser.open(address)
    return address
