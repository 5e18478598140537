"""MLflow tells an endpoint that an alias has moved; what is not signed by it is not heard."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

import jupyter_mlops as mlops
from jupyter_mlops.backend import webhooks
from jupyter_mlops.errors import InvalidUsage
from jupyter_mlops.serving.controller.following import webhook_name
from jupyter_mlops.serving.controller.webhook import Webhook
from jupyter_mlops.serving.files import files_of
from jupyter_mlops.workspace import Workspace

from ...waiting import until
from .test_following import add, ask, point


@pytest.fixture
def stopped(project: Path) -> Iterator[None]:
    """Stop what the test has started."""
    yield
    mlops.stop(all=True)


def registered(endpoint: str) -> list[Any]:
    """Give the webhooks of an endpoint, as the server knows them."""
    workspace = Workspace.here()
    name = webhook_name(files_of(workspace.state.folder, endpoint))
    return [each for each in workspace.mlflow.read("list_webhooks", 100) if each.name == name]


@pytest.mark.usefixtures("stopped")
def test_the_server_says_when_an_alias_moves_until_the_endpoint_is_gone(name: str) -> None:
    first, second = add(name, 1.0), add(name, 2.0)
    point(name, first)
    endpoint = mlops.deploy(name)
    until(lambda: registered(name))
    (webhook,) = registered(name)
    assert webhook.url.startswith("http://127.0.0.1:")
    time.sleep(1.1)  # what the server has cached

    def happened() -> list[str]:
        """What the log says of alias and answers, in its order."""
        words = {
            "MLflow says that an alias has moved": "said",
            f"{name}/{first} answers": "1",
            f"{name}/{second} answers": "2",
        }
        lines = mlops.logs(name, lines=500).lines
        return [short for line in lines for text, short in words.items() if text in line]

    def told() -> int:
        return happened().count("said")

    for number in (second, first, second, first, second):
        before = told()
        point(name, number)
        until(lambda number=number: ask(endpoint.url)[0] == str(number))  # type: ignore[misc]
        until(lambda before=before: told() > before)  # type: ignore[misc]
    assert "said 2" in " ".join(happened())  # not each time: a look may be just in time
    before = told()
    point(f"{name}", first, "challenger")
    until(lambda: told() > before)
    Workspace.here().mlflow.write("delete_registered_model_alias", name, "challenger")
    until(lambda: told() > before + 1)

    # A writer that is killed with a word half in the audit holds up the next one for a minute.
    until(lambda: [event.action for event in mlops.audit(name).events].count("deploy") == 6)
    assert requests.post(webhook.url, json={"data": {"name": name}}, timeout=30).status_code == 401
    psutil.Process(endpoint.pid).kill()
    until(lambda: mlops.endpoints().rows[0].state == "stopped")
    assert mlops.endpoints(restart=True).ok
    until(lambda: [each.url for each in registered(name)] not in ([], [webhook.url]))
    assert len(registered(name)) == 1  # in place of the one of the dead
    mlops.undeploy(name)
    assert registered(name) == []

    mlops.deploy(name)
    until(lambda: registered(name))
    psutil.Process(mlops.endpoints().rows[0].pid).kill()
    until(lambda: mlops.endpoints().rows[0].state == "stopped")
    mlops.undeploy(name)
    assert registered(name) == []


def test_an_address_that_the_server_does_not_tell_is_refused(project: Path) -> None:
    with pytest.raises(InvalidUsage, match="scheme"):
        webhooks.register(Workspace.here().mlflow, "mlops-test", "ftp://127.0.0.1/", "secret")


@pytest.fixture
def rung() -> Iterator[tuple[Webhook, str, list[str]]]:
    """A webhook of a model called tumour, its address, and each time that it rang."""
    rings: list[str] = []
    webhook = Webhook(None, lambda: "tumour", lambda: rings.append("ring"))  # type: ignore[arg-type]
    yield webhook, webhook.open(), rings
    webhook.close()


def signed(secret: str, body: bytes, sent: str) -> dict[str, str]:
    """Sign a message as MLflow does."""
    digest = hmac.new(secret.encode(), f"id.{sent}.".encode() + body, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {"X-MLflow-Signature": signature, "X-MLflow-Timestamp": sent, "X-MLflow-Delivery-Id": "id"}


def test_only_what_the_server_has_signed_is_heard(rung: tuple[Webhook, str, list[str]]) -> None:
    webhook, url, rings = rung
    secret, now = webhook._secret, str(int(time.time()))
    body = json.dumps({"entity": "model_version_alias", "data": {"name": "tumour", "alias": "champion"}}).encode()

    def post(body: bytes, headers: dict[str, str]) -> int:
        return requests.post(url, data=body, headers=headers, timeout=30).status_code

    good = signed(secret, body, now)
    assert post(body, good) == 204
    assert rings == ["ring"]
    assert post(body.replace(b"tumour", b"another"), good) == 401
    assert post(body, signed("a guess", body, now)) == 401
    assert post(body, signed(secret, body, str(int(now) - 3600))) == 401
    assert post(body, signed(secret, body, "yesterday")) == 401
    assert post(body, good | {"X-MLflow-Signature": "v1,é"}) == 401
    assert post(body, {}) == 401
    assert post(b"x" * 100_000, signed(secret, b"x" * 100_000, now)) == 413
    for other in (b"{", b"[]", b'{"data": 3}', b""):
        assert post(other, signed(secret, other, now)) == 400
    other = body.replace(b"tumour", b"another")
    assert post(other, signed(secret, other, now)) == 204
    assert rings == ["ring"]
    assert requests.get(url, timeout=30).status_code == 501
