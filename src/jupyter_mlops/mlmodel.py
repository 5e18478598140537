"""The folder of a model as MLflow writes it, read as if its author meant harm; nothing is loaded here.

Three shapes are trusted: scikit-learn and lightgbm as skops, of types we know, and xgboost in its own format.
Who serves a model asks here, and who takes one in from elsewhere.
"""

from __future__ import annotations

import contextlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from .errors import MissingDependency, MlopsError, UntrustedModel
from .trust import LIGHTGBM_TYPES, TRUSTED_TYPES

# Methods that take rows and nothing else, and change nothing.
METHODS: Final = frozenset(
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
HINT: Final = "log the model again from its notebook, which writes skops: %mlops log --model clf --data X_train"

_NO_BOOSTER: Final = "fit XGBClassifier, LGBMRegressor or one of their like, in place of train(…)"

# Which key of the library's flavor, and which of python_function, names the file with the model.
_FILE_OF: Final = {
    "sklearn": ("pickled_model", "model_path"),
    "xgboost": ("data", "data"),
    "lightgbm": ("data", "data"),
}
_XGBOOST: Final = frozenset(
    f"xgboost.sklearn.XGB{kind}" for kind in ("Classifier", "RFClassifier", "Regressor", "RFRegressor", "Ranker")
)
# What skops restores numbers, texts and arrays by, and what holds them.
_PLAIN: Final = frozenset(
    {
        "DefaultDictNode",
        "DictNode",
        "JsonNode",
        "ListNode",
        "NdArrayNode",
        "RandomStateNode",
        "TupleNode",
        "TypeNode",
    }
)
_PICKLES: Final = frozenset({".pkl", ".pickle", ".joblib", ".cloudpickle", ".dill"})
_CODE: Final = ("code", "model_code_path", "python_model")
_MAX_MLMODEL: Final = 4 * 1024 * 1024  # 4 MB are 50,000 columns; more is meant to choke the reader
_MAX_RATIO: Final = 200  # skops does not pack at all; what unpacks to more than this is meant to choke, too
_SMALL: Final = 1_000_000


@dataclass(frozen=True)
class ModelFile:
    """What an ``MLmodel`` file says, checked.

    Attributes
    ----------
    library : str
        ``sklearn``, ``xgboost`` or ``lightgbm``.
    file : Path
        The one that holds the model.
    method : str or None
        The method that answers; ``None`` of an estimator that has none, such as one that only clusters.
    flavor, said : dict
        What is said of the library's flavor, and in all.
    is_pickle : bool
        Whether it runs code when it is loaded.
    """

    library: str
    file: Path
    method: str | None
    flavor: Mapping[str, Any]
    said: Mapping[str, Any]
    is_pickle: bool = False


def read(folder: Path, *, pickles: bool = False) -> ModelFile:
    """Read what a model is, and which file holds it.

    Parameters
    ----------
    folder : Path
    pickles : bool
        Whether a pickle of scikit-learn is taken, too: that is for who trusts whoever has written it.

    Raises
    ------
    UntrustedModel
        Where it has none of the three shapes, brings code or a pickle, or leads out of its folder.
    """
    _refuse_links_and_pickles(folder, pickles=pickles)
    said = _read_mlmodel(folder)
    flavors = said.get("flavors")
    names = list(flavors) if isinstance(flavors, Mapping) else []
    library = next((name for name in _FILE_OF if name in names), None)
    if library is None or set(names) not in ({"python_function", library}, {"sklearn"}):
        raise UntrustedModel(
            "Only models of scikit-learn, xgboost and lightgbm are served, since others run code of their author; "
            f"the flavors of this one: {', '.join(map(str, names)) or 'none'}.",
            HINT,
        )
    assert isinstance(flavors, Mapping)
    flavor, pyfunc = flavors[library], flavors.get("python_function", {})
    if not isinstance(flavor, Mapping) or not isinstance(pyfunc, Mapping):
        raise UntrustedModel("The flavors in the MLmodel file are no mappings.", HINT)
    if code := [key for key in _CODE if flavor.get(key) or pyfunc.get(key)]:
        raise UntrustedModel(f"The model brings code of its own ({code[0]}), which would run here.", HINT)
    if str(flavor.get("model_class", "")).endswith(".Booster"):
        raise UntrustedModel(f"A native Booster of {library} is not served or exported.", _NO_BOOSTER)
    written = flavor.get("serialization_format")
    is_pickle = pickles and library == "sklearn" and written in ("pickle", "cloudpickle")
    if library != "xgboost" and written != "skops" and not is_pickle:
        raise UntrustedModel(f"The model is written as {written!r}, which runs code when it is loaded.", HINT)
    of_flavor, of_pyfunc = _FILE_OF[library]
    method = _method(library, pyfunc) if "python_function" in flavors else None
    file = inside(folder, flavor.get(of_flavor))
    if method and pyfunc.get(of_pyfunc) != flavor.get(of_flavor):
        raise UntrustedModel("The two flavors in the MLmodel file name different model files.", HINT)
    return ModelFile(library, file, method, flavor, said, is_pickle)


def refuse_foreign(library: str, flavor: Mapping[str, Any], file: Path) -> None:
    """Refuse a model file that names types which are not trusted; which ones it trusts itself is not looked at.

    Raises
    ------
    UntrustedModel
    MissingDependency
        Where the library is not installed here.
    """
    if library == "xgboost":
        named = flavor.get("model_class")
        if not isinstance(named, str) or named not in _XGBOOST or file.suffix not in (".json", ".ubj"):
            raise UntrustedModel(f"The model is a {named} in {file.name}: that is not served.", HINT)
        return
    import skops.io

    with damage_is_told(library, file):
        _refuse_bomb(file)
        if library == "lightgbm":
            _refuse_company(file)
        if foreign := sorted(set(skops.io.get_untrusted_types(file=file)) - trusted(library)):
            raise UntrustedModel(f"The model holds types that are not trusted: {', '.join(foreign[:5])}.", HINT)


def trusted(library: str) -> frozenset[str]:
    """Give the types that a skops file of a library may name."""
    return LIGHTGBM_TYPES if library == "lightgbm" else TRUSTED_TYPES


@contextlib.contextmanager
def damage_is_told(library: str, file: Path) -> Iterator[None]:
    """Say of any error within that the model file is damaged, or that its library is missing."""
    # Damaged files fail in as many ways as zip, JSON, NumPy and boosters have; all mean the same here.
    try:
        yield
    except MlopsError:
        raise
    except ImportError as error:
        raise MissingDependency(f"The model needs {error.name}, which is not installed here.") from error
    except Exception as error:
        kind = {"xgboost": "xgboost file", "pickle": "pickle"}.get(library, "skops file")
        raise UntrustedModel(f"{file.name} is damaged, or no {kind} ({type(error).__name__}).", HINT) from error


def inside(folder: Path, name: object) -> Path:
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
        raise UntrustedModel(f"The MLmodel file names a path outside the model: {name!r}.", HINT)
    file = folder / path
    if not file.is_file():
        raise UntrustedModel(f"The model has no {path} file.", HINT) from FileNotFoundError(file)
    return file


def _refuse_links_and_pickles(folder: Path, *, pickles: bool) -> None:
    if not folder.is_dir():
        raise UntrustedModel(f"{folder} is no folder of a model.", HINT)
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if path.is_symlink():
            raise UntrustedModel(f"The model holds a symbolic link ({name}), which may lead anywhere.", HINT)
        if path.suffix.lower() in _PICKLES and not pickles:
            raise UntrustedModel(f"The model holds a pickle ({name}), which runs code when it is loaded.", HINT)


def _read_mlmodel(folder: Path) -> Mapping[str, Any]:
    import yaml

    file = inside(folder, "MLmodel")
    if file.stat().st_size > _MAX_MLMODEL:
        raise UntrustedModel("The MLmodel file is larger than any real one.", HINT)
    try:
        said = yaml.safe_load(file.read_text("utf-8"))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UntrustedModel("The MLmodel file is no valid YAML.", HINT) from error
    if not isinstance(said, Mapping):
        raise UntrustedModel("The MLmodel file holds no mapping.", HINT)
    return said


def _method(library: str, pyfunc: Mapping[str, Any]) -> str:
    if (module := pyfunc.get("loader_module")) != f"mlflow.{library}":
        raise UntrustedModel(f"The model wants to be loaded by {module!r} instead of mlflow.{library}.", HINT)
    method = pyfunc.get("predict_fn", "predict")
    if not isinstance(method, str) or method not in METHODS:
        raise UntrustedModel(f"The model wants to answer by {method!r}, which is no method that predicts.", HINT)
    return method


def _refuse_bomb(file: Path) -> None:
    with zipfile.ZipFile(file) as archive:
        unpacked = sum(info.file_size for info in archive.infolist())
    if unpacked > max(_SMALL, _MAX_RATIO * file.stat().st_size):
        raise UntrustedModel(f"{file.name} would unpack to {unpacked:,} bytes, as a bomb does.", HINT)


def _refuse_company(file: Path) -> None:
    """Refuse a lightgbm file in which a booster could be called, and not only restored."""
    with zipfile.ZipFile(file) as archive:
        schema = json.loads(archive.read("schema.json"))
    for node in _nodes(schema):
        name, loader = f"{node['__module__']}.{node['__class__']}", node["__loader__"]
        plain = loader in _PLAIN and name.partition(".")[0] in ("builtins", "collections", "numpy")
        if not plain and not (loader == "ObjectNode" and name in LIGHTGBM_TYPES):
            raise UntrustedModel(f"{name} ({loader}) has no place in a model of lightgbm.", HINT)


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict) and "__loader__" in tree:
        yield tree
    if isinstance(tree, dict | list):
        for branch in tree.values() if isinstance(tree, dict) else tree:
            yield from _nodes(branch)
