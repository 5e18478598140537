"""The profile that a version is held against: it travels with the version; and how one is made where there is none."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..backend import profiles, versions
from ..disk import write_private
from ..entities import ModelRef, file_name, typed
from ..errors import BackendUnreachable, InvalidUsage, MlopsError, NotFound, NotWritable
from ..frames import as_frame
from ..serving import listing
from ..statistics.profile import Profile
from ..workspace import Workspace
from . import logged_data
from .logged_data import Logged
from .rows import as_logged

if TYPE_CHECKING:
    import pandas as pd

    from .buckets import Who

_MOST_LOADED: Final = 4
_loaded: dict[str, tuple[Any, str]] = {}
# Of which no profile can be made: their files may be large, and are not read at each look.
_none_of: dict[str, Logged] = {}


class Baselines:
    """The profiles of the versions that an endpoint has answered with, each found once.

    Parameters
    ----------
    workspace : Workspace
    endpoint : str
    """

    def __init__(self, workspace: Workspace, endpoint: str) -> None:
        self._workspace, self._endpoint = workspace, endpoint
        self._found: dict[tuple[str, int], Profile | None] = {}
        self._logged: dict[tuple[str, int], Logged | None] = {}
        self._why: dict[tuple[str, int], str] = {}
        self.notes: list[str] = []

    def of(self, who: Who) -> Profile:
        """Find the profile of a version, as far as the log can be held against it.

        Raises
        ------
        NotFound
            Where it has none, with the command that makes it.
        BackendUnreachable
            Where the server is away, and this machine has no copy.
        """
        key = who.model, who.version
        if key not in self._found:
            self._found[key] = self._find(*key)
        found = self._found[key]
        if found is None:
            raise missing(self._endpoint, *key, self._logged.get(key), self._why.get(key, ""))
        return found

    def _find(self, model: str, version: int) -> Profile | None:
        copy = place_of(self._workspace, model, version)
        try:
            registered = _version(self._workspace, model, version)
            found = profiles.of_version(self._workspace.mlflow, registered)
            found = self._from_what_was_logged(model, version, registered) if found is None else found
            if found is None:
                self._why[model, version] = profiles.why_not(self._workspace.mlflow, registered)
            else:
                with contextlib.suppress(NotWritable):
                    write_private(copy, found.to_bytes())
        except BackendUnreachable:
            found = _stored(copy)
            if found is None:
                raise
            self.notes.append("The MLflow server is away: held against the copies of profiles on this machine.")
        except NotFound:  # the version has been deleted meanwhile
            found = _stored(copy)
        if found is None:
            return None
        settings = self._workspace.settings
        return as_logged(found, settings.privacy.personal, settings.endpoint(self._endpoint).log)

    def _from_what_was_logged(self, model: str, version: int, registered: Any) -> Profile | None:
        """Make the profile of a version from the data that its run has logged, where that can still be read as it was."""
        place = profiles.place_of(registered)
        if place is None:
            return None
        key = str(registered.source)
        if key in _none_of:
            self._logged[model, version] = _none_of[key]
            return None
        logged = logged_data.of_run(self._workspace, place[0])
        if logged is None or logged.frame is None:
            self._logged[model, version] = logged
            return None
        try:
            name = f"{model}/{version}"
            profile, why = _profile_of(self._workspace, name, registered, logged.frame, is_whole=True)
            profiles.write(self._workspace.mlflow, *place, profile)
        except (InvalidUsage, NotWritable) as error:
            why = f"gives no profile: {error.message}"
            _none_of[key] = self._logged[model, version] = Logged(logged.name, why=why, can_be_given=False)
            return None
        self.notes.append(f"{_made(name, profile, why)}: made from {logged.name}, which its run has logged, as it was.")
        return profile


def missing(endpoint: str, model: str, version: int, logged: Logged | None = None, reason: str = "") -> NotFound:
    """Say that a version has no profile, and what makes one: of its logged data, where that is known and as it was."""
    said = f"{model}/{version} was stored without a profile of what it was trained on."
    if reason:
        said += f" {reason}"
    if logged is not None and logged.why:
        said += f" Its run has logged {logged.name}, which {logged.why.rstrip('.')}."
    name = logged.name if logged is not None and logged.can_be_given else "X_train"
    return NotFound(said, f"%mlops monitor {typed(endpoint)} --profile {typed(name)}")


def place_of(workspace: Workspace, model: str, version: int) -> Path:
    """Give the place of a profile's copy on this machine."""
    return workspace.state.folder / "monitoring" / "profiles" / f"{file_name(model)}-{version}.json.gz"


