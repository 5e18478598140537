"""Can it be served: what it wants is said and there, it answers as it did, in time, and is not too large."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from ...display import figure
from ...fingerprint import fingerprint
from ..catalogues import MODEL
from ..checks import CantSay, NotApplicable
from ..data import share
from ..findings import Finding
from .answers import Labels
from .subject import Model

_ASKED: Final = 50
_TOLERANCE: Final = 1e-6  # relative: what another order of adding up may make of doubles, and of floats stored as text


@MODEL.check("MV015", "Signature and example", "Without them no request can be checked, and nobody knows how to ask.")
def signature(model: Model) -> Iterator[Finding]:
    """Look whether the model says what it wants and what it answers, and has an example."""
    if model.candidate.folder is None:
        raise NotApplicable("It is no version of the registry.")
    said = model.candidate.said
    mend = "%mlops log --model clf --data X_train, and register it anew"
    found = said.get("signature") or {}
    if not found.get("inputs"):
        yield Finding("error", "The model has no signature: it can't be served.", mend)
    elif not found.get("outputs"):
        yield Finding("warning", "The signature does not say what the model answers.", mend)
    if not said.get("saved_input_example_info"):
        yield Finding("warning", "The model has no input example: an endpoint has nothing to warm up with.", mend)


@MODEL.check(
    "MV016",
    "Features are there when it is asked",
    "A feature that is known only later makes a test look good, and a service impossible.",
)
def available(model: Model) -> Iterator[Finding]:
    """Hold the columns that it wants against the data, the target and what is said to be unknown then."""
    lacking = model.candidate.lacks(model.frame)
    if lacking:
        yield Finding("error", f"The data lacks what the model wants: {', '.join(lacking[:5])}.", "give all columns that it was trained on", tuple(lacking))  # fmt: skip
    if model.target_name in (model.candidate.wants or ()):
        yield Finding(
            "error", f"The target {model.target_name} is among the features.", "train it without", (model.target_name,)
        )
    late = [name for name in model.limits.unavailable if name in (model.candidate.wants or model.features)]
    if late:
        yield Finding("error", f"It wants {', '.join(late)}, which {'is' if len(late) == 1 else 'are'} not known when it is asked.", "train it without", tuple(late))  # fmt: skip
    unknown = [] if lacking else model.unknown_labels()
    if unknown:
        yield Finding("error", f"The target holds {', '.join(unknown[:5])}, which the model can't answer.", "train it on rows of each class", (model.target_name,))  # fmt: skip
    if model.dropped:
        yield Finding("note", f"{model.dropped:,} rows have no target, and were left out.", f"test.dropna(subset=[{model.target_name!r}])", (model.target_name,))  # fmt: skip


@MODEL.check(
    "MV017",
    "The same answers after loading",
    "What was tried in the notebook is not what is served, if storing it has changed it.",
)
def same(model: Model) -> Iterator[Finding]:
    """Compare what the loaded model answers with the predictions given, and with what its run has kept of it."""
    if model.candidate.estimator is None or model.candidate.folder is None:
        raise NotApplicable("It was not loaded.")
    pairs = [*_as_given(model), *_as_kept(model)]
    if not pairs:
        raise NotApplicable(
            "Nothing is known of before: --predictions clf.predict(X_test), or --train with what it was fitted on."
        )
    for now, before in pairs:
        if now.shape != before.shape:
            yield Finding("error", f"It answers in the shape {now.shape}, and did in {before.shape}.", "log the model again, and register it anew")  # fmt: skip
            continue
        is_number = now.dtype.kind in "fiu" and before.dtype.kind in "fiu"
        differs = (
            ~np.isclose(now, before, rtol=_TOLERANCE, equal_nan=True)
            if is_number
            else now.astype(str) != before.astype(str)
        )
        count = int(differs.reshape(len(now), -1).any(axis=1).sum())
        if count:
            yield Finding("error", f"It answers otherwise than before it was stored in {share(count, len(now))}.", "log the model again, and register it anew", figures={"rows": count})  # fmt: skip


@MODEL.check("MV018", "Quick enough", "An answer that comes late is none.")
def quick(model: Model) -> Iterator[Finding]:
    """Ask it single rows, and take the time."""
    if model.limits.milliseconds is None:
        raise NotApplicable("No budget is set: milliseconds in [validation.model].")
    frame = model.inputs
    model.candidate.ask(frame.head(1))  # the first one warms up
    took = []
    for place in range(_ASKED):
        row = frame.iloc[[place % len(frame)]]
        begin = time.perf_counter()
        model.candidate.ask(row)
        took.append(1000 * (time.perf_counter() - begin))
    late = float(np.quantile(took, 0.95))
    if late > model.limits.milliseconds:
        yield Finding("error", f"One row takes {figure(late)} ms (95th percentile of {_ASKED}), and {model.limits.milliseconds:g} ms are allowed.", "fewer trees, fewer features, or a simpler model", figures={"milliseconds": late})  # fmt: skip


@MODEL.check("MV019", "Small enough", "What is large starts late, and takes the memory of its neighbours.")
def small(model: Model) -> Iterator[Finding]:
    """Hold the size of its files against the budget."""
    if model.limits.megabytes is None:
        raise NotApplicable("No budget is set: megabytes in [validation.model].")
    if model.candidate.folder is None:
        raise CantSay("It is no version of the registry: it has no files.")
    size = model.candidate.megabytes
    if size > model.limits.megabytes:
        yield Finding("error", f"Its files are {figure(size)} MB, and {model.limits.megabytes:g} MB are allowed.", "fewer or smaller trees, or a simpler model", figures={"megabytes": size})  # fmt: skip


def _as_given(model: Model) -> Iterator[tuple[Any, Any]]:
    if model.given is None:
        return
    if isinstance(model.given, Labels) and model.given.chances is not None and isinstance(model.answers, Labels) and model.answers.chances is not None:  # fmt: skip
        yield model.answers.chances, model.given.chances
    else:
        yield model.answers.labels, model.given.labels


def _as_kept(model: Model) -> Iterator[tuple[Any, Any]]:
    """Ask the rows that were asked when it was fitted: they are not kept, and known by the digest of all."""
    if model.train is None or not model.before or "values" not in model.before:
        return
    features = model.inputs_of(model.train)
    if model.candidate.wants is not None and not model.candidate.lacks(features):
        features = features[model.candidate.wants]
    if fingerprint(features).digest not in model.trained_on:
        return
    count = len(np.asarray(model.before["values"]))
    rows = features.iloc[:: max(1, len(features) // 100)][:100]
    method = getattr(model.candidate.estimator, str(model.before["method"]), None)
    if method is None or len(rows) != count:
        return
    yield np.asarray(method(model.candidate.rows(rows))), np.asarray(model.before["values"])
