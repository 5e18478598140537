"""Model files on the server, with signature and example: skops or a library's own format, never a pickle."""

from __future__ import annotations

import logging
import sys
import tempfile
import warnings
from collections.abc import Collection, Mapping
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import signing
from ..errors import InvalidUsage, writing_to
from ..frames import as_frame
from ..trust import LIGHTGBM_TYPES, TRUSTED_TYPES
from . import experiments, profiles
from .adapter import Mlflow
from .examples import without_people
from .fluent import quiet

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

_REQUIREMENTS = ("scikit-learn", "skops", "numpy", "pandas", "scipy")
_EXAMPLE_ROWS = 3


def log_model(
    mlflow: Mlflow, run: Any, estimator: Any, fitted_on: Any, personal: Collection[str] = (), target: Any = None
) -> str:
    """Store an estimator with a run, and the profile of what it was fitted on beside it.

    Parameters
    ----------
    mlflow : Mlflow
    run : mlflow.entities.Run
    estimator : object
        A fitted scikit-learn estimator, a booster of xgboost or lightgbm, or a ``mlflow.pyfunc.PythonModel``.
    fitted_on : DataFrame or array of shape (n_samples, n_features), optional
        What it was fitted on; the signature and the example are taken from it.
    personal : collection of str
        The columns whose values may not stand in the example.
    target : array-like, optional
        What it was to predict, where that is known.

    Returns
    -------
    str
        The id of the logged model.

    Raises
    ------
    InvalidUsage
        Where it can't be stored in a form that is safe to load.
    """
    with writing_to(Path(tempfile.gettempdir())), tempfile.TemporaryDirectory(prefix="mlops-model-") as folder:
        path = Path(folder) / "model"
        save(estimator, path, fitted_on, run_id=run.info.run_id, personal=personal)
        tags = {"mlops.class": type(estimator).__name__}
        profile, method = None, None if not_served(estimator) else method_of(estimator)
        try:
            profile = profiles.make(estimator, fitted_on, method, personal, target)
        except InvalidUsage as error:  # it can be used all the same, and monitoring says why there is none
            tags[profiles.WITHOUT] = error.message
        model_id = store(mlflow, run, path, tags)
    if profile is not None:
        profiles.write(mlflow, run.info.run_id, model_id, profile)
    return model_id


def store(mlflow: Mlflow, run: Any, path: Path, tags: Mapping[str, str]) -> str:
    """Store the files of a model with a run, and give the id of the logged model."""
    tags = {**tags, signing.DIGEST: signing.digest(path)}
    logged = mlflow.write(
        "create_logged_model", run.info.experiment_id, name="model", source_run_id=run.info.run_id, tags=tags
    )
    try:
        mlflow.write("log_model_artifacts", logged.model_id, str(path))
    except BaseException:
        mlflow.write("finalize_logged_model", logged.model_id, "FAILED")
        raise
    mlflow.write("finalize_logged_model", logged.model_id, "READY")
    output = experiments.entities().LoggedModelOutput(model_id=logged.model_id, step=0)
    mlflow.write("log_outputs", run.info.run_id, [output])
    return str(logged.model_id)


