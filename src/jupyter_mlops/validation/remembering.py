"""The performance on test data, kept with the profile of the version: what its later performance is held against."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from ..backend import profiles
from ..errors import MlopsError
from ..statistics.performance.reference import Reference
from ..workspace import Workspace
from .checks import CantSay
from .model.subject import Model
from .privacy import words

_MOST_ROWS: Final = 30_000  # from everywhere: a share is known to 0.003 by them (one standard error)


def remember(workspace: Workspace, subject: Model) -> str:
    """Keep what the model was worth on its test data, in place of what was known; say so, or why not.

    The profile is written whole, in one file, when all is reckoned; of an estimator that is no version nothing is kept.
    """
    if not subject.candidate.run_id or (place := profiles.place_of(subject.candidate)) is None:
        return ""
    try:
        profile = profiles.of_version(workspace.mlflow, subject.candidate)
        if profile is None:
            return "not kept for monitoring: the version was stored without a profile"
        reference = reference_of(subject)
        profiles.write(workspace.mlflow, *place, replace(profile, performance=reference.to_dict()))
    except MlopsError as error:  # the report is what was asked for
        return f"not kept for monitoring: {error.message}"
    except CantSay as error:
        return f"not kept for monitoring: {error}"
    told = f", which can't be estimated without labels: {reference.untrusted}" if reference.untrusted else ""
    kept = f"the performance on {reference.rows:,} rows{told}"
    return f"{kept} (of the training data, which flatters)" if reference.source == "train" else kept


def reference_of(subject: Model) -> Reference:
    """Learn the reference of what has been tried."""
    answers = subject.answers
    places = np.arange(len(subject))
    if len(places) > _MOST_ROWS:
        places = np.linspace(0, len(subject) - 1, _MOST_ROWS).round().astype(np.int64)
    chances = getattr(answers, "chances", None)
    features = subject.inputs[subject.features].iloc[places].reset_index(drop=True)
    found = Reference.learn(
        subject.y[places],
        answers.labels[places],
        chances=None if chances is None else np.asarray(chances)[places],
        features=features,
        classes=list(answers.classes_) if subject.classifies else None,
        task="classifier" if subject.classifies else "regressor",
        source="train" if subject.digest and subject.digest in subject.trained_on else "test",
        personal=[*subject.marked, *_of_people(features)],
    )
    if found.source == "train":
        from ..statistics.performance.training import FLATTERS

        return replace(found, untrusted=FLATTERS, corrections=(), expected=None)
    return found


def _of_people(features: pd.DataFrame) -> list[str]:
    """List texts that are named as those of people are, though nobody has marked them."""
    return [
        str(name)
        for name in features.columns
        if not pd.api.types.is_numeric_dtype(features[name])
        and (words.says_anything(str(name)) or words.may_name_people(str(name)))
    ]
