"""The files of an endpoint in ``.mlops/endpoints/NAME/``: what is wanted, what is, and its log.

A kernel writes what is wanted and nudges the controller; the controller writes what is. So nobody waits for
anybody, and what an endpoint was to do and why it did not can be read when all its processes are gone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from ..disk import write_whole
from ..entities import ModelRef
from ..errors import InvalidUsage

State = Literal["starting", "serving", "failed", "stopped"]
NOTHING_REFUSED: Final[dict[str, Any]] = {"refused": "", "refused_version": None, "hint": None, "kind": ""}
"""What stands where the last version that was to answer does."""
_Content = TypeVar("_Content", bound=BaseModel)


class Second(BaseModel):
    """A version beside the one that answers: by its alias, or staying at its number.

    Attributes
    ----------
    alias : str, optional
    version : int
        What it is first.
    files : str
        Where its files are, within the endpoint's folder.
    auto : bool
        Whether it is promoted or taken away by rules.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    alias: str | None
    version: int
    files: str
    auto: bool = False


class Wanted(BaseModel):
    """What an endpoint is to do.

    Attributes
    ----------
    model : str
    alias : str, optional
        The alias that it follows; None stays at ``version``.
    version : int
        What answers first.
    files : str
        Where its files are, within the endpoint's folder.
    canary, shadow : Second, optional
        A version that answers a share of the requests; one that is asked too, and whose answers nobody gets.
    share : float
        The part of the requests that the canary answers, 0 to 1.
    workers : int
        Processes for each version.
    key : str
        The digest of the key that clients must have; empty where it asks for none.
    stamp : str
        Which wish this is; the controller gives it back when it is done with it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    alias: str | None
    version: int
    files: str
    host: str = "127.0.0.1"
    port: int
    workers: int = 1
    key: str = ""
    canary: Second | None = None
    share: float = 0.0
    shadow: Second | None = None
    stamp: str = ""

    @property
    def ref(self) -> ModelRef:
        """What it follows, or the version that it stays at."""
        return ModelRef(self.model, alias=self.alias) if self.alias else ModelRef(self.model, version=self.version)

    @property
    def seconds(self) -> dict[str, Second]:
        """The versions beside the one that answers, by their roles."""
        named = {"canary": self.canary, "shadow": self.shadow}
        return {role: second for role, second in named.items() if second is not None}

    @property
    def aliases(self) -> dict[str, str]:
        """The aliases that are followed, by the role of what they name."""
        seconds = {role: second.alias for role, second in self.seconds.items() if second.alias}
        return {**({"champion": self.alias} if self.alias else {}), **seconds}

    def without(self, role: str) -> Wanted:
        """Want the same with nobody in a role beside the one that answers."""
        return self.model_copy(update={role: None} | ({"share": 0.0} if role == "canary" else {}))


class Told(BaseModel):
    """What the registry tells of a version's files: their digest, and a signature over them; empty where it has none."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    digest: str = ""
    signature: str = ""


class Standing(BaseModel):
    """What an endpoint does.

    Attributes
    ----------
    state : str
    version : int, optional
        What answers.
    folders : dict of str to str
        Where the files of each role's version are, within the endpoint's folder.
    warm : list of int
        The versions that could answer at once.
    refused : str
        Why the version that was to answer last does not; empty where it does.
    refused_version : int, optional
        Which one that is.
    hint : str
        What mends it.
    kind : str
        The class of the error.
    auto : str
        What ``--auto`` waits for, or has decided last.
    restarts : int
        How often one of its processes has died or hung since it was started.
    arms : list of dict
        The figures of each version that has taken part since the front was started; see ``front.figures``.
    stamp : str
        The last wish that it is done with, be it that it was refused.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    state: State
    version: int | None = None
    folders: dict[str, str] = {}
    warm: list[int] = []
    canary: int | None = None
    shadow: int | None = None
    refused: str = ""
    refused_version: int | None = None
    hint: str | None = None
    kind: str = ""
    auto: str = ""
    restarts: int = 0
    arms: list[dict[str, Any]] = []
    stamp: str = ""


@dataclass(frozen=True)
class EndpointFiles:
    """Where everything of one endpoint is."""

    folder: Path

    @property
    def log(self) -> Path:
        """What its processes write."""
        return self.folder / "endpoint.log"

    @property
    def key(self) -> Path:
        """The key that clients send, where one was made."""
        return self.folder / "key"

    @property
    def history(self) -> Path:
        """Which version has answered from when on; see ``history``."""
        return self.folder / "history.json"

    @property
    def predictions(self) -> Path:
        """The folder of the prediction log."""
        return self.folder / "log"

    @property
    def versions(self) -> Path:
        """The folder of the versions' files."""
        return self.folder / "versions"

    def told_of(self, folder: Path) -> Told:
        """Say what the registry has told of a version's files; nothing where it has not."""
        return _read(self._told(folder), Told) or Told()

    def tell_of(self, folder: Path, told: Told) -> None:
        """Write down what the registry tells of a version's files."""
        write_whole(self._told(folder), told.model_dump_json())

    def _told(self, folder: Path) -> Path:
        return self.folder / "told" / f"{folder.name}.json"

    def wanted(self) -> Wanted | None:
        """Read what is wanted; None where nothing is, or it can't be read."""
        return _read(self.folder / "wanted.json", Wanted)

    def want(self, wanted: Wanted) -> None:
        """Write what is wanted."""
        write_whole(self.folder / "wanted.json", wanted.model_dump_json())

    def standing(self) -> Standing | None:
        """Read what is; None where nothing has been written yet."""
        return _read(self.folder / "standing.json", Standing)

    def as_it_stands(self, wanted: Wanted) -> Wanted:
        """Want what takes part now: aliases may have moved, and what was deployed then would answer for a moment."""
        standing = self.standing()
        if standing is None:
            return wanted
        now: dict[str, Any] = {}
        for role, second in wanted.seconds.items():
            if second.alias and (number := getattr(standing, role)):
                now[role] = second.model_copy(update={"version": number, "files": standing.folders[role]})
        if wanted.alias and standing.version:
            now |= {"version": standing.version, "files": standing.folders["champion"]}
        return wanted.model_copy(update=now)

    def stand(self, standing: Standing) -> None:
        """Write what is."""
        write_whole(self.folder / "standing.json", standing.model_dump_json())


def files_of(local: Path, name: str) -> EndpointFiles:
    """Give the files of an endpoint in the project's local folder.

    Raises
    ------
    InvalidUsage
        Where nothing can have this name: it is a folder and part of addresses.
    """
    if not re.fullmatch(r"[A-Za-z0-9_][\w .-]{0,99}", name):
        raise InvalidUsage(
            f"{name[:60]!r} can't be the name of an endpoint: up to 100 letters from A to Z, digits, - and _.",
            "deploy it with --name tumour",
        )
    return EndpointFiles(local / "endpoints" / name)


def _read(path: Path, kind: type[_Content]) -> _Content | None:
    try:
        return kind.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
