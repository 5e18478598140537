"""``--auto``: a canary or a shadow that has done well is promoted, through the gate; one that has not is taken away."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ...entities import ModelRef
from ...errors import Inconclusive, ValidationFailed
from ..files import EndpointFiles, Wanted
from .fronting import Front, FrontGone
from .lineup import Lineup
from .orders import Orders
from .record import Event, Record
from .trial import judge, seen
from .versions import Version

_log = logging.getLogger(__name__)

_AGAIN = 30.0
"""Seconds until a promotion is tried again that did not come about: somebody may have approved the version."""


@dataclass
class _Trial:
    """One version beside one champion, counted by one front; another of any of them is another trial."""

    version: Version
    champion: Version
    front: Front
    begin: list[dict[str, Any]]
    refused: str = ""
    not_before: float = 0.0
    promoted: bool = False

    def is_of(self, version: Version, champion: Version, front: Front) -> bool:
        """Whether it is the trial of these."""
        mine = self.version.folder, self.champion.folder, self.front
        return mine == (version.folder, champion.folder, front)


class Auto:
    """Decides about the versions beside the champion.

    Parameters
    ----------
    root : Path
        The project.
    files : EndpointFiles
    lineup : Lineup
    orders : Orders
    record : Record
    tell : callable
        Is told what is waited for, or was decided.
    nudge : callable
        Has the controller look at what is wanted, which is another thing then.
    """

    def __init__(
        self,
        root: Path,
        files: EndpointFiles,
        lineup: Lineup,
        orders: Orders,
        record: Record,
        *,
        tell: Callable[[str], None],
        nudge: Callable[[], None],
    ) -> None:
        self._root = root
        self._files = files
        self._lineup = lineup
        self._orders = orders
        self._tell = tell
        self._record = record
        self._nudge = nudge
        self._trials: dict[str, _Trial] = {}
        self._promoting: asyncio.Task[None] | None = None

    async def look(self, wanted: Wanted) -> None:
        """Look how each version does, and decide."""
        for role, second in wanted.seconds.items():
            version, champion, front = self._lineup.by_role.get(role), self._lineup.champion, self._lineup.front
            if second.auto and version is not None and champion is not None and front is not None:
                with contextlib.suppress(FrontGone):  # another one will count from 0
                    await self._judge(wanted, role, version, champion, front)

    async def _judge(self, wanted: Wanted, role: str, version: Version, champion: Version, front: Front) -> None:
        ref = ModelRef(wanted.model, version=version.number)
        trial = self._trials.get(role)
        if version.folder == champion.folder:
            promoted = trial is not None and trial.promoted  # that has been told
            self._settle(wanted, role, "" if promoted else f"{ref} is the champion now")
            return
        if trial is None or not trial.is_of(version, champion, front):
            begin = (await front.tell("compare"))["arms"]
            trial = self._trials[role] = _Trial(version, champion, front, begin)
        arms = (await front.tell("stats"))["arms"]
        of_second, of_champion = (
            seen(arms, trial.begin, *of) for of in ((role, version.number), ("champion", champion.number))
        )
        verdict = judge(self._orders.latest().auto, role, of_second, of_champion)
        if verdict.do == "withdraw":
            if self._settle(wanted, role, f"{ref} is no {role} any more: {verdict.why}"):
                evidence = f"endpoint {self._files.folder.name}, {role}: {verdict.why}"
                self._record.add(Event(wanted.model, "withdraw", version.number, None, evidence))
        elif verdict.do == "wait":
            self._tell(f"{ref} on trial as {role}: {verdict.why}")
        elif self._promoting is None and time.monotonic() > trial.not_before:
            self._promoting = asyncio.create_task(self._promote(wanted, role, trial, verdict.why))

    def _settle(self, wanted: Wanted, role: str, why: str) -> bool:
        """Want nobody in this role any more, unless somebody wants something else right now."""
        try:
            with FileLock(self._files.folder / "lock", timeout=0):
                if self._files.wanted() != wanted:
                    return False
                self._files.want(self._files.as_it_stands(wanted).without(role))
        except Timeout:
            return False
        self._trials.pop(role, None)
        self._decided(why)
        self._nudge()
        return True

    async def _promote(self, wanted: Wanted, role: str, trial: _Trial, why: str) -> None:
        """Promote a version as a person would: what the gate refuses stays where it is."""
        ref = ModelRef(wanted.model, version=trial.version.number)
        evidence = f"endpoint {self._files.folder.name}, {role} --auto: {why}"
        command = ["promote", str(ref), "--to", str(wanted.alias), "--reason", evidence, "--quiet"]
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "jupyter_mlops.cli", *command),
                cwd=self._root,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
            _, words = await process.communicate()
        finally:
            self._promoting = None
            trial.not_before = time.monotonic() + _AGAIN
        if process.returncode == 0:
            trial.promoted = True
            self._decided(f"{ref} was promoted: {why}")
            self._nudge()
            return
        lines = [line.strip() for line in words.decode(errors="replace").splitlines()]
        said = next((line for line in reversed(lines) if line and not line.startswith("→")), "")
        if said == trial.refused:
            return
        trial.refused = said
        self._decided(f"{ref} has done well as {role}, and waits: {said}")
        if process.returncode in (ValidationFailed.exit_code, Inconclusive.exit_code):
            numbers = trial.champion.number, trial.version.number
            self._record.add(Event(wanted.model, "refuse", *numbers, f"{evidence}; {said}"))

    def _decided(self, what: str) -> None:
        if what:
            _log.info("auto: %s", what)
            self._tell(what)
