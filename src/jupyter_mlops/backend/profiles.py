"""The profile of a logged model: made where it is stored, kept beside it with its run, and found for a version."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from ..errors import InvalidUsage, MlopsError, NotFound
from ..frames import as_frame
from . import artifacts
from .adapter import Mlflow

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

    from ..statistics.profile import Profile

FOLDER: Final = "monitoring"
WITHOUT: Final = "mlops.without_profile"
"""The tag of a logged model that says why it has no profile."""
_AS_FITTED: Final = "give the features as they were when it was fitted"


class Logged(Protocol):
    """What says where a logged model lies."""

    @property
    def source(self) -> str:
        """What it is: ``models:/m-…``."""

    @property
    def run_id(self) -> str:
        """The run that it came from."""


def make(
    estimator: Any, fitted_on: Any, method: str | None, personal: Collection[str] = (), target: Any = None
) -> Profile | None:
    """Take the profile of an estimator; None where what it was fitted on is not known, or has no table's form.

    Parameters
    ----------
    estimator : object
    fitted_on : table, optional
    method : str, optional
        What answers: ``predict``, ``transform`` …
    personal : collection of str
        Columns of which no value may be kept.
    target : array-like, optional
        What it was to predict: then the performance on it is kept too.

    Raises
    ------
    InvalidUsage
        Where none can be made: why, without values of the data.
    """
    from ..statistics.subject import in_words, profile_of

    if fitted_on is None or hasattr(fitted_on, "tocsr"):
        return None
    try:
        frame = as_frame(fitted_on)
    except MlopsError as error:
        raise InvalidUsage(error.message, _AS_FITTED) from None
    if not len(frame) or not frame.shape[1]:
        raise InvalidUsage("The data has no rows or no columns.", _AS_FITTED)
    has_names = hasattr(fitted_on, "columns") or hasattr(fitted_on, "__arrow_c_stream__")

    def asking(name: str) -> Any:
        ask = getattr(estimator, name, None)
        return None if ask is None else lambda rows: ask(rows if has_names else rows.to_numpy())

    answer = asking(method) if method else None
    chances = asking("predict_proba") if method == "predict" else None
    try:
        profile = profile_of(frame, answer, chances, personal)
        if target is not None and method == "predict" and answer is not None:
            from ..statistics.performance.training import of_training

            known = getattr(estimator, "classes_", None)
            profile = replace(
                profile, performance=of_training(frame, target, answer, None if known is None else list(known))
            )
        return profile
    except Exception as error:  # whatever people keep in tables
        raise InvalidUsage(f"The data can't be profiled: {in_words(error)}.", _AS_FITTED) from error


def write(mlflow: Mlflow, run_id: str, model_id: str, profile: Profile) -> None:
    """Store the profile of a logged model, in place of an earlier one."""
    with tempfile.TemporaryDirectory(prefix="mlops-profile-") as folder:
        file = Path(folder) / _name(model_id)
        file.write_bytes(profile.to_bytes())
        mlflow.write("log_artifact", run_id, str(file), FOLDER)


def of_version(mlflow: Mlflow, version: ModelVersion | Logged) -> Profile | None:
    """Find the profile of a version; None where it has none, or it can't be read."""
    from ..statistics.profile import Profile

    place = place_of(version)
    if place is None:
        return None
    try:
        stored = artifacts.read_bytes(mlflow, place[0], f"{FOLDER}/{_name(place[1])}")
    except (NotFound, InvalidUsage):  # the run is gone
        return None
    try:
        return None if stored is None else Profile.of_bytes(stored)
    except ValueError:
        return None


def why_not(mlflow: Mlflow, version: ModelVersion | Logged) -> str:
    """Say why a version was stored without a profile; empty where that is not known."""
    place = place_of(version)
    try:
        return "" if place is None else str(mlflow.read("get_logged_model", place[1]).tags.get(WITHOUT, ""))
    except (NotFound, InvalidUsage):
        return ""


def place_of(version: ModelVersion | Logged) -> tuple[str, str] | None:
    """Give the run and the logged model of a version."""
    model_id = getattr(version, "model_id", None) or str(version.source).partition("models:/")[2]
    return (str(version.run_id), str(model_id)) if version.run_id and model_id else None


def _name(model_id: str) -> str:
    return f"profile-{model_id}.json.gz"
