"""The profile of a model: what it was fitted on, what it answers to that, and what each feature is worth to it.

All of it is bounded: of many rows some from everywhere are taken, and a model that is slow to answer is asked less. Each bound that
was met is written into the notes.
"""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd

from .profile import Profile
from .profiling import learn

CELLS: Final = 8_000_000  # of a table that are sketched: about half a second
_ANSWERED: Final = 5_000  # rows: shares of answers are known to 0.014 (95 %)
_PROBED, _SHUFFLED, _LEAST = 100, 1_000, 20
_SECONDS: Final = 0.4  # for the answers, and for the importance
_MOST_FEATURES: Final = 200
Answer = Callable[[pd.DataFrame], Any]


def profile_of(
    features: pd.DataFrame, answer: Answer | None, chances: Answer | None = None, personal: Collection[str] = ()
) -> Profile:
    """Take the profile of a model.

    Parameters
    ----------
    features : DataFrame
        What it was fitted on.
    answer : callable, optional
        Gives what an endpoint answers to some rows.
    chances : callable, optional
        Gives probabilities, of shape (n_rows, n_classes): they tell more of what a feature is worth.
    personal : collection of str
        Columns of which no value may be kept.
    """
    most = max(_ANSWERED, CELLS // max(1, features.shape[1]))
    sketched = _some(features, most)
    notes = [f"{most:,} of {len(features):,} rows, from everywhere"] if len(sketched) < len(features) else []
    profile = learn(sketched, personal)
    if answer is None or not len(features):
        return replace(profile, notes=tuple(notes))
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # of feature names and the like: they have been shown where the model was fitted
        try:
            profile = _with_answers(profile, features, answer, notes)
            profile = replace(profile, importance=_importance(features, chances or answer, notes))
        except Exception as error:  # whatever a model makes of its own rows: its columns can be watched all the same
            notes.append(f"what it answers is not known: {in_words(error)}")
    return replace(profile, notes=tuple(notes))


def in_words(error: Exception) -> str:
    """Say in a line what a model or a library has raised, without what it quotes: that may be anybody's."""
    said = re.sub(r"""'[^']*'|"[^"]*"|`[^`]*`""", "…", " ".join(str(error).split()))
    return f"{type(error).__name__}: {said[:120]}" if said else type(error).__name__


def named(answers: Any) -> pd.DataFrame:
    """Name the columns of answers as the log does: ``prediction``, or ``prediction_0`` … of several."""
    frame = pd.DataFrame(answers)
    if isinstance(answers, pd.DataFrame):
        names = [f"prediction_{name}" for name in frame.columns]
    else:
        names = [f"prediction_{place}" for place in range(frame.shape[1])]
    frame.columns = ["prediction"] if frame.shape[1] == 1 else names
    return frame


def _with_answers(profile: Profile, features: pd.DataFrame, answer: Answer, notes: list[str]) -> Profile:
    probed = _some(features, _PROBED)
    start = time.perf_counter()
    answer(probed)
    each = (time.perf_counter() - start) / len(probed)
    rows = int(min(_ANSWERED, max(_PROBED, _SECONDS / max(each, 1e-9))))
    asked = _some(features, rows)
    if len(asked) < len(features):
        notes.append(
            f"what it usually answers is known by {len(asked):,} of the {len(features):,} rows that it was trained on"
        )
    return profile.with_answers(learn(named(answer(asked))))


def _importance(features: pd.DataFrame, answer: Answer, notes: list[str]) -> dict[str, float]:
    """Give the share of the answers that hang on each feature: how far they move when it is shuffled.

    It is the reliance of Fisher, Rudin and Dominici (2019), with the model's own answers in place of the truth: nothing
    but its rows is needed, and a feature that it ignores is worth exactly nothing.
    """
    names, rows = list(features.columns), _some(features, _SHUFFLED)
    if not 2 <= len(names) <= _MOST_FEATURES or len(rows) < _LEAST:
        return {}
    chance = np.random.default_rng(0)
    start = time.perf_counter()
    base = answer(rows)
    each = time.perf_counter() - start
    if each * len(names) > _SECONDS:
        rows = _some(rows, max(_LEAST, int(len(rows) * _SECONDS / each / len(names))))
        base = answer(rows)
    worth: dict[str, float] = {}
    for place, name in enumerate(names):
        if time.perf_counter() - start > 3 * _SECONDS:
            notes.append("what each feature is worth is not known: the model answers too slowly to be asked")
            return {}
        shuffled = rows.copy()
        shuffled.isetitem(place, rows.iloc[chance.permutation(len(rows)), place].array)
        worth[str(name)] = _apart(base, answer(shuffled))
    total = sum(worth.values())
    return {name: round(value / total, 6) for name, value in worth.items()} if total else {}


def _apart(before: Any, after: Any) -> float:
    """Say how far answers have moved: numbers by their mean distance, names by how many are others."""
    one, other = (np.asarray(each) for each in (before, after))
    if one.dtype.kind not in "fiu" or (one.dtype.kind in "iu" and one.ndim == 1):
        return float(np.mean(one != other))
    return float(np.nanmean(np.abs(one.astype(float) - other.astype(float))))


def _some(frame: pd.DataFrame, most: int) -> pd.DataFrame:
    if len(frame) <= most:
        return frame
    return frame.iloc[np.linspace(0, len(frame) - 1, most).round().astype(np.int64)]
