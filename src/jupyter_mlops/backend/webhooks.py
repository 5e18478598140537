"""MLflow's webhooks: the server tells an address that an alias has moved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .adapter import Mlflow

if TYPE_CHECKING:
    from mlflow.entities.webhook import Webhook

_EVENTS = ("model_version_alias.created", "model_version_alias.deleted")


def register(mlflow: Mlflow, name: str, url: str, secret: str) -> None:
    """Have the server tell of each alias that moves, in place of what it was told before under this name.

    Parameters
    ----------
    mlflow : Mlflow
    name : str
        Up to 63 letters, digits, dots and dashes.
    url : str
    secret : str
        What the server signs with.

    Raises
    ------
    InvalidUsage
        Where the server does not tell such an address: by default it tells only https, and nobody in its own network.
    BackendUnreachable
    """
    remove(mlflow, name)
    mlflow.write("create_webhook", name, url, list(_EVENTS), "an endpoint that follows an alias", secret)


def remove(mlflow: Mlflow, name: str) -> None:
    """Have the server tell nobody any more under this name.

    Raises
    ------
    BackendUnreachable
    """
    for webhook in list(_all(mlflow)):
        if webhook.name == name:
            mlflow.write("delete_webhook", webhook.webhook_id)


def _all(mlflow: Mlflow) -> Iterator[Webhook]:
    token: str | None = None
    while True:
        page = mlflow.read("list_webhooks", 100, token)
        yield from page
        token = page.token
        if not token:
            return
