"""What the processes of a version are told: the settings of the endpoint, as they are when one is started."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from ... import signing
from ...errors import InvalidUsage
from ...pseudonyms import project_key
from ...settings import EndpointSettings, PolicySettings
from ...workspace import LOCAL, Workspace
from ..access import own_names
from ..files import EndpointFiles
from ..model.order import Order
from ..model.sealed import Seal


class Orders:
    """Writes orders.

    Parameters
    ----------
    root : Path
        The project.
    files : EndpointFiles
    sockets : Path
        A folder of this process alone, for the sockets of the versions' processes.
    """

    def __init__(self, root: Path, files: EndpointFiles, sockets: Path) -> None:
        self._root = root
        self._files = files
        self._sockets = sockets
        self._latest, self._policy = EndpointSettings(), PolicySettings()
        self._personal: tuple[str, ...] = ()

    @property
    def settings(self) -> EndpointSettings:
        """The settings of the endpoint as they are now.

        Raises
        ------
        InvalidUsage
            Where ``mlops.toml`` has become wrong.
        """
        settings = Workspace(self._root).settings
        self._latest, self._policy = settings.endpoint(self._files.folder.name), settings.policy
        self._personal = tuple(settings.privacy.personal)
        return self._latest

    def rules(self) -> dict[str, Any]:
        """Say whom the front lets in, and how much a request may have."""
        settings, wanted = self.latest(), self._files.wanted()
        assert wanted is not None
        return {
            "hosts": [*settings.hosts, *own_names(wanted.host)],
            "key": wanted.key,
            "body": settings.max_megabytes << 20,
            "waiting": settings.max_waiting,
        }

    def order(self, model: str, version: int, folder: Path) -> tuple[Order, float]:
        """Say what to serve, and how many seconds it may take until it does."""
        settings = self.latest()
        log, key = settings.log, b""
        if log.hash or self._personal:
            key = project_key(self._root / LOCAL)
        order = Order(
            folder=folder,
            model=model,
            version=version,
            socket=self._sockets,
            memory=settings.memory << 20,
            endpoint=self._files.folder.name,
            log=self._files.predictions if log.enabled else None,
            drop=tuple(log.drop),
            hash=tuple(log.hash),
            personal=self._personal,
            key=key,
            max_rows=settings.max_rows,
            seal=self._seal(folder),
        )
        return order, settings.start_timeout

    def _seal(self, folder: Path) -> Seal:
        told, policy = self._files.told_of(folder), self._policy
        key = self._root / policy.key if policy.key else signing.public_key(self._root / LOCAL)
        return Seal(told.digest, told.signature, key, policy.models == "signed", policy.pickle == "signed")

    def latest(self) -> EndpointSettings:
        """Give the settings as they were when they were right last: a slip in a file shall not stop an endpoint."""
        with contextlib.suppress(InvalidUsage):
            return self.settings
        return self._latest