def save(estimator: Any, path: Path, fitted_on: Any, run_id: str | None = None, personal: Collection[str] = ()) -> None:
    """Write an estimator as an MLflow model into a new folder.

    Raises
    ------
    InvalidUsage
        Where it is of none of these kinds, or is made of types that can't be loaded safely.
    """
    from mlflow.exceptions import MlflowException
    from skops.io.exceptions import UnsupportedTypeException, UntrustedTypesFoundException

    kind = type(estimator).__name__
    if not (hasattr(estimator, "get_params") or is_booster(estimator) or _is_pyfunc(estimator)):
        raise InvalidUsage(
            f"A {kind} can't be logged as a model: it is no scikit-learn estimator, booster or pyfunc.",
            "%mlops log --model ESTIMATOR, or a mlflow.pyfunc.PythonModel around it",
        )
    _refuse_what_the_file_leaves_out(estimator)
    try:
        signature, example = _signature(estimator, fitted_on, personal)
    except Exception as error:  # whatever the estimator makes of rows that are not its own
        raise InvalidUsage(
            f"The {kind} does not take its own data: {' '.join(str(error).split())[:200]}",
            "--data takes what it was fitted on, such as X_train",
        ) from error
    try:
        with warnings.catch_warnings(), quiet(logging.ERROR):
            # MLflow remarks on integer columns and on types of the example; the serving schema takes care of both.
            # It also remarks on an estimator that only clusters what it was fitted on: deploy says so, where it matters.
            warnings.simplefilter("ignore")
            _write(estimator, path, run_id, signature=signature, input_example=example)
    except (
        MlflowException,
        UnsupportedTypeException,
        UntrustedTypesFoundException,
        TypeError,
        AttributeError,
    ) as error:
        reason = _reason(estimator, error)
        raise InvalidUsage(
            f"The {kind} can't be stored so that loading it runs no code: {reason}", _hint(reason)
        ) from error


def _write(estimator: Any, path: Path, run_id: str | None, **settings: Any) -> None:
    """Write the files by MLflow's own flavor for the library that the estimator is of."""
    from mlflow.models import Model

    library = _library(estimator)
    settings["mlflow_model"] = Model(run_id=run_id)
    # Written down here, not found out: MLflow would load the model in a new process, 4 to 7 s.
    settings["pip_requirements"] = requirements(library)
    trusted = LIGHTGBM_TYPES if library == "lightgbm" else TRUSTED_TYPES
    as_skops = {"serialization_format": "skops", "skops_trusted_types": sorted(trusted)}
    if _is_pyfunc(estimator):
        import mlflow.pyfunc

        settings["pip_requirements"] = requirements("mlflow")
        mlflow.pyfunc.save_model(path, python_model=estimator, **settings)
    elif library == "xgboost":
        import mlflow.xgboost

        mlflow.xgboost.save_model(estimator, path, model_format="ubj", **settings)
    elif library == "lightgbm":
        import mlflow.lightgbm

        as_text: dict[str, Any] = {}  # a booster has a text format of its own
        form = as_text if is_booster(estimator) else as_skops
        mlflow.lightgbm.save_model(estimator, path, **form, **settings)
    else:
        import mlflow.sklearn

        answers_by = method_of(estimator) or "predict"
        mlflow.sklearn.save_model(estimator, path, pyfunc_predict_fn=answers_by, **as_skops, **settings)


def _library(estimator: Any) -> str:
    """Name the library by whose flavor an estimator is stored; a class that somebody has derived is not of it."""
    if is_booster(estimator):
        return type(estimator).__module__.partition(".")[0]
    return {"xgboost.sklearn": "xgboost", "lightgbm.sklearn": "lightgbm"}.get(
        type(estimator).__module__, "scikit-learn"
    )


def is_booster(model: Any) -> bool:
    """Tell whether a model is what ``xgboost.train`` or ``lightgbm.train`` gives."""
    return f"{type(model).__module__}.{type(model).__qualname__}" in ("xgboost.core.Booster", "lightgbm.basic.Booster")


def _is_pyfunc(model: Any) -> bool:
    """Tell whether a model is somebody's own ``mlflow.pyfunc.PythonModel``; where MLflow has not loaded it, there is none."""
    pyfunc = sys.modules.get("mlflow.pyfunc")
    return pyfunc is not None and isinstance(model, pyfunc.PythonModel)


def not_served(model: Any) -> str:
    """Say why a model can be logged and registered, but not served; empty where it can be."""
    if is_booster(model):
        return "a native Booster is registered, but not served: XGBClassifier, LGBMRegressor and their like are"
    if _is_pyfunc(model):
        return f"{type(model).__name__} is registered, but not served: to load a PythonModel runs code of its author"
    return ""


