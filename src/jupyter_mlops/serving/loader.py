"""Load a model that can't run code of its author.

mlflow itself is not imported: it takes seconds and hundreds of megabytes, and its loader runs what a
model folder names. Only one shape is accepted here: scikit-learn, as skops, of types we know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import skops.io
import yaml
from sklearn.base import BaseEstimator

from ..errors import InvalidUsage, UntrustedModel
from ..trust import TRUSTED_TYPES
from .columns import RequestRefused
from .formats import read_request
from .signature import Rows, Signature

# Methods that take rows and nothing else, and change nothing.
_METHODS: Final = frozenset(
    {
        "predict",
        "predict_proba",
        "predict_log_proba",
        "predict_joint_log_proba",
        "decision_function",
        "score_samples",
        "transform",
    }
)
_PICKLES: Final = frozenset({".pkl", ".pickle", ".joblib", ".cloudpickle", ".dill"})
_CODE: Final = ("code", "model_code_path", "python_model")
_MAX_MLMODEL: Final = 4 * 1024 * 1024  # 4 MB are 50,000 columns; more is meant to choke the reader
_HINT: Final = "log the model again from its notebook, which writes skops: %mlops log --model clf --data X_train"


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
    mlflow_version, sklearn_version : str
        What wrote the model; ``"unknown"`` where it does not say.
    method : str
        The method of the estimator that answers.
    """

    predict: Callable[[Rows], Any]
    signature: Signature
    input_example: Rows | None
    mlflow_version: str
    sklearn_version: str
    method: str


def load_model(folder: Path) -> LoadedModel:
    """Load a downloaded MLflow model.

    Parameters
    ----------
    folder : Path
        Where its ``MLmodel`` file is.

    Raises
    ------
    UntrustedModel
        Where it is anything but a scikit-learn model, written as skops, of trusted types only.
    InvalidUsage
        Where it has no signature, or has no method that could answer.
    """
    _refuse_links_and_pickles(folder)
    mlmodel = _read_mlmodel(folder)
    file, method, sklearn_version = _check_flavors(folder, mlmodel)
    signature = Signature.parse(mlmodel.get("signature"))
    estimator = _load_skops(file)
    if not callable(predict := getattr(estimator, method, None)):
        raise InvalidUsage(f"{type(estimator).__name__} can't answer by {method}: it has no such method.", _HINT)
    return LoadedModel(
        predict=predict,
        signature=signature,
        input_example=_input_example(folder, mlmodel, signature),
        mlflow_version=str(mlmodel.get("mlflow_version") or "unknown"),
        sklearn_version=sklearn_version,
        method=method,
    )


def _refuse_links_and_pickles(folder: Path) -> None:
    if not folder.is_dir():
        raise UntrustedModel(f"{folder} is no folder of a model.", _HINT)
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if path.is_symlink():
            raise UntrustedModel(f"The model holds a symbolic link ({name}), which may lead anywhere.", _HINT)
        if path.suffix.lower() in _PICKLES:
            raise UntrustedModel(f"The model holds a pickle ({name}), which runs code when it is loaded.", _HINT)


def _read_mlmodel(folder: Path) -> Mapping[str, Any]:
    file = _inside(folder, "MLmodel")
    if file.stat().st_size > _MAX_MLMODEL:
        raise UntrustedModel("The MLmodel file is larger than any real one.", _HINT)
    try:
        mlmodel = yaml.safe_load(file.read_text("utf-8"))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UntrustedModel("The MLmodel file is no valid YAML.", _HINT) from error
    if not isinstance(mlmodel, Mapping):
        raise UntrustedModel("The MLmodel file holds no mapping.", _HINT)
    return mlmodel


def _check_flavors(folder: Path, mlmodel: Mapping[str, Any]) -> tuple[Path, str, str]:
    flavors = mlmodel.get("flavors")
    if isinstance(flavors, Mapping) and set(flavors) == {"sklearn"}:
        raise InvalidUsage("The estimator has no predict and no transform: it can't answer for new rows.")
    if not isinstance(flavors, Mapping) or set(flavors) != {"python_function", "sklearn"}:
        names = ", ".join(map(str, flavors)) if isinstance(flavors, Mapping) else "none"
        raise UntrustedModel(f"Only scikit-learn models are served; the flavors of this one: {names}.", _HINT)
    sklearn, pyfunc = flavors["sklearn"], flavors["python_function"]
    if not isinstance(sklearn, Mapping) or not isinstance(pyfunc, Mapping):
        raise UntrustedModel("The flavors in the MLmodel file are no mappings.", _HINT)
    if code := [key for key in _CODE if sklearn.get(key) or pyfunc.get(key)]:
        raise UntrustedModel(f"The model brings code of its own ({code[0]}), which would run here.", _HINT)
    if (module := pyfunc.get("loader_module")) != "mlflow.sklearn":
        raise UntrustedModel(f"The model wants to be loaded by {module!r} instead of mlflow.sklearn.", _HINT)
    if (written := sklearn.get("serialization_format")) != "skops":
        raise UntrustedModel(f"The model is written as {written!r}, which runs code when it is loaded.", _HINT)
    method = pyfunc.get("predict_fn", "predict")
    if not isinstance(method, str) or method not in _METHODS:
        raise UntrustedModel(f"The model wants to answer by {method!r}, which is no method that predicts.", _HINT)
    file = _inside(folder, sklearn.get("pickled_model"))
    if pyfunc.get("model_path") != sklearn.get("pickled_model"):
        raise UntrustedModel("The two flavors in the MLmodel file name different model files.", _HINT)
    return file, method, str(sklearn.get("sklearn_version") or "unknown")


def _load_skops(file: Path) -> Any:
    # skops fails on a damaged file in as many ways as zip, JSON and NumPy have; all mean the same here.
    try:
        untrusted = set(skops.io.get_untrusted_types(file=file))
        # What the MLmodel file says is trusted is not looked at: a hostile file names its own types.
        if foreign := sorted(untrusted - TRUSTED_TYPES):
            raise UntrustedModel(f"The model holds types that are not trusted: {', '.join(foreign[:5])}.", _HINT)
        estimator = skops.io.load(file, trusted=sorted(untrusted))
    except UntrustedModel:
        raise
    except Exception as error:
        raise UntrustedModel(f"{file.name} is damaged, or no skops file ({type(error).__name__}).", _HINT) from error
    if not isinstance(estimator, BaseEstimator):
        raise UntrustedModel(f"{file.name} holds no estimator of scikit-learn.", _HINT)
    return estimator


def _input_example(folder: Path, mlmodel: Mapping[str, Any], signature: Signature) -> Rows | None:
    info = mlmodel.get("saved_input_example_info")
    if not isinstance(info, Mapping) or not info.get("serving_input_path"):
        return None
    body = _inside(folder, info["serving_input_path"]).read_bytes()
    try:
        return read_request(body, None, signature.inputs)
    except RequestRefused:
        return None  # an example that its own model would refuse is of no use, and no danger


def _inside(folder: Path, name: object) -> Path:
    """Resolve a name from the MLmodel file, which may only lead to a file inside the folder."""
    path = PurePosixPath(str(name))
    if (
        not isinstance(name, str)
        or "\\" in name
        or ":" in name
        or "\0" in name
        or path.is_absolute()
        or ".." in path.parts
    ):
        raise UntrustedModel(f"The MLmodel file names a path outside the model: {name!r}.", _HINT)
    file = folder / path
    if not file.is_file():
        raise UntrustedModel(f"The model has no {path} file.", _HINT)
    return file
