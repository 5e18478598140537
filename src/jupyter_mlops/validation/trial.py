"""From a version to its report: fetch it and what it is held against, run the checks, keep what they came to."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..backend import fetching, versions
from ..display.progress import Progress
from ..entities import CHALLENGER, CHAMPION, ModelRef
from ..errors import InvalidUsage
from ..fingerprint import fingerprint
from ..frames import as_frame
from ..limits import ModelLimits, ValidationSettings
from ..workspace import LOCAL, Workspace
from . import keeping, provenance, remembering
from .catalogues import chosen_for_model
from .checks import INTERRUPTED, CantSay, interrupted, run
from .findings import Severity, severity_of
from .model.candidate import Candidate, of_estimator, of_folder
from .model.scoring import Scorer
from .model.seal import Seal
from .model.subject import Model
from .results import Report

_SCORER = re.compile(r"\s*(\w+)\s*([<>]=?.*)?")


def trial(
    workspace: Workspace,
    model: Any,
    data: Any,
    data_name: str,
    target: str,
    *,
    against: Any = None,
    scorers: Sequence[str] = (),
    train: Any = None,
    only: Sequence[str] | None = None,
    skip: Sequence[str] | None = None,
    security: bool = False,
    severity: Severity = "error",
    **more: Any,
) -> Report:
    """Try a model; see ``validate_model``."""
    checks, fails = chosen_for_model(only, skip, security=security), severity_of(severity)
    wanted = [_scorer(word) for word in _some(scorers)]
    more |= {each: _some(more[each]) for each in ("slices", "groups") if each in more}
    frame = as_frame(data)
    with tempfile.TemporaryDirectory(prefix="mlops-trial-") as folder, Progress() as progress:
        progress.say("Fetching the model …")
        candidate, ref = _candidate(workspace, model, Path(folder) / "model")
        champion = _champion(workspace, against, ref, candidate, Path(folder) / "champion")
        made = provenance.of_run(workspace.mlflow, candidate.run_id) if candidate.folder else None
        progress.say("Taking the digest of the data …")
        digest = _digest(frame)
        return report_on(
            candidate,
            frame,
            target,
            workspace.settings.validation,
            name=ref.name if ref else "",
            checks=checks,
            champion=champion,
            scorers=wanted,
            train=None if train is None else as_frame(train),
            trained_on=made.digests if made else (),
            digest=digest or "",
            is_interrupted=digest is None,
            before=made.answers if made else None,
            marked=workspace.settings.privacy.personal,
            made=made,
            severity=fails,
            say=progress.say,
            keep=lambda report: keeping.keep(
                workspace, report, f"run:{candidate.run_id}" if made and made.is_there else None
            ),
            remember=lambda subject: remembering.remember(workspace, subject),
            evidence={"whole": not (only or skip), "data": data_name},
            **more,
        )


def report_on(
    candidate: Candidate,
    frame: Any,
    target: str,
    settings: ValidationSettings,
    *,
    name: str = "",
    checks: Any = None,
    champion: Candidate | None = None,
    severity: Severity = "error",
    say: Any = lambda text: None,
    keep: Any = lambda report: report,
    remember: Any = lambda subject: "",
    evidence: Mapping[str, Any] | None = None,
    is_interrupted: bool = False,
    **asked: Any,
) -> Report:
    """Run the checks of a model that is here.

    Parameters
    ----------
    candidate, champion : Candidate
    frame : DataFrame
    target : str
    settings : ValidationSettings
    name : str
        The registered model, whose limits count.
    checks : sequence of Check, optional
        By default all but those of security.
    severity : {"error", "warning", "note"}
    say, keep, remember : callable
        Are told what is looked at, given the report, and given what was tried, for monitoring; the last says what it kept.
    evidence : mapping, optional
        What else the report hangs on.
    is_interrupted : bool
        Whether somebody has stopped it already: then no check is run.
    **asked
        See ``Model``.
    """
    begin = time.perf_counter()
    limits: ModelLimits = settings.of_model(name)
    subject = Model(candidate, frame, target, limits=limits, champion=champion, **asked)
    chosen = chosen_for_model(None, None, security=False) if checks is None else checks
    done = interrupted(chosen) if is_interrupted else run(chosen, subject, settings.ignore, say)
    is_whole = all(checked.reason != INTERRUPTED for checked in done)  # else it is not asked again: it may be what hung
    return keep(  # type: ignore[no-any-return]
        Report(
            candidate.name,
            len(subject),
            len(subject.frame.columns),
            tuple(done),
            severity,
            subject.digest or (fingerprint(frame).digest if is_whole else ""),
            time.perf_counter() - begin,
            settings=settings.for_model(name),
            kind="model",
            evidence={
                **(evidence or {"whole": True}),
                "source": candidate.source,
                "against": champion.source if champion else "",
                "scores": _scores(subject) if is_whole else "",
                "performance": remember(subject) if is_whole else "",
            },
        )
    )


def _digest(frame: Any) -> str | None:
    """Take the digest of the data; None where that was interrupted."""
    try:
        return fingerprint(frame).digest
    except KeyboardInterrupt:
        return None


def _scores(subject: Model) -> str:
    """Say how good it is, with its interval, for the top of the report."""
    names = dict.fromkeys([subject.scorer.name, *subject.bounds])
    told = []
    for name in names:
        try:
            told.append(
                f"{name} {subject.score if name == subject.scorer.name else f'{Scorer(name).of(subject.answers, subject.y):.4g}'}"
            )
        except CantSay:
            continue
    return ", ".join(told)


def _some(words: str | Sequence[str]) -> Sequence[str]:
    """Take one word for a list of one, as people write it in Python."""
    return [words] if isinstance(words, str) else words


def _scorer(word: str) -> tuple[str, str | None]:
    match = _SCORER.fullmatch(word)
    if match is None:
        raise InvalidUsage(f"{word!r} names no scorer.", "--scorer roc_auc, or --scorer 'roc_auc>=0.9'")
    return match[1], match[2]


def _candidate(workspace: Workspace, model: Any, folder: Path) -> tuple[Candidate, ModelRef | None]:
    """Fetch a version, or take an estimator as it is."""
    if hasattr(model, "predict") and not hasattr(model, "ref"):
        return of_estimator(model), None
    ref = ModelRef.of(model)
    return _fetched(workspace, versions.find_version(workspace.mlflow, ref, CHALLENGER), folder), ref


def _champion(
    workspace: Workspace, against: Any, ref: ModelRef | None, candidate: Candidate, folder: Path
) -> Candidate | None:
    """Fetch what it is held against: what was named, or the champion; the model itself is none."""
    if against is not None:
        return _candidate(workspace, against, folder)[0]
    if ref is None:
        return None
    number = versions.model(workspace.mlflow, ref.name).aliases.get(CHAMPION)
    if number is None:
        return None
    champion = versions.find_version(workspace.mlflow, ModelRef(ref.name, version=int(number)))
    return None if champion.source == candidate.source else _fetched(workspace, champion, folder)


def _fetched(workspace: Workspace, version: Any, folder: Path) -> Candidate:
    files = fetching.download(workspace.mlflow, version, folder)
    seal = Seal.of(version.tags, workspace.settings.policy, workspace.root, workspace.root / LOCAL)
    return of_folder(
        f"{version.name}/{version.version}",
        files,
        seal=seal,
        source=str(version.source),
        run_id=str(version.run_id or ""),
    )
