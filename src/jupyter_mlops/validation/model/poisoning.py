"""Has somebody turned labels of the training data: rows whose neighbours agree on another one."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Final

import numpy as np

from ..catalogues import MODEL
from ..checks import CantSay, NotApplicable
from ..data import share
from ..findings import Finding
from .answers import Array
from .scores import columns_as_numbers
from .security import at_least
from .subject import Model

_NEIGHBOURS: Final = 10
_AGREE: Final = 8  # of them
# Classes that overlap have such rows too, and more of those whose neighbours disagree: at most 0.31 of the one to the other
# in simulations of two classes (logistic, 5 scales, 2 and 5 features); labels turned in one of 20 rows give 0.28 to 1.
_OVERLAP: Final = 0.35
_MOST: Final = 20_000
_CELLS: Final = 2_000_000
_LEAST: Final = 50
_SHOWN: Final = 50
_FOLDS: Final = 5
_UNLIKELY: Final = 0.1  # as for the labels of data, in DP007


@MODEL.check(
    "MV103",
    "Labels that were turned",
    "A few labels turned on purpose make a model answer as somebody wants; it shows no error where nobody looks.",
)
def turned(model: Model) -> Iterator[Finding | str]:
    """Hold the label of each training row against those of the rows most like it, itself left out."""
    if model.train is None:
        raise NotApplicable("The training data is not given: --train.")
    if not model.classifies:
        raise NotApplicable("It predicts numbers: there are no labels to turn.")
    if len(model.train) < _LEAST:
        raise CantSay(f"There are {len(model.train)} rows of training data, and it takes {_LEAST}.")
    if lacking := [name for name in model.features if name not in model.train.columns]:
        raise CantSay(f"The training data lacks {', '.join(lacking[:5])}.")
    numbers, rows = _numbers(model)
    labels = model.target_of(model.train)[rows]
    names, codes = np.unique(labels, return_inverse=True)
    if len(names) < 2:
        raise CantSay("The target of the training data has one class only.")
    said, is_odd, unclear = _odd(numbers, codes, len(names))
    count, limit = int(is_odd.sum()), model.limits.security.turned
    low = at_least(is_odd, model.limits.confidence)
    seen = (
        f"{share(count, len(rows))} labels are other than those of {_AGREE} or more of their {_NEIGHBOURS} nearest rows"
    )
    if low <= limit or count <= _OVERLAP * unclear:
        doubted = is_odd & _disputed(numbers, codes) if low > limit / 2 else np.zeros_like(is_odd)
        if at_least(doubted, model.limits.confidence) <= limit / 2:
            yield f"{seen}{', as where classes overlap' if low > limit else ''}."
            return
        is_odd, limit = doubted, limit / 2
        count, low = int(is_odd.sum()), at_least(is_odd, model.limits.confidence)
        seen = f"{seen}; {share(count, len(rows))} are disputed by a linear model that has not seen them, too"
    (now, instead), most = Counter(zip(codes[is_odd].tolist(), said[is_odd].tolist(), strict=True)).most_common(1)[0]
    places = model.train_places[rows[is_odd]][:_SHOWN].tolist()
    yield Finding(
        "warning",
        f"{seen}; {limit:.0%} may be. Of these {most:,} are {names[now]} among {names[instead]}.",
        f"look who has changed them: train.iloc[{places[:5]}]",
        (model.target_name,), {"rows": places, "count": count, "low": low},
    )  # fmt: skip


def _odd(numbers: Array, codes: Array, classes: int) -> tuple[Array, Array, int]:
    """Give what the neighbours of each row say, whether they agree on another label than its own, and how many don't agree.

    Only those classes are believed whose neighbourhoods hold others half as often as all rows do: where the features tell
    nothing of a rare class, its rows all lie among others.
    """
    from sklearn.neighbors import NearestNeighbors

    near = NearestNeighbors(n_neighbors=_NEIGHBOURS).fit(numbers).kneighbors(return_distance=False)
    votes = np.stack([(codes[near] == each).sum(axis=1) for each in range(classes)], axis=1)
    said, agree = votes.argmax(axis=1), votes.max(axis=1) >= _AGREE
    unclear = int((~agree).sum())
    others = 1 - np.bincount(codes, minlength=classes) / len(codes)
    for each in range(classes):
        among = agree & (said == each)
        if among.any() and (codes[among] != each).mean() > others[each] / 2:
            agree &= said != each
    return said, agree & (said != codes), unclear


def _disputed(numbers: Array, codes: Array) -> Array:
    """Say which labels a linear model disputes that has not seen them (confident learning; Northcutt et al., 2021).

    Of 5 labels in 100 that were turned in scikit-learn's bundled sets it disputes 3 to 4, and of those hardly any that is right;
    of classes that overlap at most 1.8 in 100, in simulations. So half as many of these as of the others are told.
    """
    from cleanlab.filter import find_label_issues
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    if np.bincount(codes).min() < _FOLDS:
        return np.zeros(len(codes), dtype=bool)
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a model that has not quite converged
        said = cross_val_predict(LogisticRegression(max_iter=300), numbers, codes, cv=folds, method="predict_proba")
        found = find_label_issues(codes, said, filter_by="both", n_jobs=1)
    return np.asarray(found & (said[np.arange(len(codes)), codes] < _UNLIKELY))


def _numbers(model: Model) -> tuple[Array, Array]:
    """Take the features as numbers, of all rows or of as many as can be compared."""
    assert model.train is not None
    frame = model.train[model.features]
    rows = np.arange(len(frame))
    most = min(_MOST, max(_LEAST, _CELLS // max(1, frame.shape[1])))
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(0).choice(rows, most, replace=False))
    try:
        found = columns_as_numbers().fit_transform(frame.iloc[rows])
    except (ValueError, TypeError) as error:
        raise CantSay(f"The features can't be compared: {' '.join(str(error).split())[:150]}") from None
    dense = np.asarray(found.toarray() if hasattr(found, "toarray") else found, dtype=float)
    if dense.shape[1] == 0:
        raise NotApplicable("No feature can be compared.")
    return dense, rows
