"""Run one notebook in a kernel of its own, cell by cell, within its limits; and know at any time how far it is."""

from __future__ import annotations

import asyncio
import contextlib
import math
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nbclient.exceptions import CellExecutionError, DeadKernelError

from ..command import NOTES
from ..display import span
from ..errors import LimitReached, ProcessFailed, writing_to
from . import book as books
from .client import Client
from .concealing import Concealed
from .kernel import LEAVE_SECONDS, Kernel
from .limits import Limits
from .observer import Notes, Seen, Told
from .outcome import CellRecord, Failure, Status, Verdict, verdict_of_error
from .watch import Watch


class Execution:
    """One notebook while it is run.

    Parameters
    ----------
    book : NotebookNode
        It is executed in place.
    folder : Path
        Where the kernel works.
    limits : Limits
    kernel : str, optional
        In place of the one that the notebook names.
    env : dict
        Of the kernel.
    secrets : Concealed
        What is kept out of the notebook and of what is told.
    hidden : dict
        By its place the source that a cell is run with, in place of its own.
    origins : list of int
        Where each cell stands in the notebook's own file.
    retries : int
        How often a cell tagged ``flaky`` is tried again.
    keep_going : bool
        Whether the cells after one that failed are run too.
    on_cell : callable
        Told of each cell when it begins (with a status of None) and when it ends.
    """

    def __init__(
        self,
        book: Any,
        folder: Path,
        limits: Limits,
        *,
        kernel: str | None = None,
        env: Mapping[str, str],
        secrets: Concealed,
        hidden: Mapping[int, str],
        origins: Sequence[int],
        retries: int = 2,
        keep_going: bool = False,
        on_cell: Callable[[CellRecord | int], None] = lambda _: None,
    ) -> None:
        self.book = book
        self.verdict = Verdict.NOT_RUN
        self.message = ""
        self.told: list[Told] = []
        self.notes: list[str] = []
        self._folder = folder
        self._kernel = kernel
        self._env = env
        self._secrets = secrets
        self._hidden = hidden
        self._origins = origins
        self._retries = retries
        self._keep_going = keep_going
        self._on_cell = on_cell
        self._cells = books.code_cells(book)
        self._records: dict[int, CellRecord] = {}
        self._watch = Watch(limits)
        self._client: Client
        self._running: Kernel
        self._notes: Notes

    @property
    def cells(self) -> tuple[CellRecord, ...]:
        """What became of each code cell; of those that did not come to it too."""
        return tuple(
            self._records.get(index)
            or CellRecord(
                index,
                number,
                self._secrets.text(books.title_of(cell)),
                "not run",
                attempts=0,
                source_index=self._origins[index],
            )
            for number, (index, cell) in enumerate(self._cells, 1)
        )

    def stop(self, verdict: Verdict, why: str) -> None:
        """Stop it from outside; the cell that runs is interrupted. To be called in the loop that runs it."""
        self._watch.end(verdict, why)

    async def run(self) -> None:
        """Run it to its end, whatever that is: nothing is raised but what is the fault of this program.

        Raises
        ------
        NotFound
            Where there is no such kernel.
        ProcessFailed
            Where the kernel does not start.
        """
        limits = self._watch.limits
        self._watch.begin()
        with contextlib.ExitStack() as stack:
            with writing_to(Path(tempfile.gettempdir())):
                folder = tempfile.TemporaryDirectory(prefix="mlops-run-", ignore_cleanup_errors=True)
            scratch = stack.enter_context(folder)
            self._notes = Notes(Path(scratch) / "notes.jsonl")
            name = self._kernel or self.book.metadata.get("kernelspec", {}).get("name") or "python3"
            patience = max(1, math.ceil(min(limits.start, limits.total)))
            options = {"kernel_name": name, "startup_timeout": patience, "timeout": None}
            self._client = Client(self.book, most_output=limits.output * 1e6, hidden=self._hidden, **options)
            env = dict(self._env) | {NOTES: str(self._notes.path)}
            self._running = Kernel(self._client, self._folder, env, self._notes, Path(scratch) / "kernel.log")
            try:
                await self._run_in(self._running)
            except ProcessFailed:
                if self._watch.left > 0:
                    raise
                raise LimitReached(
                    f"The kernel had not started after {span(limits.total)} (--timeout).", "a longer --timeout"
                ) from None
            self._take_notes()
            if self._running.had_to_be_ended:
                self._note_its_end()

    async def _run_in(self, kernel: Kernel) -> None:
        async with kernel.begun(self._watch.ending):
            watch = asyncio.ensure_future(self._watch.memory(kernel))
            try:
                await self._run_cells()
            finally:
                watch.cancel()
                # Also after a cell that failed: a run that it had begun is ended as Python ends.
                kernel.gently = self._watch.ended is None
                self._client.set_widgets_metadata()

    def _note_its_end(self) -> None:
        if self._watch.ended is not None:
            self.verdict, self.message = self._watch.ended
            return
        said = (
            f"the kernel did not end by itself within {span(LEAVE_SECONDS)}, and was ended: what its program does at its end "
            "(an MLflow run, a file) may not be done; end its threads in a last cell"
        )
        if self.verdict is Verdict.PASSED:
            self.verdict, self.message = Verdict.KERNEL_DIED, said
        else:
            self.notes.append(said)

    async def _run_cells(self) -> None:
        for number, (index, cell) in enumerate(self._cells, 1):
            if self._watch.ended is not None:
                break
            skipped = next((tag for tag in books.tags_of(cell) if tag in books.SKIPPED), None)
            if skipped:
                record = CellRecord(
                    index, number, books.title_of(cell), "skipped", attempts=0, note=f"it is tagged {skipped}",
                    source_index=self._origins[index],
                )  # fmt: skip
            else:
                self._on_cell(index)
                record = await self._run_cell(number, index, cell)
            self._records[index] = record
            cell.metadata["mlops"] = _kept(record)
            self._on_cell(record)
            if record.failed and not (self._keep_going and record.status == "failed"):
                break
        self._judge()

    async def _run_cell(self, number: int, index: int, cell: Any) -> CellRecord:
        tags = books.tags_of(cell)
        most = 1 + (self._retries if books.FLAKY in tags else 0)
        failures: list[Failure] = []
        while True:
            begin = time.perf_counter()
            failure, status, note = await self._attempt(index, cell, may_raise=books.RAISES in tags)
            self._secrets.cell(cell)
            if failure is not None:
                failures.append(self._secrets.failure(failure))
            if status != "failed" or self._watch.ended is not None or len(failures) == most:
                break
        attempt = len(failures) + (status != "failed")
        note = "; ".join(filter(None, (note, self._client.dropped(index))))
        seconds = time.perf_counter() - begin
        return CellRecord(
            index, number, books.title_of(cell), status, seconds, attempt, tuple(failures), note,
            self._origins[index],
        )  # fmt: skip

    async def _attempt(self, index: int, cell: Any, *, may_raise: bool) -> tuple[Failure | None, Status, str]:
        task = asyncio.ensure_future(self._client.async_execute_cell(cell, index))
        stopped = await self._watch.until(task, self._running)
        error = task.exception() if task.done() and not task.cancelled() else None
        seen = self._take_notes()
        if stopped:
            return None, "stopped", stopped
        if isinstance(error, CellExecutionError):
            told: list[str] = next((output.traceback for output in cell.outputs if output.output_type == "error"), [])
            return _failure(error.ename, error.evalue, "\n".join(told), seen), "failed", ""
        if isinstance(error, DeadKernelError | RuntimeError):
            died = f"the kernel died {self._running.last_word}".rstrip()
            return None, "stopped", self._watch.end(Verdict.KERNEL_DIED, died)
        if error is not None:
            raise error
        shown = next((output for output in cell.outputs if output.output_type == "error"), None)
        if shown is None and not seen:
            return None, "passed", ""
        if may_raise:
            return None, "raised", ""
        # The kernel says that all is well: other runners pass here.
        note = "the cell hides this error (%%capture, %run, run_cell …), and goes on as if nothing had been"
        if shown is not None:
            return _failure(shown.ename, shown.evalue, "\n".join(shown.traceback), seen), "failed", note
        return Failure(seen[0].error, books.plain(seen[0].message), "", seen[0].code), "failed", note

    def _judge(self) -> None:
        """Say how it went as a whole: what stopped it, else the first cell that failed."""
        failed = next((record for record in self.cells if record.status == "failed"), None)
        if self._watch.ended is not None:
            self.verdict, self.message = self._watch.ended
        elif failed is not None:
            last = failed.failures[-1]
            self.verdict, self.message = verdict_of_error(last.code), last.line
        else:
            self.verdict = Verdict.PASSED

    def _take_notes(self) -> list[Seen]:
        found = self._notes.new()
        self.told += [replace(each, text=self._secrets.message(each.text)) for each in found if isinstance(each, Told)]
        return [each for each in found if isinstance(each, Seen)]


def _failure(kind: str, message: str, traceback: str, seen: list[Seen]) -> Failure:
    code = next((each.code for each in seen if each.outer or each.error == kind), None)
    if kind == "StdinNotImplementedError":
        message = "input() can't be answered where nobody is asked: make it a parameter (%%mlops params), or tag the cell interactive-only"
    return Failure(kind, books.plain(message or ""), books.plain(traceback or ""), code)


def _kept(record: CellRecord) -> dict[str, Any]:
    """Say what stands with a cell of the executed notebook."""
    kept: dict[str, Any] = {"status": record.status, "seconds": round(record.seconds, 4), "attempts": record.attempts}
    return kept | ({"note": record.note} if record.note else {})
