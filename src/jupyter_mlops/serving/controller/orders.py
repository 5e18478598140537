"""What the processes of a version are told: the settings of the endpoint, as they are when one is started."""

from __future__ import annotations

from pathlib import Path

from ...settings import EndpointSettings
from ...workspace import LOCAL, Workspace
from ..files import EndpointFiles
from ..model.order import Order


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

    @property
    def settings(self) -> EndpointSettings:
        """The settings of the endpoint as they are now.

        Raises
        ------
        InvalidUsage
            Where ``mlops.toml`` has become wrong.
        """
        return Workspace(self._root).settings.endpoint(self._files.folder.name)

    def order(self, model: str, version: int, folder: Path) -> tuple[Order, float]:
        """Say what to serve, and how many seconds it may take until it does."""
        settings = self.settings
        log, key = settings.log, b""
        if log.hash:
            from ..log.privacy import project_key  # with pandas, which a controller has no other need of

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
            key=key,
        )
        return order, settings.start_timeout
