"""The commands of serving: ``deploy``, ``predict``, ``label``, ``endpoints``, ``logs``, ``undeploy``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..command import Endpoint as EndpointName
from ..command import Model, Variable, command
from ..entities import CHAMPION, ModelRef
from ..errors import InvalidUsage
from ..workspace import Workspace
from .results import Endpoint, Endpoints, Logs, Predictions, Undeployed

if TYPE_CHECKING:
    from .log.results import Labelled


@command(changes=True)
def deploy(model: Model, *, name: str | None = None, port: int = 0, dry_run: bool = False) -> Endpoint:
    """Serve a registered model over HTTP, in a process of its own that outlives the notebook.

    Parameters
    ----------
    model
        The version, such as churn@champion or churn/3; of a bare name the champion.
    name
        What the endpoint is called; by default like the model.
    port
        The port on loopback; 0 takes a free one.
    dry_run
        Only show what would be served.

    Returns
    -------
    Endpoint
        With ``.url`` and ``.predict(rows)``.

    Raises
    ------
    UntrustedModel
        Where loading the model would run code.
    ProcessFailed
        Where the endpoint does not start, with its last lines.
    Conflict
        Where the port is in use.
    """
    from ..backend import versions
    from . import deployment

    ref = ModelRef.of(model)
    workspace = Workspace.here()
    version = versions.find_version(workspace.mlflow, ref, CHAMPION)
    endpoint = deployment.endpoint_name(name or ref.name)
    if dry_run:
        return Endpoint(endpoint, ref.name, int(version.version), "", 0, port, 0.0, state="planned")
    return deployment.deploy(workspace, version, endpoint, port)


@command()
def predict(endpoint: EndpointName, *, data: Variable) -> Predictions:
    """Ask an endpoint for predictions.

    Parameters
    ----------
    endpoint
        The name of the endpoint.
    data
        The rows: a frame with the model's columns, or an array.

    Returns
    -------
    Predictions
        With ``.values`` and ``.frame()``.

    Raises
    ------
    NotFound
        Where there is no such endpoint.
    InvalidUsage
        Where the rows don't fit the model: which column, and why.
    """
    from . import client, deployment

    return client.ask(deployment.find(Workspace.here(), endpoint), data)


@command(changes=True)
def label(
    endpoint: EndpointName, *, data: Variable, on: str = "id", column: str | None = None, dry_run: bool = False
) -> Labelled:
    """Tell what really was: labels for predictions that an endpoint has made, by their ids.

    Parameters
    ----------
    endpoint
        The name of the endpoint.
    data
        A frame with the ids and the labels.
    on
        The column with the ids of the predictions, as they stand in the log.
    column
        The column with the labels; by default the only other one.
    dry_run
        Only count what would be kept.

    Returns
    -------
    Labelled
        With ``.frame()`` of every doubt: unknown ids, changed labels, two for one id.

    Raises
    ------
    NotFound
        Where there is no such endpoint, and no log of one.
    InvalidUsage
        Where the data lacks the column of ids, or it can't be told which one has the labels.
    """
    from . import deployment
    from .log import folder, labelling

    workspace = Workspace.here()
    log = folder.endpoint_log(workspace.state.folder, deployment.endpoint_name(endpoint))
    if not log.exists():
        deployment.find(workspace, endpoint)
    return labelling.label(log, endpoint, data, on, column, dry_run=dry_run)


@command()
def endpoints() -> Endpoints:
    """List the endpoints of the project on this machine."""
    from . import deployment

    return Endpoints(tuple(deployment.endpoints(Workspace.here())))


@command()
def logs(name: EndpointName, *, lines: int = 20) -> Logs:
    """Show the last lines that an endpoint wrote; of "mlflow" those of the project's server.

    Parameters
    ----------
    name
        The name of the endpoint, or mlflow.
    lines
        How many lines at the most.

    Raises
    ------
    NotFound
        Where there is no such endpoint.
    """
    from ..backend.processes import tail
    from . import deployment

    if lines < 1:
        raise InvalidUsage(f"--lines must be 1 or more, not {lines}.")
    path = deployment.log_of(Workspace.here(), name)
    return Logs(name, str(path), tuple(tail(path, lines).splitlines()))


@command(changes=True)
def undeploy(endpoint: EndpointName, *, dry_run: bool = False) -> Undeployed:
    """Stop an endpoint and forget it.

    Parameters
    ----------
    endpoint
        The name of the endpoint.
    dry_run
        Only show what would be stopped.

    Raises
    ------
    NotFound
        Where there is no such endpoint.
    """
    from . import deployment

    return deployment.undeploy(Workspace.here(), endpoint, dry_run=dry_run)
