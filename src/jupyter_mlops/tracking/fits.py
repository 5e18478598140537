"""Which estimator was fitted last, and on what: seen where scikit-learn's ``fit`` is called."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from ..backend import fluent
from .kept import Kept, keep

_BOOSTING = ("xgboost", "lightgbm")
_METHODS = ("fit", "fit_predict", "fit_transform", "partial_fit")

# A fit that one of these asks for is a step of theirs (a fold of a cross-validation, a tree of a forest, a baseline of a
# report on data), not the user's.
_INNER = frozenset({"sklearn", "joblib", "threading", "concurrent", "jupyter_mlops"})


@dataclass(frozen=True)
class Fit:
    """An estimator, and the features and the target it was fitted on, as they were then."""

    estimator: Any
    features: Kept | None
    target: Kept | None = None


class Fits:
    """Watch the fits of a while; afterwards ``last`` is the one that counts.

    Every class of scikit-learn's ``BaseEstimator`` is watched, the user's own and those of other
    libraries included, and those that are first imported in the meantime; and the functions ``train`` of
    xgboost and lightgbm, which give a native booster.
    """

    def __init__(self) -> None:
        self._any: Fit | None = None
        self._predictor: Fit | None = None
        self._replaced: list[tuple[Any, str, Any]] = []

    @property
    def last(self) -> Fit | None:
        """The last fit of something that predicts; else the last fit of anything.

        After a search (``GridSearchCV`` …) it is the best estimator found.
        """
        fit = self._predictor or self._any
        best = getattr(fit.estimator, "best_estimator_", None) if fit else None
        return Fit(best, fit.features, fit.target) if fit and best is not None else fit

    def __enter__(self) -> Fits:
        from sklearn.base import BaseEstimator

        for cls in {BaseEstimator, *_subclasses(BaseEstimator)}:
            self._watch(cls)
        self._watch_new(BaseEstimator)
        _watching.append(self)
        for library in _BOOSTING:
            if module := sys.modules.get(library):
                self._watch_train(module)
            else:
                _tell_of(library)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _watching.remove(self)
        for cls, name, original in reversed(self._replaced):
            if original is None:
                delattr(cls, name)
            else:
                setattr(cls, name, original)
        self._replaced.clear()

    def _watch(self, cls: type) -> None:
        for name in _METHODS:
            original = cls.__dict__.get(name)
            # Descriptors (scikit-learn's available_if) hand on to a method that is watched itself.
            if callable(original) and not isinstance(original, type):
                self._replace(cls, name, self._noting(original))

    def _watch_new(self, base: type) -> None:
        inherited = base.__init_subclass__

        def watch(cls: type, /, **kwargs: Any) -> None:
            inherited.__func__(cls, **kwargs)  # type: ignore[attr-defined]
            self._watch(cls)

        self._replace(base, "__init_subclass__", classmethod(watch))

    def _watch_train(self, module: Any) -> None:
        original = module.train

        @functools.wraps(original)
        def train(*args: Any, **kwargs: Any) -> Any:
            booster = original(*args, **kwargs)
            self._any = self._predictor = Fit(booster, None)  # its data are in a form of the library's own
            return booster

        self._replace(module, "train", train)

    def _replace(self, cls: Any, name: str, new: Any) -> None:
        self._replaced.append((cls, name, cls.__dict__.get(name)))
        setattr(cls, name, new)

    def _note(self, estimator: Any, features: Any, target: Any) -> None:
        predicts = hasattr(estimator, "predict")
        if predicts or self._predictor is None:  # else it does not count, and its data need not be kept
            self._any = Fit(estimator, keep(features), keep(target))
        if predicts:
            self._predictor = self._any

    def _noting(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def fit(estimator: Any, *args: Any, **kwargs: Any) -> Any:
            answer = original(estimator, *args, **kwargs)
            if _caller().partition(".")[0] not in _INNER:
                features = args[0] if args else kwargs.get("X")
                self._note(estimator, features, args[1] if len(args) > 1 else kwargs.get("y"))
            return answer

        return fit


_watching: list[Fits] = []


@functools.cache
def _tell_of(library: str) -> None:
    """Let whoever watches know when a library is imported; for good, as nobody can be told to stop."""

    def watch(module: Any) -> None:
        for fits in _watching:
            fits._watch_train(module)

    fluent.when_imported(library, watch)


def label(estimator: Any) -> str:
    """Name an estimator for people: its class with what was set, ``SVC(C=10)``; of a pipeline its steps."""
    steps = getattr(estimator, "steps", None)
    if isinstance(steps, list):
        return " → ".join(step if isinstance(step, str) else label(step) for _, step in steps)
    if not hasattr(estimator, "get_params"):  # a booster: its repr is an address
        return f"{type(estimator).__module__.partition('.')[0]} {type(estimator).__name__}"
    # scikit-learn's own repr leaves out what is at its default.
    return " ".join(repr(estimator).split()).removesuffix("()")[:120]


def _caller() -> str:
    """Name the module that called ``fit``, past MLflow's own wrapping of it."""
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "mlflow":
        frame = frame.f_back
    return str(frame.f_globals.get("__name__", ""))


def _subclasses(cls: type[Any]) -> Iterator[type[Any]]:
    for subclass in cls.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)