def requirements(library: str = "scikit-learn") -> list[str]:
    """Pin what a stored model of a library needs to be loaded again."""
    found = []
    if library != "scikit-learn":  # asked of the module itself: xgboost comes by several packages
        found.append(f"{library}=={sys.modules[library].__version__}")
    for name in _REQUIREMENTS:
        try:
            found.append(f"{name}=={version(name)}")
        except PackageNotFoundError:  # pragma: no cover - all of them are dependencies of ours
            continue
    return found


def _signature(estimator: Any, fitted_on: Any, personal: Collection[str]) -> tuple[ModelSignature | None, Any]:
    """Infer the signature from what the estimator was fitted on and what it answers to the first rows."""
    rows = _rows(fitted_on)
    if rows is None:
        return None, None
    from mlflow.models import infer_signature

    example = rows[:_EXAMPLE_ROWS]
    method = method_of(estimator)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of integer columns, which "can't" have missing values
        if _is_pyfunc(estimator):  # it may need a context that is only there once it is loaded
            return infer_signature(rows), None
        ask = partial(_answers, estimator, method) if method else None
        signature = infer_signature(rows, ask(example) if ask else None)
        return signature, without_people(example, personal, ask)


def _answers(estimator: Any, method: str, rows: Any) -> Any:
    if is_booster(estimator) and _library(estimator) == "xgboost":
        rows = sys.modules["xgboost"].DMatrix(rows)
    return getattr(estimator, method)(rows)


def _rows(fitted_on: Any) -> Any:
    """Take tables as they are, and lists and series (of texts, say) as arrays; what no signature tells of is left out."""
    if fitted_on is None:
        return None
    import numpy as np

    if hasattr(fitted_on, "tocsr"):  # sparse: MLflow does not know all kinds of it, and requests are dense
        return fitted_on.tocsr()[:_EXAMPLE_ROWS].toarray()
    if len(getattr(fitted_on, "shape", ())) == 2:
        is_arrow = hasattr(fitted_on, "__arrow_c_stream__") and not hasattr(fitted_on, "iloc")
        return as_frame(fitted_on) if is_arrow else fitted_on  # MLflow tells nothing of polars and pyarrow
    try:
        array = np.asarray(fitted_on)
    except ValueError:  # lists of several lengths, such as the labels of MultiLabelBinarizer
        return None
    if array.dtype.kind in "OT":  # pandas' and Python's strings; anything else in there is no signature of MLflow's
        array = array.astype(str) if all(isinstance(value, str) for value in array.flat) else array
    return array if array.ndim and array.dtype.kind in "biufU" else None


def method_of(estimator: Any) -> str | None:
    """Name the method that answers: ``predict``, of a transformer ``transform``, of a density ``score_samples``."""
    return next((name for name in ("predict", "transform", "score_samples") if hasattr(estimator, name)), None)


def _refuse_what_the_file_leaves_out(estimator: Any) -> None:
    """Refuse a model that would not predict the same once it is loaded again."""
    if _library(estimator) != "xgboost" or is_booster(estimator):
        return
    import pandas as pd

    if not pd.isna(estimator.missing):
        raise InvalidUsage(
            f"xgboost's file of a model does not say that {estimator.missing} stands for a missing value.",
            "put NaN in its place, in the data and for new rows, and leave out missing=",
        )


def _reason(estimator: Any, error: Exception) -> str:
    """Name the types that are not trusted, where that is the reason."""
    import skops.io

    trusted = LIGHTGBM_TYPES if _library(estimator) == "lightgbm" else TRUSTED_TYPES
    try:
        untrusted = set(skops.io.get_untrusted_types(data=skops.io.dumps(estimator))) - trusted
    except RecursionError:
        return "it refers to itself, which skops can't write."
    except Exception as failure:  # skops has more to say than MLflow, which names no cause
        return " ".join(str(failure).split())[:200]
    return f"it holds {', '.join(sorted(untrusted))}." if untrusted else " ".join(str(error).split())[:200]


def _hint(reason: str) -> str:
    if "xgboost." in reason or "lightgbm." in reason:
        return "store the xgboost or lightgbm estimator alone, fitted on what the steps before it give, or --no-model"
    return "use estimators and functions of scikit-learn, or --no-model to run without storing it"
