"""``run``: read everything, run everything, and say what it came to."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..command import Pairs, pairs
from ..errors import InvalidUsage, NotFound
from . import book as books
from . import reporting
from .batch import Plan, Task, keep
from .batch import run as run_all
from .limits import Limits
from .outcome import Verdict
from .parameters import declared
from .progress import Reporter
from .reporting import Reports
from .results import Batch, Parameters
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
    import yaml

    found: Any = {}
    if file is not None:
        try:
            found = yaml.safe_load(Path(file).read_text(encoding="utf-8")) or {}
        except FileNotFoundError:
            raise NotFound(f"There is no file {file}.") from None
        except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
            raise InvalidUsage(f"{file} can't be read as YAML: {' '.join(str(error).split())[:200]}.") from None
        if not isinstance(found, dict):
            raise InvalidUsage(f"{file} holds no parameters: it should have a line name: value for each.")
    return {str(name): value for name, value in found.items()} | pairs(param, "parameter")


def explain(notebooks: Sequence[str]) -> Parameters:
    """List the parameters of a notebook."""
    if len(notebooks) != 1:
        raise InvalidUsage(f"--help-params explains one notebook, not {len(notebooks)}.", "run NOTEBOOK --help-params")
    return Parameters(notebooks[0], declared(books.read(Path(notebooks[0])), notebooks[0]).parameters)


def run(request: Request) -> Batch:
    """Run what was asked for."""
    begin = time.perf_counter()
    tasks = _tasks(request)
    for file in (request.reports.junit, request.reports.summary, request.reports.code_quality):
        if file is not None and Path(file).is_dir():
            raise InvalidUsage(f"{file} is a folder; the name of a file is needed.", f"{Path(file) / 'report'}")
    plan = Plan(
        request.limits, request.jobs, request.kernel, request.retries, request.fail_fast, request.keep_going,
        request.check_order, request.compare_outputs, request.tolerance,
    )  # fmt: skip
    reporter = Reporter(show=request.show, quiet=request.quiet, several=len(tasks) > 1)
    around = _Around(request)
    run_all(tasks, plan, reporter, around.before, around.after)
    batch = Batch(tuple(task.executed for task in tasks), time.perf_counter() - begin)
    return reporting.write(batch, request.reports)


class _Around:
    """What is done with a notebook before and after it is executed: the run that it is, and its page."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._tracked: dict[str, Tracked] = {}
        self._alone = threading.Lock()

    def before(self, task: Task) -> None:
        told = self._request.reports.summary is not None
        tracked = self._tracked[task.name] = Tracked(task.folder, wanted=self._request.track, told=told)
        with self._alone:  # of several the first starts the project's server
            tracked.begin(task.path, task.values)
        task.env = tracked.env
        task.run = tracked.run_id

    def after(self, task: Task) -> None:
        tracked = self._tracked[task.name]
        page = reporting.page(task, self._request.reports.html, self._request.output)
        with self._alone:
            task.runs, task.url = tracked.end(task.executed, page)
        if tracked.failure:
            task.notes.append(f"its execution is no run on the MLflow server: {tracked.failure}")
            if task.verdict is Verdict.PASSED:
                task.verdict, task.message = Verdict.UNREACHABLE, tracked.failure
                keep(task)


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
    doubled = {name for name, path in zip(request.notebooks, paths, strict=True) if paths.count(path) > 1}
    if doubled:
        raise InvalidUsage(f"{', '.join(sorted(doubled))} is named twice.", "name each notebook once")
    output = Path(request.output).absolute()
    targets = books.places(paths, output)
    tasks = []
    for name, path, target in zip(request.notebooks, paths, targets, strict=True):
        book = books.read(Path(name))
        if target == path:
            raise InvalidUsage(f"{name} would be overwritten by itself as executed.", "--output ANOTHER_FOLDER")
        known = declared(book, name)
        values = known.read(request.params, name)
        saved = copy.deepcopy(book) if request.check_order or request.compare_outputs else None
        book = books.fresh(book)
        tasks.append(Task(name, path, book, values, declared(book, name), target, path.parent, saved))
    return tasks
