"""The commands of a session: ``init``, ``status``, ``doctor``, ``stop``, ``help``."""

from __future__ import annotations

from typing import Annotated

from ..command import Address, Slot, command, commands_in_order
from ..workspace import Workspace
from .results import CommandRow, Diagnosis, Help, OptionRow, Status, Stopped


@command(changes=True)
def init(*, experiment: str | None = None, tracking_uri: Address | None = None, dry_run: bool = False) -> Status:
    """Begin a project in this folder: settings, and an MLflow server unless there is one already.

    Parameters
    ----------
    experiment
        Where runs go; written to mlops.toml.
    tracking_uri
        The address of the team's MLflow server; written to mlops.toml. Without one the project gets its own.
    dry_run
        Only show what would be done.

    Raises
    ------
    InvalidUsage
        Where mlops.toml is broken.
    NotWritable
        Where the folder can't be written, or its disk is full.
    ProcessFailed
        Where the server does not start, with its last lines.
    """
    from . import project

    return project.begin(experiment, tracking_uri, dry_run=dry_run)


@command()
def status() -> Status:
    """Show the project: its server, its settings and where they come from, and the next useful step."""
    from . import project

    return project.status(Workspace.here())


@command()
def doctor() -> Diagnosis:
    """Look for what is wrong with the installation, the folder, the settings and the server."""
    from .doctor import examine

    return Diagnosis(tuple(examine()))


@command(changes=True)
def stop(*, all: bool = False, dry_run: bool = False) -> Stopped:
    """Stop the project's MLflow server, or everything that the project runs on this machine.

    Parameters
    ----------
    all
        Stop the endpoints too.
    dry_run
        Only show what would be stopped.
    """
    from . import project

    return project.stop(Workspace.here(), everything=all, dry_run=dry_run)


@command()
def help(*command: Annotated[str, Slot("command")]) -> Help:
    """List the commands, or explain one with its parameters.

    Parameters
    ----------
    command
        The command to explain.

    Raises
    ------
    InvalidUsage
        For an unknown command, with the nearest names.
    """
    from .. import grammar

    chosen = [grammar.explained(command)] if command else commands_in_order()
    rows = tuple(CommandRow(c.magic, c.group, grammar.usage(c), c.summary) for c in chosen)
    options = tuple(OptionRow(o.label, o.help, o.shown_default) for o in grammar.options(chosen[0])) if command else ()
    return Help(rows, options)
