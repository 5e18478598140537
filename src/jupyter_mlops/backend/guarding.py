"""The guard's hold on the registry of an MLflow server.

It sits in the store, below every route: whatever path, prefix, version of the API or spelling a request comes by, an
alias is set there, or nowhere.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import tempfile
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from filelock import FileLock, Timeout

from ..entities import typed
from ..errors import Inconclusive, MlopsError, ValidationFailed
from .guard import MEND, REFUSED, ROUTE, TAG
from .inside import server

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

OVER: Final = "MLOPS_GUARD_OVER"
"""The environment variable with another app of MLflow's that the guard stands before, such as basic-auth."""

_PATIENCE = 30.0  # seconds that one who moves an alias waits for another
_LONGEST = 2000


class Rules(Protocol):
    """What is protected, and what counts as passed; asked at each move, so that nothing has to be started again."""

    @property
    def aliases(self) -> Sequence[str]:
        """The aliases that are protected."""

    @property
    def forced(self) -> bool:
        """Whether forced promotions pass."""

    def evidence(self, version: ModelVersion, alias: str, now: ModelVersion | None) -> str:
        """Say on what a version may have an alias; raises ``ValidationFailed`` where it may not."""


def app(rules: Rules) -> Any:
    """Make the server's app with the guard in it, for uvicorn, gunicorn or waitress.

    Raises
    ------
    MlopsError
        Where it could not hold what it promises; the server does not start then.
    """
    mlflow = server()
    if os.environ.get("MLFLOW_ENABLE_WORKSPACES", "").lower() in ("true", "1"):
        raise MlopsError(
            "The guard can't hold MLflow's workspaces apart.", "start the server without --enable-workspaces"
        )
    hold(mlflow.handlers._get_model_registry_store(), rules)

    def guard() -> dict[str, Any]:
        return {"aliases": list(rules.aliases), "forced": rules.forced}

    mlflow.app.add_url_rule(mlflow.handlers._add_static_prefix(ROUTE), "jupyter_mlops_guard", guard)
    if other := os.environ.get(OVER):
        module, _, factory = mlflow._find_app(other).partition(":")
        return getattr(importlib.import_module(module), factory)()
    if os.environ.get("_MLFLOW_SGI_NAME") != "uvicorn":
        return mlflow.app
    from mlflow.server.fastapi_app import create_fastapi_app

    return create_fastapi_app(mlflow.app)


def hold(store: Any, rules: Rules) -> None:
    """Put the guard into a store of MLflow's registry."""

    class Held(type(store)):  # type: ignore[misc]
        """The store, with the guard in it: what the store's own methods call goes through it, too."""

        def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
            if not _protected(alias, rules):
                super().set_registered_model_alias(name, alias, version)
                return
            with _alone():
                found = self.get_model_version(name, version)  # as the store spells it
                now = _holder(self, found.name, alias)
                if now is not None and str(now.version) == str(found.version):
                    return
                with _told(f"{found.name}/{found.version}"):
                    evidence = rules.evidence(found, alias, now)
                if now is not None and not has_had(now, alias):
                    _mark(super().set_model_version_tag, now, alias, "had it before the guard was here")
                super().set_registered_model_alias(found.name, alias, str(found.version))
                if not has_had(found, alias):
                    _mark(super().set_model_version_tag, found, alias, evidence)

        def delete_registered_model_alias(self, name: str, alias: str) -> None:
            with _alone():
                if _protected(alias, rules):
                    _refuse_to_lose(self, name, rules)
                super().delete_registered_model_alias(name, alias)

        def delete_model_version(self, name: str, version: str) -> None:
            with _alone():
                _refuse_to_lose(self, name, rules, version)
                super().delete_model_version(name, version)

        def delete_registered_model(self, name: str) -> None:
            with _alone():
                _refuse_to_lose(self, name, rules)
                super().delete_registered_model(name)

        def rename_registered_model(self, name: str, new_name: str) -> Any:
            with _alone():
                _refuse_to_lose(self, name, rules)
                return super().rename_registered_model(name, new_name)

        def create_model_version(self, name: str, source: str, run_id: Any = None, tags: Any = None, *rest: Any, **more: Any) -> Any:  # fmt: skip
            own = [tag for tag in tags or [] if not _is_ours(tag.key)]  # a copy of a version has those of the other
            return super().create_model_version(name, source, run_id, own, *rest, **more)

        def set_model_version_tag(self, name: str, version: str, tag: Any) -> None:
            _refuse_our_tag(tag.key)
            super().set_model_version_tag(name, version, tag)

        def delete_model_version_tag(self, name: str, version: str, key: str) -> None:
            _refuse_our_tag(key)
            super().delete_model_version_tag(name, version, key)

    store.__class__ = Held


