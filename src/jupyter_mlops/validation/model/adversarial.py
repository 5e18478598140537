"""How small a change turns an answer, when somebody looks for it: attacks of the adversarial-robustness-toolbox."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import stats

from ...display import figure
from ...errors import MissingDependency
from ..catalogues import MODEL
from ..checks import CantSay, NotApplicable
from ..findings import Finding, Plot
from .answers import Array
from .robust import plain_numbers, some_rows
from .subject import Model

_MOST: Final = 30
_LEAST: Final = 5
_ATTACK: Final = {"norm": 2, "max_iter": 4, "max_eval": 100, "init_eval": 10, "init_size": 50, "verbose": False}


@MODEL.check(
    "MV106",
    "Adversarial examples",
    "Noise does not look for the weak spot; somebody who gains by a wrong answer does.",
)
def adversarial(model: Model) -> Iterator[Finding | str]:
    """Look from some rows for the nearest one with another answer, by the answers alone (HopSkipJump; Chen et al., 2020)."""
    if not model.classifies:
        raise NotApplicable("It predicts numbers: there is no answer to turn.")
    attack = _library()
    limits = model.limits.security
    frame, _ = some_rows(model)
    found = _distances(model, frame, plain_numbers(model, frame), attack)
    if len(found) < _LEAST:
        raise NotApplicable(f"In {limits.attack_seconds:g} s it was tried on {len(found)} rows only: attack_seconds in [validation.model.security].")  # fmt: skip
    near = int((found <= limits.noise).sum())
    low = float(stats.beta.ppf((1 - model.limits.confidence) / 2, near, len(found) - near + 1)) if near else 0.0
    seen = f"Of {len(found)} rows, {near} get another answer by a change of {limits.noise:g} standard deviations or less (root mean square over the numbers); half of them take {figure(float(np.median(found)))} or more"
    if low > limits.adversarial:
        yield Finding("warning", f"{seen}. {limits.adversarial:.0%} may.", "more regularisation, or training with such rows added; keep the answers coarse, and count who asks how often", figures={"distances": found.tolist(), "low": low}, plot=_plot(found))  # fmt: skip
    else:
        yield f"{seen}."


def _distances(model: Model, frame: pd.DataFrame, names: list[str], attack: Any) -> Array:
    """Attack one row after the other until the time is over; what is not turned at all is infinitely far."""
    values = frame[names].to_numpy(dtype=float)
    values = np.where(np.isfinite(values), values, np.nan)
    if not np.isfinite(values).any(axis=0).all():
        raise CantSay("A feature holds no numbers.")
    middle, spread = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
    moving = spread > 0
    if not moving.any():
        raise NotApplicable("No number among the features varies.")
    rows = np.flatnonzero(np.isfinite(values[:, moving]).all(axis=1))
    if not len(rows):
        raise CantSay("Each row lacks a number.")
    names = [name for name, moves in zip(names, moving, strict=True) if moves]
    middle, spread = middle[moving], spread[moving]
    limits = (((np.nanmin(values, axis=0)[moving] - middle) / spread).astype(np.float32), ((np.nanmax(values, axis=0)[moving] - middle) / spread).astype(np.float32))  # fmt: skip
    rows = np.random.default_rng(0).permutation(rows)[:_MOST]
    end, found = time.perf_counter() + model.limits.security.attack_seconds, []
    for row in rows.tolist():
        asked = _Asked(model, frame.iloc[[row]], names, middle, spread)
        start = ((values[row, moving] - middle) / spread).astype(np.float32)
        turned = attack(asked, start[None, :], limits)
        far = float(np.sqrt(np.mean((turned - start) ** 2)))
        found.append(far if asked(turned).argmax() == 1 else np.inf)
        over = time.perf_counter() - end
        if over > 0 and (len(found) >= _LEAST or over > model.limits.security.attack_seconds):
            break
    return np.array(found)


class _Asked:
    """Says of changed copies of one row whether they get its answer (the first class), or another one."""

    def __init__(self, model: Model, row: pd.DataFrame, names: list[str], middle: Array, spread: Array) -> None:
        self._model, self._row, self._names, self._middle, self._spread = model, row, names, middle, spread
        self._others = {name: row[name].iloc[[0]] for name in row.columns if name not in names}
        self._said = model.candidate.ask(row).labels[0]

    def __call__(self, moved: Array) -> Array:
        values = np.asarray(moved, dtype=float) * self._spread + self._middle
        frame = pd.DataFrame(values, columns=self._names)
        for name in self._names:
            if (kind := self._row[name].dtype).kind != "f":
                frame[name] = pd.array(np.rint(frame[name].to_numpy())).astype(kind)
        for name, value in self._others.items():
            frame[name] = value.repeat(len(frame)).array
        estimator = self._model.candidate.estimator  # asked for the label only: it is asked some hundred times
        is_other = np.asarray(estimator.predict(self._model.candidate.rows(frame[self._row.columns]))) != self._said
        return np.column_stack([~is_other, is_other]).astype(np.float32)


def _library() -> Any:
    """Load the toolbox, and give what attacks one row; it draws by NumPy's own state, which is put back."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the frameworks that it could also attack
            from art.attacks.evasion import HopSkipJump
            from art.estimators.classification import BlackBoxClassifier
    except ImportError:
        raise MissingDependency("Adversarial examples need the adversarial-robustness-toolbox: %pip install 'jupyter-mlops[security]'") from None  # fmt: skip

    def attack(asked: _Asked, start: Array, limits: tuple[Array, Array]) -> Array:
        before = np.random.get_state()
        np.random.seed(0)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                classifier = BlackBoxClassifier(asked, start.shape[1:], 2, clip_values=limits)
                return np.asarray(HopSkipJump(classifier, **_ATTACK).generate(start))
        finally:
            np.random.set_state(before)

    return attack


def _plot(found: Array) -> Plot:
    counts, edges = np.histogram(found[np.isfinite(found)], bins=min(10, len(found)))
    return Plot("histogram", edges.tolist(), counts.tolist(), (), "standard deviations")
