"""Make a run again in a fresh kernel, and prove that it gives the same; or say exactly what does not."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from ..backend import experiments, runs
from ..command import REPRODUCES
from ..display import Badge, Card, Cell, Table, View, figure, span
from ..display.progress import Progress
from ..display.views import Tone
from ..entities import DURATION
from ..errors import MissingDependency, writing_to
from ..result import Result
from ..workspace import Workspace
from . import rebuilding
from .comparison import Side, changed_columns, side_of
from .earlier_code import EarlierCode, code_as_it_was
from .results import differing
from .snapshot import environment, files, notebook
from .snapshot.files import Snapshot
from .subjects import subject

_MOST_NAMED = 5
Outcome: TypeAlias = Literal["same", "differs", "unknown"]


@dataclass(frozen=True)
class Check:
    """One thing that was compared; only what is ``decisive`` keeps a run from being reproduced."""

    what: str
    outcome: Outcome
    text: str
    decisive: bool = True

    @property
    def badge(self) -> Badge:
        """Draw the outcome."""
        differs: Tone = "bad" if self.decisive else "warn"
        return Badge(self.outcome, {"same": "good", "differs": differs, "unknown": "idle"}[self.outcome])


@dataclass(frozen=True, repr=False)
class Proof(Result):
    """Whether a run could be made again.

    Attributes
    ----------
    run, again : str
        The ids of the run and of the new one; the latter is empty where that did not finish.
    checks : tuple of Check
    notebook : str
        The rebuilt notebook, as it was executed.
    error : str
        What stopped it; empty as a rule.
    """

    label: str
    run: str
    again: str
    checks: tuple[Check, ...]
    notebook: str
    seconds: float
    error: str = ""

    @property
    def ok(self) -> bool:
        """Whether it is REPRODUCED: it ran, something was compared, and nothing decisive differs."""
        decisive = [check for check in self.checks if check.decisive]
        proved = any(check.outcome == "same" for check in decisive if check.what in ("metrics", "predictions"))
        return not self.error and proved and all(check.outcome != "differs" for check in decisive)

    def view(self) -> View:
        """Draw the verdict, and each comparison."""
        rows = [(check.what, check.badge, check.text) for check in self.checks]
        verdict = Badge("REPRODUCED", "good") if self.ok else Badge("NOT REPRODUCED", "bad")
        facts: list[tuple[str, Cell]] = [("stopped by", self.error)] if self.error else []
        if self.again:
            facts.append(("new run", f"run:{self.again[:8]} · {span(self.seconds)}"))
        facts.append(("notebook", self.notebook))
        following = f"%mlops compare run:{self.run[:8]} run:{self.again[:8]}" if self.again and not self.ok else ""
        tables = [Table(("compared", "", "what there is to say"), rows)] if rows else []
        return Card(self.label, verdict, facts=facts, tables=tables, next=following)


def reproduce(workspace: Workspace, ref: object, *, env: bool, tolerance: float) -> Proof:
    """Make a run again.

    Parameters
    ----------
    workspace : Workspace
    ref : object
        A run or a version.
    env : bool
        Build a fresh environment from the run's lock, in place of using today's.
    tolerance : float
        How far numbers may be apart, relative to their size.

    Raises
    ------
    NotFound
        Where there is no such run, or it has no snapshot.
    MissingDependency
        Where nbclient is not installed.
    """
    _need_nbclient()
    begin = time.perf_counter()
    before, taken = _before(workspace, ref)
    path = workspace.root / "reproduced" / f"{before.run_id[:8]}.ipynb"
    word = f"{before.run_id} {uuid.uuid4().hex[:12]}"
    with (
        Progress() as progress,
        tempfile.TemporaryDirectory(prefix="mlops-reproduce-") as scratch,
        code_as_it_was(workspace.root, taken) as code,
    ):
        python = None
        cells = rebuilding.lay_out(taken, before.label, code)
        if env:
            progress.say(f"Building the environment of {before.label} …")
            python = rebuilding.environment_as_it_was(taken, Path(scratch) / "environment")
        progress.say(f"Running {before.label} again …")
        folder = workspace.root / taken.manifest["folder"]
        folder = folder if folder.is_dir() else workspace.root
        with rebuilding.files_kept(cells, folder, path.with_suffix(".kept")):
            error = _execute(notebook.write(cells, before.label), path, folder, word, python)
    place = f"{sum(not isinstance(cell, str) for cell in cells)}.{taken.manifest['ordinal']}"
    after = _made(workspace, f"{word} {place}")
    checks = tuple(_checks(before, taken, after, code, tolerance))
    shown = path.relative_to(workspace.root).as_posix()
    return Proof(
        before.label, before.run_id, after.run_id if after else "", checks, shown, time.perf_counter() - begin, error
    )


def _before(workspace: Workspace, ref: object) -> tuple[Side, Snapshot]:
    """Find the run that is to be made again; where it can't be, why."""
    label, run = subject(workspace, ref)
    with tempfile.TemporaryDirectory(prefix="mlops-reproduce-") as folder:
        taken = files.read(workspace.mlflow, run, Path(folder))
    return Side(label, run.info.run_id, dict(run.data.metrics), dict(run.data.params), taken), taken