def make(workspace: Workspace, endpoint: str, data: Any) -> str:
    """Make the profile of the version that an endpoint serves from some data, and store it beside the version.

    Raises
    ------
    InvalidUsage
        Where the data lacks columns of the model, or is no table.
    """
    served = listing.find(workspace, endpoint)
    mlflow = workspace.mlflow
    version = _version(workspace, served.model, served.version)
    place = profiles.place_of(version)
    if place is None:
        raise InvalidUsage(f"{served.model}/{served.version} was registered without a run to keep a profile with.")
    name = f"{served.model}/{served.version}"
    profile, why = _profile_of(workspace, name, version, as_frame(data))
    profiles.write(mlflow, *place, profile)
    return _made(name, profile, why)


def _made(name: str, profile: Profile, why: str) -> str:
    told = f"The profile of {name} is of {profile.rows:,} rows"
    return f"{told}, without what it answers: {why}" if why else told


def _profile_of(
    workspace: Workspace, name: str, version: Any, frame: pd.DataFrame, *, is_whole: bool = False
) -> tuple[Profile, str]:
    """Take the profile of a version from the data it was fitted on, and say why it is without what it answers.

    Where the data may hold more than the features (``is_whole``), the estimator has to say which ones those are.
    """
    estimator, method, why = _estimator(workspace, version)
    if is_whole and estimator is None:
        raise InvalidUsage(f"which of its columns are the features can't be told: {why}")
    names = [str(name) for name in getattr(estimator, "feature_names_in_", ())]
    if lacking := [each for each in names if each not in set(map(str, frame.columns))]:
        raise InvalidUsage(
            f"The data lacks {lacking[0]!r}, which {name} was trained on.",
            "give the features as they were when it was fitted",
        )
    width = getattr(estimator, "n_features_in_", None)
    if not names and width is not None and width != frame.shape[1]:
        raise InvalidUsage(
            f"The data has {frame.shape[1]} columns, and {name} was trained on {width}.",
            "give the features as they were when it was fitted",
        )
    fitted_on = frame[names] if names else frame
    given: Any = fitted_on if names or estimator is None else fitted_on.to_numpy()
    profile = profiles.make(estimator, given, method, workspace.settings.privacy.personal)
    assert profile is not None  # of a frame there is one, or a reason
    return profile, why


def _estimator(workspace: Workspace, version: Any) -> tuple[Any, str | None, str]:
    """Load a version without running code of its author: the estimator, its method, and why there is none."""
    from .. import mlmodel
    from ..backend import fetching
    from ..estimators import load_estimator

    with tempfile.TemporaryDirectory(prefix="mlops-monitor-") as folder:
        try:
            model = mlmodel.read(fetching.download(workspace.mlflow, version, Path(folder) / "files"))
            return load_estimator(model.library, model.flavor, model.file), model.method, ""
        except BackendUnreachable:
            raise
        except MlopsError as error:
            return None, None, error.message


def estimator_of(workspace: Workspace, model: str, version: int) -> tuple[Any, str]:
    """Load a version, or take it where it has been loaded already: the estimator, and why there is none.

    Raises
    ------
    BackendUnreachable
        Where the server is away.
    NotFound
        Where there is no such version any more.
    """
    registered = _version(workspace, model, version)
    key = str(registered.source)  # the files of a logged model never change
    if key not in _loaded:
        estimator, _, why = _estimator(workspace, registered)
        if len(_loaded) >= _MOST_LOADED:
            _loaded.pop(next(iter(_loaded)))
        _loaded[key] = estimator, why
    return _loaded[key]


def _version(workspace: Workspace, model: str, version: int) -> Any:
    return versions.find_version(workspace.mlflow, ModelRef(model, version=version))


def _stored(copy: Path) -> Profile | None:
    try:
        return Profile.of_bytes(copy.read_bytes())
    except (OSError, ValueError):
        return None
