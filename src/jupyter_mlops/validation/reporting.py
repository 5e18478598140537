"""From data to its report: choose the checks, run them, keep what they came to."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..display.progress import Progress
from ..fingerprint import fingerprint
from ..frames import as_frame
from ..limits import ValidationSettings
from .catalogues import data_checks
from .checks import run
from .data import Data
from .findings import Severity, severity_of
from .results import Report

if TYPE_CHECKING:
    from .contracts.files import Contract


def report_on(
    data: Any,
    name: str,
    settings: ValidationSettings,
    *,
    reference: Any = None,
    reference_name: str = "the reference",
    only: Sequence[str] | None = None,
    skip: Sequence[str] | None = None,
    severity: Severity = "error",
    contract: Any = None,
    save_contract: Path | None = None,
    force: bool = False,
    **roles: Any,
) -> Report:
    """Run the checks of data.

    Parameters
    ----------
    data, reference : DataFrame, anything with the Arrow PyCapsule interface, or array-like
    name, reference_name : str
        What they are called in messages.
    settings : ValidationSettings
    only, skip : sequence of str, optional
        Codes, or their beginnings.
    severity : {"error", "warning", "note"}
        From which one on a finding fails the report.
    contract : path, DataFrameSchema or DataFrameModel, optional
        What the data must be.
    save_contract : Path, optional
        Where to write down what it is; ``force`` also over a file that is there.
    **roles
        ``target``, ``time``, ``group``: names of columns; ``key``, ``marked`` (as personal): some.

    Raises
    ------
    InvalidUsage
        Where it is no table, or lacks a column that is named; where a contract is broken, or has no file of YAML;
        where there is no such check or severity, be it among those that are ignored.
    NotFound, Conflict
        Where there is no such contract, or one that would be written over.
    """
    begin = time.perf_counter()
    checks, fails = data_checks().chosen(only, skip), severity_of(severity)
    ignore = data_checks().ignored(settings.ignore)
    limits = settings.data
    frame = as_frame(data)
    held = None if reference is None else Data(as_frame(reference), reference_name, limits=limits)
    agreed = None if contract is None else _read_contract(contract)
    subject = Data(frame, name, reference=held, limits=limits, contract=agreed, **roles)
    if save_contract is not None:
        _write_contract(subject, save_contract, force=force)
    with Progress() as progress, ThreadPoolExecutor(1) as beside:
        taken = beside.submit(_digest, frame)  # hashing lets go of Python's lock
        done = run(checks, subject, ignore, progress.say)
        progress.say("Taking the digest of the data …")
        try:
            digest = taken.result()
        except KeyboardInterrupt:
            digest = ""
        progress.say(f"{len(done)} checks of {name} …")  # what is left to be read, once it is done
    return Report(
        name,
        len(frame),
        len(frame.columns),
        tuple(done),
        fails,
        digest,
        time.perf_counter() - begin,
        settings=settings.for_data(),
        evidence={
            "whole": not (only or skip),
            "contract": agreed.digest if agreed else "",
            "written": str(save_contract or ""),
        },
    )


def _read_contract(contract: Any) -> Contract:
    from .contracts import files

    return files.read(contract)


def _write_contract(data: Data, path: Path, *, force: bool) -> None:
    from .contracts import files, inference

    files.may_write(path, force=force)
    files.write(inference.infer(data), path, data.name, len(data))


def _digest(frame: Any) -> str:
    return fingerprint(frame).digest
