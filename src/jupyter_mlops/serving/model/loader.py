"""Load a model that can't run code of its author.

mlflow itself is not imported: it takes seconds and hundreds of megabytes, and its loader runs what a
model folder names. Three shapes are accepted here: scikit-learn and lightgbm as skops, of types we know,
and xgboost in its own format.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from ... import mlmodel
from ...errors import InvalidUsage
from ...estimators import load_estimator, load_pickle
from .columns import RequestRefused
from .example import request_like
from .formats import read_request
from .signature import Rows, Signature

ALONE: Final = frozenset({
    # Their answer to a row hangs on the rows beside it: by a draw, by a fit that starts anew, by a shared scale.
    "DummyClassifier", "MiniBatchNMF", "MiniBatchSparsePCA", "NMF", "SparsePCA",
    # Products of matrices that are summed in another order for more rows: numbers differ by more than 1e-12.
    "GaussianProcessClassifier", "GaussianProcessRegressor", "KernelPCA", "KernelRidge", "Nystroem", "RBFSampler",
    "DictionaryLearning", "MiniBatchDictionaryLearning", "SparseCoder",
    # They don't answer a row with a row.
    "PatchExtractor",
})  # fmt: skip
"""What is never asked for several requests at once, each found by ``tests/tracking/test_every_estimator.py``."""


@dataclass(frozen=True)
class LoadedModel:
    """A model that is ready to answer.

    Parameters
    ----------
    predict : callable
        Takes checked rows (``signature.inputs.frame(...)``), returns the predictions.
    signature : Signature
    input_example : DataFrame, array or None
        The rows that were logged with the model, checked; for warming up and for a smoke test.
    request : dict
        A request of one row, for people to begin with.
    mlflow_version, sklearn_version : str
        What wrote the model; ``"unknown"`` where it does not say, as xgboost's and lightgbm's don't.
    method : str
        The method of the estimator that answers.
    answers_rows_alike : bool
        Whether a row gets the same answer alone and among others; see ``ALONE``.
    takes_arrays : bool
        Whether it answers the same for an array as for a frame of doubles: scikit-learn spends a millisecond on
        looking a frame over, whose names and types have been checked by then.
    """

    predict: Callable[[Rows], Any]
    signature: Signature
    input_example: Rows | None
    mlflow_version: str
    sklearn_version: str
    method: str
    takes_arrays: bool = False
    answers_rows_alike: bool = True
    request: Mapping[str, Any] = field(default_factory=dict)


def load_model(folder: Path, *, pickles: bool = False) -> LoadedModel:
    """Load a downloaded MLflow model.

    Parameters
    ----------
    folder : Path
        Where its ``MLmodel`` file is.
    pickles : bool
        Whether a pickle is loaded, which runs code of its author: where the project's own key has signed these files.

    Raises
    ------
    UntrustedModel
        Where it is anything but a model of scikit-learn or lightgbm, written as skops, of trusted types only,
        or of xgboost in its own format.
    InvalidUsage
        Where it has no signature, or has no method that could answer.
    MissingDependency
        Where xgboost or lightgbm is not installed here.
    """
    model = mlmodel.read(folder, pickles=pickles)
    if model.method is None:
        raise InvalidUsage("The estimator has no predict and no transform: it can't answer for new rows.")
    signature = Signature.parse(model.said.get("signature"))
    estimator = load_pickle(model.file) if model.is_pickle else load_estimator(model.library, model.flavor, model.file)
    if not callable(predict := getattr(estimator, model.method, None)):
        kind = type(estimator).__name__
        raise InvalidUsage(f"{kind} can't answer by {model.method}: it has no such method.", mlmodel.HINT)
    logged = _logged_example(folder, model.said)
    example = _input_example(logged, signature)
    return LoadedModel(
        predict=predict,
        signature=signature,
        input_example=example,
        request=request_like(signature.inputs.told(), logged),
        mlflow_version=str(model.said.get("mlflow_version") or "unknown"),
        sklearn_version=str(model.flavor.get("sklearn_version") or "unknown"),
        method=model.method,
        takes_arrays=_same_for_arrays(predict, example),
        answers_rows_alike=not any(kind.__name__ in ALONE for kind in _kinds(estimator)),
    )


def _kinds(estimator: object) -> set[type]:
    """Collect the kinds of estimators that one is made of, fitted ones among them."""
    kinds: set[type] = set()
    seen: set[int] = set()
    left: list[object] = [estimator]
    while left:
        part = left.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, BaseEstimator):
            kinds.add(type(part))
            left += vars(part).values()
        elif isinstance(part, dict):
            left += part.values()
        elif isinstance(part, list | tuple) or (isinstance(part, np.ndarray) and part.dtype == object):
            left += list(part)
    return kinds


def _same_for_arrays(predict: Callable[[Rows], Any], example: Rows | None) -> bool:
    """Try whether an estimator answers an array as it answers a frame: one that picks columns by name does not.

    Names and their order are checked for every request, so there is nothing that the frame says and the array does not.
    """
    if not isinstance(example, pd.DataFrame) or not all(dtype == np.float64 for dtype in example.dtypes):
        return False
    try:
        by_frame = predict(example)
    except ValueError:
        return False  # an example that its own model refuses says nothing
    try:
        by_array = predict(example.to_numpy())
    except Exception:  # whatever a model does with what it was not made for
        return False
    return type(by_frame) is type(by_array) and isinstance(by_array, np.ndarray) and np.array_equal(by_frame, by_array)


def _logged_example(folder: Path, said: Mapping[str, Any]) -> bytes | None:
    info = said.get("saved_input_example_info")
    if not isinstance(info, Mapping) or not info.get("serving_input_path"):
        return None
    return mlmodel.inside(folder, info["serving_input_path"]).read_bytes()


def _input_example(logged: bytes | None, signature: Signature) -> Rows | None:
    if logged is None:
        return None
    try:
        return read_request(logged, None, signature.inputs)
    except RequestRefused as refusal:
        raise InvalidUsage(f"It can't be tried on its own input example: {refusal.message}", mlmodel.HINT) from None
