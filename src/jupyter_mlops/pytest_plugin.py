"""``pytest --mlops examples/``: notebooks as tests. A notebook is a test, each of its cells a result within it.

pytest loads this wherever jupyter-mlops is installed; without ``--mlops`` it does nothing, and it imports nothing heavy.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .headless.outcome import CellRecord
    from .headless.results import Executed


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("mlops", "notebooks as tests (jupyter-mlops)")
    group.addoption("--mlops", action="store_true", help="collect notebooks, and run each as jupyter mlops run does")
    group.addoption(
        "--mlops-output", default="executed", metavar="FOLDER", help="where executed notebooks go: executed/"
    )
    group.addoption("--mlops-timeout", type=float, metavar="SECONDS", help="that a notebook may take")
    group.addoption("--mlops-cell-timeout", type=float, metavar="SECONDS", help="that a cell may take")
    group.addoption(
        "--mlops-track", action="store_true", help="let each execution be a run on the project's MLflow server"
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect notebooks, but not those that were executed or that editors keep."""
    if not parent.config.getoption("--mlops") or file_path.suffix != ".ipynb":
        return None
    output = parent.config.invocation_params.dir / parent.config.getoption("--mlops-output")
    if ".ipynb_checkpoints" in file_path.parts or output in file_path.parents:
        return None
    return NotebookFile.from_parent(parent, path=file_path)


class NotebookFile(pytest.File):
    """A notebook."""

    def collect(self) -> Iterator[pytest.Item]:
        """Give the one test that it is."""
        yield NotebookItem.from_parent(self, name="notebook")


class NotebookFailed(Exception):
    """A notebook that has not passed."""

    def __init__(self, executed: Executed) -> None:
        super().__init__(executed.message)
        self.executed = executed


class NotebookItem(pytest.Item):
    """A notebook that is run from top to bottom in a kernel of its own."""

    def runtest(self) -> None:
        """Run it."""
        from .errors import MlopsError
        from .headless import running
        from .headless.book import need_nbclient
        from .headless.outcome import Verdict
        from .headless.reporting import Reports

        option = self.config.getoption
        output = self.config.invocation_params.dir / option("--mlops-output")
        place = self.path.parent.relative_to(self.config.rootpath) if self.config.rootpath in self.path.parents else ""
        try:
            need_nbclient()
            limits = running.limits(option("--mlops-timeout"), option("--mlops-cell-timeout"), None, None)
            request = running.Request(
                (str(self.path),),
                {},
                str(output / place),
                limits,
                Reports(),
                track=option("--mlops-track"),
                quiet=True,
            )
            (executed,) = running.run(request).notebooks
        except MlopsError as error:
            pytest.fail(str(error), pytrace=False)
        for cell in executed.cells:
            self._tell(cell, executed)
        for name, value in (("verdict", executed.verdict.word), ("executed", executed.executed)):
            self.user_properties.append((name, value))
        if executed.verdict is Verdict.INTERRUPTED:  # the signal came to pytest, and means all of it
            raise KeyboardInterrupt
        if executed.verdict is Verdict.TERMINATED:
            pytest.exit("terminated", Verdict.TERMINATED.exit_code)
        if not executed.ok:
            raise NotebookFailed(executed)

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """Show the cell, and its own traceback instead of ours."""
        if not isinstance(excinfo.value, NotebookFailed):
            return super().repr_failure(excinfo, style)
        executed = excinfo.value.executed
        cell = executed.stopped_at
        where = f"cell {cell.number} ({cell.title}): " if cell else ""
        lines = [f"{executed.verdict.word}: {where}{executed.message}", f"the executed notebook: {executed.executed}"]
        traceback = cell.failures[-1].traceback if cell and cell.failures else ""
        return "\n".join([*lines, *([traceback] if traceback else [])])

    def reportinfo(self) -> tuple[Path, int, str]:
        """Name it."""
        return self.path, 0, self.path.name

    def _tell(self, cell: CellRecord, executed: Executed) -> None:
        """Report a cell as a subtest, where this pytest knows them (since 9)."""
        try:
            from _pytest.subtests import SubtestContext, SubtestReport
        except ImportError:
            self.add_report_section("call", "cells", f"{cell.status:8} {cell.seconds:7.2f} s  {cell.title}")
            return
        from .headless.results import why_of

        outcome: Any = "failed" if cell.failed else "skipped" if cell.status in ("skipped", "not run") else "passed"
        why = why_of(cell) or executed.message
        longrepr: Any = (str(self.path), 0, f"Skipped: {why}") if outcome == "skipped" else why if cell.failed else None
        report = pytest.TestReport(
            self.nodeid,
            self.location,
            dict.fromkeys(self.keywords, 1),
            outcome,
            longrepr,
            "call",
            duration=cell.seconds,
        )
        context = SubtestContext(msg=f"cell {cell.number}: {cell.title}", kwargs={})
        capture = self.config.pluginmanager.get_plugin("capturemanager")
        with capture.global_and_fixture_disabled() if capture else contextlib.nullcontext():
            self.ihook.pytest_runtest_logreport(report=SubtestReport._new(report, context, None, None))
