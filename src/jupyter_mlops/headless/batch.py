"""Run several notebooks, some at a time; write what each came to, whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ..disk import write_whole
from ..errors import Conflict, MlopsError, NotFound, NotWritable, need_space, writing_to
from . import book as books
from .execution import Execution
from .limits import Limits
from .outcome import Verdict, verdict_of
from .parameters import inject
from .progress import Reporter
from .results import Executed, RunSeen

_WRITE_EVERY = 5.0  # seconds: what a machine that fails takes along


@dataclass
class Task:
    """One notebook that is to be run: read, its parameters checked, its place known."""

    name: str
    path: Path
    book: Any
    values: dict[str, Any]
    declared: Any
    target: Path
    folder: Path
    saved: Any = None
    started: float = 0.0
    seconds: float = 0.0
    verdict: Verdict = Verdict.NOT_RUN
    message: str = ""
    written: str = ""
    notes: list[str] = field(default_factory=list)
    execution: Execution | None = None
    env: dict[str, str] = field(default_factory=dict)
    page: str = ""
    runs: tuple[RunSeen, ...] = ()
    run: str = ""
    url: str = ""

    @property
    def executed(self) -> Executed:
        """What it came to."""
        cells = self.execution.cells if self.execution else ()
        return Executed(
            self.name, self.verdict, self.message, cells, self.seconds, self.started, self.written, self.page, self.values,
            tuple(self.execution.told) if self.execution else (), tuple(self.notes), self.runs, self.run, self.url,
        )  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """How they are run."""

    limits: Limits
    jobs: int = 1
    kernel: str | None = None
    retries: int = 2
    fail_fast: bool = False
    keep_going: bool = False
    check_order: bool = False
    compare_outputs: bool = False
    tolerance: float = 1e-6


Act = Callable[[Task], None]


def run(tasks: list[Task], plan: Plan, reporter: Reporter, before: Act, after: Act) -> None:
    """Run all notebooks; each is written as soon as it has ended, and ``before`` and ``after`` are called with it.

    The loop has a thread of its own: this one may have a loop already, and it is the one that signals come to.

    Raises
    ------
    Conflict
        Where another run writes the same notebooks.
    NotWritable
        Where the place of the executed notebooks takes nothing.
    """
    with contextlib.ExitStack() as stack:
        for task in tasks:
            stack.enter_context(_alone(task.target))
        batch = _Batch(tasks, plan, reporter, before, after)
        worker = threading.Thread(target=batch.work, name="mlops-run")
        stack.enter_context(_signals(batch.stop))
        worker.start()
        while worker.is_alive():
            try:
                worker.join(0.2)
            except KeyboardInterrupt:
                batch.stop(Verdict.INTERRUPTED)
        if batch.failure is not None:
            raise batch.failure


class _Batch:
    def __init__(self, tasks: list[Task], plan: Plan, reporter: Reporter, before: Act, after: Act) -> None:
        self.failure: BaseException | None = None
        self._tasks = tasks
        self._plan = plan
        self._reporter = reporter
        self._before = before
        self._after = after
        self._ended: Verdict | None = None
        self._loop = asyncio.new_event_loop()

    def work(self) -> None:
        try:
            self._loop.run_until_complete(self._all())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        except BaseException as failure:
            self.failure = failure
        finally:
            self._loop.close()

    def stop(self, verdict: Verdict) -> None:
        """End everything; called by the thread that signals come to."""
        self._ended = self._ended or verdict
        with contextlib.suppress(RuntimeError):  # the loop has just been closed
            self._loop.call_soon_threadsafe(self._stop_all, verdict)

    def _stop_all(self, verdict: Verdict) -> None:
        for task in self._tasks:
            if task.execution is not None:
                task.execution.stop(verdict, f"the run was {verdict.word}")

    async def _all(self) -> None:
        places = asyncio.Semaphore(self._plan.jobs)
        await asyncio.gather(*(self._one(task, places) for task in self._tasks))

    async def _one(self, task: Task, places: asyncio.Semaphore) -> None:
        async with places:
            if self._ended is None:
                await self._execute(task)
            else:
                told = {Verdict.INTERRUPTED: "interrupted", Verdict.TERMINATED: "terminated"}
                task.message = f"the run was {told[self._ended]}" if self._ended in told else "another notebook failed"
        if self._plan.fail_fast and task.verdict not in (Verdict.PASSED, Verdict.NOT_RUN):
            self._ended = self._ended or Verdict.NOT_RUN
        self._reporter.ended(task.executed)

    async def _execute(self, task: Task) -> None:
        await asyncio.to_thread(self._before, task)
        task.started, begin = time.time(), time.perf_counter()
        written = time.monotonic()

        def on_cell(record: Any) -> None:
            nonlocal written
            self._reporter.cell(task.name, record, task.book)
            if not isinstance(record, int) and time.monotonic() - written > _WRITE_EVERY:
                written = time.monotonic()
                with contextlib.suppress(NotWritable):  # it is told at the end
                    books.write(task.book, task.target)

        env = {name: value for name, value in os.environ.items() if name not in ("JPY_SESSION_NAME", "JPY_PARENT_PID")}
        inject(task.book, task.declared, task.values)
        execution = task.execution = Execution(
            task.book, task.folder, self._plan.limits, kernel=self._plan.kernel,
            env=env | task.env | {"IPYNB_FILE": str(task.path)},
            retries=self._plan.retries, keep_going=self._plan.keep_going, on_cell=on_cell,
        )  # fmt: skip
        if self._ended in (Verdict.INTERRUPTED, Verdict.TERMINATED):  # while the run was begun on the server
            execution.stop(self._ended, f"the run was {self._ended.word}")
        try:
            await execution.run()
            task.verdict, task.message = execution.verdict, execution.message
        except NotFound as error:
            task.verdict, task.message = Verdict.NO_KERNEL, str(error)
        except MlopsError as error:
            task.verdict, task.message = verdict_of(error), str(error)
        if self._ended in (Verdict.INTERRUPTED, Verdict.TERMINATED) and task.verdict is Verdict.NOT_RUN:
            task.verdict, task.message = self._ended, f"the run was {self._ended.word}"
        task.seconds = time.perf_counter() - begin
        _hold_against_saved(task, self._plan)
        keep(task)
        await asyncio.to_thread(self._after, task)


def _hold_against_saved(task: Task, plan: Plan) -> None:
    """Say what the saved outputs have relied on, and where they were others."""
    from . import saved

    if task.execution is None or task.verdict not in (Verdict.PASSED, Verdict.CELL_FAILED):
        return
    if plan.check_order:
        found, notes = saved.hidden(task.saved, task.path, task.execution.cells)
        task.notes += [*(f"hidden state: {each}" for each in found), *notes]
        if found and task.verdict is Verdict.PASSED:
            task.verdict, task.message = (
                Verdict.DIFFERS,
                f"its saved outputs relied on hidden state: {saved.named(found)}",
            )
    if plan.compare_outputs and task.verdict is Verdict.PASSED:
        count, apart = saved.compared(task.saved, task.book, plan.tolerance)
        if apart:
            task.notes += apart
            task.verdict, task.message = Verdict.DIFFERS, f"metrics are others than saved: {saved.named(apart)}"
        elif count == 0:
            task.verdict = Verdict.INCONCLUSIVE
            task.message = (
                "it was saved without metrics, so there is nothing to compare: run it, and save it with its outputs"
            )
        else:
            task.notes.append(f"{count} metrics are the same as saved, within {plan.tolerance:g}")


def keep(task: Task) -> None:
    """Write an executed notebook; where its place takes nothing any more, elsewhere, and say so."""
    task.book.metadata["mlops"] = {
        "verdict": task.verdict.word, "message": task.message, "seconds": round(task.seconds, 3),
        "notebook": task.name, "parameters": {name: str(value) for name, value in task.values.items()},
    }  # fmt: skip
    try:
        at = books.write(task.book, task.target)
        task.written = str(at)
        if at != task.target:
            task.notes.append(f"{task.target} could not be written; the executed notebook is {at}")
    except NotWritable as error:
        task.notes.append(error.message)
        at = None
    if at != task.target and task.verdict is Verdict.PASSED:
        task.verdict, task.message = Verdict.NOT_WRITTEN, f"{task.target} could not be written"


@contextlib.contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Be the only one who writes a notebook, and know beforehand that it can be written."""
    with writing_to(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            raise IsADirectoryError(21, "Is a directory")
    need_space(target.parent)
    write_whole(target.with_name(f".{target.name}.try"), "")
    target.with_name(f".{target.name}.try").unlink(missing_ok=True)
    locks = Path(tempfile.gettempdir()) / f"mlops-runs-{os.getuid() if hasattr(os, 'getuid') else 0}"
    locks.mkdir(exist_ok=True)
    lock = FileLock(locks / hashlib.sha256(str(target.resolve()).encode()).hexdigest()[:24])
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise Conflict(
            f"Another run is just writing {target}.", "--output ANOTHER_FOLDER, or wait until it has ended"
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _signals(stop: Callable[[Verdict], None]) -> Iterator[None]:
    """Take SIGTERM as a wish to end in order, and SIGINT too."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = {signal.SIGTERM: Verdict.TERMINATED, signal.SIGINT: Verdict.INTERRUPTED}
    before = {number: signal.signal(number, lambda n, _: stop(names[signal.Signals(n)])) for number in names}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
