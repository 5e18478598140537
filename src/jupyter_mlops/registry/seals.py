"""What a version is sealed with: the digest of its model's files, and the signature of the project's own key."""

from __future__ import annotations

import tempfile
from pathlib import Path

from .. import signing
from ..backend import fetching
from ..backend.adapter import Mlflow
from ..errors import NotFound, UntrustedModel, writing_to
from ..workspace import LOCAL, Workspace


def tags(mlflow: Mlflow, model_id: str) -> dict[str, str]:
    """Give the digest that a logged model was stored with, as the tag of a version; nothing where others have logged it."""
    try:
        found = mlflow.read("get_logged_model", model_id).tags.get(signing.DIGEST)
    except NotFound:
        return {}
    return {signing.DIGEST: found} if found else {}


def sign(workspace: Workspace, name: str, number: int) -> None:
    """Sign the files of a version, and store the signature with it.

    Raises
    ------
    UntrustedModel
        Where they are not those that were logged: nobody shall have that signed.
    """
    mlflow = workspace.mlflow
    private, public = signing.own_key(workspace.root / LOCAL)
    version = mlflow.read("get_model_version", name, str(number))
    with writing_to(Path(tempfile.gettempdir())), tempfile.TemporaryDirectory(prefix="mlops-sign-") as scratch:
        folder = fetching.download(mlflow, version, Path(scratch))
        found, known = signing.digest(folder), version.tags.get(signing.DIGEST)
        if known not in (None, found):
            raise UntrustedModel(f"The files of {name}/{number} are not those that were logged: they are not signed.")
        before = version.tags.get(signing.SIGNATURE)
        if before is not None and known is not None and signing.is_signed(folder, before.encode(), public):
            return
        signature = signing.sign_folder(folder, private).decode()
    for tag, value in ((signing.DIGEST, found), (signing.SIGNATURE, signature)):
        mlflow.write("set_model_version_tag", name, str(number), tag, value)
