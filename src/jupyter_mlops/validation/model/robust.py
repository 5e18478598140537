"""What small changes of the rows do: noise, missing values, what must not matter, and what may only raise an answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd

from ...display import figure
from ..catalogues import MODEL
from ..checks import CantSay, NotApplicable
from ..data import share
from ..findings import Finding
from .answers import Answers, Array
from .candidate import noisy
from .subject import Model, chance_of

_MOST: Final = 5000  # rows that are changed and asked again
_STEPS: Final = 9
_SLACK: Final = 1e-9


@MODEL.check(
    "MV012",
    "Robust to noise",
    "What is measured is never exact; an answer that hangs on the third digit will not last.",
)
def noise(model: Model) -> Iterator[Finding]:
    """Add noise to the numbers, and score again."""
    frame, rows = some_rows(model)
    plain = plain_numbers(model, frame)
    before, now = (_score(model, answers, rows) for answers in (model.candidate.ask(frame), model.candidate.ask(noisy(frame, plain, model.limits.noise))))  # fmt: skip
    if before - now > model.limits.robust:
        yield Finding("warning", f"With noise of {model.limits.noise:g} standard deviations on each number, {model.scorer.name} falls from {figure(before)} to {figure(now)}.", "more regularisation, or training data with noise added", figures={"before": before, "after": now})  # fmt: skip


@MODEL.check(
    "MV013",
    "Robust to missing values",
    "A field stays empty one day; then the model should answer, and not much worse.",
)
def missing(model: Model) -> Iterator[Finding]:
    """Empty some cells, and score again."""
    frame, rows = some_rows(model)
    chance = np.random.default_rng(0)
    emptied = frame.copy()
    for name in model.features:
        gone = chance.random(len(frame)) < model.limits.emptied
        column = frame[name]
        column = (
            column.astype(float)
            if column.dtype.kind in "iub"
            else column.astype(object)
            if column.dtype == object
            else column
        )
        emptied[name] = column.mask(gone)
    before = _score(model, model.candidate.ask(frame), rows)
    try:
        now = _score(model, model.candidate.ask(emptied), rows)
    except CantSay as refused:
        if "refuses the rows" not in str(refused):
            raise
        yield Finding("note", f"It can't answer where a value is missing ({str(refused).partition(': ')[2].partition('. ')[0][:80]}).", "make_pipeline(SimpleImputer(), model), or see that requests are complete")  # fmt: skip
        return
    if before - now > model.limits.robust:
        yield Finding("warning", f"With {model.limits.emptied:.0%} of the cells empty, {model.scorer.name} falls from {figure(before)} to {figure(now)}.", "another imputer, or training data with values missing", figures={"before": before, "after": now})  # fmt: skip


@MODEL.check(
    "MV014",
    "What must not matter, and which way it goes",
    "A rule that people rely on is broken silently by the next training, unless it is tried.",
)
def rules(model: Model) -> Iterator[Finding]:
    """Change single features: those that must not matter, and those that may only raise or lower the answer."""
    limits = model.limits
    if not (limits.invariant or limits.increasing or limits.decreasing):
        raise NotApplicable("No rule is set: invariant, increasing or decreasing in [validation.model].")
    frame, _ = some_rows(model)
    lacking = [
        name for name in (*limits.invariant, *limits.increasing, *limits.decreasing) if name not in frame.columns
    ]
    if lacking:
        raise CantSay(f"There is no column {lacking[0]!r} in the test data.")
    told = model.candidate.ask(frame)
    for name in limits.invariant:
        others = frame[name].sample(frac=1, random_state=0).to_numpy()
        other = model.candidate.ask(frame.assign(**{name: others}))
        differs = other.labels != told.labels if model.classifies else ~np.isclose(other.labels, told.labels)
        if count := int(differs.sum()):
            yield Finding("error", f"The answer hangs on {name}, which must not matter, in {share(count, len(frame))}.", f"leave {name} out of the features, and what stands for it", (name,), {"rows": count})  # fmt: skip
    if model.classifies and (limits.increasing or limits.decreasing) and len(getattr(told, "classes", ())) != 2:
        raise CantSay("Of more than two classes there is no higher and lower.")
    for names, sign, word in ((limits.increasing, 1, "raise"), (limits.decreasing, -1, "lower")):
        for name in names:
            count = int(_against(model, frame, name, sign).sum())
            if count:
                yield Finding("error", f"A higher {name} may only {word} the answer, and does not in {share(count, len(frame))}.", f"HistGradientBoosting…(monotonic_cst={{{name!r}: {sign}}}), or another model", (name,), {"rows": count})  # fmt: skip


def _against(model: Model, frame: pd.DataFrame, name: str, sign: int) -> Array:
    """Say for which rows the answer moves the wrong way as one feature goes through the values that it has."""
    values = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float)
    if not np.isfinite(values).any():
        raise CantSay(f"{name} holds no numbers.")
    steps = np.unique(np.nanquantile(values[np.isfinite(values)], np.linspace(0, 1, _STEPS), method="nearest"))
    some = frame.head(_MOST // _STEPS)
    wrong = np.zeros(len(frame), dtype=bool)
    before = None
    for step in steps:
        now = sign * chance_of(
            model.candidate.ask(some.assign(**{name: pd.Series(step, index=some.index).astype(frame[name].dtype)}))
        )
        if before is not None:
            wrong[: len(some)] |= now < before - _SLACK * np.maximum(1, np.abs(before))
        before = now
    return wrong


def plain_numbers(model: Model, frame: pd.DataFrame) -> list[str]:
    """Name the features that are numbers, and can be changed as such.

    Raises
    ------
    NotApplicable
        Where there is none.
    """
    found = [name for name in model.features if frame[name].dtype.kind in "fiu"]
    if not found:
        raise NotApplicable("No feature is a number.")
    return found


def some_rows(model: Model) -> tuple[pd.DataFrame, Array]:
    """Choose rows to change: all, or some by chance."""
    rows = np.arange(len(model))
    if len(rows) > _MOST:
        rows = np.sort(np.random.default_rng(0).choice(rows, _MOST, replace=False))
    return model.inputs.iloc[rows].reset_index(drop=True), rows


def _score(model: Model, answers: Answers, rows: Array) -> float:
    return model.scorer.of(answers, model.y[rows])
