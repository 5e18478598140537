"""What an endpoint does by itself: what is wanted of it, and what its aliases say."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import socket
import sys
import time
from pathlib import Path

from ...backend.processes import Process
from ...backend.state import State
from ...disk import shorten
from ...entities import ModelRef, typed
from ...errors import BackendUnreachable, MlopsError, NotFound
from ..files import NOTHING_REFUSED, EndpointFiles, Standing, Wanted
from ..history import add_to_history
from .admission import need_quick, need_same_clients
from .auto import Auto
from .following import Registry
from .fronting import FrontGone
from .health import Health
from .lineup import CANARY, CHAMPION, SHADOW, Lineup
from .orders import Orders
from .record import Event, Record
from .webhook import Webhook

_log = logging.getLogger(__name__)

LOCK = "controller.lock"
"""In the folder of the endpoint: who holds it looks after it."""
LOOK = 1.0
"""Seconds from one look at the registry to the next; a move by our own commands is told at once."""
_CLEAN_UP_SECONDS = 600.0
_FIGURES_SECONDS = 1.0
_KEPT_SECONDS = 600  # that files stay which nobody serves: a kernel may have fetched them a moment ago


class Controller:
    """One endpoint.

    Parameters
    ----------
    root : Path
        The project.
    files : EndpointFiles
    listener : socket
        Where clients come in; it is open for as long as the endpoint is.
    sockets : Path
        A folder of this process alone, for the sockets between the processes.
    """

    def __init__(self, root: Path, files: EndpointFiles, listener: socket.socket, sockets: Path) -> None:
        self._files = files
        self._lock = files.folder / LOCK
        self._locked = self._lock.stat().st_ino
        self._state = State(root / ".mlops")
        self._registry = Registry(root, files)
        self._orders = Orders(root, files, sockets)
        self._settings = self._orders.settings
        self._self: Process | None = None
        self._lineup = Lineup(files, listener, self._orders)
        timeout = lambda: self._settings.timeout  # noqa: E731 - it may change
        self._health = Health(self._lineup, timeout, self._restarted, self._given_up, self._counted)
        loop = asyncio.get_running_loop()
        model = lambda: self._wanted.model if self._wanted else None  # noqa: E731 - what is wanted may change
        self._webhook = Webhook(self._registry, model, lambda: loop.call_soon_threadsafe(self.nudge))
        self._wanted: Wanted | None = None
        self._standing, self._written = Standing(state="starting"), 0.0
        self._refused: dict[str, int] = {}
        self._lost: set[str] = set()  # the roles whose alias names nothing any more
        self._record = Record(self._registry)
        self._auto = Auto(root, files, self._lineup, self._orders, self._record, tell=self._tell_auto, nudge=self.nudge)
        self._nudged = asyncio.Event()

    @property
    def name(self) -> str:
        """What the endpoint is called."""
        return self._files.folder.name

    def nudge(self) -> None:
        """Look now: what is wanted has changed, or an alias has moved."""
        self._nudged.set()

    async def run(self) -> None:
        """Serve until cancelled."""
        self._stand(state="starting", version=None, **NOTHING_REFUSED)
        self._record.start()
        try:
            await self._lineup.start_front()
            await asyncio.gather(self._look(), self._health.watch(), self._clean_up(), self._webhook.listen())
        finally:
            await asyncio.gather(self._lineup.end(), self._webhook.end())
            await self._record.end()
            if not self._is_cut_off:
                self._stand(state="stopped")

    @property
    def _is_cut_off(self) -> bool:
        """Whether somebody has removed its files, and has perhaps begun anew in their place."""
        try:
            return self._lock.stat().st_ino != self._locked
        except FileNotFoundError:
            return True

    async def _look(self) -> None:
        while True:
            if self._is_cut_off:
                raise NotFound(f"The folder of the endpoint {self.name} was removed, and so the endpoint ends.")
            try:
                await self._look_once()
            except Exception:  # whatever it is that nobody foresaw: those who ask the endpoint shall not notice
                _log.exception("a look at what is wanted failed, and is tried again")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._nudged.wait(), LOOK)
            self._nudged.clear()

    async def _look_once(self) -> None:
        wanted = self._files.wanted()
        if wanted is not None and wanted != self._wanted:
            await self._fulfil(wanted)
        elif wanted is not None:
            for role, alias in wanted.aliases.items():
                await self._follow(wanted, role, alias)
            await self._auto.look(wanted)
        self._stay_known()

    async def _clean_up(self) -> None:
        """Put what is written in order now and then."""
        while True:
            await asyncio.sleep(_CLEAN_UP_SECONDS)
            with contextlib.suppress(OSError):  # a full disk, on which it is needed most: the next one may do
                await asyncio.to_thread(shorten, self._files.log)
            # In a process of its own: it takes memory that it then gives back.
            limits = ["--days", str(self._settings.log.days), "--megabytes", str(self._settings.log.megabytes)]
            command = ["-P", "-m", "jupyter_mlops.serving.log.compaction", str(self._files.predictions), *limits]
            process = await asyncio.create_subprocess_exec(sys.executable, *command)
            if await process.wait():
                _log.warning("the log was not put in order (exit code %d)", process.returncode)

    async def _fulfil(self, wanted: Wanted) -> None:
        """Do what a person has asked for: another version is taken as it is, also where it wants other columns."""
        self._wanted, self._refused, self._lost = wanted, {}, set()
        if wanted.stamp != self._standing.stamp:  # else it is what --auto has made of it
            self._stand(auto="")
        self._settings = self._orders.latest()
        self._health.forgive()
        number = wanted.version
        try:
            await self._lineup.tell_rules()
            await self._swap(wanted, CHAMPION, number, self._files.folder / wanted.files)
            for role, second in ((CANARY, wanted.canary), (SHADOW, wanted.shadow)):
                if second is None:
                    await self._lineup.drop(role)
                    continue
                number = second.version
                await self._swap(wanted, role, number, self._files.folder / second.files, like_champion=True)
        except MlopsError as error:
            self._refuse(CHAMPION, number, error, stamp=wanted.stamp)
        except FrontGone:
            _log.warning("the front died while it was told of version %d", number)
            self._wanted = None  # once more, when there is another
        else:
            self._stand(**NOTHING_REFUSED, stamp=wanted.stamp, **self._lineup_told())

    async def _follow(self, wanted: Wanted, role: str, alias: str) -> None:
        """Go where an alias has gone, if that version can take over."""
        version = self._lineup.by_role.get(role)
        before = version.number if version else None
        with contextlib.suppress(BackendUnreachable, FrontGone):
            named = await asyncio.to_thread(self._registry.alias, wanted.model, alias)
            self._tell_lost(ModelRef(wanted.model, alias=alias), role, before, is_lost=named is None)
            if named is None or int(named.version) in (before, self._refused.get(role)):
                return
            number = int(named.version)
            try:
                folder = await asyncio.to_thread(self._registry.fetch, named)
                await self._swap(wanted, role, number, folder, like_champion=True)
            except BackendUnreachable:
                raise
            except MlopsError as error:
                self._refuse(role, number, error)
                ref = ModelRef(wanted.model, alias=alias)
                evidence = f"{ref} is not followed: {error.message}"
                self._record.add(Event(wanted.model, "refuse", before, number, evidence))
            else:
                self._refused.pop(role, None)
                self._stand(**NOTHING_REFUSED)
                as_what = "" if role == CHAMPION else f" as its {role}"
                evidence = f"endpoint {self.name} follows @{alias}{as_what}"
                self._record.add(Event(wanted.model, "deploy", before, number, evidence))

    async def _swap(self, wanted: Wanted, role: str, number: int, folder: Path, *, like_champion: bool = False) -> None:
        """Let another version take a role; until it can, the one before has it.

        Raises
        ------
        MlopsError
            Why it can't.
        FrontGone
        """
        version = await self._lineup.ready(wanted, number, folder)
        champion, is_fresh = self._lineup.champion, version not in self._lineup.all
        try:
            if is_fresh:
                need_quick(version, self._orders.latest())
                if "smoke_ms" not in version.about:
                    _log.warning("%s/%d was not tried: it was logged without an input example", wanted.model, number)
            if like_champion and champion is not None:
                need_same_clients(version, champion)
        except MlopsError:
            if is_fresh:
                version.end()
            raise
        if await self._lineup.put(wanted, role, version):
            _log.info("%s/%d answers%s", wanted.model, number, "" if role == CHAMPION else f" as {role}")
            add_to_history(self._files.history, role, number)
        self._stand(state="serving", **self._lineup_told())
        if role == CHAMPION:
            self._remember(wanted)
        self._tidy()

    def _refuse(self, role: str, number: int, error: MlopsError, **more: str) -> None:
        self._refused[role] = number
        _log.warning("refused: version %d: %s", number, error)
        add_to_history(self._files.history, role, number, refused=error.message)
        state = "serving" if self._lineup.champion else "failed"
        told = {"refused": error.message, "refused_version": number, "hint": error.hint, "kind": type(error).__name__}
        self._stand(state=state, **told, **more)

    def _tell_lost(self, ref: ModelRef, role: str, now: int | None, *, is_lost: bool) -> None:
        """Say once that an alias is gone, or its model: what answers goes on, and will follow it when it is back."""
        if is_lost == (role in self._lost) or now is None:
            return
        if is_lost:
            self._lost.add(role)
            said = f"{ref} names no version any more, and version {now} goes on as the {role}."
            _log.warning("%s", said)
            self._stand(**NOTHING_REFUSED | {"refused": said, "hint": f"%mlops models {typed(ref.name)}"})
        else:
            self._lost.remove(role)
            self._stand(**NOTHING_REFUSED)

    def _tell_auto(self, what: str) -> None:
        if what != self._standing.auto:
            self._stand(auto=what)

    def _restarted(self) -> None:
        self._stand(restarts=self._standing.restarts + 1)

    def _given_up(self, why: str) -> None:
        told = NOTHING_REFUSED | {"refused": why, "hint": f"%mlops logs {self.name}"}
        self._stand(state="failed", **told)

    def _counted(self, arms: list[dict[str, object]]) -> None:
        if arms != self._standing.arms and time.monotonic() - self._written > _FIGURES_SECONDS:
            self._stand(arms=arms)

    def _lineup_told(self) -> dict[str, object]:
        by_role, previous = self._lineup.by_role, self._lineup.previous
        numbers = {role: version.number for role, version in by_role.items()}
        return {
            "folders": {role: str(version.folder.relative_to(self._files.folder)) for role, version in by_role.items()},
            "version": numbers.get(CHAMPION),
            "canary": numbers.get(CANARY),
            "shadow": numbers.get(SHADOW),
            "warm": [previous.number] if previous else [],
        }

    def _stand(self, **changes: object) -> None:
        self._written = time.monotonic()
        self._standing = self._standing.model_copy(update=changes)
        self._files.stand(self._standing)

    def _remember(self, wanted: Wanted) -> None:
        """Tell the project's other processes which version answers now."""
        process, champion = self._state.get("endpoint", self.name), self._lineup.champion
        if process is not None and process.pid == os.getpid() and champion is not None:
            process.details.update(model=wanted.model, version=champion.number, alias=wanted.alias)
            self._state.put(process)

    def _stay_known(self) -> None:
        """Be found by the project's other processes, also when somebody has removed the list of them."""
        state = State(self._state.folder)
        found = state.get("endpoint", self.name)
        if found is None and self._self is not None:
            state.put(self._self)
        elif found is not None and found.pid == os.getpid():
            self._self = found

    def _tidy(self) -> None:
        """Remove the files of versions that nobody serves."""
        for left in self._files.versions.iterdir():
            if left not in [version.folder for version in self._lineup.all]:
                with contextlib.suppress(FileNotFoundError):
                    if time.time() - left.stat().st_mtime > _KEPT_SECONDS:
                        shutil.rmtree(left, ignore_errors=True)
