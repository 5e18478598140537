"""Who may have written the files of a version, and what they would do to who loads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ... import mlmodel
from ...errors import MissingDependency, UntrustedModel
from ..catalogues import MODEL
from ..checks import NotApplicable
from ..findings import Finding
from .seal import Seal
from .subject import Model

_SIGN: Final = "%mlops register NAME --run RUN --sign, by who has the key, if the model is as it should be"
_RUNS: Final = frozenset({".py", ".pyc", ".so", ".dll", ".dylib", ".sh", ".bat", ".exe", ".whl"})
_ELSEWHERE: Final = re.compile(
    r"(^|\s)(-i|-f|--index-url|--extra-index-url|--find-links|--trusted-host)\b|\w\+(https?|ssh|git|file)://|https?://"
)


@MODEL.check(
    "MV104",
    "Files and signature",
    "A model file can run code where it is loaded; a changed one answers as whoever has changed it wants.",
)
def artifact(model: Model) -> Iterator[Finding]:
    """Hold the files against what was registered, look for what runs code, and who has signed."""
    folder, seal = model.candidate.folder, model.candidate.seal
    if folder is None or seal is None:
        raise NotApplicable("It is no version of the registry.")
    found = [*_files(folder, seal, model.candidate.why_not), *_seal(folder, seal)]
    yield from found
    try:
        yield from _signature(folder, seal)
    except MissingDependency:
        if not found:
            raise


def _files(folder: Path, seal: Seal, why_not: str) -> Iterator[Finding]:
    refused = ""
    try:
        mlmodel.read(folder, pickles=seal.opens_pickles(folder))
    except UntrustedModel as error:
        refused = error.message
        yield Finding("error", refused, error.hint or mlmodel.HINT)
    if why_not and why_not != refused:
        yield Finding("error", why_not, mlmodel.HINT)
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.suffix.lower() in _RUNS)
    if names:
        yield Finding("warning", f"Beside the model there is what could run: {', '.join(names[:5])}.", "log it without code_paths and extra files", figures={"files": names})  # fmt: skip
    lines = [line for name in ("requirements.txt", "conda.yaml") for line in _lines(folder / name)]
    if odd := [line.strip().removeprefix("- ") for line in lines if _ELSEWHERE.search(line.partition("#")[0])]:
        yield Finding("warning", f"Its requirements are from elsewhere than the package index: {odd[0][:100]}.", "name packages with their versions, and log it anew", figures={"lines": odd})  # fmt: skip


def _seal(folder: Path, seal: Seal) -> Iterator[Finding]:
    if not seal.digest:
        yield Finding("note", "It was registered without a digest of its files: a change would not be seen.", "%mlops register NAME --run RUN, which notes one")  # fmt: skip
    elif not seal.is_whole(folder):
        yield Finding("error", "Its files are not those that were registered: somebody has changed them since.", "register it anew from its run, and find out who it was: %mlops audit NAME --verify")  # fmt: skip


def _signature(folder: Path, seal: Seal) -> Iterator[Finding]:
    if seal.signature:
        if seal.is_signed(folder):
            return
        why = "its key is not here" if seal.key is None or not seal.key.is_file() else "it is by another key, or of other files"  # fmt: skip
        yield Finding("error", f"Its signature does not hold: {why}.", _SIGN)
    elif seal.policy.models == "signed":
        yield Finding("error", "It is not signed, and [policy] in mlops.toml asks for that.", _SIGN)
    else:
        yield Finding("note", "It is not signed: that it is from this project can't be proved.", _SIGN)


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text("utf-8", "replace")[: 1 << 20].splitlines()
    except OSError:
        return []
