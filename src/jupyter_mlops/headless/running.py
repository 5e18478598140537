"""``run``: read everything, run everything, and say what it came to."""

from __future__ import annotations

import contextlib
import copy
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..command import Pairs, pairs
from ..errors import InvalidUsage, NotFound
from . import book as books
from . import reporting
from .batch import Plan, Task, keep
from .batch import run as run_all
from .concealing import Concealed
from .limits import Limits
from .outcome import Verdict, verdict_of
from .parameters import declared, values_for
from .progress import Reporter
from .reporting import Reports
from .results import Batch, Parameters, some
from .stopping import Enough, Stopping, signals
from .tracked import Tracked


@dataclass(frozen=True)
class Request:
    """What was asked for; ``api.run_notebooks`` explains each."""

    notebooks: Sequence[str]
    params: dict[str, Any]
    output: str
    limits: Limits
    reports: Reports
    jobs: int = 1
    retries: int = 2
    fail_fast: bool = False
    keep_going: bool = False
    kernel: str | None = None
    show: bool = False
    quiet: bool = False
    track: bool = True
    check_order: bool = False
    compare_outputs: bool = False
    tolerance: float = 1e-6


def limits(timeout: float | None, cell_timeout: float | None, memory: float | None, output: float | None) -> Limits:
    """Read the limits.

    Raises
    ------
    InvalidUsage
        For one that is not more than 0.
    """
    return Limits.of(total=timeout, cell=cell_timeout, memory=memory, output=output)


def parameters_given(param: Pairs, file: str | None) -> dict[str, Any]:
    """Read the parameters from a file and from the command; the latter win.

    Raises
    ------
    InvalidUsage
        Where the file can't be read as YAML, or holds no names.
    NotFound
        Where there is no such file.
    """
    found = {} if file is None else _of_file(file)
    return found | pairs(param, "parameter")