def has_had(version: ModelVersion, alias: str) -> bool:
    """Whether a version has had a protected alias before, and the guard has seen it."""
    return str(version.tags.get(TAG + alias, "")).startswith(_beginning(version, alias))


def refused(error: MlopsError) -> Exception:
    """Give a refusal as MLflow's own error, which its client raises again: 403, what and why, and the line that mends it."""
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import PERMISSION_DENIED

    kind = "inconclusive" if isinstance(error, Inconclusive) else "no"
    mend = f"{MEND}{error.hint}" if error.hint else ""
    return MlflowException(f"{REFUSED} ({kind}): {error.message}{mend}", error_code=PERMISSION_DENIED)


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    """Refuse where the gate does not pass, and as well where it can't be asked: whatever goes wrong, nothing moves."""
    try:
        yield
    except ValidationFailed as error:
        raise refused(error) from error
    except Exception as error:
        said = " ".join(str(error).split())[:300]
        unknown = Inconclusive(f"{what} could not be held against its gate: {type(error).__name__}: {said}", "the log of the MLflow server says more")  # fmt: skip
        raise refused(unknown) from error


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Let no other worker of this machine change what is judged right now."""
    which = hashlib.sha256(os.environ.get(server().BACKEND_STORE_URI_ENV_VAR, "").encode()).hexdigest()[:16]
    user = os.getuid() if hasattr(os, "getuid") else 0
    try:
        with FileLock(Path(tempfile.gettempdir()) / f"jupyter-mlops-guard-{user}-{which}.lock", timeout=_PATIENCE):
            yield
    except Timeout:
        raise refused(Inconclusive("Somebody else is changing a model right now.", "try again")) from None


def _protected(alias: str, rules: Rules) -> bool:
    """Whether an alias is protected; one that a database may take for it is refused."""
    close = [each for each in rules.aliases if _plain(each) == _plain(alias)]
    if close and alias not in close:
        raise refused(ValidationFailed(f"The alias {alias!r} is too much like {close[0]!r}.", f"write {close[0]}"))
    return bool(close)


def _plain(text: str) -> str:
    """Fold what databases may compare as equal: case, width and accents."""
    folded = unicodedata.normalize("NFKD", str(text)).casefold()
    return "".join(c for c in folded if not unicodedata.combining(c)).strip()


def _holder(store: Any, name: str, alias: str) -> ModelVersion | None:
    number = store.get_registered_model(name).aliases.get(alias)
    return store.get_model_version(name, str(number)) if number is not None else None


def _refuse_to_lose(store: Any, name: str, rules: Rules, version: str | None = None) -> None:
    """Refuse where a protected alias would be gone, or its model: what comes next would be held against nothing."""
    aliases = store.get_registered_model(name).aliases
    for alias in rules.aliases:
        holder = aliases.get(alias)
        if holder is not None and (version is None or str(holder) == str(version).strip()):
            gone = ValidationFailed(
                f"{name}@{alias} is protected: it moves to another version, and does not go away.",
                f"%mlops rollback {typed(name)}, or promote another version; whoever runs the server can end it without the guard",
            )
            raise refused(gone)


def _refuse_our_tag(key: str) -> None:
    if _is_ours(key):
        raise refused(ValidationFailed(f"The tag {key} is written by the guard alone.", "another name"))


def _is_ours(key: str) -> bool:
    return _plain(key).startswith(TAG)


def _beginning(version: ModelVersion, alias: str) -> str:
    return f"{version.name}@{alias}: "


def _mark(write: Any, version: ModelVersion, alias: str, evidence: str) -> None:
    from mlflow.entities.model_registry import ModelVersionTag

    tag = ModelVersionTag(  # type: ignore[no-untyped-call]
        TAG + alias, (_beginning(version, alias) + evidence)[:_LONGEST]
    )
    write(version.name, str(version.version), tag)
