"""Run several notebooks, some at a time; write what each came to, whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import MlopsError, NotFound, NotWritable
from . import book as books
from .concealing import Concealed
from .execution import Execution
from .limits import Limits
from .outcome import Verdict, verdict_of
from .parameters import inject
from .place import alone
from .progress import Reporter
from .results import Executed, RunSeen
from .stopping import SIGNALLED, Stopping

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
    secrets: Concealed
    origins: list[int]
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
    elsewhere: Path | None = None
    unwritten: str = ""
    runs: tuple[RunSeen, ...] = ()
    run: str = ""
    url: str = ""

    @property
    def executed(self) -> Executed:
        """What it came to."""
        cells = self.execution.cells if self.execution else ()
        return Executed(
            self.name, self.verdict, self.secrets.text(self.message), cells, self.seconds, self.started, self.written, self.page, self.secrets.values,
            tuple(self.execution.told) if self.execution else (), tuple(map(self.secrets.text, self.notes)), self.runs, self.run, self.url,
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


def run(tasks: list[Task], plan: Plan, reporter: Reporter, stopping: Stopping, before: Act, after: Act) -> None:
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
            stack.enter_context(alone(task.target))
        batch = _Batch(tasks, plan, reporter, stopping, before, after)
        worker = threading.Thread(target=batch.work, name="mlops-run")
        stopping.tell = batch.stop
        worker.start()
        while worker.is_alive():
            try:
                worker.join(0.2)
            except KeyboardInterrupt:
                stopping.ask(Verdict.INTERRUPTED)
        if batch.failure is not None:
            raise batch.failure


class _Batch:
    def __init__(
        self, tasks: list[Task], plan: Plan, reporter: Reporter, stopping: Stopping, before: Act, after: Act
    ) -> None:
        self.failure: BaseException | None = None
        self._tasks = tasks
        self._plan = plan
        self._reporter = reporter
        self._stopping = stopping
        self._before = before
        self._after = after
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
        with contextlib.suppress(RuntimeError):  # the loop has just been closed
            self._loop.call_soon_threadsafe(self._stop_all, verdict)

    def _stop_all(self, verdict: Verdict) -> None:
        for task in self._tasks:
            if task.execution is not None:
                task.execution.stop(verdict, f"the run was {verdict.word}")

    async def _all(self) -> None:
        places = asyncio.Semaphore(self._plan.jobs)
        ended = await asyncio.gather(*(self._one(task, places) for task in self._tasks), return_exceptions=True)
        for failure in ended:  # of one notebook: the others have run to their ends
            if failure is not None:
                raise failure

    async def _one(self, task: Task, places: asyncio.Semaphore) -> None:
        async with places:
            if self._stopping.verdict is None:
                await self._execute(task)
            elif self._stopping.verdict in SIGNALLED:
                task.verdict, task.message = self._stopping.verdict, f"the run was {self._stopping.verdict.word}"
            else:
                task.message = "another notebook failed"
        if self._plan.fail_fast and task.verdict not in (Verdict.PASSED, Verdict.NOT_RUN):
            self._stopping.verdict = self._stopping.verdict or Verdict.NOT_RUN
        self._reporter.ended(task.executed)

    async def _execute(self, task: Task) -> None:
        """Run one notebook and write it; whatever happens to it, it is written, and the others are run."""
        begin = time.perf_counter()
        try:
            await asyncio.to_thread(self._before, task)
            task.started, begin = time.time(), time.perf_counter()
            await self._run_kernel(task)
        except NotFound as error:
            task.verdict, task.message = Verdict.NO_KERNEL, str(error)
        except MlopsError as error:
            task.verdict, task.message = verdict_of(error), str(error)
        except Exception as error:
            _broken(task, error)
        if self._stopping.verdict in SIGNALLED and task.verdict is Verdict.NOT_RUN:
            task.verdict, task.message = self._stopping.verdict, f"the run was {self._stopping.verdict.word}"
        task.seconds = time.perf_counter() - begin
        keep(task)  # now, and again where more is found out
        for step in (_hold_against_saved(self._plan), self._after):
            before = task.verdict, task.message
            try:
                await asyncio.to_thread(step, task)
            except Exception as error:
                _broken(task, error)
            if before != (task.verdict, task.message):
                keep(task)

    async def _run_kernel(self, task: Task) -> None:
        written = time.monotonic()

        def on_cell(record: Any) -> None:
            nonlocal written
            self._reporter.cell(task.name, record, task.book)
            if not isinstance(record, int) and time.monotonic() - written > _WRITE_EVERY:
                written = time.monotonic()
                with contextlib.suppress(NotWritable):  # it is told at the end
                    books.write(task.book, task.target)

        # Where the execution is a run, the one that started it is its parent: MLflow would go on with that one, and end it.
        left_out = {"JPY_SESSION_NAME", "JPY_PARENT_PID", *(["MLFLOW_RUN_ID"] if task.run else [])}
        env = {name: value for name, value in os.environ.items() if name not in left_out}
        hidden = inject(task.book, task.declared, task.values, task.secrets.values)
        for index in hidden:
            task.origins.insert(index, task.origins[index - 1])  # what was given stands behind what is declared
        execution = task.execution = Execution(
            task.book, task.folder, self._plan.limits, kernel=self._plan.kernel,
            env=env | task.env | {"IPYNB_FILE": str(task.path)}, secrets=task.secrets, hidden=hidden, origins=task.origins,
            retries=self._plan.retries, keep_going=self._plan.keep_going, on_cell=on_cell,
        )  # fmt: skip
        if self._stopping.verdict in SIGNALLED:  # while the run was begun on the server
            execution.stop(self._stopping.verdict, f"the run was {self._stopping.verdict.word}")
        await execution.run()
        task.verdict, task.message = execution.verdict, execution.message
        task.notes += execution.notes


def _broken(task: Task, error: Exception) -> None:
    """Say that something went wrong that nobody has thought of; what is known of the notebook already stays."""
    said = f"internal error: {type(error).__name__}: {' '.join(str(error).split())[:300]}"
    if task.verdict in (Verdict.PASSED, Verdict.NOT_RUN):
        task.verdict, task.message = Verdict.BROKEN, said
    else:
        task.notes.append(said)


def _hold_against_saved(plan: Plan) -> Act:
    """Say what the saved outputs have relied on, and where they were others."""
    return lambda task: _held(task, plan)


def _held(task: Task, plan: Plan) -> None:
    if task.execution is None or task.verdict not in (Verdict.PASSED, Verdict.CELL_FAILED):
        return
    if not (plan.check_order or plan.compare_outputs):
        return
    from . import saved

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
    task.message = task.secrets.message(task.message)
    for cell in task.book.cells:
        task.secrets.cell(cell)
    task.secrets.widgets(task.book)
    task.book.metadata["mlops"] = {
        "verdict": task.verdict.word, "message": task.message, "seconds": round(task.seconds, 3), "notebook": task.name,
        "parameters": {name: str(value) for name, value in task.secrets.values.items()},
    }  # fmt: skip
    if task.elsewhere is not None:
        with contextlib.suppress(NotWritable):
            books.write(task.book, task.elsewhere)
        return
    try:
        books.write(task.book, task.target)
        task.written = str(task.target)
        return
    except NotWritable as error:
        lost = error.message
    if task.verdict is Verdict.PASSED:
        task.verdict, task.message = Verdict.NOT_WRITTEN, f"{task.target} could not be written"
        task.book.metadata["mlops"] |= {"verdict": task.verdict.word, "message": task.message}
    try:
        task.elsewhere = books.write_elsewhere(task.book, task.target.name)
        task.written = str(task.elsewhere)
        task.notes.append(f"{lost} The executed notebook is {task.elsewhere}")
    except NotWritable as error:
        task.notes += [each for each in (lost, error.message) if each not in task.notes]
