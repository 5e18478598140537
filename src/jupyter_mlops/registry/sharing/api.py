"""The commands that take a version from one project and server to another: ``export``, ``import``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...command import Alias, File, Model, Name, command
from ...entities import ModelRef, typed
from ...workspace import Workspace

if TYPE_CHECKING:
    from .exporting import Exported
    from .importing import Imported


@command(changes=True)
def export(model: Model, *, to: File | None = None, sign: File | None = None, dry_run: bool = False) -> Exported:
    """Put a version into one file that another project can import: model, run, data sets, snapshot, card, lineage.

    Parameters
    ----------
    model
        The version, such as churn@champion or churn/3; of a bare name the champion.
    to
        The file or folder to write; by default NAME-VERSION.mlops.zip in the working folder.
    sign
        A private EC key in PEM to sign with.
    dry_run
        Only show what would be in it.

    Raises
    ------
    NotFound
        Where there is no such version, or its files are missing on the server.
    Conflict
        Where the file is there.
    UntrustedModel
        Where loading the model would run code.
    MissingDependency
        Where it is to be signed, and model-signing is not installed.
    """
    from . import exporting

    return exporting.export(Workspace.here(), ModelRef.of(model), _path(to), _path(sign), dry_run=dry_run)


@command(name="import", changes=True)
def import_(
    file: File, *, name: Name | None = None, key: File | None = None, alias: Alias | None = None, dry_run: bool = False
) -> Imported:
    """Take in a version that another project has exported; where the name is there, it becomes its next version.

    Parameters
    ----------
    file
        What export has written.
    name
        What to call the model here; by default as it was called there.
    key
        The public key of who must have signed it.
    alias
        The alias to give to the version, such as challenger.
    dry_run
        Check the file, and only show what would be made.

    Raises
    ------
    InvalidUsage
        Where the file is no archive of export, is of a newer one, or the alias is champion.
    ValidationFailed
        Where a byte was changed, or it was not signed by the key.
    UntrustedModel
        Where loading the model would run code.
    """
    from .. import registration
    from . import importing

    registration.check_alias(alias, f"import {typed(file)}")
    path = Path(file).expanduser()
    return importing.take_in(Workspace.here(), path, name=name, key=_path(key), alias=alias, dry_run=dry_run)


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text).expanduser()
