"""The commands of serving: ``deploy``, ``predict``, ``label``, ``endpoints``, ``logs``, ``undeploy``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..command import Endpoint as EndpointName
from ..command import Model, Variable, command
from ..entities import CHAMPION, ModelRef, typed
from ..errors import InvalidUsage
from ..workspace import Workspace
from .predictions import Predictions
from .results import Endpoint, Endpoints, Logs, Undeployed

if TYPE_CHECKING:
    from .log.results import Labelled


@command(changes=True)
def deploy(
    model: Model,
    *,
    name: str | None = None,
    port: int = 0,
    workers: int | None = None,
    host: str | None = None,
    auth: bool = False,
    canary: str | None = None,
    shadow: bool = False,
    auto: bool = False,
    dry_run: bool = False,
) -> Endpoint:
    """Serve a registered model over HTTP, in processes of its own that outlive the notebook, and follow its alias.

    Parameters
    ----------
    model
        The version, such as churn@champion or churn/3; of a bare name the champion.
    name
        What the endpoint is called; by default like the model.
    port
        The port; 0 takes a free one.
    workers
        How many processes predict, each of which takes a core: 1, or as many as there are.
    host
        The address to listen on, where other machines are to reach it; by default loopback. It takes --auth.
    auth
        Ask for a key: that of MLOPS_API_KEY, else one that is made and kept in .mlops for predict to use.
    canary
        Let it answer a share of the requests beside what the endpoint serves, such as 10%; the same request id
        is always answered by the same side.
    shadow
        Let it be asked too, in silence: its answers are compared and logged, and nobody gets them.
    auto
        Promote the canary or the shadow when it has done well, and take it away when it has not, by the rules in
        [endpoints.NAME.auto] of mlops.toml; the gate holds as for any promotion.
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
    NotFound
        Where there is no endpoint that a canary or a shadow could stand beside.
    """
    from ..backend import versions
    from . import deployment
    from .files import files_of

    ref = ModelRef.of(model)
    workspace = Workspace.here()
    version = versions.find_version(workspace.mlflow, ref, CHAMPION)
    served = ref if ref.version is not None else ModelRef(ref.name, alias=ref.alias or CHAMPION)
    files = files_of(workspace.state.folder, name or ref.name)
    if auto and canary is None and not shadow:
        raise InvalidUsage(
            "--auto is about a version beside the one that answers.",
            f"%mlops deploy {typed(ref)} --canary 10% --auto",
        )
    is_second = canary is not None or shadow
    if is_second and (host is not None or auth):
        raise InvalidUsage(
            "--host and --auth are of the endpoint, not of what stands beside.",
            f"%mlops deploy {typed(ref.name)} --auth",
        )
    if canary is not None and shadow:
        raise InvalidUsage("A version is a canary or a shadow, not both.", f"%mlops deploy {typed(ref)} --shadow")
    share = None if canary is None else deployment.share(canary)
    if dry_run:
        deployment.check(workspace, name or ref.name, port, workers)
        deployment.where_to_listen(workspace, files, host, auth=auth)
        return Endpoint(
            name or ref.name, ref.name, int(version.version), "", 0, port, 0.0, state="planned", follows=served.alias
        )
    if not is_second:
        return deployment.deploy(workspace, version, served, name or ref.name, port, workers, host, auth)
    return deployment.beside(workspace, version, served, name or ref.name, share, auto=auto)


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
    from . import client, listing

    return client.ask(listing.find(Workspace.here(), endpoint), data)


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
    from . import listing
    from .files import files_of
    from .log import labelling

    workspace = Workspace.here()
    log = files_of(workspace.state.folder, endpoint).predictions
    if not log.exists():
        listing.find(workspace, endpoint)
    return labelling.label(log, endpoint, data, on, column, dry_run=dry_run)


@command(changes="restart")
def endpoints(*, restart: bool = False, dry_run: bool = False) -> Endpoints:
    """List the endpoints of the project on this machine.

    Parameters
    ----------
    restart
        Start those again that have stopped or failed, on their ports and with what they served last; as after the
        machine was started anew.
    dry_run
        Only list, and say which would be started.
    """
    from . import listing, restarting

    workspace = Workspace.here()
    rows = listing.endpoints(workspace)
    return Endpoints(tuple(restarting.restart(workspace, rows, dry_run=dry_run) if restart else rows))


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
    from . import listing

    if lines < 1:
        raise InvalidUsage(f"--lines must be 1 or more, not {lines}.")
    path = listing.log_of(Workspace.here(), name)
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
