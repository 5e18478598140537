"""Could it be made again: whether its run carries what ``reproduce`` needs, and whether that was tried."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from ...display import figure
from ..catalogues import MODEL
from ..checks import NotApplicable
from ..findings import Finding
from ..provenance import Again, Provenance
from .subject import Model

_FEW: Final = 300  # rows that show whether a seed matters
_TOLERANCE: Final = 1e-9  # as reproduce has it
_RUN: Final = "%%mlops run NAME --data X_train in the cell that fits it, and register it anew"


@MODEL.check(
    "MV021",
    "Reproducible from its run",
    "What can't be made again can't be explained, mended or defended a year from now.",
)
def reproducible(model: Model) -> Iterator[Finding | str]:
    """Look for what the run lacks; where somebody has made it again, say how that went."""
    if model.candidate.folder is None:
        raise NotApplicable("It is no version of the registry.")
    made = model.made
    if made is None:
        raise NotApplicable("It is not known how it was made.")
    if not made.is_there:
        why = f"Its run ({made.ref}) is not on the server any more" if made.run_id else "It has no run"
        yield Finding("warning", f"{why}: nothing tells how it was made.", _RUN)
        return
    if not made.manifest:
        yield Finding("warning", f"Its run ({made.ref}) has no snapshot of its code, data and environment.", _RUN)
        return
    yield from _code(made)
    yield from _rest(model, made)
    if made.again is not None:
        yield from _compared(made, made.again)


def _code(made: Provenance) -> Iterator[Finding]:
    if "executed.ipynb" not in made.files:
        if made.manifest.get("cell") is not None:
            yield Finding("warning", f"The cells of its run ({made.ref}) are missing on the server.", "restore the server's artifacts, or train it anew")  # fmt: skip
        else:
            yield Finding("note", "It was made by a script, and %mlops reproduce runs cells.", f"run the script again, and %mlops compare {made.ref} last")  # fmt: skip
    if hidden := made.manifest.get("hidden"):
        named = [str(name) for each in hidden for name in each.get("names", ())]
        yield Finding("note", f"Its cell has used {', '.join(named[:5])} from cells that the notebook, run from its top, would not give.", "restart the kernel, run all cells, and register it anew", figures={"names": named})  # fmt: skip
    if masked := made.manifest.get("masked"):
        kinds = dict.fromkeys(str(each.get("kind")) for each in masked)
        yield Finding("note", f"Its cells hold secrets that were masked before they were stored ({', '.join(list(kinds)[:3])}).", "read them from os.environ, in the cell")  # fmt: skip
    if note := _mapping(made.manifest, "git").get("note"):
        yield Finding("note", f"Of its code: {note}.", "git commit before the run")


def _rest(model: Model, made: Provenance) -> Iterator[Finding]:
    if not made.digests:
        yield Finding("warning", "Its run has no data: whether another time has the same can't be told.", _RUN)
    if not _mapping(made.manifest, "environment").get("packages") or "requirements.txt" not in made.files:
        yield Finding("warning", "Its run does not say which packages were installed.", _RUN)
    if not made.manifest.get("seeds") and (names := _loose_seeds(model)):
        yield Finding("warning", f"No seed was set, and its fit hangs on chance ({', '.join(names[:3])}).", f"{names[0].rpartition('__')[2]}=0 where it is made, and train it anew", figures={"parameters": names})  # fmt: skip
    if not made.metrics and "values" not in (made.answers or {}):
        yield Finding("warning", "Its run has no metric and no answers of the model: nothing could show that it was made again.", "%mlops log accuracy=accuracy in the cell that fits it")  # fmt: skip


def _compared(made: Provenance, again: Again) -> Iterator[Finding | str]:
    """Hold the metrics and the data of the run that has repeated it against its own."""
    ref = f"run:{again.run_id[:8]}"
    line = f"%mlops compare {made.ref} {ref}"
    if made.digests and again.digests and not set(made.digests) & again.digests:
        yield Finding("warning", f"It was made again ({ref}) on other data.", line)
        return
    apart = [name for name, value in made.metrics.items() if not _near(value, again.metrics.get(name))]
    if apart:
        told = ", ".join(f"{name} {figure(made.metrics[name])} → {figure(again.metrics.get(name))}" for name in apart[:3])  # fmt: skip
        yield Finding("warning", f"It was made again ({ref}), and did not come to the same: {told}.", line, figures={"metrics": apart})  # fmt: skip
    elif made.metrics:
        count = len(made.metrics)
        yield f"It was made again ({ref}): {count} metric{'s' if count > 1 else ''} the same."


def _loose_seeds(model: Model) -> list[str]:
    """Name the seeds that were left to chance, where a fit hangs on them: two fits on a few rows tell."""
    from sklearn.base import clone

    estimator = model.candidate.estimator
    if estimator is None or not (hasattr(estimator, "get_params") and hasattr(estimator, "fit")):
        return []
    names = [
        name
        for name, value in estimator.get_params().items()
        if name.rpartition("__")[2] == "random_state" and value is None
    ]
    if not names:
        return []
    rows, target = model.candidate.rows(model.inputs.head(_FEW)), model.y[:_FEW]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            told = [
                _said(clone(estimator).set_params(**dict.fromkeys(names, seed)).fit(rows, target), rows)
                for seed in (0, 1)
            ]
    except Exception:  # it takes no such rows, or needs more of them: then it is taken for one that hangs on them
        return names
    return names if told[0].shape != told[1].shape or not np.array_equal(told[0], told[1]) else []


def _said(estimator: Any, rows: Any) -> Any:
    return np.asarray((estimator.predict_proba if hasattr(estimator, "predict_proba") else estimator.predict)(rows))


def _near(one: float, other: float | None) -> bool:
    if other is None:
        return False
    return math.isclose(one, other, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE) or (one != one and other != other)


def _mapping(manifest: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = manifest.get(name)
    return found if isinstance(found, Mapping) else {}
