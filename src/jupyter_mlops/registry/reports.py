"""What the reports of a version come to for its gate: passed, and still about this model and these limits."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..backend import reports, versions
from ..backend.reports import Kept, Kind
from ..entities import ModelRef, typed
from ..errors import BackendUnreachable, NotFound
from ..result import plain
from ..settings import GateSettings
from ..workspace import Workspace
from . import aliases
from .gate import Check, Outcome

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

_CODE: Final = re.compile(r"[A-Z]{2}\d{3}")
_OF_MODELS: Final = "MV"
_MOST: Final = 4


def asked_of(workspace: Workspace, name: str, version: ModelVersion) -> GateSettings:
    """Give the gate of a model; where none is set, one that asks for the model's report to have passed, if it has one."""
    asked = workspace.settings.gate(name)
    if str(asked) or not version.run_id:
        return asked
    run = _run(workspace, version)
    return GateSettings(model="pass") if run and reports.TAG + "model" in run.data.tags else asked


def checks(workspace: Workspace, asked: GateSettings, version: ModelVersion, to: str) -> list[Check]:
    """Hold the reports, and the checks that were written in cells, against what the gate asks for.

    A server that goes away meanwhile leaves them inconclusive; it never passes them.
    """
    if not (asked.data or asked.model or asked.checks):
        return []
    try:
        return list(_Judge(workspace, version, to).all(asked))
    except BackendUnreachable as error:
        names = [*(["data"] if asked.data else []), *(["model"] if asked.model else []), *asked.checks]
        return [Check(each, "pass", None, "inconclusive", error.message, mend=error.hint or "") for each in names]


class _Judge:
    """Reads each report once."""

    def __init__(self, workspace: Workspace, version: ModelVersion, to: str) -> None:
        self._workspace, self._version, self._to = workspace, version, to
        self._run = _run(workspace, version)
        self._kept: dict[Kind, Kept | None] = {}

    def all(self, asked: GateSettings) -> Iterator[Check]:
        """Give a check for each thing that is asked."""
        kinds: list[Kind] = [*(["data"] if asked.data else []), *(["model"] if asked.model else [])]  # type: ignore[list-item]
        for kind in kinds:
            yield self._report(kind)
        for name in asked.checks:
            yield self._code(name) if _CODE.fullmatch(name) else self._cell(name)

    def _report(self, kind: Kind) -> Check:
        kept = self._read(kind)
        if kept is None or (why := self._misfit(kind, kept)):
            return self._missing(kind, kind, "" if kept is None else why)
        if not kept.stored["evidence"].get("whole"):
            return self._missing(kind, kind, "some of its checks were left out")
        if kept.failed:
            return Check(kind, "pass", None, "fail", f"failed {_listed(kept.failed)}", kept.seal)
        if kept.open:
            return Check(
                kind, "pass", None, "inconclusive", f"can't say: {_listed(kept.open)}", kept.seal, self._mend(kind)
            )
        return Check(kind, "pass", None, "pass", f"{len(kept.stored['checks'])} checks", kept.seal)

    def _code(self, code: str) -> Check:
        kind: Kind = "model" if code.startswith(_OF_MODELS) else "data"
        kept = self._read(kind)
        if kept is None or (why := self._misfit(kind, kept)):
            return self._missing(code, kind, "" if kept is None else why)
        found = kept.of(code)
        if found is None:
            return self._missing(code, kind, "the check was not run")
        came, seen = found
        bad = {"error": "fail", "inconclusive": "inconclusive", "skipped": "inconclusive"}
        outcome: Outcome = bad.get(came, "pass")  # type: ignore[assignment]
        return Check(
            code, "pass", None, outcome, seen, kept.seal, self._mend(kind) if outcome == "inconclusive" else ""
        )

    def _cell(self, name: str) -> Check:
        found = reports.cells_of(self._run).get(name) if self._run else None
        if found is None:
            return Check(
                name,
                "pass",
                None,
                "inconclusive",
                "it was not run",
                "",
                f"%%mlops check {typed(name)} --run {self._named}",
            )
        came, seen = found
        return Check(name, "pass", None, "pass" if came == "pass" else "fail", seen or came)

    def _read(self, kind: Kind) -> Kept | None:
        if kind not in self._kept:
            self._kept[kind] = reports.read(self._workspace.mlflow, self._run, kind) if self._run else None
        return self._kept[kind]

    def _misfit(self, kind: Kind, kept: Kept) -> str:
        """Say why a report is no evidence for this version any more; empty where it is."""
        settings = self._workspace.settings.validation
        now: Any = settings.for_data() if kind == "data" else settings.for_model(self._version.name)
        if kept.stored["settings"] != plain(now):
            return "the limits in mlops.toml are other ones now"
        evidence = kept.stored["evidence"]
        if kind == "data":
            return _unlike(settings.contract, self._workspace.root, str(evidence.get("contract") or ""))
        if evidence.get("source") != str(self._version.source):
            return f"it is of {kept.stored['about']}, another model"
        champion = aliases.current(self._workspace, self._version.name, self._to)
        if champion is not None and champion != int(self._version.version):
            ref = ModelRef(self._version.name, version=champion)
            source = str(versions.find_version(self._workspace.mlflow, ref).source)
            if source not in (evidence.get("against"), str(self._version.source)):
                return f"it was not held against {ref}, which is {self._to} now"
        return ""

    def _missing(self, name: str, kind: Kind, why: str) -> Check:
        seen = f"the report of the {kind} no longer fits: {why}" if why else f"there is no report of the {kind}"
        return Check(name, "pass", None, "inconclusive", seen, "", self._mend(kind))

    def _mend(self, kind: Kind) -> str:
        if kind == "data":
            return f"%mlops validate data df --run {self._named}"
        return f"%mlops validate model {typed(f'{self._version.name}/{self._version.version}')} --data test --target y"

    @property
    def _named(self) -> str:
        return f"run:{self._version.run_id[:8]}" if self._version.run_id else "last"


def _run(workspace: Workspace, version: ModelVersion) -> Run | None:
    if not version.run_id:
        return None
    try:
        return workspace.mlflow.read("get_run", version.run_id)  # type: ignore[no-any-return]
    except NotFound:
        return None


def _unlike(contract: str | None, root: Path, held: str) -> str:
    """Say why a report was not held to the contract of the settings, as it is now; empty where it was, or none is set."""
    if contract is None:
        return ""
    now = _digest(root / contract)
    if not now:
        return f"there is no {contract}, which [validation] names as the contract"
    if not held:
        return f"it was not held to {contract}"
    return f"{contract} has been edited" if held != now else ""


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""


def _listed(told: list[str]) -> str:
    more = len(told) - _MOST
    return ", ".join(told[:_MOST]) + (f" and {more} more" if more > 0 else "")
