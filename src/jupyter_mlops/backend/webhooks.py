"""MLflow's webhooks: the server tells an address that an alias has moved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .adapter import Mlflow

_EVENTS = [{"entity": "MODEL_VERSION_ALIAS", "action": action} for action in ("CREATED", "DELETED")]


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
    about = "an endpoint that follows an alias"
    mlflow.rest("POST", "mlflow/webhooks", name=name, url=url, events=_EVENTS, description=about, secret=secret)


def remove(mlflow: Mlflow, name: str) -> None:
    """Have the server tell nobody any more under this name.

    Raises
    ------
    BackendUnreachable
    """
    for webhook in list(_all(mlflow)):
        if webhook.get("name") == name:
            mlflow.rest("DELETE", f"mlflow/webhooks/{webhook['webhook_id']}")


def _all(mlflow: Mlflow) -> Iterator[dict[str, Any]]:
    more: dict[str, Any] = {}
    while True:
        page = mlflow.rest("GET", "mlflow/webhooks", max_results=100, **more)
        yield from page.get("webhooks", ())
        if not page.get("next_page_token"):
            return
        more = {"page_token": page["next_page_token"]}
