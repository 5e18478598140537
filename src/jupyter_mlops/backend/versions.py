"""Registered models and their versions on the server: find the one that is meant, by alias or number."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..entities import ModelRef, typed
from ..errors import InvalidUsage, NotFound, nearest
from .adapter import Mlflow
from .experiments import equals

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel


@dataclass(frozen=True)
class Named:
    """The version that an alias names: what ``ModelVersion`` says of it, without MLflow's client."""

    name: str
    version: str
    source: str
    creation_timestamp: int
    run_id: str
    tags: Mapping[str, str]


def named(mlflow: Mlflow, model: str, alias: str) -> Named | None:
    """Say which version an alias names; None where there is none. One request, for what asks again and again."""
    try:
        said = mlflow.rest("GET", "mlflow/registered-models/alias", name=model, alias=alias)["model_version"]
    except (NotFound, InvalidUsage):  # MLflow says of an alias that is not there that its name is wrong
        return None
    tags = tags_of(said)
    return Named(
        said["name"], said["version"], said["source"], int(said["creation_timestamp"]), said.get("run_id", ""), tags
    )


def tags_of(said: Mapping[str, Any]) -> dict[str, str]:
    """Read the tags in what the REST API says of something."""
    return {tag["key"]: tag.get("value", "") for tag in said.get("tags") or ()}


def models(mlflow: Mlflow) -> list[RegisteredModel]:
    """List the registered models, by name."""
    found: list[RegisteredModel] = []
    token = None
    while True:
        page = mlflow.read("search_registered_models", max_results=1000, page_token=token)
        found += page
        token = page.token
        if not token:
            return sorted(found, key=lambda model: str(model.name))


def model(mlflow: Mlflow, name: str) -> RegisteredModel:
    """Find a registered model, with its aliases.

    Raises
    ------
    NotFound
        With the nearest names.
    """
    found = registered(mlflow, name)
    if found is None:
        known = [model.name for model in models(mlflow)]
        raise NotFound(
            f"There is no registered model {name!r}.{nearest(name, known)}", f"%mlops register {typed(name)} --run last"
        )
    return found


def registered(mlflow: Mlflow, name: str) -> RegisteredModel | None:
    """Find a registered model, if it is there."""
    try:
        return mlflow.read("get_registered_model", name)  # type: ignore[no-any-return]
    except NotFound:
        return None


def versions(mlflow: Mlflow, name: str) -> list[ModelVersion]:
    """List all versions of a model, newest first."""
    found = mlflow.read("search_model_versions", f"name {equals(name)}", max_results=10_000)
    return sorted(found, key=lambda version: int(version.version), reverse=True)


def of_runs(mlflow: Mlflow, run_ids: Collection[str]) -> list[ModelVersion]:
    """List the versions that were made of these runs."""
    if not run_ids:
        return []
    listed = ", ".join(f"'{run_id}'" for run_id in run_ids)
    only = f"run_id IN ({listed})" if len(run_ids) <= 100 else None  # of more, all versions are read
    found: list[ModelVersion] = []
    token = None
    while True:
        page = mlflow.read("search_model_versions", only, max_results=10_000, page_token=token)
        found += [version for version in page if version.run_id in run_ids]
        token = page.token
        if not token:
            return found


def is_of_its_run(mlflow: Mlflow, version: ModelVersion) -> bool:
    """Whether it is seen that the run which a version names has made its model; whoever registers one names any run."""
    source, run_id = str(version.source), version.run_id
    if not run_id:
        return True
    model_id = version.model_id or (source.removeprefix("models:/") if source.startswith("models:/m-") else "")
    try:
        if model_id:
            return bool(mlflow.read("get_logged_model", model_id).source_run_id == run_id)
        root = str(mlflow.read("get_run", run_id).info.artifact_uri).rstrip("/")
    except NotFound:
        return False
    return source.startswith((f"{root}/", f"runs:/{run_id}/", "models:/")) and ".." not in source


def find_version(mlflow: Mlflow, ref: ModelRef, default_alias: str | None = None) -> ModelVersion:
    """Find the one version that a reference means.

    Parameters
    ----------
    mlflow : Mlflow
    ref : ModelRef
    default_alias : str, optional
        What a bare name means; without it the newest version.

    Raises
    ------
    NotFound
        For a model, alias or version that isn't there, with those that are.
    """
    registered = model(mlflow, ref.name)
    if ref.version is not None:
        try:
            return mlflow.read("get_model_version", ref.name, str(ref.version))  # type: ignore[no-any-return]
        except NotFound:
            known = [str(version.version) for version in versions(mlflow, ref.name)]
            raise NotFound(
                f"{ref.name} has no version {ref.version}.{nearest(str(ref.version), known)}",
                f"%mlops models {typed(ref.name)}",
            ) from None
    alias = ref.alias or default_alias
    if alias is None:
        newest = versions(mlflow, ref.name)
        if not newest:
            raise NotFound(f"{ref.name} has no version yet.", f"%mlops register {typed(ref.name)} --run last")
        return newest[0]
    number = registered.aliases.get(alias)
    if number is None:
        hint = (
            f"%mlops promote {typed(f'{ref.name}@challenger')}"
            if alias == "champion"
            else f"%mlops register {typed(ref.name)} --run last --alias {alias}"
        )
        near = difflib.get_close_matches(alias, registered.aliases, n=1)
        if near:  # a slip of the keyboard
            hint = f"the same with {typed(f'{ref.name}@{near[0]}')}"
        raise NotFound(f"{ref.name} has no alias {alias!r}.{nearest(alias, registered.aliases)}", hint)
    return mlflow.read("get_model_version", ref.name, str(number))  # type: ignore[no-any-return]