def _of_file(file: str) -> dict[str, Any]:
    import yaml

    try:
        found = yaml.safe_load(Path(file).read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        raise NotFound(f"There is no file {file}.") from None
    except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
        raise InvalidUsage(f"{file} can't be read as YAML: {' '.join(str(error).split())[:200]}.") from None
    if not isinstance(found, dict):
        raise InvalidUsage(f"{file} holds no parameters: it should have a line name: value for each.")
    return {str(name): value for name, value in found.items()}


def explain(notebooks: Sequence[str]) -> Parameters:
    """List the parameters of a notebook."""
    if len(notebooks) != 1:
        raise InvalidUsage(f"--help-params explains one notebook, not {len(notebooks)}.", "run NOTEBOOK --help-params")
    return Parameters(notebooks[0], declared(books.read(Path(notebooks[0])), notebooks[0]).parameters)


def run(request: Request) -> Batch:
    """Run what was asked for."""
    with signals() as stopping:
        return _run(request, stopping)


def _run(request: Request, stopping: Stopping) -> Batch:
    begin = time.perf_counter()
    tasks = _tasks(request)
    request.reports.check()
    plan = Plan(
        request.limits, request.jobs, request.kernel, request.retries, request.fail_fast, request.keep_going,
        request.check_order, request.compare_outputs, request.tolerance,
    )  # fmt: skip
    reporter = Reporter(show=request.show, quiet=request.quiet, several=len(tasks) > 1)

    def result() -> Batch:
        unwritten = tuple(task.unwritten for task in tasks if task.unwritten)
        books = tuple(task.executed for task in tasks)
        return Batch(books, time.perf_counter() - begin, unwritten=unwritten, notes=around.notes)

    around = _Around(request, stopping, lambda: reporting.keep(result(), request.reports))
    run_all(tasks, plan, reporter, stopping, around.before, around.after)
    batch = reporting.write(result(), request.reports)
    if not around.later:
        return batch
    # A signal had come: the reports are there, and what the server is told may take as long as the machine stays.
    with contextlib.suppress(Enough):
        stopping.at_once = True
        try:
            around.upload_later()
        finally:
            stopping.at_once = False
    return reporting.write(result(), request.reports, again=True)


class _Around:
    """What is done with a notebook before and after it is executed: the run that it is, and its page."""

    def __init__(self, request: Request, stopping: Stopping, keep: Callable[[], None]) -> None:
        self.later: list[Task] = []
        self._keep = keep
        self._request = request
        self._stopping = stopping
        self._tracked: dict[str, Tracked] = {}
        self._pages: dict[str, str] = {}
        self._alone = threading.Lock()

    def before(self, task: Task) -> None:
        told = self._request.reports.summary is not None
        tracked = self._tracked[task.name] = Tracked(task.folder, wanted=self._request.track, told=told)
        with self._alone:  # of several the first starts the project's server
            tracked.begin(task.path, task.values)
        task.notes += tracked.notes
        task.env = tracked.env
        task.run = tracked.run_id

    @property
    def notes(self) -> tuple[str, ...]:
        """What there is to know of all notebooks."""
        outside = [name for name, tracked in self._tracked.items() if tracked.outside]
        if not outside:
            return ()
        return (
            f"not tracked, since there was no project when it began: {some(outside)} (jupyter mlops init makes one)",
        )

    def after(self, task: Task) -> None:
        self._pages[task.name] = self._page(task)
        if self._stopping.signalled:
            self.later.append(task)
        else:
            self.upload(task)

    def upload(self, task: Task) -> None:
        """End the run that the execution is; where that fails, the notebook has not passed."""
        tracked = self._tracked.get(task.name)
        if tracked is None:  # it was not even begun
            return
        with self._alone:
            if not self._stopping.signalled:  # then they are written already
                self._keep()
            task.runs, task.url = tracked.end(task.executed, self._pages.get(task.name, ""))
        if tracked.failure is None:
            return
        task.notes.append(f"its execution is no run on the MLflow server: {tracked.why}")
        if task.verdict is Verdict.PASSED:
            task.verdict, task.message = verdict_of(tracked.failure), tracked.why
            keep(task)
        self._page(task)  # it says so too

    def upload_later(self) -> None:
        """Do so for those that a signal has held back; a further one ends that, and is told."""
        try:
            while self.later:
                self.upload(self.later[0])
                del self.later[0]
        finally:
            for task in self.later:
                task.notes.append("a further signal came before the MLflow server was told of it in full")

    def _page(self, task: Task) -> str:
        return reporting.page(task, self._request.reports.html, self._request.output)


def _tasks(request: Request) -> list[Task]:
    """Read and check all notebooks before the first is run.

    Raises
    ------
    InvalidUsage
        For what is no notebook, and for parameters that it does not declare.
    """
    if not request.notebooks:
        raise InvalidUsage("run needs NOTEBOOKS.", "jupyter mlops run notebook.ipynb")
    if request.jobs < 1 or request.retries < 0:
        wrong = (
            f"--jobs must be 1 or more, not {request.jobs}"
            if request.jobs < 1
            else f"--retries must be 0 or more, not {request.retries}"
        )
        raise InvalidUsage(f"{wrong}.", "jupyter mlops run notebook.ipynb --jobs 2 --retries 2")
    if not 0 <= request.tolerance < float("inf"):
        raise InvalidUsage(f"--tolerance must be 0 or more, not {request.tolerance:g}.", "--tolerance 1e-6")
    paths = [Path(name).absolute() for name in request.notebooks]
    really = [path.resolve() for path in paths]  # one folder may have several names
    doubled = {name for name, path in zip(request.notebooks, really, strict=True) if really.count(path) > 1}
    if doubled:
        raise InvalidUsage(f"{', '.join(sorted(doubled))} is named twice.", "name each notebook once")
    read = [books.read(Path(name)) for name in request.notebooks]
    known = [declared(book, name) for book, name in zip(read, request.notebooks, strict=True)]
    values = values_for(known, request.params, request.notebooks)
    targets = books.places(paths, Path(request.output).absolute())
    tasks = []
    for name, path, target, book, given in zip(request.notebooks, paths, targets, read, values, strict=True):
        if target.resolve() in really:
            raise InvalidUsage(f"{name} would be overwritten by itself as executed.", "--output ANOTHER_FOLDER")
        saved = copy.deepcopy(book) if request.check_order or request.compare_outputs else None
        origins = books.origins(book)
        book = books.fresh(book)
        where = declared(book, name)
        tasks.append(Task(name, path, book, given, where, target, path.parent, Concealed(given), origins, saved))
    return tasks
