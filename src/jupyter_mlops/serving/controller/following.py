"""What the registry says, seen from an endpoint: which version its alias names, and the files of a version."""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ... import signing
from ...backend import audit, fetching, probe, versions, webhooks
from ...backend.adapter import Mlflow
from ...backend.light import Light
from ...backend.versions import Named
from ...errors import BackendUnreachable, InvalidUsage
from ...workspace import Workspace
from ..files import EndpointFiles, Told

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion


_log = logging.getLogger(__name__)


class Registry:
    """The tracking server of the project; it is asked, and never started: who has stopped it wants it so."""

    def __init__(self, root: Path, files: EndpointFiles) -> None:
        self._root = root
        self._files = files
        self._mlflow: Mlflow | None = None
        self._latest: Workspace | None = None
        self._wrong = ""

    def alias(self, model: str, alias: str) -> Named | None:
        """Give the version that an alias names now; None where there is none. One request, so it can be asked often.

        Raises
        ------
        BackendUnreachable
        """
        return versions.named(self._server(), model, alias)

    def fetch(self, version: Named) -> Path:
        """Get the files of a version, whole or not at all; those that are there stay.

        Raises
        ------
        NotFound
        BackendUnreachable
        """
        return fetch(self._server(), self._files, version)

    def note(self, model: str, action: str, before: int | None, after: int | None, evidence: str) -> None:
        """Write into the audit."""
        workspace = self._project()
        audit.append(
            self._server(),
            model,
            action,
            who=workspace.who,
            where=f"endpoint {self._files.folder.name}",
            before=str(before or ""),
            after=str(after or ""),
            evidence=evidence,
        )

    def hook(self, url: str, secret: str) -> None:
        """Have the server tell this address when an alias moves.

        Raises
        ------
        InvalidUsage
            Where it can't.
        BackendUnreachable
        """
        mlflow = self._server()
        if not probe.is_local(mlflow.uri):
            raise InvalidUsage("It is on another machine.")
        webhooks.register(mlflow, webhook_name(self._files), url, secret)

    def unhook(self) -> None:
        """Have it tell no more."""
        webhooks.remove(self._server(), webhook_name(self._files))

    def _project(self) -> Workspace:
        """Give the project as its settings are, or as they were when they were right last: people edit that file."""
        try:
            self._latest, self._wrong = Workspace(self._root), ""
        except InvalidUsage as error:
            if self._latest is None:
                raise BackendUnreachable(error.message, error.hint) from error
            if str(error) != self._wrong:
                self._wrong = str(error)
                _log.warning("the settings are wrong, and what they were before holds: %s", error)
        return self._latest

    def _server(self) -> Mlflow:
        workspace = self._project()
        uri = workspace.settings.tracking_uri
        if uri is None:
            server = next(iter(workspace.state.all("server")), None)
            if server is None or not server.alive:
                raise BackendUnreachable("The project's MLflow server is not running.", "%mlops init")
            uri = server.url
        if self._mlflow is None or self._mlflow.uri != uri:
            self._mlflow = Light(uri, workspace.settings.timeout)
        return self._mlflow


def webhook_name(files: EndpointFiles) -> str:
    """Give the name of an endpoint's webhook: one for each endpoint on this machine, whatever project it is of."""
    return f"mlops-{hashlib.sha256(str(files.folder.resolve()).encode()).hexdigest()[:16]}"


def fetch(mlflow: Mlflow, files: EndpointFiles, version: ModelVersion | Named) -> Path:
    """Get the files of a version into the endpoint's folder, whole or not at all; those that are there stay.

    The folder is named after where they are from: another server may have another version of the same number.
    """
    origin = hashlib.sha256(f"{mlflow.uri} {version.source} {version.creation_timestamp}".encode()).hexdigest()
    target = files.versions / f"{version.version}-{origin[:12]}"
    told = Told(digest=version.tags.get(signing.DIGEST, ""), signature=version.tags.get(signing.SIGNATURE, ""))
    files.tell_of(target, told)
    if target.exists():
        if not told.digest or signing.digest(target) == told.digest:
            return target
        shutil.rmtree(target, ignore_errors=True)  # somebody has been at it here; the server may have what it was
    files.versions.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f"{target.name}.", suffix=".part", dir=files.versions))
    try:
        fetching.download(mlflow, version, part).replace(target)
    except OSError:
        if not target.exists():  # where it does, a kernel and the controller have fetched it at the same moment
            raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target
