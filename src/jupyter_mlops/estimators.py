"""Load the estimator of a model file; nothing in the file can run code of its author.

Who serves a model asks here, and who validates one.
"""

from __future__ import annotations

import gc
import importlib
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

import skops.io
from sklearn.base import BaseEstimator

from . import mlmodel
from .errors import UntrustedModel

# Where models keep the name of a method of a part of theirs, which they call with the rows.
_NAME_METHODS: Final = ("stack_method_", "chain_method_", "response_method", "_response_method")


def load_estimator(library: str, flavor: Mapping[str, Any], file: Path) -> BaseEstimator:
    """Load the estimator alone; ``flavor`` is what the MLmodel file says of it.

    Raises
    ------
    UntrustedModel
    MissingDependency
    """
    mlmodel.refuse_foreign(library, flavor, file)
    with mlmodel.damage_is_told(library, file):
        return _load_xgboost(file, flavor) if library == "xgboost" else _load_skops(file, mlmodel.trusted(library))


def load_pickle(file: Path) -> BaseEstimator:
    """Load a pickle, which runs code of its author: only one that is trusted, by the signature of its version."""
    with mlmodel.damage_is_told("pickle", file), file.open("rb") as opened:
        estimator = pickle.load(opened)  # noqa: S301 - the project's own key has signed it
    if not isinstance(estimator, BaseEstimator):
        raise UntrustedModel(f"{file.name} holds no estimator of scikit-learn.", mlmodel.HINT)
    return estimator


def _load_skops(file: Path, trusted: frozenset[str]) -> BaseEstimator:
    gc.freeze()  # what is alive already is not the model's
    try:
        estimator = skops.io.load(file, trusted=sorted(trusted))
        _refuse_misuse(gc.get_objects())
    finally:
        gc.unfreeze()
    if not isinstance(estimator, BaseEstimator):
        raise UntrustedModel(f"{file.name} holds no estimator of scikit-learn.", mlmodel.HINT)
    return estimator


def _refuse_misuse(parts: list[Any]) -> None:
    """Refuse a model whose parts are all trusted, and put together to read or write files.

    Stacking calls a method by the name that its file gives, on whatever its file holds: an array's ``tofile``
    would write one. A vectorizer may take texts for names of files. The parts are those that the garbage collector
    knows, since a model can hide them from a walk through it, but not from Python.
    """
    for part in parts:
        if not str(type(part).__module__).startswith("sklearn."):
            continue
        attributes = getattr(part, "__dict__", {})
        for said in filter(attributes.__contains__, _NAME_METHODS):
            names = attributes[said] if type(attributes[said]) in (list, tuple) else [attributes[said]]
            if not all(type(name) is str and (name in mlmodel.METHODS or name == "auto") for name in names):
                raise UntrustedModel(f"The model calls, by its {said}, what is no method that predicts.", mlmodel.HINT)
        if type(source := attributes.get("input", "content")) is not str or source != "content":
            raise UntrustedModel("The model takes its texts from files that a request would name.", mlmodel.HINT)


def _load_xgboost(file: Path, flavor: Mapping[str, Any]) -> BaseEstimator:
    kind = str(flavor["model_class"]).rpartition(".")[2]
    estimator = getattr(importlib.import_module("xgboost.sklearn"), kind)()
    estimator.load_model(file)
    return cast("BaseEstimator", estimator)