def _execute(text: str, path: Path, folder: Path, word: str, python: Path | None) -> str:
    """Run a notebook in a fresh kernel and keep it, whatever becomes of it; gives the error in a line."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    book: Any = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
    client = NotebookClient(book, kernel_name="python3", timeout=None, resources={"metadata": {"path": str(folder)}})
    kernel_spec = client.create_kernel_manager().kernel_spec
    if kernel_spec is not None:
        kernel_spec.argv[0] = str(python or sys.executable)
    # The notebook of this kernel is not that of the fresh one.
    env = {name: value for name, value in os.environ.items() if name not in ("JPY_SESSION_NAME", "IPYNB_FILE")}
    error = ""
    try:
        client.execute(env=env | {REPRODUCES: word}, stderr=subprocess.DEVNULL)
    except CellExecutionError as failure:
        told = [f"{failure.ename}: {' '.join(str(failure.evalue).split())[:300]}"]
        error = ", after ".join(dict.fromkeys([*told, *_went_wrong_before(book)]))
    except DeadKernelError:
        error = "the kernel died"
    finally:
        with writing_to(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(nbformat.writes(book), encoding="utf-8")  # type: ignore[no-untyped-call]
    return error


def _went_wrong_before(book: Any) -> list[str]:
    """Name the first error of a cell that was let fail: it may have failed for the first time now."""
    outputs = (output for cell in book.cells for output in cell.get("outputs", ()))
    errors = [output for output in outputs if output.output_type == "error"]
    return [f"{each.ename}: {' '.join(each.evalue.split())[:200]}" for each in errors[:1]]


def _made(workspace: Workspace, word: str) -> Side | None:
    """Find the run that the fresh kernel has made."""
    experiment = experiments.experiment_id(workspace.mlflow, workspace.settings.experiment, create=False)
    where = f"tags.`{runs.REPRODUCES}` = '{word}' AND attributes.status = 'FINISHED'"
    found = experiments.search(workspace.mlflow, experiment, where, most=1)
    return side_of(workspace, f"run:{found[0].info.run_id}") if found else None


def _checks(before: Side, one: Snapshot, after: Side | None, code: EarlierCode, tolerance: float) -> Iterator[Check]:
    """Compare what there is; what is known beforehand is told also where the run could not be made again."""
    yield _of_code(before, after, code)
    if after is not None and after.snapshot is not None:
        other = after.snapshot
        yield _of_environment(one, other)
        yield from _of_data(before, after)
        params = differing([before.params, after.params])
        yield Check("parameters", "differs" if params else "same", _named(
            [f"{name}: {before.params.get(name, '–')} → {after.params.get(name, '–')}" for name in params]
        ))  # fmt: skip
        yield _of_metrics(before.metrics, after.metrics, tolerance)
        yield _of_answers(one.manifest["answers"], other.manifest["answers"], tolerance)
    if one.hidden:
        yield Check("hidden state", "unknown", _named([str(hidden) for hidden in one.hidden]), decisive=False)
    if kinds := dict.fromkeys(str(each.get("kind")) for each in one.manifest["masked"]):
        text = f"{_named(list(kinds))}: *** stands in its place; what the cells read from os.environ is there"
        yield Check("masked", "unknown", text, decisive=False)


def _of_code(before: Side, after: Side | None, code: EarlierCode) -> Check:
    same = after is None or before.code.strip() == after.code.strip()
    text = "; ".join(filter(None, ["" if same else "the cell was changed to be run again", code.note]))
    return Check("code", "differs" if not same else "same" if code.certain else "unknown", text, decisive=False)


def _of_environment(one: Snapshot, other: Snapshot) -> Check:
    then, now = (environment.of_dict(each.manifest["environment"]) for each in (one, other))
    if not then.packages:
        return Check("environment", "unknown", "the snapshot does not say", decisive=False)
    found = environment.differences(then, now)
    text = _named([f"{name} {was or 'missing'} → {is_ or 'missing'}" for name, was, is_ in found])
    return Check("environment", "differs" if found else "same", text, decisive=False)


def _of_data(before: Side, after: Side) -> Iterator[Check]:
    for role, (name, digest) in before.data.items():
        there = after.data.get(role)
        if there is None:
            yield Check(role, "unknown", f"{name} was not logged this time")
            continue
        columns = changed_columns(before.snapshot, after.snapshot, role)
        text = f"{name} · {digest[:8]}"
        if there[1] != digest:
            text += f" → {there[1][:8]}" + (f", in {', '.join(columns[:_MOST_NAMED])}" if columns else "")
        yield Check(role, "same" if there[1] == digest else "differs", text)


def _of_metrics(before: Mapping[str, float], after: Mapping[str, float], tolerance: float) -> Check:
    names = [name for name in before if name != DURATION]
    if not names:
        return Check("metrics", "unknown", "the run has none")
    apart = [name for name in names if not _near(before[name], after.get(name), tolerance)]
    told = [f"{name}: {figure(before[name])} → {figure(after.get(name))}" for name in apart]
    return Check("metrics", "differs" if apart else "same", _named(told) or f"{len(names)} within {tolerance:g}")


def _of_answers(before: Any, after: Any, tolerance: float) -> Check:
    if not before or "values" not in before:
        return Check("predictions", "unknown", (before or {}).get("error", "the run has no model that answers"))
    if not after or "values" not in after:
        return Check("predictions", "differs", "there is no model that answers this time")
    pairs = list(zip(before["values"], after["values"], strict=False))
    apart = sum(not _near(one, other, tolerance) for one, other in pairs)
    if len(before["values"]) != len(after["values"]):
        return Check("predictions", "differs", f"{len(before['values'])} rows → {len(after['values'])} rows")
    return Check(
        "predictions", "differs" if apart else "same", f"{len(pairs) - apart} of {len(pairs)} rows are the same"
    )


def _near(one: Any, other: Any, tolerance: float) -> bool:
    """Whether two values are the same, numbers within a tolerance; NaN is the same as NaN."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_near(a, b, tolerance) for a, b in zip(one, other, strict=True))
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance) or (one != one and other != other)
    return bool(one == other)


def _named(told: list[str]) -> str:
    more = f" and {len(told) - _MOST_NAMED} more" if len(told) > _MOST_NAMED else ""
    return ", ".join(told[:_MOST_NAMED]) + more


def _need_nbclient() -> None:
    try:
        import nbclient  # noqa: F401
    except ImportError:
        raise MissingDependency(
            "reproduce runs a notebook, and nbclient is not installed.", "%pip install 'jupyter-mlops[headless]'"
        ) from None
